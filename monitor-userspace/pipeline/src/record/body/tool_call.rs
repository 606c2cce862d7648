//! Tool calls.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::record::{ProcessId, State, Text};

/// Where a tool call is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToolCallState {
    /// Its command is known.
    #[default]
    Started,
    /// Its first process has ended, which is what the agent waits for.
    Ended,
    /// What it left running has ended too.
    Left,
    /// It is followed no longer, and something of it still runs.
    Unfinished,
}

impl ToolCallState {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Ended => "ended",
            Self::Left => "left",
            Self::Unfinished => "unfinished",
        }
    }
}

/// What an agent started to carry out one action; the record's process is its first one, the record's tool call its id.
///
/// Effects and counts are those up to the record, at most 64 of each sort, each once, in the order in which they came first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Where it is.
    pub state: ToolCallState,
    /// It began before the observation: what it did until then is not among its effects.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub begun_before: bool,
    /// The command that the agent meant, without what it wraps around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Text>,
    /// How `command` came; `not_asked` where no program told it.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub command_state: State,
    /// The working directory at its first program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cwd: Option<Text>,
    /// The tool call of another agent in which this agent works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<String>,
    /// Of a daemon's tool call: the sessions that have connected to the daemon and are alive. With one of them the call is
    /// attributed to it; with more it cannot be told for which one it is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<String>,
    /// The exit code of its first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u8>,
    /// The signal that ended its first process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<Cow<'static, str>>,
    /// Nanoseconds from its first program to the record, of one that began before from when its first process was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// Processes, ended or not, those of tool calls within this one too.
    #[serde(default, skip_serializing_if = "is_none")]
    pub processes: u64,
    /// Programs that were executed, by the names under which they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Text>,
    /// Files that were opened for writing, made, or put in the place of others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub written: Vec<Text>,
    /// Files and folders that were removed or renamed away.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<Text>,
    /// What was connected to, or tried to be: a name or an address with a port, or the path of a unix socket.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoints: Vec<Text>,
    /// Effects that came when the list of their sort was full.
    #[serde(default, skip_serializing_if = "is_none")]
    pub further: u64,
    /// Its processes that still run, at most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub background: Vec<ProcessId>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_none")]
    pub further_background: u64,
}

/// Without it serde has no way to leave out a number.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_none(number: &u64) -> bool {
    *number == 0
}
