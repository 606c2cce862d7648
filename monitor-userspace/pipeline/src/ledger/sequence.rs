//! The sequence numbers of one CPU: which are missing, and which of those are lost.

use std::collections::{BTreeMap, VecDeque};

use monitor_common::{
    counters::{CAUSES, Counters as Cpu},
    kind::KINDS,
};

use crate::{
    input::{KnownCpu, Missing as Known},
    record::Neighbour,
};

/// Ranges of missing numbers that are kept apart; beyond it the newest two become one, so that its place is less exact.
const RANGES: usize = 4096;

/// Counters that wait until every record before them has come; beyond it the oldest are dropped, because the newer ones
/// include what they count.
const SNAPSHOTS: usize = 64;

/// Lost records by kind and cause.
pub(super) type Losses = [[u64; CAUSES]; KINDS];

/// A range of numbers that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Missing {
    /// The last one; the first is the key.
    pub(super) last: u64,
    /// The record before it.
    pub(super) after: Option<Neighbour>,
    /// The record behind it.
    pub(super) before: Option<Neighbour>,
}

/// The numbers of one CPU. They may come out of order: a record whose program was interrupted by another one's comes
/// late, and admit holds records back.
#[derive(Clone, Debug, Default)]
pub(super) struct Sequence {
    /// One more than the highest number that came.
    next: u64,
    /// The record with the highest number.
    last: Option<Neighbour>,
    missing: BTreeMap<u64, Missing>,
    snapshots: VecDeque<(u64, Losses)>,
    /// What has been reported as lost, or written off at a gap.
    reported: Losses,
    /// Numbers that came twice.
    pub(super) twice: u64,
    /// Numbers missing at the end that the kernel half did not count as lost, and counted ones that are not missing.
    pub(super) unexplained: (u64, u64),
    resynchronizes: bool,
}

impl Sequence {
    /// The numbers as a piece of what is known.
    pub(super) fn restate(&self, cpu: u16) -> KnownCpu {
        let missing = self.missing.iter().map(|(first, range)| Known {
            first: *first,
            last: range.last,
            after: range.after,
            before: range.before,
        });
        KnownCpu {
            cpu,
            next: self.next,
            last: self.last,
            missing: missing.collect(),
            snapshots: self.snapshots.iter().map(|(seq, lost)| (*seq, rows(lost))).collect(),
            reported: rows(&self.reported),
            twice: self.twice,
            resynchronizes: self.resynchronizes,
        }
    }

    /// The numbers from such a piece.
    pub(super) fn resumed(known: &KnownCpu) -> Self {
        let missing = known.missing.iter().take(RANGES).map(|range| {
            let Known { first, last, after, before } = *range;
            // A range that ends before it begins is of a recording that was tampered with.
            (first, Missing { last: last.max(first), after, before })
        });
        Self {
            next: known.next,
            last: known.last,
            missing: missing.collect(),
            snapshots: known.snapshots.iter().take(SNAPSHOTS).map(|(seq, lost)| (*seq, losses(lost))).collect(),
            reported: losses(&known.reported),
            twice: known.twice,
            unexplained: (0, 0),
            resynchronizes: known.resynchronizes,
        }
    }

    /// Takes a record; `true` says that counters are due for [`Self::confirmed`].
    pub(super) fn receive(&mut self, record: Neighbour) -> bool {
        if record.seq == self.next {
            self.next = record.seq.saturating_add(1);
            self.last = Some(record);
        } else if record.seq > self.next {
            self.miss(record.seq - 1, Some(record));
            self.next = record.seq.saturating_add(1);
            self.last = Some(record);
        } else {
            self.fill(record.seq, record.seq, Some(record));
        }
        self.snapshots.front().is_some_and(|(seq, _)| *seq <= self.next)
    }

    /// Takes numbers that were filtered.
    pub(super) fn cover(&mut self, first: u64, last: u64) {
        if last < first {
            return;
        }
        if first < self.next {
            self.fill(first, last.min(self.next - 1), None);
        }
        if last >= self.next {
            if first > self.next {
                self.miss(first - 1, None);
            }
            self.next = last.saturating_add(1);
        }
    }

