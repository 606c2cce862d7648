//! Sessions: each one life of an agent.

use std::{borrow::Cow, sync::Arc};

use crate::record::{Agent, ProcessId, SessionState, Text};

/// Sessions that are alive at once; of more, the end is not recorded.
const SESSIONS: usize = 1024;

/// The name of what `run` started and no agent is.
pub(crate) const COMMAND: &str = "command";

/// A session.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Life {
    pub(crate) agent: Arc<Agent>,
    pub(crate) root: ProcessId,
    pub(crate) started_ns: u64,
    /// `exe`, `package` or `run`.
    pub(crate) known_by: Cow<'static, str>,
    /// Where its first process worked: what lies below is the project.
    pub(crate) project: Option<Text>,
    /// The tool call, of another session, in which it works.
    pub(crate) within: Option<Arc<str>>,
}

/// A session began or ended.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) state: SessionState,
    pub(crate) life: Arc<Life>,
}

/// The sessions that are alive.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sessions {
    live: Vec<Arc<Life>>,
    pub(crate) changes: Vec<Change>,
}

impl Sessions {
    /// Begins a session.
    pub(crate) fn begin(&mut self, life: Life) -> Arc<Life> {
        let life = Arc::new(life);
        if self.live.len() < SESSIONS {
            self.live.push(Arc::clone(&life));
        }
        self.changes.push(Change { state: SessionState::Started, life: Arc::clone(&life) });
        life
    }

    /// Ends the sessions that a process is the first of.
    pub(crate) fn end(&mut self, root: ProcessId) {
        let changes = &mut self.changes;
        self.live.retain(|life| {
            let ends = life.root == root;
            if ends {
                changes.push(Change { state: SessionState::Ended, life: Arc::clone(life) });
            }
            !ends
        });
    }

    /// Those with a name.
    pub(crate) fn named(&self, name: &str) -> impl Iterator<Item = &Arc<Life>> {
        self.live.iter().filter(move |life| life.agent.name == name)
    }

    pub(crate) fn live(&self) -> &[Arc<Life>] {
        &self.live
    }

    /// Takes a session that is known to be alive.
    pub(crate) fn resume(&mut self, life: Arc<Life>) {
        if self.live.len() < SESSIONS {
            self.live.push(life);
        }
    }
}

/// The agent of a session, which its first process tells from others.
pub(crate) fn agent(name: &str, root: ProcessId) -> Agent {
    Agent { name: name.to_owned(), session: format!("{name}-{root}"), root_pid: root.pid }
}
