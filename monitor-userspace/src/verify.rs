//! Judges a whole recording: frames, chain, sequence and ledger.

use std::{collections::BTreeMap, path::Path};

use agentsnoop_pipeline::{
    Ledger,
    input::{Closed, Input, Opened},
    ledger::{Balance, Calls, Row},
    record::Id,
};
use anyhow::Result;
use monitor_common::{WIRE_VERSION, counters::Cause};
use serde::Serialize;

use crate::source::recording::Recording;
use agentsnoop_store::{
    damage::{Damage, End},
    format::VERSION,
};

pub mod segments;
mod show;

use segments::{Link, Segment};

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The file.
    pub file: String,
    /// Whether it is complete and nothing is wrong with it.
    pub ok: bool,
    /// Whether it was closed.
    pub complete: bool,
    /// Records that the kernel half lost, by its last counters in the recording.
    pub lost: u64,
    /// The format version.
    pub format: u16,
    /// Bytes that were read.
    pub bytes: u64,
    /// Sound blocks.
    pub blocks: u64,
    /// Inputs in them that this build understands.
    pub inputs: u64,
    /// Frames that this build does not know; no damage.
    pub unknown_frames: u64,
    /// The chain's head, hexadecimal: of the last block that could be read.
    pub head: String,
    /// Its identity, hexadecimal, by which other segments name it.
    pub id: String,
    /// Whether it agrees with the segments beside it, as far as they were looked at.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<Link>,
    /// What it says of other segments; absent where it is a recording of one file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub segment: Option<Segment>,
    /// How it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<Made>,
    /// How it ends, as a sentence.
    pub end: String,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How many places are damaged.
    pub damaged: u64,
    /// The first of them.
    pub damage: Vec<Place>,
    /// Ring records that cannot be decoded.
    pub malformed: u64,
    /// The counts.
    pub ledger: Counts,
}

/// The counts of a recording, from its last counters and its inputs.
#[derive(Debug, Default, Serialize)]
pub struct Counts {
    /// Whether they could be compared: that needs every input, and the final counters.
    pub compared: bool,
    /// Whether they were compared and add up.
    pub balanced: bool,
    /// Each way in which they do not add up.
    pub differences: Vec<String>,
    /// Records that the kernel half began, by kind.
    pub seen_by_kind: BTreeMap<&'static str, u64>,
    /// Records that it lost, by kind.
    pub lost_by_kind: BTreeMap<&'static str, u64>,
    /// Records that it lost, by cause; causes without any are left out.
    pub lost_by_cause: BTreeMap<&'static str, u64>,
    /// Records of processes that were no agent's and are not in the recording, by kind.
    pub filtered_by_kind: BTreeMap<&'static str, u64>,
    /// Records in the recording, by kind.
    pub recorded_by_kind: BTreeMap<&'static str, u64>,
    /// Inputs that were not stored, as the gaps of the recording say.
    pub unstored: u64,
    /// Calls that were under way at the end, and so are not recorded.
    pub in_flight: u64,
    /// The same by the kind that their records would have had, as far as the recording tells.
    pub in_flight_by_kind: BTreeMap<String, u64>,
    /// Calls whose thread ended within them, by the kind that their records would have had.
    pub unfinished_by_kind: BTreeMap<&'static str, u64>,
    /// The calls behind the records of kind `stat`, which each tell a number of them.
    pub stat_calls: StatCalls,
    /// Records in which something was masked.
    pub masked: u64,
    /// Values that were masked, by the id of the rule (docs/security.md).
    pub masked_by_rule: BTreeMap<String, u64>,
    /// Whether secrets were left as they are (`--no-scrub`).
    pub unscrubbed: bool,
    /// What went less than well without losing a record, by name.
    pub faults: BTreeMap<&'static str, u64>,
    /// Runs of programs that the kernel skipped, by program.
    pub skipped: BTreeMap<String, u64>,
}

/// The calls behind the records of kind `stat`: `seen = told + lost + held`, `told = recorded + filtered`.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct StatCalls {
    /// Calls that have returned.
    pub seen: u64,
    /// Calls that the records which the kernel half wrote tell.
    pub told: u64,
    /// Calls that lost records told.
    pub lost: u64,
    /// Calls that were counted and not told at the end.
    pub held: u64,
    /// Calls that the records of the recording tell.
    pub recorded: u64,
    /// Calls that records told which are not in the recording, of processes that were no agent's.
    pub filtered: u64,
}

impl StatCalls {
    fn of(calls: Calls) -> Self {
        let Calls { seen, told, lost, held, received, filtered } = calls;
        Self { seen, told, lost, held, recorded: received, filtered }
    }
}

/// How a recording was made.
#[derive(Debug, Serialize)]
pub struct Made {
    /// The version of agentsnoop.
    pub version: String,
    /// The machine.
    pub host: String,
    /// Its kernel.
    pub kernel: String,
    /// The command that was started under observation.
    pub command: Vec<String>,
}

