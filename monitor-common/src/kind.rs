//! What a record can say. Numbers are stable, grouped with gaps, and never reused.

/// The kind of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum Kind {
    /// A process was made by fork, vfork or clone (not a thread).
    Fork = 0x0100,
    /// A process executes a new image.
    Exec = 0x0110,
    /// The last thread of a process has ended.
    Exit = 0x0120,
    /// open, openat, openat2 or creat has returned.
    Open = 0x0200,
    /// connect has returned.
    Connect = 0x0300,
    /// libc's getenv or secure_getenv was called.
    Getenv = 0x0400,
}

/// How many kinds there are: the length of the arrays of [`crate::counters::Counters`].
pub const KINDS: usize = 6;

impl Kind {
    /// Every kind, in the order of its [`Kind::index`]. New kinds are appended.
    pub const ALL: [Self; KINDS] = [Self::Fork, Self::Exec, Self::Exit, Self::Open, Self::Connect, Self::Getenv];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The place of the kind in the counters; always less than [`KINDS`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Fork => 0,
            Self::Exec => 1,
            Self::Exit => 2,
            Self::Open => 3,
            Self::Connect => 4,
            Self::Getenv => 5,
        }
    }

    /// The kind with a number, or `None` for a number that this version does not know.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.number() == number)
    }

    /// The name in records, queries and counters.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork => "fork",
            Self::Exec => "exec",
            Self::Exit => "exit",
            Self::Open => "open",
            Self::Connect => "connect",
            Self::Getenv => "getenv",
        }
    }
}

const _: () = {
    let mut at = 0;
    while at < KINDS {
        assert!(Kind::ALL[at].index() == at);
        at += 1;
    }
};
