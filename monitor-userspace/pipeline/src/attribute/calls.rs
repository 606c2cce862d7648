//! Tool calls: what an agent starts to carry out one action, from the first program to the last process that is left of it.

mod effects;
mod resume;
mod running;

use std::sync::Arc;

use super::session::Life;
use crate::{
    hash::Map,
    record::{Body, Exit, ProcessId, State, Text, ToolCall, ToolCallState},
};
pub use effects::Effects;
pub(crate) use effects::is_one as is_effect;
use running::Running;

/// Tool calls that are followed at once. When one more begins, the one that began first is told as it is, and followed no
/// longer; its processes keep its id.
pub(crate) const CALLS: usize = 1024;

/// Tool calls within each other whose processes are counted in all of them; those that are further out end with their own
/// processes.
const DEPTH: usize = 16;

/// What the processes of a tool call share.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Call {
    /// The identity of its first process, as text.
    pub(crate) id: Arc<str>,
    pub(crate) root: ProcessId,
    /// When its first program was executed, boot clock, nanoseconds; of one that began before the observation, when its first
    /// process was made.
    pub(crate) started_ns: u64,
    /// The tool call in which the agent itself works.
    pub(crate) within: Option<Arc<Call>>,
}

impl Call {
    /// The roots of this tool call and of those around it, the innermost first.
    fn roots(&self) -> impl Iterator<Item = ProcessId> {
        std::iter::successors(Some(self), |call| call.within.as_deref()).take(DEPTH).map(|call| call.root)
    }
}

/// How a tool call begins.
#[derive(Debug)]
pub(crate) struct Begin {
    pub(crate) root: ProcessId,
    pub(crate) started_ns: u64,
    /// That was before the observation.
    pub(crate) is_before: bool,
    pub(crate) within: Option<Arc<Call>>,
    pub(crate) cwd: Option<Text>,
    /// The sessions for which a daemon may do it.
    pub(crate) clients: Vec<String>,
}

/// Something to tell of a tool call.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) call: Arc<Call>,
    pub(crate) boot_ns: u64,
    pub(crate) body: ToolCall,
}

/// The tool calls that are followed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls {
    /// By first process.
    running: Map<ProcessId, Box<Running>>,
    told: Vec<Told>,
    /// Those that were resumed, by number.
    resumed: Vec<Arc<Call>>,
}

impl Calls {
    /// A tool call begins; nothing is told of it before its command is known.
    pub(crate) fn begin(&mut self, begin: Begin) -> Arc<Call> {
        if self.running.len() >= CALLS {
            let first = self.running.values().min_by_key(|running| (running.call.started_ns, running.call.root));
            if let Some(root) = first.map(|running| running.call.root) {
                self.tell(root, ToolCallState::Unfinished, begin.started_ns);
                self.running.remove(&root);
            }
        }
        let Begin { root, started_ns, is_before, within, cwd, clients } = begin;
        let call = Arc::new(Call { id: Arc::from(root.to_string()), root, started_ns, within });
        self.running.insert(root, Box::new(Running { is_before, cwd, clients, ..Running::new(Arc::clone(&call)) }));
        call
    }

    /// Whether a tool call waits for its command.
    pub(crate) fn waits(&self, root: ProcessId) -> bool {
        self.running.get(&root).is_some_and(|running| running.command.is_none())
    }

    /// The command of a tool call is known.
    pub(crate) fn command(&mut self, root: ProcessId, command: &Text, state: State, now_ns: u64) {
        let Some(running) = self.running.get_mut(&root) else { return };
        // In memory of its own: it outlives the raw record.
        running.command = Some((command.detached(), state));
        let at_ns = if running.is_before { now_ns } else { running.call.started_ns };
        self.tell(root, ToolCallState::Started, at_ns);
    }

    /// A process of a tool call was made, which is one of those around it too.
    pub(crate) fn joined(&mut self, call: &Call, process: ProcessId) {
        for root in call.roots() {
            if let Some(running) = self.running.get_mut(&root) {
                running.joined(process);
            }
        }
    }

    /// A process of a tool call has ended.
    pub(crate) fn left(&mut self, call: &Call, process: ProcessId, exit: &Exit, now_ns: u64) {
        for root in call.roots() {
            self.left_one(root, process, exit, now_ns);
        }
    }

    fn left_one(&mut self, root: ProcessId, process: ProcessId, exit: &Exit, now_ns: u64) {
        let Some(running) = self.running.get_mut(&root) else { return };
        running.left(process);
        let was_over = running.exit.is_some();
        if process == root {
            running.exit = Some((exit.clone(), now_ns));
        }
        let (is_over, is_left) = (running.exit.is_some(), running.is_left());
        if is_over && !was_over {
            self.tell(root, ToolCallState::Ended, now_ns);
        } else if is_over && is_left {
            self.tell(root, ToolCallState::Left, now_ns);
        }
        if is_over && is_left {
            self.running.remove(&root);
        }
    }

    /// A process of a tool call did something that is an effect.
    pub(crate) fn did(&mut self, call: &Call, body: &Body, comm: Option<&Text>) {
        if let Some(running) = self.running.get_mut(&call.root) {
            running.effects.take(body, comm);
        }
    }

    /// The observation ends: what still runs is told as it is.
    pub(crate) fn close(&mut self, now_ns: u64) {
        let mut roots: Vec<_> =
            self.running.values().map(|running| (running.call.started_ns, running.call.root)).collect();
        roots.sort_unstable();
        for (_, root) in roots {
            self.tell(root, ToolCallState::Unfinished, now_ns);
        }
        self.running.clear();
    }

    fn tell(&mut self, root: ProcessId, state: ToolCallState, boot_ns: u64) {
        if let Some(running) = self.running.get(&root) {
            let body = running.body(state, boot_ns);
            self.told.push(Told { call: Arc::clone(&running.call), boot_ns, body });
        }
    }

    pub(crate) fn has_told(&self) -> bool {
        !self.told.is_empty()
    }

    pub(crate) fn told(&mut self) -> Vec<Told> {
        std::mem::take(&mut self.told)
    }
}

/// The names of sessions, for a tool call that a daemon may do for them.
pub(crate) fn names(sessions: &[Arc<Life>]) -> Vec<String> {
    sessions.iter().map(|life| life.agent.session.clone()).collect()
}
