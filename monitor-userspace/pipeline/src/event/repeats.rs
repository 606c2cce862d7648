//! What the first call of a kind was, for the records that only tell how often it was repeated.

use std::collections::{BTreeMap, VecDeque};

use monitor_common::repeats::{COUNT, slot, tag};

use crate::{
    hash::Set,
    input::Known,
    record::{ProcessId, Stat, State, Text},
};

/// First calls that are remembered, of all processes: those of a thousand processes that use all their slots. When there are
/// more, the one that came first is forgotten; of its repeats the count is told, and no path.
pub const REMEMBERED: usize = 64 * 1024;

/// Bytes of the paths of those calls, of which each can have two of 4 KiB; beyond it likewise.
const REMEMBERED_BYTES: usize = 32 * 1024 * 1024;

/// A slot of the table that the kernel half keeps for each process.
type Slot = (ProcessId, usize);

/// The first calls by slot, as the kernel half has them.
#[derive(Clone, Debug, Default)]
pub struct Repeats {
    known: BTreeMap<Slot, (u64, Stat)>,
    /// In the order in which they came; those that are gone are skipped.
    order: VecDeque<Slot>,
    /// Of the paths that are remembered.
    bytes: usize,
}

impl Repeats {
    /// Remembers a first call.
    pub fn remember(&mut self, process: ProcessId, hash: u64, stat: &Stat) {
        self.put((process, slot(hash)), tag(hash), stat);
    }

    fn put(&mut self, at: Slot, tag: u64, stat: &Stat) {
        if !self.remove(&at) {
            self.order.push_back(at);
        }
        // In memory of its own: it outlives the raw record.
        let detached = |text: &Option<Text>| text.as_ref().map(Text::detached);
        let stat = Stat { path: detached(&stat.path), requested: detached(&stat.requested), ..stat.clone() };
        self.bytes += bytes(&stat);
        self.known.insert(at, (tag, stat));
        self.shrink();
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
            self.remove(&slot);
        }
    }

    /// Appends every first call, the oldest first.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        let mut given = Set::default();
        for at in self.order.iter().filter(|at| given.insert(**at)) {
            let Some((tag, call)) = self.known.get(at) else { continue };
            let (process, slot) = (at.0, at.1 as u32);
            out.push(Known::First { process, slot, tag: *tag, call: Box::new(call.clone()) });
        }
    }

    /// Takes a piece; one that is of something else is left alone.
    pub(crate) fn resume(&mut self, known: &Known) {
        let Known::First { process, slot, tag, call } = known else { return };
        self.put((*process, *slot as usize), *tag, call);
    }

    /// First calls that are remembered, and the bytes of their paths.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.known.len(), self.bytes)
    }

    /// Forgets a call; whether it was remembered.
    fn remove(&mut self, slot: &Slot) -> bool {
        let Some((_, stat)) = self.known.remove(slot) else { return false };
        self.bytes -= bytes(&stat);
        true
    }

    /// Forgets the oldest until what is remembered is within its bounds.
    fn shrink(&mut self) {
        while self.known.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(&oldest);
        }
        if self.order.len() >= 2 * REMEMBERED {
            let known = &self.known;
            self.order.retain(|slot| known.contains_key(slot));
        }
    }
}

/// Bytes of the paths of a call.
fn bytes(stat: &Stat) -> usize {
    [&stat.path, &stat.requested].into_iter().flatten().map(|path| path.as_bytes().len()).sum()
}

#[cfg(test)]
mod tests {
    use super::{REMEMBERED, REMEMBERED_BYTES, Repeats};
    use crate::record::{ProcessId, Stat, Text};

    fn stat(path: &str) -> Stat {
        Stat { path: Some(Text::from(path)), requested: Some(Text::from(path)), ..Stat::default() }
    }

    fn process(number: usize) -> ProcessId {
        ProcessId { pid: number as u32, start_ns: number as u64 }
    }

    /// The path that the repeats of a process's first call are told with.
    fn known(repeats: &Repeats, number: usize) -> Option<String> {
        repeats.told(process(number), 1, (1 << 16) | 1).path.map(|path| path.to_str().into_owned())
    }

    const HASH: u64 = (1 << 16) | 1;

    #[test]
    fn of_very_many_first_calls_the_oldest_are_forgotten() {
        let mut repeats = Repeats::default();
        for number in 0..REMEMBERED + 5 {
            repeats.remember(process(number), HASH, &stat("/short"));
        }
        assert_eq!(repeats.size(), (REMEMBERED, REMEMBERED * 12));
        assert_eq!((known(&repeats, 4), known(&repeats, 5).as_deref()), (None, Some("/short")));
    }

    #[test]
    fn of_very_long_paths_fewer_are_remembered() {
        let (mut repeats, long) = (Repeats::default(), "x".repeat(4000));
        let room = REMEMBERED_BYTES / 8000;
        for number in 0..room + 5 {
            repeats.remember(process(number), HASH, &stat(&long));
        }
        assert_eq!(repeats.size(), (room, room * 8000));
        assert_eq!((known(&repeats, 4), known(&repeats, 5)), (None, Some(long)));
        for number in 0..room + 5 {
            repeats.forget(process(number));
        }
        assert_eq!(repeats.size(), (0, 0));
    }

    #[test]
    fn a_slot_that_is_taken_over_again_and_again_is_remembered_once() {
        let mut repeats = Repeats::default();
        for _ in 0..3 * REMEMBERED {
            repeats.remember(process(1), HASH, &stat("/one"));
        }
        assert_eq!((repeats.size(), repeats.order.len()), ((1, 8), 1));
    }
}
