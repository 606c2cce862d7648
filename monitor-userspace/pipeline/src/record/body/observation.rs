//! The observation itself.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::record::{Id, Text};

/// Whether a session begins or ends, or what runs in it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// It begins.
    Started,
    /// Its first process has ended.
    Ended,
    /// What its process runs was looked at.
    Identified,
}

/// A session of an agent began or ended, or a file that it runs is known; the record's process is its first one, or the one
/// that runs the file, and the record's agent the session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Which of these.
    pub state: SessionState,
    /// How the agent was known: `exe`, `package`, or `run`.
    pub known_by: Cow<'static, str>,
    /// Nanoseconds that it took, at its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// The file, where it was identified.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binary: Option<Box<Binary>>,
}

/// A file that an agent runs: its program, or the script that its program runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// The absolute path.
    pub path: Text,
    /// The version, where a package, a file beside it or its path tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name of its package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// BLAKE3 of the content, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Bytes of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Why there is no digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
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
    /// From when, boot clock, nanoseconds: the record before it, or the beginning of the observation.
    #[serde(default)]
    pub from_ns: u64,
    /// To when, boot clock, nanoseconds: the record behind it, or the counters that tell of it.
    #[serde(default)]
    pub to_ns: u64,
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
