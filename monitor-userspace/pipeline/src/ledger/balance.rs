//! What the ledger says at the end.

use monitor_common::{
    counters::{CAUSES, Cause, Fault},
    kind::Kind,
};

use super::Ledger;

/// The counts of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// Records begun in the kernel half.
    pub seen: u64,
    /// Records written to the ring.
    pub stored: u64,
    /// Records lost, by [`Cause`].
    pub lost: [u64; CAUSES],
    /// Raw inputs, with those that could not be read.
    pub received: u64,
    /// Records dropped because their process was no agent's.
    pub filtered: u64,
    /// Raw inputs that gave a record.
    pub recorded: u64,
    /// Raw inputs that could not be read.
    pub malformed: u64,
}

impl Row {
    /// All records lost.
    #[must_use]
    pub fn lost(&self) -> u64 {
        super::total(self.lost)
    }
}

/// The calls behind the records of kind `stat`, which each tell a number of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that have returned.
    pub seen: u64,
    /// Calls that stored records tell.
    pub told: u64,
    /// Calls that lost records told.
    pub lost: u64,
    /// Calls that were counted and not told at the end.
    pub held: u64,
    /// Calls that records in the recording tell.
    pub received: u64,
    /// Calls that filtered records told.
    pub filtered: u64,
}

