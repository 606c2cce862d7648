//! Daemons that work for sessions: who listens on a socket, and which sessions have connected to it.

use std::sync::Arc;

use super::session::Life;
use crate::{
    hash::Map,
    input::Known,
    record::{ProcessId, Text},
};

/// Sockets of agents that are remembered; when there are more, all are forgotten, and what the daemons do from then on stays with
/// their own session.
const SOCKETS: usize = 1024;

/// Sessions that are remembered of one daemon; of more, the first ones.
const CLIENTS: usize = 64;

/// What is known of daemons.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    /// The process that listens on a socket, by its path.
    sockets: Map<Text, ProcessId>,
    /// The sessions that have connected to a process, in the order in which they did.
    clients: Map<ProcessId, Vec<Arc<Life>>>,
}

impl Peers {
    /// An agent's own process listens.
    pub(crate) fn listens(&mut self, process: ProcessId, path: &Text) {
        if self.sockets.len() >= SOCKETS {
            self.sockets.clear();
            self.clients.clear();
        }
        self.sockets.insert(path.detached(), process);
    }

    /// An agent's own process has connected to a socket. `agent_of` tells the name of the agent that a process belongs to.
    pub(crate) fn connected(&mut self, life: &Arc<Life>, path: &Text, agent_of: impl Fn(ProcessId) -> Option<String>) {
        let Some(daemon) = self.sockets.get(path).copied() else { return };
        if agent_of(daemon).is_none_or(|name| name != life.agent.name) {
            return;
        }
        let clients = self.clients.entry(daemon).or_default();
        if clients.len() < CLIENTS && !clients.iter().any(|known| known.root == life.root) {
            clients.push(Arc::clone(life));
        }
    }

    /// The sessions that have connected to a process and for which `is_alive` holds.
    pub(crate) fn clients(&self, daemon: ProcessId, is_alive: impl Fn(&Life) -> bool) -> Vec<Arc<Life>> {
        let clients = self.clients.get(&daemon).map(Vec::as_slice).unwrap_or_default();
        clients.iter().filter(|life| is_alive(life)).cloned().collect()
    }

    /// Every session that is remembered.
    pub(crate) fn sessions(&self) -> impl Iterator<Item = &Arc<Life>> {
        self.clients.values().flatten()
    }

    /// Appends every piece; `number` tells the number of a session.
    pub(crate) fn restate(&self, number: impl Fn(&Arc<Life>) -> Option<u32>, out: &mut Vec<Known>) {
        let mut sockets: Vec<_> = self.sockets.iter().collect();
        sockets.sort_unstable();
        out.extend(sockets.into_iter().map(|(path, process)| Known::Listens { process: *process, path: path.clone() }));
        let mut daemons: Vec<_> = self.clients.iter().collect();
        daemons.sort_unstable_by_key(|(daemon, _)| **daemon);
        for (daemon, clients) in daemons {
            let sessions = clients.iter().filter_map(&number);
            out.extend(sessions.map(|session| Known::Client { daemon: *daemon, session }));
        }
    }

    /// Takes a daemon's client.
    pub(crate) fn resume_client(&mut self, daemon: ProcessId, life: Arc<Life>) {
        let clients = self.clients.entry(daemon).or_default();
        if clients.len() < CLIENTS {
            clients.push(life);
        }
    }
}
