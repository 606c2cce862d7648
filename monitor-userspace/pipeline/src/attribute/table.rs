//! The table of processes, keyed by identity, bounded.

use std::{collections::VecDeque, sync::Arc};

use super::{calls::Call, environment::Environment, session::Life};
use crate::{
    hash::{Map, Set},
    input::Learned,
    record::{Image, Namespaces, ProcessId, Text},
};

/// Processes that are known at once: twice the threads that the kernel half can track, so that those which have ended
/// stay for their grace. When it is full the process that ended first is forgotten, else the one that was learned
/// first; what it still does is attributed by its tracking root.
pub const PROCESSES: usize = 2 * monitor_common::limits::TASKS as usize;

/// Nanoseconds that a process stays known after its end, for records that admit held (its deadline is shorter).
pub(crate) const GRACE_NS: u64 = 5_000_000_000;

/// What is known of a process.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) image: Arc<Image>,
    /// The number of the image, as [`monitor_common::Header::exec_seq`] counts.
    pub(crate) exec_seq: u32,
    /// The real user id that the last record told.
    pub(crate) uid: u32,
    pub(crate) parent: Option<ProcessId>,
    /// Processes in the table whose parent this is.
    pub(super) children: u32,
    pub(crate) learned: Learned,
    pub(crate) session: Option<Arc<Life>>,
    /// It executes an agent itself, or was made by one that does and has not executed anything yet.
    pub(crate) is_agent: bool,
    /// The tool call that it belongs to.
    pub(crate) call: Option<Arc<Call>>,
    /// It carries out the command of its tool call, and does not only prepare it, as what makes a sandbox does.
    pub(crate) is_meant: bool,
    /// The working directory at the last exec.
    pub(crate) cwd: Option<Text>,
    /// The namespaces at the first exec that told them.
    pub(crate) namespaces: Namespaces,
    /// The names of the environment at the last exec; absent where none was seen.
    pub(crate) environment: Option<Arc<Environment>>,
    /// The script whose package decides whether this is an agent.
    pub(crate) asked: Option<Arc<str>>,
    pub(crate) ended_ns: Option<u64>,
    /// It has ended, and its grace is not over.
    in_grace: bool,
}

impl Entry {
    pub(crate) const fn has_children(&self) -> bool {
        self.children > 0
    }

    pub(crate) fn new(image: Image, learned: Learned) -> Self {
        Self {
            image: Arc::new(image),
            exec_seq: 0,
            uid: 0,
            parent: None,
            children: 0,
            learned,
            session: None,
            is_agent: false,
            call: None,
            is_meant: false,
            cwd: None,
            namespaces: Namespaces::default(),
            environment: None,
            asked: None,
            ended_ns: None,
            in_grace: false,
        }
    }
}

/// The table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    entries: Map<ProcessId, Entry>,
    /// In the order in which they were learned, for eviction; those that are gone are skipped.
    order: VecDeque<ProcessId>,
    /// In the order in which they ended.
    ended: VecDeque<(u64, ProcessId)>,
}

impl Table {
    pub(crate) fn get(&self, id: ProcessId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: ProcessId) -> Option<&mut Entry> {
        self.entries.get_mut(&id)
    }

    /// Adds a process, or replaces what was known of it.
    pub(crate) fn insert(&mut self, id: ProcessId, entry: Entry) -> &mut Entry {
        if self.entries.len() >= PROCESSES {
            self.evict();
        }
        if let Some(parent) = entry.parent.and_then(|parent| self.entries.get_mut(&parent)) {
            parent.children += 1;
        }
        self.order.push_back(id);
        if self.order.len() > 2 * PROCESSES {
            self.order.retain(|id| self.entries.contains_key(id));
        }
        self.entries.entry(id).insert_entry(entry).into_mut()
    }

    /// Marks a process as ended.
    pub(crate) fn end(&mut self, id: ProcessId, now_ns: u64) {
        if let Some(entry) = self.entries.get_mut(&id)
            && entry.ended_ns.is_none()
        {
            entry.ended_ns = Some(now_ns);
            entry.in_grace = true;
            self.ended.push_back((now_ns, id));
        }
    }

    /// Forgets processes that ended longer ago than the grace and have no child that is known: a child needs the
    /// lineage that it was forked with.
    pub(crate) fn expire(&mut self, now_ns: u64) {
        while let Some((ended_ns, id)) = self.ended.front().copied() {
            if now_ns.saturating_sub(ended_ns) < GRACE_NS {
                break;
            }
            self.ended.pop_front();
            if let Some(entry) = self.entries.get_mut(&id) {
                entry.in_grace = false;
            }
            self.release(id);
        }
    }

    /// Removes a process that is over and has no child, then its ancestors that only waited for it.
    fn release(&mut self, mut id: ProcessId) {
        while let Some(entry) = self.entries.get(&id) {
            if entry.children > 0 || entry.ended_ns.is_none() || entry.in_grace {
                break;
            }
            let parent = entry.parent;
            self.entries.remove(&id);
            let Some(parent) = parent else { break };
            let Some(above) = self.entries.get_mut(&parent) else { break };
            above.children = above.children.saturating_sub(1);
            id = parent;
        }
    }

    /// Every process with its key, in the order in which they were learned.
    pub(super) fn all(&self) -> impl Iterator<Item = (ProcessId, &Entry)> {
        let mut given = Set::default();
        let first = self.order.iter().copied().filter(move |id| given.insert(*id));
        first.filter_map(|id| Some((id, self.entries.get(&id)?)))
    }

    /// Those that have ended and whose grace is not over, in the order in which they ended.
    pub(super) fn in_grace(&self) -> impl Iterator<Item = (u64, ProcessId)> {
        self.ended.iter().copied()
    }

    /// Takes a process as it was known elsewhere, the count of its children included.
    pub(super) fn resume(&mut self, key: ProcessId, entry: Entry) {
        if self.entries.len() >= PROCESSES {
            self.evict();
        }
        self.order.push_back(key);
        self.entries.insert(key, entry);
    }

    /// Takes the end of a process that was resumed.
    pub(super) fn resume_end(&mut self, key: ProcessId, ended_ns: u64) {
        if let Some(entry) = self.entries.get_mut(&key) {
            entry.in_grace = true;
        }
        self.ended.push_back((ended_ns, key));
    }

    fn evict(&mut self) {
        let ended = self.ended.pop_front().map(|(_, id)| id);
        let victim =
            ended.or_else(|| std::iter::from_fn(|| self.order.pop_front()).find(|id| self.entries.contains_key(id)));
        let Some(entry) = victim.and_then(|id| self.entries.remove(&id)) else { return };
        if let Some(parent) = entry.parent.and_then(|parent| self.entries.get_mut(&parent)) {
            parent.children = parent.children.saturating_sub(1);
        }
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = ProcessId> {
        self.order.iter().copied().filter(|id| self.entries.contains_key(id))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}