/// The counts of a recording, and each way in which they do not add up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// One a kind.
    pub rows: Vec<Row>,
    /// Of the calls behind kind `stat`.
    pub calls: Calls,
    /// Whether the final counters came; without them the counts of the kernel half are older than the last record.
    pub is_final: bool,
    /// Tracked threads in a call that is recorded when it returns, at the end.
    pub in_flight: u64,
    /// The same by kind, as far as the recording tells.
    pub in_flight_by_kind: Vec<(String, u64)>,
    /// Calls whose thread ended within them, by the kind that their records would have had; kinds without any are left out.
    pub unfinished: Vec<(&'static str, u64)>,
    /// Records in which something was masked.
    pub masked: u64,
    /// Values that were masked, by the id of the rule.
    pub masked_by_rule: Vec<(String, u64)>,
    /// Whether secrets were left as they are.
    pub is_unscrubbed: bool,
    /// Raw inputs without a header of a known kind.
    pub nameless: u64,
    /// Inputs that were not stored, as the gaps of the recording say.
    pub unstored: u64,
    /// Faults that are not 0, by name.
    pub faults: Vec<(&'static str, u64)>,
    /// Runs of programs that the kernel skipped, by program.
    pub recursion_misses: Vec<(String, u64)>,
    /// Each way in which the counts do not add up: a bug. Empty when they do.
    pub differences: Vec<String>,
}

impl Balance {
    /// All records lost in the kernel half.
    #[must_use]
    pub fn lost(&self) -> u64 {
        super::total(self.rows.iter().map(Row::lost))
    }

    /// Whether nothing was lost, skipped, malformed or left out of the recording. Faults are not losses.
    #[must_use]
    pub fn is_lossless(&self) -> bool {
        let malformed = super::total(self.rows.iter().map(|row| row.malformed));
        let skipped = super::total(self.recursion_misses.iter().map(|(_, count)| *count));
        super::total([self.lost(), self.nameless, malformed, skipped, self.unstored]) == 0
    }
}

impl Ledger {
    /// Compares everything counted with the last counters of the kernel half. Without the final ones only what is wrong
    /// at any time counts as a difference.
    #[must_use]
    pub fn check(&self) -> Balance {
        let rows: Vec<Row> = Kind::ALL.into_iter().map(|kind| self.row(kind)).collect();
        let mut balance = Balance {
            is_final: self.closed.is_some(),
            in_flight: self.closed.unwrap_or_default().0,
            in_flight_by_kind: self.in_flight_by_kind.clone(),
            unfinished: self.unfinished(),
            calls: self.calls(),
            masked: self.masked.records,
            masked_by_rule: self.masks().map(|(id, count)| (id.to_owned(), count)).collect(),
            is_unscrubbed: self.is_unscrubbed,
            nameless: self.nameless,
            unstored: self.unstored,
            faults: self.faults(),
            recursion_misses: self.counters.recursion_misses.iter().filter(|(_, count)| *count > 0).cloned().collect(),
            ..Balance::default()
        };
        let differences = &mut balance.differences;
        for (cpu, sequence) in self.cpus.iter().enumerate() {
            if sequence.twice > 0 {
                differences.push(format!("CPU {cpu}: {} sequence numbers came twice", sequence.twice));
            }
        }
        if balance.is_final {
            self.compare(&rows, differences);
        }
        balance.rows = rows;
        balance
    }

    fn compare(&self, rows: &[Row], differences: &mut Vec<String>) {
        for row in rows {
            let (kind, lost) = (row.kind.name(), row.lost());
            if row.seen != row.stored.saturating_add(lost) {
                let Row { seen, stored, .. } = row;
                differences.push(format!("{kind}: {seen} seen, but {stored} stored and {lost} lost"));
            }
            let (stored, arrived) = (row.stored, row.received.saturating_add(row.filtered));
            // With a gap the missing ones cannot be told by kind; their sum is compared below.
            if arrived > stored || (arrived < stored && self.unstored == 0) {
                let Row { received, filtered, .. } = row;
                differences.push(format!("{kind}: {stored} stored, but {received} received and {filtered} filtered"));
            }
        }
        if let Some(stat) = rows.iter().find(|row| row.kind == Kind::Stat) {
            self.compare_calls(stat, differences);
        }
        let stored = super::total(rows.iter().map(|row| row.stored));
        let arrived =
            super::total(rows.iter().flat_map(|row| [row.received, row.filtered])).saturating_add(self.nameless);
        let missing = stored.saturating_sub(arrived).saturating_sub(self.unstored);
        if missing > 0 {
            differences.push(format!("{missing} stored records neither arrived nor are part of a gap"));
        }
        for (cpu, counters) in self.counters.cpus.iter().enumerate() {
            let seen = super::total(counters.seen);
            if counters.seq != seen {
                differences.push(format!("CPU {cpu}: {seen} records seen, but the next number is {}", counters.seq));
            }
        }
        for (cpu, sequence) in self.cpus.iter().enumerate() {
            let (missing, counted) = sequence.unexplained;
            if missing > 0 {
                differences.push(format!("CPU {cpu}: {missing} numbers are missing that were not counted as lost"));
            }
            if counted > 0 {
                differences.push(format!("CPU {cpu}: {counted} records were counted as lost, but none is missing"));
            }
        }
    }

    fn calls(&self) -> Calls {
        let sum = |count: fn(&super::Cpu) -> u64| super::total(self.counters.cpus.iter().map(count));
        Calls {
            seen: sum(|cpu| cpu.calls.seen),
            told: sum(|cpu| cpu.calls.told),
            lost: sum(|cpu| cpu.calls.lost),
            held: self.closed.unwrap_or_default().1,
            received: self.told,
            filtered: self.told_filtered,
        }
    }

    fn compare_calls(&self, stat: &Row, differences: &mut Vec<String>) {
        let Calls { seen, told, lost, held, received, filtered } = self.calls();
        if seen != super::total([told, lost, held]) {
            differences.push(format!("stat: {seen} calls seen, but {told} told, {lost} lost and {held} held"));
        }
        let arrived = received.saturating_add(filtered);
        // How many calls a record told that cannot be read, or was not stored, is not known.
        let is_known = stat.malformed == 0 && self.nameless == 0 && self.unstored == 0;
        if arrived > told || (arrived < told && is_known) {
            differences.push(format!("stat: {told} calls told, but {received} received and {filtered} filtered"));
        }
    }

    fn row(&self, kind: Kind) -> Row {
        let at = kind.index();
        let sum =
            |count: fn(&super::Cpu, usize) -> u64| super::total(self.counters.cpus.iter().map(|cpu| count(cpu, at)));
        let lost = |cause: Cause| super::total(self.counters.cpus.iter().map(|cpu| cpu.lost[at][cause as usize]));
        Row {
            kind,
            seen: sum(|cpu, at| cpu.seen[at]),
            stored: sum(|cpu, at| cpu.stored[at]),
            lost: Cause::ALL.map(lost),
            received: self.received[at],
            filtered: self.filtered[at],
            recorded: self.recorded[at],
            malformed: self.malformed[at],
        }
    }

    fn unfinished(&self) -> Vec<(&'static str, u64)> {
        let count = |kind: Kind| super::total(self.counters.cpus.iter().map(|cpu| cpu.unfinished[kind.index()]));
        Kind::ALL.into_iter().map(|kind| (kind.name(), count(kind))).filter(|(_, count)| *count > 0).collect()
    }

    fn faults(&self) -> Vec<(&'static str, u64)> {
        let count = |fault: Fault| super::total(self.counters.cpus.iter().map(|cpu| cpu.faults[fault as usize]));
        Fault::ALL.into_iter().map(|fault| (fault.name(), count(fault))).filter(|(_, count)| *count > 0).collect()
    }
}
