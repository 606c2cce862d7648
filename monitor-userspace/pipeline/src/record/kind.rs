//! The kinds of records by name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $name:literal,)*) => {
        /// The kind of a record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Kind {
            $($(#[$doc])* $variant,)*
        }

        impl Kind {
            /// Every kind that this version makes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The name under which a record of the kind has its body in JSON: that of the kind, but for `tool_call`, under
            /// which every record has the id of its tool call.
            #[must_use]
            pub const fn key(self) -> &'static str {
                match self {
                    Self::ToolCall => "tool",
                    _ => self.name(),
                }
            }
        }
    };
}

kinds! {
    /// A process was made.
    Fork "fork",
    /// A process executed a program.
    Exec "exec",
    /// A process ended.
    Exit "exit",
    /// A process changed who it is.
    Identity "identity",
    /// A file was opened, or its opening failed.
    Open "open",
    /// A link was read, or not.
    Readlink "readlink",
    /// A file was looked at.
    Stat "stat",
    /// A file was renamed.
    Rename "rename",
    /// A file got another name.
    Link "link",
    /// A symbolic link was made.
    Symlink "symlink",
    /// A file or a folder was removed.
    Unlink "unlink",
    /// A folder or a special file was made.
    Mkdir "mkdir",
    /// Permissions were changed.
    Chmod "chmod",
    /// An owner was changed.
    Chown "chown",
    /// A file was cut or lengthened.
    Truncate "truncate",
    /// A socket was connected, or its connecting failed.
    Connect "connect",
    /// A socket got an address.
    Bind "bind",
    /// A socket waits for connections.
    Listen "listen",
    /// A connection was accepted.
    Accept "accept",
    /// Bytes were sent or received.
    Traffic "traffic",
    /// A name server was asked, or answered.
    Dns "dns",
    /// The name of an endpoint.
    Name "name",
    /// A variable of the environment was looked up through libc.
    Getenv "getenv",
    /// A fact about the host was asked for.
    Metadata "metadata",
    /// Something that deserves attention.
    Attention "attention",
    /// A tool call is known, or has ended.
    ToolCall "tool_call",
    /// A session of an agent began or ended.
    Session "session",
    /// Events were lost.
    Loss "loss",
    /// A hook is attached, or not.
    Coverage "coverage",
    /// A span in which something was not observed.
    Gap "gap",
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A name that is no kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownKind {
    /// The name.
    pub name: String,
}

impl fmt::Display for UnknownKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no kind of record; known are", self.name)?;
        for (at, kind) in Kind::ALL.iter().enumerate() {
            write!(f, "{} {kind}", if at == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownKind {}

impl FromStr for Kind {
    type Err = UnknownKind;

    fn from_str(name: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name).ok_or_else(|| UnknownKind { name: name.to_owned() })
    }
}