/// A damaged place.
#[derive(Debug, Serialize)]
pub struct Place {
    /// Bytes from the start of the file.
    pub offset: u64,
    /// The block that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<u64>,
    /// What is wrong there.
    pub what: String,
}

/// Reads and judges a recording.
///
/// # Errors
///
/// As [`Recording::open`]; what is wrong inside a recording is in the report.
pub fn verify(path: &Path) -> Result<Report> {
    let mut recording = Recording::open(path)?;
    let mut report = Report { file: path.display().to_string(), format: VERSION, ..Report::default() };
    let mut ledger = Ledger::default();
    let mut wire = WIRE_VERSION;
    let mut closed: Option<Box<Closed>> = None;
    let mut segment = Segment::default();
    for (index, input) in (0..).zip(recording.by_ref()) {
        match &input {
            Input::Opened(opened) => wire = opened.wire,
            // Another wire has other bytes, which would all be malformed.
            Input::Raw(_) if wire != WIRE_VERSION => continue,
            _ => {}
        }
        ledger.push(&input, Id { index, ..Id::default() });
        segment.learn(&input);
        match input {
            Input::Opened(opened) if report.opened.is_none() => report.opened = Some(Made::of(*opened)),
            Input::Closed(body) => closed = Some(body),
            _ => {}
        }
    }
    let progress = recording.progress();
    report.bytes = progress.offset;
    report.blocks = progress.blocks;
    report.inputs = progress.inputs;
    report.unknown_frames = progress.unknown;
    report.head = recording.head();
    report.id = recording.id();
    report.segment = Some(segment).filter(|segment| *segment != Segment::default());
    report.end = recording.end().to_string();
    report.complete = recording.end() == End::Closed;
    report.damaged = recording.damaged();
    report.damage = recording.damage().iter().map(Place::of).collect();
    report.count(ledger.check(), report.complete && report.damaged == 0 && wire == WIRE_VERSION);
    if let Some(closed) = closed {
        let before = (progress.inputs + progress.unknown).saturating_sub(1);
        if report.complete && report.damaged == 0 && wire == WIRE_VERSION && closed.inputs != before {
            let said = closed.inputs;
            report.ledger.differences.push(format!("the end says that {said} inputs precede it, there are {before}"));
        }
        report.reason = Some(closed.reason);
    }
    if wire != WIRE_VERSION {
        let what =
            format!("its records have wire version {wire}, and this build reads {WIRE_VERSION}: they are not judged");
        report.ledger.differences.push(what);
    }
    if report.complete && report.reason.is_none() && report.damaged == 0 {
        report
            .ledger
            .differences
            .push("the last block is marked as such, and nothing in it closes the recording".to_owned());
    }
    report.ledger.balanced = report.ledger.compared && report.ledger.differences.is_empty();
    report.ok = report.complete && !report.broken();
    Ok(report)
}

impl Place {
    fn of(damage: &Damage) -> Self {
        Self { offset: damage.offset(), block: damage.block(), what: damage.to_string() }
    }
}

impl Report {
    /// Whether something is wrong, other than that it was not closed.
    #[must_use]
    pub const fn broken(&self) -> bool {
        self.damaged > 0 || self.malformed > 0 || !self.ledger.differences.is_empty()
    }

    /// Takes the ledger's counts. What is damaged does not add up either, which says nothing more.
    fn count(&mut self, balance: Balance, compared: bool) {
        self.lost = balance.lost();
        self.malformed = balance.nameless + balance.rows.iter().map(|row| row.malformed).sum::<u64>();
        let by_kind = |of: fn(&Row) -> u64| balance.rows.iter().map(|row| (row.kind.name(), of(row))).collect();
        let by_cause = Cause::ALL.into_iter().map(|cause| {
            let lost = balance.rows.iter().map(|row| row.lost[cause as usize]).sum::<u64>();
            (cause.name(), lost)
        });
        self.ledger = Counts {
            compared: compared && balance.is_final,
            balanced: false,
            seen_by_kind: by_kind(|row| row.seen),
            lost_by_kind: by_kind(Row::lost),
            lost_by_cause: by_cause.filter(|(_, lost)| *lost > 0).collect(),
            filtered_by_kind: by_kind(|row| row.filtered),
            recorded_by_kind: by_kind(|row| row.recorded),
            unstored: balance.unstored,
            in_flight: balance.in_flight,
            in_flight_by_kind: balance.in_flight_by_kind.into_iter().collect(),
            unfinished_by_kind: balance.unfinished.into_iter().collect(),
            stat_calls: StatCalls::of(balance.calls),
            masked: balance.masked,
            masked_by_rule: balance.masked_by_rule.into_iter().collect(),
            unscrubbed: balance.is_unscrubbed,
            faults: balance.faults.into_iter().collect(),
            skipped: balance.recursion_misses.into_iter().collect(),
            differences: if compared { balance.differences } else { Vec::new() },
        };
    }
}

impl Made {
    fn of(opened: Opened) -> Self {
        let Opened { version, host, kernel, command, .. } = opened;
        Self { version, host, kernel, command }
    }
}
