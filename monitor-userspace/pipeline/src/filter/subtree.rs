//! Processes with all that descend from them, as the records tell them.

use std::collections::BTreeSet;

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
    /// Those that have ended too: what is told of them later is still theirs. 16 bytes a process.
    members: BTreeSet<ProcessId>,
}

impl Subtrees {
    /// Adds one and gives its place.
    pub(super) fn add(&mut self, root: Root) -> usize {
        self.0.push(Subtree { root, members: BTreeSet::new() });
        self.0.len() - 1
    }

    /// Whether the process of a record is in a subtree.
    pub(super) fn holds(&self, place: usize, record: &Record) -> bool {
        let Some(process) = &record.process else { return false };
        self.0.get(place).is_some_and(|subtree| subtree.members.contains(&process.image.id))
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
        if is_root || image.ppid.is_some_and(|parent| self.has_pid(parent)) {
            self.members.insert(image.id);
        }
        if let Body::Fork(fork) = &record.body
            && self.members.contains(&image.id)
        {
            self.members.insert(fork.child);
        }
    }

    fn has_pid(&self, pid: u32) -> bool {
        let every = ProcessId { pid, start_ns: 0 }..=ProcessId { pid, start_ns: u64::MAX };
        self.members.range(every).next().is_some()
    }
}
