//! What happened, by kind. The order of the fields is the order in the JSON.

mod change;
mod environment;
mod file;
mod host;
mod network;
mod observation;
mod process;
mod tool_call;

pub use change::{Change, Pair, Readlink};
pub use environment::{Getenv, GetenvKind};
pub use file::{Access, Open, OpenFlags, ResolveFlags, Stat};
pub use host::HostCall;
pub use network::{Connect, Direction, Dns, Name, NameSource, Socket, Traffic};
pub use observation::{Binary, Loss, Neighbour, Session, SessionState};
pub use process::{Exec, Exit, Fork, Namespaces};
pub use tool_call::{ToolCall, ToolCallState};

use super::{Kind, fields};
use crate::input::{Gap, Hook};

/// Declares the bodies: the variant of the kind, and the type that its JSON has.
macro_rules! bodies {
    ($($(#[$doc:meta])* $variant:ident($type:ty),)*) => {
        /// The body of a record.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $variant($type),)*
        }

        impl Body {
            /// The kind.
            #[must_use]
            pub const fn kind(&self) -> Kind {
                match self {
                    $(Self::$variant(_) => Kind::$variant,)*
                }
            }

            /// Adds the body to an object, under the [`Kind::key`] of its kind.
            ///
            /// # Errors
            ///
            /// The serializer's own.
            pub(super) fn entry<M: serde::ser::SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
                match self {
                    $(Self::$variant(body) => map.serialize_entry(self.kind().key(), body),)*
                }
            }

            /// The body as JSON.
            ///
            /// # Errors
            ///
            /// None is known.
            pub fn to_json(&self) -> serde_json::Result<serde_json::Value> {
                match self {
                    $(Self::$variant(body) => serde_json::to_value(body),)*
                }
            }

            /// The body of a kind from its JSON.
            ///
            /// # Errors
            ///
            /// The JSON is none of this kind.
            pub(super) fn from_json(kind: Kind, json: serde_json::Value) -> serde_json::Result<Self> {
                match kind {
                    $(Kind::$variant => serde_json::from_value(json).map(Self::$variant),)*
                }
            }
        }

        impl Kind {
            /// The fields of the body as its type tells them.
            fn told(self) -> &'static [&'static str] {
                match self {
                    $(Self::$variant => fields::of::<$type>(),)*
                }
            }
        }
    };
}

impl Kind {
    /// The names of the fields that the body of this kind can have.
    #[must_use]
    pub fn fields(self) -> &'static [&'static str] {
        match self {
            // A type of which a part is flattened reads a map, and tells no fields.
            Self::Coverage => &Hook::FIELDS,
            _ => self.told(),
        }
    }
}

bodies! {
    /// A process was made.
    Fork(Fork),
    /// A program was executed; boxed, because it is large and rare.
    Exec(Box<Exec>),
    /// A process ended.
    Exit(Exit),
    /// A process changed who it is.
    Identity(Box<HostCall>),
    /// A file was opened, or not.
    Open(Open),
    /// A link was read, or not.
    Readlink(Readlink),
    /// A file was looked at.
    Stat(Stat),
    /// A file was renamed.
    Rename(Box<Pair>),
    /// A file got another name.
    Link(Box<Pair>),
    /// A symbolic link was made.
    Symlink(Box<Pair>),
    /// A file or a folder was removed.
    Unlink(Change),
    /// A folder or a special file was made.
    Mkdir(Change),
    /// Permissions were changed.
    Chmod(Change),
    /// An owner was changed.
    Chown(Change),
    /// A file was cut or lengthened.
    Truncate(Change),
    /// A socket was connected, or not.
    Connect(Connect),
    /// A socket got an address.
    Bind(Socket),
    /// A socket waits for connections.
    Listen(Socket),
    /// A connection was accepted.
    Accept(Socket),
    /// Bytes were sent or received.
    Traffic(Box<Traffic>),
    /// A name server was asked, or answered.
    Dns(Box<Dns>),
    /// The name of an endpoint.
    Name(Box<Name>),
    /// A variable was looked up.
    Getenv(Getenv),
    /// A fact about the host was asked for.
    Metadata(Box<HostCall>),
    /// Something that deserves attention.
    Attention(Box<HostCall>),
    /// A tool call is known, or has ended.
    ToolCall(Box<ToolCall>),
    /// A session began or ended.
    Session(Session),
    /// Events were lost.
    Loss(Box<Loss>),
    /// A hook is attached, or not.
    Coverage(Box<Hook>),
    /// Something was not observed.
    Gap(Box<Gap>),
}

const fn is_false(value: &bool) -> bool {
    !*value
}
