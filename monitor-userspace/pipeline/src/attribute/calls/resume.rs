//! The tool calls piece by piece, and from pieces again.

use std::sync::Arc;

use super::{
    CALLS, Call, Calls,
    running::{PROCESSES, Running},
};
use crate::{
    hash::Map,
    input::{Known, KnownCall, KnownRunning},
    record::ProcessId,
};

/// Tool calls that are taken: those that run, and those of which only processes are known.
const RESUMED: usize = CALLS + PROCESSES;

/// The number of each tool call, by its first process.
pub(crate) type Numbers = Map<ProcessId, u32>;

impl Calls {
    /// Appends every tool call that runs, and those that `named` processes are of.
    pub(crate) fn restate<'a>(&'a self, named: impl Iterator<Item = &'a Arc<Call>>, out: &mut Vec<Known>) -> Numbers {
        let mut numbers = Numbers::default();
        let mut running: Vec<_> = self.running.values().map(|running| &running.call).collect();
        running.sort_unstable_by_key(|call| (call.started_ns, call.root));
        for call in running.into_iter().chain(named) {
            // What is around a call comes before it.
            let around: Vec<_> = std::iter::successors(Some(call), |call| call.within.as_ref()).collect();
            around.into_iter().rev().for_each(|call| self.restate_one(call, &mut numbers, out));
        }
        numbers
    }

    fn restate_one(&self, call: &Call, numbers: &mut Numbers, out: &mut Vec<Known>) {
        let number = numbers.len() as u32;
        if numbers.contains_key(&call.root) {
            return;
        }
        numbers.insert(call.root, number);
        out.push(Known::Call(Box::new(KnownCall {
            number,
            root: call.root,
            started_ns: call.started_ns,
            within: call.within.as_ref().and_then(|call| numbers.get(&call.root).copied()),
            running: self.running.get(&call.root).map(|running| known(running)),
        })));
    }

    /// The tool call of a number that was resumed.
    pub(crate) fn resumed(&self, number: u32) -> Option<Arc<Call>> {
        self.resumed.get(number as usize).cloned()
    }

    /// Takes a piece.
    pub(crate) fn resume(&mut self, known: &KnownCall) {
        if self.resumed.len() >= RESUMED {
            return;
        }
        let call = Arc::new(Call {
            id: Arc::from(known.root.to_string()),
            root: known.root,
            started_ns: known.started_ns,
            within: known.within.and_then(|number| self.resumed(number)),
        });
        self.resumed.push(Arc::clone(&call));
        if let Some(known) = known.running.as_ref().filter(|_| self.running.len() < CALLS) {
            self.running.insert(call.root, Box::new(running(call, known)));
        }
    }
}

fn known(running: &Running) -> KnownRunning {
    KnownRunning {
        is_before: running.is_before,
        command: running.command.clone(),
        cwd: running.cwd.clone(),
        clients: running.clients.clone(),
        exit: running.exit.clone(),
        alive: running.alive.iter().copied().collect(),
        processes: running.processes,
        effects: running.effects.clone(),
    }
}

fn running(call: Arc<Call>, known: &KnownRunning) -> Running {
    Running {
        call,
        is_before: known.is_before,
        command: known.command.clone(),
        cwd: known.cwd.clone(),
        clients: known.clients.clone(),
        exit: known.exit.clone(),
        alive: known.alive.iter().copied().take(PROCESSES).collect(),
        processes: known.processes,
        effects: known.effects.clone(),
    }
}