    /// From [`Self::next`] to `last` is missing.
    fn miss(&mut self, last: u64, before: Option<Neighbour>) {
        let (first, mut range) = (self.next, Missing { last, after: self.last, before });
        if self.missing.len() >= RANGES
            && let Some((joined, newest)) = self.missing.pop_last()
        {
            range.after = newest.after;
            self.missing.insert(joined, range);
            return;
        }
        self.missing.insert(first, range);
    }

    /// Numbers below [`Self::next`] came after all.
    fn fill(&mut self, first: u64, last: u64, record: Option<Neighbour>) {
        let mut filled = 0;
        while let Some((start, range)) = self.missing.range(..=last).next_back().map(|(start, range)| (*start, *range))
        {
            if range.last < first {
                break;
            }
            self.missing.remove(&start);
            filled += range.last.min(last) - start.max(first) + 1;
            if range.last > last {
                self.missing.insert(last + 1, Missing { after: record.or(range.after), ..range });
            }
            if start < first {
                self.missing.insert(start, Missing { last: first - 1, before: record.or(range.before), ..range });
                break;
            }
        }
        self.twice = self.twice.saturating_add((last - first + 1).saturating_sub(filled));
    }

    /// Takes counters.
    pub(super) fn snapshot(&mut self, counters: &Cpu) {
        if self.snapshots.len() >= SNAPSHOTS {
            self.snapshots.pop_front();
        }
        self.snapshots.push_back((counters.seq, counters.lost));
    }

    /// The ranges that the oldest due counters prove to be lost, with what was lost since the counters before.
    ///
    /// Counters are due when every number below theirs has come or is missing. If as many are missing as were newly
    /// lost, those are the ones. If not, some are late, held by admit or about to be filtered: later counters decide.
    pub(super) fn confirmed(&mut self) -> Option<(Vec<(u64, Missing)>, Losses)> {
        while self.snapshots.front().is_some_and(|(seq, _)| *seq <= self.next) {
            let (seq, lost) = self.snapshots.pop_front()?;
            if self.resynchronizes {
                self.resynchronizes = false;
                self.reported = lost;
                self.missing.retain(|first, _| *first >= seq);
                continue;
            }
            let since = subtract(&lost, &self.reported);
            let below: u64 = self.missing.range(..seq).map(|(first, range)| range.last - first + 1).sum();
            if below > 0 && below == total(&since) {
                let later = self.missing.split_off(&seq);
                let found = std::mem::replace(&mut self.missing, later);
                self.reported = lost;
                return Some((found.into_iter().collect(), since));
            }
        }
        None
    }

    /// Something was not recorded: what is missing up to the next counters is part of that gap.
    pub(super) fn resynchronize(&mut self) {
        self.resynchronizes = true;
        self.snapshots.clear();
    }

    /// No number below `seq` comes any more.
    pub(super) fn end(&mut self, seq: u64) {
        if self.next < seq {
            self.miss(seq - 1, None);
            self.next = seq;
        }
    }

    /// Everything that is still missing at the end.
    pub(super) fn close(&mut self, last: &Cpu) -> (Vec<(u64, Missing)>, Losses) {
        self.end(last.seq);
        self.snapshots.clear();
        let since = subtract(&last.lost, &self.reported);
        let found = std::mem::take(&mut self.missing);
        self.reported = last.lost;
        if std::mem::take(&mut self.resynchronizes) {
            return (Vec::new(), since);
        }
        let missing: u64 = found.iter().map(|(first, range)| range.last - first + 1).sum();
        let lost = total(&since);
        self.unexplained = (missing.saturating_sub(lost), lost.saturating_sub(missing));
        (found.into_iter().collect(), since)
    }
}

fn total(losses: &Losses) -> u64 {
    super::total(losses.as_flattened().iter().copied())
}

fn subtract(now: &Losses, before: &Losses) -> Losses {
    let mut since = *now;
    for (kind, before) in since.iter_mut().flatten().zip(before.iter().flatten()) {
        *kind = kind.saturating_sub(*before);
    }
    since
}

fn rows(losses: &Losses) -> Vec<Vec<u64>> {
    losses.iter().map(|causes| causes.to_vec()).collect()
}

/// Of a recording that knows fewer kinds or causes the others are 0.
fn losses(rows: &[Vec<u64>]) -> Losses {
    let mut losses = [[0; CAUSES]; KINDS];
    for (row, from) in losses.iter_mut().zip(rows) {
        row.iter_mut().zip(from).for_each(|(to, from)| *to = *from);
    }
    losses
}
