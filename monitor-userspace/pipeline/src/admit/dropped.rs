//! What was dropped, told in inputs, so that the ledger of a recording adds up.

use std::collections::BTreeMap;

use monitor_common::{Header, Kind, kind::KINDS};

use crate::{
    event::peek,
    input::{Filtered, Input, Observed},
};

/// Spans of sequence numbers in one fact.
const SPANS: usize = 256;

/// Counts and places dropped records.
#[derive(Debug, Default)]
pub(super) struct Dropped {
    total: [u64; KINDS],
    told: [u64; KINDS],
    /// Spans of consecutive numbers that were not told yet, by CPU.
    spans: BTreeMap<u16, Vec<(u64, u64)>>,
    count: usize,
    /// Calls that dropped records of kind `stat` told, of which was not told yet.
    calls: u64,
    boot_ns: u64,
}

impl Dropped {
    pub(super) const fn counts(&self) -> &[u64; KINDS] {
        &self.total
    }

    /// Counts a record that is dropped at once.
    pub(super) fn count(&mut self, bytes: &[u8], out: &mut Vec<Input>) {
        self.add(bytes);
        self.tell_many(out);
    }

    /// Counts a record that was held.
    pub(super) fn add(&mut self, bytes: &[u8]) {
        if let Some(header) = peek::header(bytes) {
            self.place(&header);
            self.calls = self.calls.saturating_add(peek::calls(bytes));
        }
    }

    fn place(&mut self, header: &Header) {
        if let Some(kind) = Kind::from_number(header.kind) {
            self.total[kind.index()] += 1;
        }
        self.boot_ns = self.boot_ns.max(header.time);
        let spans = self.spans.entry(header.cpu).or_default();
        match spans.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(header.seq) => *last = header.seq,
            _ => {
                spans.push((header.seq, header.seq));
                self.count += 1;
            }
        }
    }

    /// Tells what was dropped once there is enough for a fact.
    pub(super) fn tell_many(&mut self, out: &mut Vec<Input>) {
        if self.count >= SPANS {
            self.tell(out);
        }
    }

    /// Tells what was dropped since it was last told.
    pub(super) fn tell(&mut self, out: &mut Vec<Input>) {
        if self.count == 0 {
            return;
        }
        let since = |kind: Kind| (kind.name().to_owned(), self.total[kind.index()] - self.told[kind.index()]);
        let kinds = Kind::ALL.into_iter().map(since).filter(|(_, count)| *count > 0).collect();
        let spans = std::mem::take(&mut self.spans);
        let spans =
            spans.into_iter().flat_map(|(cpu, spans)| spans.into_iter().map(move |(first, last)| (cpu, first, last)));
        let fact =
            Filtered { boot_ns: self.boot_ns, kinds, spans: spans.collect(), calls: std::mem::take(&mut self.calls) };
        out.push(Input::Observed(Observed::Filtered(fact)));
        self.told = self.total;
        self.count = 0;
    }
}
