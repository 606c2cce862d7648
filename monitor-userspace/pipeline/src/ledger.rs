//! The counts at every hop, so that nothing is lost in silence.
//!
//! Per kind: `seen = stored + lost`, `stored = received + filtered`, `received = recorded + malformed`. Per CPU: each
//! sequence number is received, filtered or lost, and the kernel half counted as many lost as are missing. Of kind `stat`,
//! whose records each tell a number of calls, those add up as well: `seen = told + lost + held`, `told = received + filtered`.

mod balance;
mod masked;
mod resume;
mod sequence;

use monitor_common::{
    Header,
    counters::{CAUSES, Cause, Counters as Cpu},
    decode::{self, Body as Wire, Malformed},
    kind::{KINDS, Kind},
    limits::CPUS,
};

pub use balance::{Balance, Calls, Row};
use masked::Masked;
use sequence::{Missing, Sequence};

use crate::{
    event::peek,
    input::{Closed, Counters, Filtered, Input, Observed},
    record::{Id, Loss, Neighbour},
};

/// A loss to record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lost {
    pub(crate) boot_ns: u64,
    pub(crate) body: Loss,
}

/// Counts inputs against the counters of the kernel half.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    cpus: Vec<Sequence>,
    /// A gap came: what a CPU that was not heard of yet lacks up to its first counters is part of it.
    has_gap: bool,
    received: [u64; KINDS],
    recorded: [u64; KINDS],
    filtered: [u64; KINDS],
    malformed: [u64; KINDS],
    /// Calls that records of kind `stat` told, and those that filtered ones did.
    told: u64,
    told_filtered: u64,
    /// Records without a header of a known kind.
    nameless: u64,
    masked: Masked,
    /// Secrets were left as they are.
    is_unscrubbed: bool,
    /// Inputs that a gap says were not stored.
    unstored: u64,
    counters: Counters,
    /// Calls under way, and calls counted and not told, at the end.
    closed: Option<(u64, u64)>,
    in_flight_by_kind: Vec<(String, u64)>,
    losses: Vec<Lost>,
    /// When the observation began.
    begun_ns: u64,
    now_ns: u64,
}

impl Ledger {
    /// Counts one input, whose records have this id.
    pub fn push(&mut self, input: &Input, id: Id) {
        match input {
            Input::Raw(bytes) => match decode::record(bytes) {
                Ok(record) => self.decoded(&record.header, &record.body, id),
                Err(malformed) => self.malformed(bytes, &malformed, id),
            },
            Input::Observed(Observed::Filtered(filtered)) => self.leave_out(filtered),
            Input::Counters(counters) => self.counters(counters),
            Input::Gap(gap) => {
                // Where nothing is missing that was taken, the numbers go on.
                if gap.inputs != Some(0) {
                    self.unstored = self.unstored.saturating_add(gap.inputs.unwrap_or(0));
                    self.has_gap = true;
                    self.cpus.iter_mut().for_each(Sequence::resynchronize);
                }
            }
            Input::Closed(closed) => self.close(closed),
            Input::Opened(opened) => self.begun_ns = opened.clock.boot_ns,
            Input::Observed(Observed::Process(existing)) => self.masked.existing(existing),
            Input::Config(config) => self.is_unscrubbed |= config.is_unscrubbed(),
            Input::Known(known) => self.resume(known),
            Input::Tick(_) | Input::Observed(_) | Input::Control(_) | Input::Coverage(_) => {}
        }
    }

    /// Counts a raw record that was decoded.
    pub(crate) fn decoded(&mut self, header: &Header, body: &Wire<'_>, id: Id) {
        let kind = body.kind().index();
        self.received[kind] += 1;
        self.recorded[kind] += 1;
        self.masked.count(body);
        if let Wire::Stat(stat, _) = body {
            self.told = self.told.saturating_add(u64::from(stat.count));
        }
        self.place(header, id);
    }

    /// Counts a raw record that could not be decoded.
    pub(crate) fn malformed(&mut self, bytes: &[u8], malformed: &Malformed, id: Id) {
        let header = match malformed {
            Malformed::UnknownKind { header } => Some(*header),
            // The header of a record that is broken further on can still be read.
            _ => peek::header(bytes).filter(|header| u32::from(header.cpu) < CPUS),
        };
        match header.and_then(|header| Kind::from_number(header.kind)) {
            Some(kind) => {
                self.received[kind.index()] += 1;
                self.malformed[kind.index()] += 1;
            }
            None => self.nameless += 1,
        }
        let boot_ns = header.map_or(self.now_ns, |header| header.time);
        let seq = header.map(|header| header.seq);
        let body = Loss {
            from_ns: boot_ns,
            to_ns: boot_ns,
            count: 1,
            cpu: header.map(|header| header.cpu),
            first_seq: seq,
            last_seq: seq,
            causes: vec![format!("malformed: {malformed}").into()],
            ..Loss::default()
        };
        self.losses.push(Lost { boot_ns, body });
        if let Some(header) = header {
            self.place(&header, id);
        }
    }

    /// Losses that were confirmed since this was last called.
    pub(crate) fn losses(&mut self) -> Vec<Lost> {
        std::mem::take(&mut self.losses)
    }

    pub(crate) fn has_losses(&self) -> bool {
        !self.losses.is_empty()
    }

    /// Records in which something was masked.
    #[must_use]
    pub const fn masked(&self) -> u64 {
        self.masked.records
    }

    /// Values that were masked, by the id of the rule, in the order of the ids. A path that a record tells twice is one.
    pub fn masks(&self) -> impl Iterator<Item = (&str, u64)> {
        self.masked.by_rule.iter().map(|(id, count)| (id.as_str(), *count))
    }

