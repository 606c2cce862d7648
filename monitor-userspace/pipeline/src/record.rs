//! `Record`: the serialized form of an event, one JSON object a line. `docs/events.md` describes every kind.

mod body;
mod fields;
mod id;
mod json;
mod kind;
mod process;
mod text;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub use body::{
    Access, Binary, Body, Change, Connect, Direction, Dns, Exec, Exit, Fork, Getenv, GetenvKind, HostCall, Loss, Name,
    NameSource, Namespaces, Neighbour, Open, OpenFlags, Pair, Readlink, ResolveFlags, Session, SessionState, Socket,
    Stat, ToolCall, ToolCallState, Traffic,
};
pub use id::{Id, Time};
pub use kind::{Kind, UnknownKind};
pub use process::{Image, Process, ProcessId};
pub use text::{State, Text, escape_into};

use crate::enrich::Classes;

/// The version of the contract; it grows when a record changes so that a reader of the older one would misread it.
pub const SCHEMA: u32 = 1;

/// One event in its serialized form.
///
/// Its strings borrow, by reference count, the bytes of the input that it was made from, so that making a record
/// costs no copy; they become text when they are serialized or printed.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// The id, stable in a recording.
    pub id: Id,
    /// The wall-clock time, from the clock anchors of [`crate::input::Opened`].
    pub time: Time,
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub boot_ns: u64,
    /// The process that did it; absent in records about the observation itself.
    pub process: Option<Process>,
    /// The agent that it is attributed to.
    pub agent: Option<Arc<Agent>>,
    /// The id of the tool call that it belongs to.
    pub tool_call: Option<Arc<str>>,
    /// What happened.
    pub body: Body,
    /// A seccomp filter answered the call, which therefore did nothing of its own.
    pub seccomp: bool,
    /// The resource classes touched.
    pub classes: Classes,
}

impl Record {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.body.kind()
    }
}

/// One life of an agent: what a record is attributed to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Agent {
    /// The name in the catalogue; `command` for anything else that was started under observation.
    pub name: String,
    /// The id of the session, made of the name and the identity of its first process.
    pub session: String,
    /// The pid of the first process.
    pub root_pid: u32,
}
