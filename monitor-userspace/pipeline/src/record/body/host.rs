//! Calls about the host, the process itself, and others.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::record::text::{State, Text};

/// A call that changes who a process is, asks for facts about the host, or deserves attention.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostCall {
    /// The name of the system call.
    pub call: Cow<'static, str>,
    /// What it was about, in the words of its manual page: flags, a request, a signal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<Cow<'static, str>>,
    /// The process that it was about, initial pid namespace; absent where that is the caller itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// `pid` is the number that the process has in the caller's own pid namespace, which is not the initial one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub pid_is_local: bool,
    /// The absolute path, as the kernel resolved it; with the state `unresolved` what was asked for, below the folder that it
    /// started from.
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
    /// The other string: the source of a mount, where a mount or the root was, the type of a key, what a request to an
    /// io_uring renames or links.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Text>,
    /// How `from` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub from_state: State,
    /// The endpoint that a request to an io_uring names: an IP address with its port, or the path of a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<Text>,
    /// What the call returned: a value, or a negative errno; absent where that is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
}