    /// Whether secrets were left as they are ([`crate::input::Config::is_unscrubbed`]).
    #[must_use]
    pub const fn is_unscrubbed(&self) -> bool {
        self.is_unscrubbed
    }

    /// Records that the kernel half counted as lost, up to the last counters.
    #[must_use]
    pub fn lost(&self) -> u64 {
        total(self.counters.cpus.iter().flat_map(|cpu| cpu.lost.as_flattened().iter().copied()))
    }

    /// Records that were dropped because their process was no agent's; by kind they are in [`Row::filtered`].
    #[must_use]
    pub fn filtered(&self) -> u64 {
        total(self.filtered)
    }

    /// Raw records received.
    #[must_use]
    pub fn received(&self) -> u64 {
        total(self.received) + self.nameless
    }

    fn sequence(&mut self, cpu: u16) -> Option<&mut Sequence> {
        let at = usize::from(cpu);
        if u32::from(cpu) >= CPUS {
            return None;
        }
        if self.cpus.len() <= at {
            let mut new = Sequence::default();
            if self.has_gap {
                new.resynchronize();
            }
            self.cpus.resize(at + 1, new);
        }
        self.cpus.get_mut(at)
    }

    fn place(&mut self, header: &Header, id: Id) {
        let Some(sequence) = self.sequence(header.cpu) else { return };
        if sequence.receive(Neighbour { id, seq: header.seq, boot_ns: header.time }) {
            self.confirm(header.cpu);
        }
    }

    fn leave_out(&mut self, filtered: &Filtered) {
        for (name, count) in &filtered.kinds {
            if let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.name() == name) {
                let sum = &mut self.filtered[kind.index()];
                *sum = sum.saturating_add(*count);
            }
        }
        self.told_filtered = self.told_filtered.saturating_add(filtered.calls);
        for (cpu, first, last) in &filtered.spans {
            if let Some(sequence) = self.sequence(*cpu) {
                sequence.cover(*first, *last);
                self.confirm(*cpu);
            }
        }
    }

    fn counters(&mut self, counters: &Counters) {
        self.now_ns = self.now_ns.max(counters.boot_ns);
        self.counters = counters.clone();
        // When as many have come as were stored, what has not come by now never will.
        let stored = total(counters.cpus.iter().flat_map(|cpu| cpu.stored));
        let is_settled = stored == self.received().saturating_add(self.filtered());
        for (cpu, snapshot) in (0u16..).zip(&counters.cpus) {
            if let Some(sequence) = self.sequence(cpu) {
                if is_settled {
                    sequence.end(snapshot.seq);
                }
                sequence.snapshot(snapshot);
                self.confirm(cpu);
            }
        }
    }

    /// Records the losses of a CPU that its counters confirm.
    fn confirm(&mut self, cpu: u16) {
        let Some(sequence) = self.cpus.get_mut(usize::from(cpu)) else { return };
        while let Some((missing, lost)) = sequence.confirmed() {
            let (kinds, causes) = names(&lost);
            for (first, range) in missing {
                self.losses.push(lost_range(
                    cpu,
                    first,
                    &range,
                    kinds.clone(),
                    causes.clone(),
                    (self.begun_ns, self.now_ns),
                ));
            }
        }
    }

    fn close(&mut self, closed: &Closed) {
        self.counters(&closed.counters);
        self.now_ns = self.now_ns.max(closed.boot_ns);
        // While the counters were read everything went on: only those of the last segment are final.
        if closed.next.is_some() {
            return;
        }
        for (cpu, last) in (0u16..).zip(&closed.counters.cpus) {
            let Some(sequence) = self.sequence(cpu) else { continue };
            let (missing, lost) = sequence.close(last);
            let (kinds, causes) = names(&lost);
            for (first, range) in missing {
                self.losses.push(lost_range(
                    cpu,
                    first,
                    &range,
                    kinds.clone(),
                    causes.clone(),
                    (self.begun_ns, self.now_ns),
                ));
            }
        }
        self.closed = Some((closed.in_flight, closed.held));
        self.in_flight_by_kind.clone_from(&closed.in_flight_by_kind);
    }
}

/// A sum that saturates: the numbers of a recording may be anything.
fn total(numbers: impl IntoIterator<Item = u64>) -> u64 {
    numbers.into_iter().fold(0, u64::saturating_add)
}

type Names = Vec<std::borrow::Cow<'static, str>>;

/// The kinds and causes of which there are any.
fn names(lost: &[[u64; CAUSES]; KINDS]) -> (Names, Names) {
    let kinds = Kind::ALL.into_iter().filter(|kind| lost[kind.index()].iter().any(|count| *count > 0));
    let causes = Cause::ALL.into_iter().filter(|cause| lost.iter().any(|causes| causes[*cause as usize] > 0));
    (kinds.map(|kind| kind.name().into()).collect(), causes.map(|cause| cause.name().into()).collect())
}

fn lost_range(
    cpu: u16,
    first: u64,
    range: &Missing,
    kinds: Names,
    causes: Names,
    (begun_ns, now_ns): (u64, u64),
) -> Lost {
    let boot_ns = range.after.or(range.before).map_or(now_ns, |neighbour| neighbour.boot_ns);
    let body = Loss {
        from_ns: range.after.map_or(begun_ns, |neighbour| neighbour.boot_ns),
        to_ns: range.before.map_or(now_ns, |neighbour| neighbour.boot_ns),
        count: range.last - first + 1,
        cpu: Some(cpu),
        first_seq: Some(first),
        last_seq: Some(range.last),
        after: range.after,
        before: range.before,
        kinds,
        causes,
    };
    Lost { boot_ns, body }
}
