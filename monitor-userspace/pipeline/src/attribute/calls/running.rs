//! A tool call of which something is still running.

use std::{collections::BTreeSet, sync::Arc};

use super::{Call, effects::Effects};
use crate::record::{Exit, ProcessId, State, Text, ToolCall, ToolCallState};

/// Processes of one tool call that are known to run at once; of more, the end of the call is told with its first process alone.
pub(super) const PROCESSES: usize = 4096;

/// Processes that a record names as left behind; of more, how many there are.
const BACKGROUND: usize = 16;

#[derive(Clone, Debug)]
pub(super) struct Running {
    pub(super) call: Arc<Call>,
    /// It began before the observation.
    pub(super) is_before: bool,
    pub(super) command: Option<(Text, State)>,
    pub(super) cwd: Option<Text>,
    pub(super) clients: Vec<String>,
    /// How its first process ended, and when.
    pub(super) exit: Option<(Exit, u64)>,
    /// Those that have not ended.
    pub(super) alive: BTreeSet<ProcessId>,
    /// All that there were.
    pub(super) processes: u64,
    pub(super) effects: Effects,
}

impl Running {
    pub(super) fn new(call: Arc<Call>) -> Self {
        let alive = BTreeSet::from([call.root]);
        let (cwd, clients, effects) = (None, Vec::new(), Effects::default());
        Self { call, is_before: false, command: None, cwd, clients, exit: None, alive, processes: 1, effects }
    }

    pub(super) fn joined(&mut self, process: ProcessId) {
        self.processes += 1;
        if self.alive.len() < PROCESSES {
            self.alive.insert(process);
        }
    }

    pub(super) fn left(&mut self, process: ProcessId) {
        self.alive.remove(&process);
    }

    /// Whether nothing of it runs any more.
    pub(super) fn is_left(&self) -> bool {
        self.alive.is_empty()
    }

    pub(super) fn body(&self, state: ToolCallState, boot_ns: u64) -> ToolCall {
        let (command, command_state) = match &self.command {
            Some((command, state)) => (Some(command.clone()), *state),
            None => (None, State::NotAsked),
        };
        let mut body = ToolCall {
            state,
            begun_before: self.is_before,
            command,
            command_state,
            cwd: self.cwd.clone(),
            within: self.call.within.as_ref().map(|call| call.id.to_string()),
            clients: self.clients.clone(),
            ..ToolCall::default()
        };
        if state == ToolCallState::Started {
            return body;
        }
        if let Some((exit, _)) = &self.exit {
            (body.code, body.signal) = (exit.code, exit.signal.clone());
        }
        body.duration_ns = Some(boot_ns.saturating_sub(self.call.started_ns));
        body.processes = self.processes;
        body.background = self.alive.iter().copied().take(BACKGROUND).collect();
        body.further_background = self.alive.len().saturating_sub(BACKGROUND) as u64;
        self.effects.tell(&mut body);
        body
    }
}
