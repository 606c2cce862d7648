//! The life of a process.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::event::clone_flags::CloneFlags;
use crate::record::ProcessId;
use crate::record::text::{State, Text};

/// A process was made by fork, vfork or clone; the record's process is the parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fork {
    /// The identity of the child.
    pub child: ProcessId,
    /// The child's pid in the initial namespace.
    pub child_pid: u32,
    /// The flags of clone(2) that were asked for, by name; absent for a plain fork.
    #[serde(default, skip_serializing_if = "CloneFlags::is_empty")]
    pub flags: CloneFlags,
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
    /// The effective user id; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub euid: Option<u32>,
    /// The effective group id, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub egid: Option<u32>,
    /// The session, initial pid namespace: 0 for that of the kernel; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<u32>,
    /// The process group, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pgid: Option<u32>,
    /// What of the executed file gives rights to who executes it: `setuid`, `setgid`, `file capabilities`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub privileges: Vec<Cow<'static, str>>,
    /// The namespaces.
    #[serde(default, skip_serializing_if = "Namespaces::is_unknown")]
    pub namespaces: Namespaces,
    /// The namespaces that differ from those of the first process of the session: `pid`, `user`, `mnt`, `net`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<Cow<'static, str>>,
    /// The cgroup of version 2: the inode number of its folder below `/sys/fs/cgroup`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cgroup: Option<u64>,
}

/// The namespaces of a process by number, as `/proc/PID/ns` shows them; absent where a number could not be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Namespaces {
    /// The pid namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// The user namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<u32>,
    /// The mount namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mnt: Option<u32>,
    /// The network namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub net: Option<u32>,
}

impl Namespaces {
    /// Whether none could be read.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The names of those that are known of both and differ.
    pub fn apart_from(self, other: Self) -> impl Iterator<Item = &'static str> {
        let pairs = [
            ("pid", self.pid, other.pid),
            ("user", self.user, other.user),
            ("mnt", self.mnt, other.mnt),
            ("net", self.net, other.net),
        ];
        let differ = |(name, own, other): (&'static str, Option<u32>, Option<u32>)| {
            (own.is_some() && other.is_some() && own != other).then_some(name)
        };
        pairs.into_iter().filter_map(differ)
    }
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
