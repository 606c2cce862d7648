//! What happened, by kind. The order of the fields is the order in the JSON.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::{
    Id, Kind, ProcessId,
    text::{State, Text},
};
pub use crate::event::flags::OpenFlags;
use crate::input::{Gap, Hook};

/// The body of a record.
#[derive(Clone, Debug, PartialEq)]
pub enum Body {
    /// A process was made.
    Fork(Fork),
    /// A program was executed; boxed, because it is large and rare.
    Exec(Box<Exec>),
    /// A process ended.
    Exit(Exit),
    /// A file was opened, or not.
    Open(Open),
    /// A socket was connected, or not.
    Connect(Connect),
    /// A variable was looked up.
    Getenv(Getenv),
    /// A session began or ended.
    Session(Session),
    /// Events were lost.
    Loss(Box<Loss>),
    /// A hook is attached, or not.
    Coverage(Box<Hook>),
    /// Something was not observed.
    Gap(Box<Gap>),
}

impl Body {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Fork(_) => Kind::Fork,
            Self::Exec(_) => Kind::Exec,
            Self::Exit(_) => Kind::Exit,
            Self::Open(_) => Kind::Open,
            Self::Connect(_) => Kind::Connect,
            Self::Getenv(_) => Kind::Getenv,
            Self::Session(_) => Kind::Session,
            Self::Loss(_) => Kind::Loss,
            Self::Coverage(_) => Kind::Coverage,
            Self::Gap(_) => Kind::Gap,
        }
    }
}

/// A process was made by fork, vfork or clone; the record's process is the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The identity of the child.
    pub child: ProcessId,
    /// The child's pid in the initial namespace.
    pub child_pid: u32,
}

/// A process has executed a program; the record's process is already the new image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exec {
    /// The absolute path of the executed file (`mm->exe_file`): for a script, the interpreter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// How `path` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub path_state: State,
    /// What the caller gave to execve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<Text>,
    /// How `filename` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub filename_state: State,
    /// The arguments. Of an argv longer than 64 KiB its first and its last 32 KiB, joined where it was cut.
    pub argv: Vec<Text>,
    /// How `argv` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub argv_state: State,
    /// Bytes of the whole argv; present when not all of it was carried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub argv_bytes: Option<u32>,
    /// The names of the environment, in its order, without values.
    pub env_names: Vec<Text>,
    /// How `env_names` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub env_names_state: State,
    /// The working directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Text>,
    /// How `cwd` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub cwd_state: State,
    /// File descriptors 0, 1 and 2: a path, `pipe:[inode]`, `socket:[inode]`, the kernel's name for what has no path (such
    /// as `memfd:name`), `closed`, or `unknown`.
    pub stdio: Vec<Text>,
    /// The thread that called execve, where it was not the leader of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub old_tid: Option<u32>,
    /// The real group id.
    pub gid: u32,
}

/// The last thread of a process has ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// The exit code, 0 to 255; absent when a signal ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// The name of the signal that ended it, such as `SIGKILL`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Cow<'static, str>>,
    /// Whether it dumped core.
    #[serde(default, skip_serializing_if = "is_false")]
    pub core_dumped: bool,
    /// Nanoseconds that it lived; absent where its start time is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
}

/// What a descriptor can be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// `O_RDONLY`.
    #[default]
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`, and the access mode 3, which asks for both permissions (open(2)).
    ReadWrite,
    /// `O_PATH`: no content is read.
    Path,
    /// Opened by the kernel to be executed.
    Execute,
}

impl Access {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read_write",
            Self::Path => "path",
            Self::Execute => "execute",
        }
    }

    /// Whether the content can be read through the descriptor.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite | Self::Execute)
    }

    /// Whether the content can be changed through the descriptor.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// open, openat, openat2 or creat has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The absolute path of the opened file. Of a failed call, and where the file has no path, the absolute path that
    /// was asked for, with the state `unresolved`: no symbolic link in it was followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// How `path` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub path_state: State,
    /// What the caller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Text>,
    /// How `requested` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub requested_state: State,
    /// What the descriptor can be used for.
    pub access: Access,
    /// The other flags asked for.
    pub flags: OpenFlags,
    /// The permissions asked for a file that the call may create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The descriptor, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The kernel's name of a file that has no path, such as `memfd:name`; empty for a pipe or a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Text>,
    /// The file had been unlinked, or never linked (`O_TMPFILE`), when its path was read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlinked: bool,
    /// The path ends at the top of a mount that is not under the root of the task, so that it is not absolute there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside_root: bool,
}

/// connect has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// `ipv4`, `ipv6`, `unix`, `netlink`, `unspec`, or `af_N`; absent when the address could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Cow<'static, str>>,
    /// The address; IPv4-mapped IPv6 addresses are kept as they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// How the socket address came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub address_state: State,
    /// The scope (interface index) of an IPv6 address that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path of a unix socket as it was given; an abstract name begins with `@` (unix(7)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// `tcp`, `udp`, or another protocol by name or number; `stream`, `dgram`, … for a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'static, str>>,
    /// 0, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed; `EINPROGRESS` is a connection that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
}

/// How a variable was looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GetenvKind {
    /// One call for one name.
    #[default]
    Lookup,
    /// A burst of calls that covers the environment.
    Enumeration,
}

/// libc's getenv or secure_getenv was called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Getenv {
    /// The name asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// How `name` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub name_state: State,
    /// How it was looked up.
    pub kind: GetenvKind,
    /// Calls that this record stands for.
    pub count: u64,
    /// The function was secure_getenv.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secure: bool,
}

/// Whether a session begins or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It begins.
    Started,
    /// Its first process has ended.
    Ended,
}

/// A session of an agent began or ended; the record's process is its first one, the record's agent the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which of both.
    pub state: SessionState,
    /// How the agent was known: `exe`, `package`, or `run`.
    pub known_by: Cow<'static, str>,
    /// Nanoseconds that it took, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
}

/// A record beside a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Neighbour {
    /// Its id.
    pub id: Id,
    /// Its sequence number on the CPU.
    pub seq: u64,
    /// Its time on the boot clock, nanoseconds.
    pub boot_ns: u64,
}

/// Events that the kernel half saw and that did not arrive.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loss {
    /// How many.
    pub count: u64,
    /// On which CPU; absent for a record that was malformed beyond its header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u16>,
    /// The sequence number of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_seq: Option<u64>,
    /// The sequence number of the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seq: Option<u64>,
    /// The record of the CPU before the loss; absent when the CPU had none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Neighbour>,
    /// The record of the CPU behind the loss; absent when none came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Neighbour>,
    /// The kinds of which the kernel half counted losses on that CPU in that span.
    pub kinds: Vec<Cow<'static, str>>,
    /// The causes that it counted, such as `ring_full`; `malformed` when userspace could not read what arrived.
    pub causes: Vec<Cow<'static, str>>,
}
const fn is_false(value: &bool) -> bool {
    !*value
}
