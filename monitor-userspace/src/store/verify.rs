//! Judges a whole recording: frames, chain, sequence and ledger.

use std::{collections::BTreeMap, fmt, path::Path};

use agentsnoop_pipeline::{
    Ledger,
    input::{Closed, Input, Opened},
};
use anyhow::Result;
use monitor_common::{WIRE_VERSION, decode};
use serde::Serialize;

use super::{damage::End, format::VERSION};
use crate::source::recording::Recording;

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// The file.
    pub file: String,
    /// Whether nothing is wrong with it and it was closed.
    pub sound: bool,
    /// The format version.
    pub format: u16,
    /// Bytes that were read.
    pub bytes: u64,
    /// Sound blocks.
    pub blocks: u64,
    /// Inputs in them that this build understands.
    pub inputs: u64,
    /// Ring records among them, by kind.
    pub records: BTreeMap<&'static str, u64>,
    /// Frames that this build does not know; no damage.
    pub unknown_frames: u64,
    /// The chain's head, hexadecimal: of the last block that could be read.
    pub head: String,
    /// How it was made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened: Option<Made>,
    /// How it ends, as a sentence.
    pub end: String,
    /// Whether it was closed.
    pub closed: bool,
    /// Why it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The first places that are damaged.
    pub damage: Vec<Place>,
    /// How many places are damaged.
    pub damaged: u64,
    /// Ring records that cannot be decoded, and the first of them.
    pub malformed: u64,
    /// What is wrong with the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub malformed_first: Option<String>,
    /// Whether the counts could be compared: they need every input, and the final counters.
    pub compared: bool,
    /// Each way in which the counts do not add up.
    pub differences: Vec<String>,
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
            Input::Raw(bytes) => report.count(&bytes, wire),
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
    report.closed = recording.end() == End::Closed;
    report.damaged = recording.damaged();
    let place =
        |damage: &super::Damage| Place { offset: damage.offset(), block: damage.block(), what: damage.to_string() };
    report.damage = recording.damage().iter().map(place).collect();
    report.compared = report.closed && report.damaged == 0 && wire == WIRE_VERSION;
    if report.compared {
        report.differences = ledger.check().differences;
        let before = (progress.inputs + progress.unknown).saturating_sub(1);
        if let Some(closed) = &closed
            && closed.inputs != before
        {
            let said = closed.inputs;
            report.differences.push(format!("the end says that {said} inputs precede it, there are {before}"));
        }
    }
    report.reason = closed.map(|closed| closed.reason);
    report.sound = report.closed && report.damaged == 0 && report.differences.is_empty() && report.malformed == 0;
    Ok(report)
}

impl Report {
    fn count(&mut self, bytes: &[u8], wire: u32) {
        if wire != WIRE_VERSION {
            return;
        }
        match decode::record(bytes) {
            Ok(record) => *self.records.entry(record.body.kind().name()).or_default() += 1,
            // The kind of a newer build of the same wire; its sequence number counts in the ledger.
            Err(decode::Malformed::UnknownKind { .. }) => *self.records.entry("unknown").or_default() += 1,
            Err(malformed) => {
                self.malformed += 1;
                self.malformed_first.get_or_insert_with(|| malformed.to_string());
            }
        }
    }
}

fn made(opened: Opened) -> Made {
    let Opened { version, host, kernel, command, .. } = opened;
    Made { version, host, kernel, command }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let broken = self.damaged > 0 || self.malformed > 0 || !self.differences.is_empty();
        let verdict = match (self.sound, broken) {
            (true, _) => "sound",
            (false, true) => "broken",
            (false, false) => "incomplete",
        };
        writeln!(f, "{}: {verdict}", shown(&self.file))?;
        if let Some(made) = &self.opened {
            let (version, host, kernel) = (shown(&made.version), shown(&made.host), shown(&made.kernel));
            writeln!(f, "  made by   agentsnoop {version} on {host}, {kernel}")?;
        }
        let Self { format, blocks, inputs, bytes, .. } = self;
        writeln!(f, "  frames    format {format}, {bytes} bytes, {blocks} sound blocks, {inputs} inputs")?;
        let records: Vec<String> = self.records.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        writeln!(f, "  records   {}", if records.is_empty() { "none".to_owned() } else { records.join(", ") })?;
        if self.unknown_frames > 0 {
            let count = self.unknown_frames;
            writeln!(f, "  unknown   {count} frames of a newer build were passed over")?;
        }
        for place in &self.damage {
            writeln!(f, "  damage    {}", shown(&place.what))?;
        }
        if self.damaged > self.damage.len() as u64 {
            writeln!(f, "  damage    and {} more places", self.damaged - self.damage.len() as u64)?;
        }
        if let Some(first) = &self.malformed_first {
            writeln!(f, "  malformed {} ring records cannot be decoded, the first: {first}", self.malformed)?;
        }
        for difference in &self.differences {
            writeln!(f, "  ledger    {}", shown(difference))?;
        }
        match (self.compared, self.differences.is_empty()) {
            (true, true) => writeln!(f, "  ledger    balances")?,
            (true, false) => {}
            (false, _) => writeln!(f, "  ledger    not compared: that needs every input and the final counters")?,
        }
        writeln!(f, "  chain     {}", self.head)?;
        let reason = self.reason.as_ref().map(|reason| format!(": {}", shown(reason))).unwrap_or_default();
        writeln!(f, "  end       {}{reason}", self.end)
    }
}

/// Text of a recording for a terminal: control characters are escaped.
fn shown(text: &str) -> String {
    let escape = |c: char| if c.is_control() { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(escape).collect()
}
