//! What a record can say. Numbers are stable, grouped with gaps, and never reused.

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $name:literal,)*) => {
        /// The kind of a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Kind {
            $($(#[$doc])* $variant = $number,)*
        }

        /// The kinds by place.
        enum Place {
            $($variant,)*
        }

        /// How many kinds there are: the length of the arrays of [`crate::counters::Counters`].
        pub const KINDS: usize = [$($name),*].len();

        impl Kind {
            /// Every kind, in the order of its [`Kind::index`]. New kinds are appended: recordings hold counters in this order.
            pub const ALL: [Self; KINDS] = [$(Self::$variant),*];

            /// The place of the kind in the counters; always less than [`KINDS`].
            #[must_use]
            pub const fn index(self) -> usize {
                match self {
                    $(Self::$variant => Place::$variant as usize,)*
                }
            }

            /// The name in records, queries and counters.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }
        }
    };
}

kinds! {
    /// A process was made by fork, vfork or clone (not a thread).
    Fork = 0x0100 "fork",
    /// A process executes a new image.
    Exec = 0x0110 "exec",
    /// The last thread of a process has ended.
    Exit = 0x0120 "exit",
    /// open, openat, openat2 or creat has returned.
    Open = 0x0200 "open",
    /// connect has returned.
    Connect = 0x0300 "connect",
    /// libc's getenv or secure_getenv was called.
    Getenv = 0x0400 "getenv",
    /// A process has changed who it is: its session, group, user, capabilities or namespaces.
    Identity = 0x0130 "identity",
    /// readlink or readlinkat has returned.
    Readlink = 0x0210 "readlink",
    /// A call that looks at a file without opening it has returned, or repeats of it were counted.
    Stat = 0x0220 "stat",
    /// rename, renameat or renameat2 has returned.
    Rename = 0x0230 "rename",
    /// link or linkat has returned.
    Link = 0x0231 "link",
    /// symlink or symlinkat has returned.
    Symlink = 0x0232 "symlink",
    /// unlink, unlinkat or rmdir has returned.
    Unlink = 0x0240 "unlink",
    /// mkdir, mkdirat, mknod or mknodat has returned.
    Mkdir = 0x0241 "mkdir",
    /// One of the chmod family has returned.
    Chmod = 0x0250 "chmod",
    /// One of the chown family has returned.
    Chown = 0x0251 "chown",
    /// truncate or ftruncate has returned.
    Truncate = 0x0252 "truncate",
    /// bind has returned.
    Bind = 0x0310 "bind",
    /// listen has returned.
    Listen = 0x0311 "listen",
    /// accept or accept4 has returned.
    Accept = 0x0312 "accept",
    /// A burst of sending or receiving on a socket.
    Traffic = 0x0320 "traffic",
    /// A message to or from a name server.
    Dns = 0x0330 "dns",
    /// The name in the first bytes of a stream.
    Name = 0x0340 "name",
    /// A call that asks for facts about the host has returned.
    Metadata = 0x0500 "metadata",
    /// A call that deserves attention has returned.
    Attention = 0x0600 "attention",
    /// A request was submitted to an io_uring.
    IoUring = 0x0610 "io_uring",
}

/// The number of each kind, by its [`Kind::index`].
pub const KIND_NUMBERS: [u16; KINDS] = {
    let mut numbers = [0; KINDS];
    let mut at = 0;
    while at < KINDS {
        numbers[at] = Kind::ALL[at].number();
        at += 1;
    }
    numbers
};

impl Kind {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The kind with a number, or `None` for a number that this version does not know.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }
}
