//! Judges a whole recording: frames, chain, sequence and ledger.

use std::{collections::BTreeMap, path::Path};

use agentsnoop_pipeline::{
    Ledger,
    input::{Closed, Counters, Input, Opened},
};
use anyhow::Result;
use monitor_common::{Kind, WIRE_VERSION, counters::Counters as Cpu, decode};
use serde::Serialize;

use super::{
    damage::{Damage, End},
    format::VERSION,
};
use crate::source::recording::Recording;

mod show;

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
    /// What is wrong with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed_first: Option<String>,
    /// The counts.
    pub ledger: Counts,
}

/// The counts of a recording.
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
    /// Records in the recording, by kind.
    pub recorded_by_kind: BTreeMap<&'static str, u64>,
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
    for input in recording.by_ref() {
        ledger.push(&input);
        match input {
            Input::Opened(opened) => {
                wire = opened.wire;
                report.opened.get_or_insert_with(|| made(*opened));
            }
            Input::Raw(bytes) if wire == WIRE_VERSION => report.record(&bytes),
            Input::Counters(counters) => report.counters(&counters),
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
    report.end = recording.end().to_string();
    report.complete = recording.end() == End::Closed;
    report.damaged = recording.damaged();
    report.damage = recording.damage().iter().map(Place::of).collect();
    report.ledger.compared = report.complete && report.damaged == 0 && wire == WIRE_VERSION;
    if report.ledger.compared {
        report.ledger.differences = ledger.check().differences;
    }
    if let Some(closed) = closed {
        report.counters(&closed.counters);
        let before = (progress.inputs + progress.unknown).saturating_sub(1);
        if report.ledger.compared && closed.inputs != before {
            let said = closed.inputs;
            report.ledger.differences.push(format!("the end says that {said} inputs precede it, there are {before}"));
        }
        report.reason = Some(closed.reason);
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

    fn record(&mut self, bytes: &[u8]) {
        let kind = match decode::record(bytes) {
            Ok(record) => record.body.kind().name(),
            // The kind of a newer build of the same wire; its sequence number counts in the ledger.
            Err(decode::Malformed::UnknownKind { .. }) => "unknown",
            Err(malformed) => {
                self.malformed += 1;
                self.malformed_first.get_or_insert_with(|| malformed.to_string());
                return;
            }
        };
        *self.ledger.recorded_by_kind.entry(kind).or_default() += 1;
    }

    /// Takes cumulative counters; the last ones count.
    fn counters(&mut self, counters: &Counters) {
        let sum = |of: &dyn Fn(&Cpu) -> u64| counters.cpus.iter().map(of).sum::<u64>();
        self.lost = sum(&Cpu::lost_total);
        for kind in Kind::ALL {
            let (name, index) = (kind.name(), kind.index());
            self.ledger.seen_by_kind.insert(name, sum(&|cpu| cpu.seen[index]));
            self.ledger.lost_by_kind.insert(name, sum(&|cpu| cpu.lost[index].iter().sum()));
        }
    }
}

fn made(opened: Opened) -> Made {
    let Opened { version, host, kernel, command, .. } = opened;
    Made { version, host, kernel, command }
}
