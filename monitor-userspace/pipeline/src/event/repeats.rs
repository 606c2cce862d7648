//! What the first call of a kind was, for the records that only tell how often it was repeated.

use std::collections::{BTreeMap, VecDeque};

use monitor_common::repeats::{COUNT, slot, tag};

use crate::record::{ProcessId, Stat, State, Text};

/// First calls that are remembered, of all processes: those of a thousand processes that use all their slots. When there are
/// more, the one that came first is forgotten; of its repeats the count is told, and no path.
pub const REMEMBERED: usize = 64 * 1024;

/// A slot of the table that the kernel half keeps for each process.
type Slot = (ProcessId, usize);

/// The first calls by slot, as the kernel half has them.
#[derive(Debug, Default)]
pub struct Repeats {
    known: BTreeMap<Slot, (u64, Stat)>,
    /// In the order in which they came; those that are gone are skipped.
    order: VecDeque<Slot>,
}

impl Repeats {
    /// Remembers a first call.
    pub fn remember(&mut self, process: ProcessId, hash: u64, stat: &Stat) {
        let at = (process, slot(hash));
        if !self.known.contains_key(&at) {
            self.make_room();
            self.order.push_back(at);
        }
        // In memory of its own: it outlives the raw record.
        let detached = |text: &Option<Text>| text.as_ref().map(Text::detached);
        let stat = Stat { path: detached(&stat.path), requested: detached(&stat.requested), ..stat.clone() };
        self.known.insert(at, (tag(hash), stat));
    }

    /// What the repeats are that a word of a slot tells; only how many where their first is not known.
    #[must_use]
    pub fn told(&self, process: ProcessId, slot: usize, word: u64) -> Stat {
        let count = word & COUNT;
        let first = self.known.get(&(process, slot)).filter(|(known, _)| *known == word & !COUNT);
        match first {
            // The calls of other descriptors are counted with it.
            Some((_, first)) if first.descriptor => {
                Stat { path: None, path_state: State::NotAsked, anonymous: None, count, repeats: true, ..first.clone() }
            }
            Some((_, first)) => Stat { count, repeats: true, ..first.clone() },
            None => Self::unknown(count),
        }
    }

    /// Repeats of which nothing but their number is known.
    #[must_use]
    pub fn unknown(count: u64) -> Stat {
        Stat { count, repeats: true, path_state: State::Unresolved, ..Stat::default() }
    }

    /// Forgets a process that has ended.
    pub fn forget(&mut self, process: ProcessId) {
        let slots: Vec<Slot> = self.known.range((process, 0)..=(process, usize::MAX)).map(|(slot, _)| *slot).collect();
        for slot in slots {
            self.known.remove(&slot);
        }
    }

    fn make_room(&mut self) {
        while self.known.len() >= REMEMBERED {
            let Some(oldest) = self.order.pop_front() else { break };
            self.known.remove(&oldest);
        }
        if self.order.len() >= 2 * REMEMBERED {
            let known = &self.known;
            self.order.retain(|slot| known.contains_key(slot));
        }
    }
}
