//! The tool calls in the trees: where one begins, whose it is, and what it did.

use std::sync::Arc;

use super::{
    super::{
        calls::{Begin, Call, Told, is_effect, names},
        session::Life,
        table::Entry,
        tools::{Shape, Started},
    },
    Tree,
};
use crate::record::{Body, Connect, Exec, ProcessId, Socket, State, Text};

/// When a program was started.
#[derive(Clone, Copy, Debug)]
struct Since {
    /// When it came to be known, boot clock, nanoseconds.
    now_ns: u64,
    /// When it began, likewise.
    begun_ns: u64,
    /// That was before its process was tracked.
    is_before: bool,
}

/// Whether a secret in a text was replaced; what /proc tells has no state of its own.
fn is_masked(text: &Text) -> bool {
    crate::scrub::mask::masks(text.as_bytes()).next().is_some()
}

impl Tree {
    /// A program was executed: it may be a tool of the agent that made its process, or be the command of a tool call that waits
    /// for it.
    pub(super) fn tool(&mut self, id: ProcessId, exec: &Exec, now_ns: u64) {
        let started = Started {
            exe: exec.path.as_ref().map(Text::as_bytes).unwrap_or_default(),
            argv: &exec.argv,
            argv_state: exec.argv_state,
            env_names: Some(&exec.env_names),
            stdio: &exec.stdio,
            is_awaited: false,
        };
        self.started(id, started, Since { now_ns, begun_ns: now_ns, is_before: false });
    }

    /// A process that ran before it was tracked may be a tool as well. Its variables are not known: they could only be read
    /// together with their values.
    pub(super) fn tool_before(&mut self, id: ProcessId, argv: &[Text], now_ns: u64) {
        let Some(image) = self.get(id).map(|entry| Arc::clone(&entry.image)) else { return };
        let started = Started {
            exe: image.exe.as_ref().map(Text::as_bytes).unwrap_or_default(),
            argv,
            argv_state: if argv.iter().any(is_masked) { State::Masked } else { State::Complete },
            env_names: None,
            stdio: &[],
            is_awaited: false,
        };
        self.started(id, started, Since { now_ns, begun_ns: image.id.start_ns, is_before: true });
    }

    fn started(&mut self, id: ProcessId, started: Started<'_>, since: Since) {
        let Some(entry) = self.table.get(id).filter(|entry| !entry.is_agent) else { return };
        let Some(life) = entry.session.clone() else { return };
        let id_of = |entry: &Entry| entry.call.as_ref().map(|call| call.root);
        let waiting = id_of(entry).filter(|root| self.calls.waits(*root));
        let maker = entry.parent.and_then(|parent| Some((parent, self.get(parent)?)));
        // Its own call is another one than that of the process which made it.
        let maker = maker.filter(|(_, maker)| maker.is_agent && id_of(maker) == id_of(entry));
        if waiting.is_none() && maker.is_none() {
            return;
        }
        let started = Started { is_awaited: waiting.is_some(), ..started };
        let given = maker.and_then(|(_, maker)| maker.environment.as_ref());
        let is_own = |name: &[u8]| given.is_some_and(|given| given.place(name).is_some());
        let Some(shape) = self.catalogue.shape(&life.agent.name, started, is_own) else { return };
        let maker = maker.map(|(maker, _)| maker);
        match (shape, maker) {
            (Shape::Terminal, Some(_)) => {
                if let Some(entry) = self.table.get_mut(id) {
                    (entry.session, entry.call) = (None, None);
                }
            }
            (Shape::Prepares, Some(maker)) => drop(self.begin_call(id, maker, &life, since)),
            (Shape::Begins, Some(maker)) => {
                if self.begin_call(id, maker, &life, since).is_some() {
                    self.is_meant(id);
                }
            }
            (Shape::Command(command, state), Some(maker)) => {
                if let Some(call) = self.begin_call(id, maker, &life, since) {
                    self.calls.command(call.root, &command, state, since.now_ns);
                    self.is_meant(id);
                }
            }
            (Shape::Command(command, state), None) => {
                if let Some(root) = waiting {
                    self.calls.command(root, &command, state, since.now_ns);
                    self.is_meant(id);
                }
            }
            (Shape::Prepares | Shape::Begins | Shape::Terminal, None) => {}
        }
    }

    /// From here on what the process does, and what it starts, is what was meant.
    fn is_meant(&mut self, id: ProcessId) {
        if let Some(entry) = self.table.get_mut(id) {
            entry.is_meant = true;
        }
    }

    /// Begins a tool call whose first process this is. One that a daemon does for a single session is that session's.
    fn begin_call(&mut self, id: ProcessId, maker: ProcessId, life: &Arc<Life>, since: Since) -> Option<Arc<Call>> {
        let is_alive = |life: &Life| self.sessions.live().iter().any(|known| known.root == life.root);
        let clients = self.peers.clients(maker, is_alive);
        let entry = self.table.get_mut(id)?;
        let is_own = |client: &Arc<Life>| client.root == life.root;
        if let [only] = clients.as_slice() {
            entry.session = Some(Arc::clone(only));
        }
        let clients = if clients.iter().all(is_own) { Vec::new() } else { names(&clients) };
        let call = self.calls.begin(Begin {
            root: id,
            started_ns: since.begun_ns,
            is_before: since.is_before,
            within: entry.call.clone(),
            cwd: entry.cwd.clone(),
            clients,
        });
        (entry.call, entry.is_meant) = (Some(Arc::clone(&call)), false);
        Some(call)
    }

    /// A process did something: it may be an effect of its tool call, or tell who works for whom.
    pub(crate) fn did(&mut self, id: ProcessId, body: &Body, is_noise: bool) {
        // Most of what a process does is neither, and is not looked up for it.
        if !is_effect(body) && !matches!(body, Body::Bind(_) | Body::Listen(_)) {
            return;
        }
        let Some(entry) = self.get(id) else { return };
        match body {
            Body::Bind(Socket { path: Some(path), error: None, .. })
            | Body::Listen(Socket { path: Some(path), error: None, .. })
                if entry.is_agent =>
            {
                self.peers.listens(id, path);
            }
            Body::Connect(Connect { path: Some(path), result: 0, .. }) if entry.is_agent => {
                if let Some(life) = entry.session.clone() {
                    let agent_of = |id| Some(self.table.get(id)?.session.as_ref()?.agent.name.clone());
                    self.peers.connected(&life, path, agent_of);
                }
            }
            _ => {}
        }
        let Some(entry) = self.table.get(id).filter(|entry| entry.is_meant) else { return };
        let Some(call) = &entry.call else { return };
        // A cache of names that every program asks, and a file that the agent makes the shell write.
        let is_own = match body {
            Body::Connect(_) => is_noise,
            Body::Open(open) => open.path.as_ref().is_some_and(|path| self.catalogue.is_scratch(path.as_bytes())),
            _ => false,
        };
        if !is_own {
            self.calls.did(call, body, entry.image.comm.as_ref());
        }
    }

    /// The observation ends.
    pub(crate) fn close(&mut self, now_ns: u64) {
        self.calls.close(now_ns);
    }

    pub(crate) fn has_told(&self) -> bool {
        self.calls.has_told()
    }

    /// What is to be told of tool calls.
    pub(crate) fn told(&mut self) -> Vec<Told> {
        self.calls.told()
    }
}
