//! The ledger piece by piece, and from pieces again.

use monitor_common::kind::KINDS;

use super::{Ledger, Sequence};
use crate::input::{Known, KnownLedger};

impl Ledger {
    /// Appends every piece. Losses that were confirmed must have been taken.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        out.push(Known::Ledger(Box::new(KnownLedger {
            has_gap: self.has_gap,
            received: self.received.to_vec(),
            recorded: self.recorded.to_vec(),
            filtered: self.filtered.to_vec(),
            malformed: self.malformed.to_vec(),
            nameless: self.nameless,
            told: (self.told, self.told_filtered),
            masked: self.masked.records,
            masked_by_rule: self.masked.by_rule.clone().into_iter().collect(),
            is_unscrubbed: self.is_unscrubbed,
            unstored: self.unstored,
            begun_ns: self.begun_ns,
            now_ns: self.now_ns,
        })));
        out.push(Known::Counters(Box::new(self.counters.clone())));
        out.extend((0..).zip(&self.cpus).map(|(cpu, sequence)| Known::Cpu(Box::new(sequence.restate(cpu)))));
    }

    /// Takes a piece; one that is of something else is left alone.
    pub(crate) fn resume(&mut self, known: &Known) {
        match known {
            Known::Ledger(known) => {
                self.has_gap = known.has_gap;
                self.received = by_kind(&known.received);
                self.recorded = by_kind(&known.recorded);
                self.filtered = by_kind(&known.filtered);
                self.malformed = by_kind(&known.malformed);
                self.nameless = known.nameless;
                (self.told, self.told_filtered) = known.told;
                self.masked.records = known.masked;
                self.masked.by_rule = known.masked_by_rule.iter().cloned().collect();
                self.is_unscrubbed = known.is_unscrubbed;
                self.unstored = known.unstored;
                self.begun_ns = known.begun_ns;
                self.now_ns = known.now_ns;
            }
            Known::Counters(counters) => self.counters.clone_from(counters),
            Known::Cpu(known) => {
                if let Some(sequence) = self.sequence(known.cpu) {
                    *sequence = Sequence::resumed(known);
                }
            }
            _ => {}
        }
    }
}

/// Of a recording that knows fewer kinds the others are 0.
fn by_kind(list: &[u64]) -> [u64; KINDS] {
    std::array::from_fn(|kind| list.get(kind).copied().unwrap_or(0))
}
