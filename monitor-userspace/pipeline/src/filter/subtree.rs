//! Processes with all that descend from them, as the records tell them.

use std::collections::BTreeMap;

use crate::record::{Body, ProcessId, Record};

/// Which processes a subtree begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Root {
    /// Whichever has this pid.
    Pid(u32),
    /// One process.
    Process(ProcessId),
}

/// The subtrees that a filter speaks of.
#[derive(Clone, Debug, Default)]
pub(super) struct Subtrees(Vec<Subtree>);

#[derive(Clone, Debug)]
struct Subtree {
    root: Root,
    /// Whether it is in the subtree, of each process whose pid one of the subtree has or had. Those that have ended too: what is told
    /// of them later is still theirs. Some 20 bytes a process.
    known: BTreeMap<ProcessId, bool>,
}

impl Subtrees {
    /// Adds one and gives its place.
    pub(super) fn add(&mut self, root: Root) -> usize {
        self.0.push(Subtree { root, known: BTreeMap::new() });
        self.0.len() - 1
    }

    /// Whether the process of a record is in a subtree.
    pub(super) fn holds(&self, place: usize, record: &Record) -> bool {
        let Some(process) = &record.process else { return false };
        self.0.get(place).is_some_and(|subtree| subtree.holds(process.image.id))
    }

    /// Learns from a record.
    pub(super) fn observe(&mut self, record: &Record) {
        for subtree in &mut self.0 {
            subtree.observe(record);
        }
    }
}

impl Subtree {
    fn observe(&mut self, record: &Record) {
        let Some(process) = &record.process else { return };
        let image = &process.image;
        let is_root = match self.root {
            Root::Pid(pid) => image.id.pid == pid,
            Root::Process(id) => image.id == id,
        };
        // A process that was there before the observation has a parent, and no fork that tells of it.
        let is_child = || image.ppid.is_some_and(|parent| self.had(parent, image.id.start_ns));
        if is_root || is_child() {
            self.known.insert(image.id, true);
        }
        self.meet(image.id);
        if let Body::Fork(fork) = &record.body {
            if self.holds(image.id) {
                self.known.insert(fork.child, true);
            }
            self.meet(fork.child);
        }
    }

    fn holds(&self, process: ProcessId) -> bool {
        self.known.get(&process).copied().unwrap_or(false)
    }

    /// Remembers a stranger with the pid of one of the subtree: what it makes is none of it.
    fn meet(&mut self, process: ProcessId) {
        let is_shared = self.known.range(of(process.pid)).next().is_some();
        if is_shared {
            self.known.entry(process).or_insert(false);
        }
    }

    /// Whether the process that had a pid at a time, nanoseconds of the boot clock, was in the subtree; 0 is any time.
    fn had(&self, pid: u32, at: u64) -> bool {
        let at = if at == 0 { u64::MAX } else { at };
        let until = ProcessId { pid, start_ns: 0 }..=ProcessId { pid, start_ns: at };
        self.known.range(until).next_back().is_some_and(|(_, is_member)| *is_member)
    }
}

/// All processes with a pid.
const fn of(pid: u32) -> std::ops::RangeInclusive<ProcessId> {
    ProcessId { pid, start_ns: 0 }..=ProcessId { pid, start_ns: u64::MAX }
}
