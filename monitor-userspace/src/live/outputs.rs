//! Where a live observation goes: a recording, lines or JSON, a summary; each is optional, and a failure of one is
//! shown and stops neither the observation nor the others.

use std::io;
use std::path::PathBuf;

use agentsnoop_pipeline::input::{Closed, Gap, Input, Opened};
use agentsnoop_pipeline::record::Body;
use agentsnoop_pipeline::{Ledger, Record, Summary};
use anyhow::Result;

use crate::sink::Sink;
use crate::sink::recording::Recording;
use crate::sink::unblocked::Fate;
use crate::source::kernel::is_libc_name;

/// Rules that the summary names; `verify` tells all.
const RULES: usize = 4;

/// Different troubles that are kept to be shown; a full disk gives the same one again and again.
const TROUBLES: usize = 8;

/// The outputs of one observation.
#[derive(Default)]
pub struct Outputs {
    recording: Option<Recording>,
    path: Option<PathBuf>,
    shown: Option<Box<dyn Sink>>,
    summary: Option<Summary>,
    trouble: Vec<String>,
    /// What becomes of the lines, where they may have to wait for their reader.
    fate: Option<Fate>,
    /// Lines end with the command.
    until_command: bool,
    /// Nobody reads the lines any more.
    closed: bool,
}

impl Outputs {
    /// With a recording, which was made at `path`.
    #[must_use]
    pub fn with_recording(self, recording: Recording, path: PathBuf) -> Self {
        Self { recording: Some(recording), path: Some(path), ..self }
    }

    /// With lines or JSON; `fate` tells what becomes of them, where their reader may be slow.
    #[must_use]
    pub fn with_shown(self, shown: Box<dyn Sink>, fate: Option<Fate>) -> Self {
        Self { shown: Some(shown), fate, ..self }
    }

    /// With lines that are shown until the command has ended and not behind its prompt.
    #[must_use]
    pub fn that_end_with_the_command(self) -> Self {
        Self { until_command: true, ..self }
    }

    /// With a summary.
    #[must_use]
    pub fn with_summary(self) -> Self {
        Self { summary: Some(Summary::default()), ..self }
    }

    /// Learns how the observation began, before everything else.
    pub(super) fn opened(&mut self, opened: &Opened) {
        if let Some(shown) = &mut self.shown {
            shown.opened(opened);
        }
    }

    /// Records one input.
    pub(super) fn input(&mut self, input: &Input) {
        if let Some(recording) = &mut self.recording {
            recording.push(input);
            if let Some(error) = recording.trouble() {
                self.note(format!("{error:#}"));
            }
        }
    }

    /// Sends what was recorded to the disk; to be called at each tick.
    pub(super) fn save(&mut self) {
        if let Some(recording) = &mut self.recording {
            recording.flush();
            if let Some(error) = recording.trouble() {
                self.note(format!("{error:#}"));
            }
        }
    }

    /// The gap that a failure to record has left, once recording works again.
    pub(super) fn gap(&mut self) -> Option<Input> {
        self.recording.as_mut().and_then(Recording::gap).map(Input::Gap)
    }

    /// Whether the recording is to go on in another segment.
    pub(super) fn is_due(&self) -> bool {
        self.recording.as_ref().is_some_and(Recording::is_due)
    }

    /// Ends a segment and begins the next one; its number and how many inputs it begins with.
    pub(super) fn next_segment(
        &mut self,
        closed: Closed,
        first: impl FnOnce(u32, String) -> Vec<Input>,
    ) -> Option<(u32, u64)> {
        match self.recording.as_mut()?.next_segment(closed, first) {
            Ok(begun) => Some(begun),
            Err(error) => {
                self.note(format!("{error:#}"));
                None
            }
        }
    }

    /// What has happened to segments.
    pub(super) fn news(&mut self) -> Vec<Input> {
        self.of_segments(Recording::news)
    }

    /// What has happened to segments by the end, before the last one is closed.
    pub(super) fn last_news(&mut self) -> Vec<Input> {
        self.of_segments(Recording::last_news)
    }

    fn of_segments(&mut self, news: fn(&mut Recording) -> Vec<Input>) -> Vec<Input> {
        let Some(recording) = &mut self.recording else { return Vec::new() };
        let news = news(recording);
        if let Some(error) = recording.trouble() {
            self.note(format!("{error:#}"));
        }
        news
    }

    /// Shows one record.
    pub(super) fn record(&mut self, record: &Record) {
        if let Some(summary) = &mut self.summary {
            summary.add(record);
        }
        let result = self.shown.as_mut().map_or(Ok(()), |shown| shown.record(record));
        self.showed(result);
    }

    /// Shows what was collected. To be called when nothing more is at hand, so that nobody waits for a full buffer.
    pub(super) fn show(&mut self) {
        let result = self.shown.as_mut().map_or(Ok(()), |shown| shown.flush());
        self.showed(result);
    }

    /// The command has ended: lines that would come behind its prompt are shown no more.
    pub(super) fn command_ended(&mut self) {
        self.show();
        if let Some(fate) = &self.fate {
            fate.settle();
            if let Some(error) = fate.error() {
                self.showed(Err(error));
            }
        }
        if self.until_command {
            self.shown = None;
        }
    }

    fn showed(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            // The reader of a pipe has seen enough; what cannot be shown any more is not collected either.
            self.shown = None;
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.note(format!("cannot show events any more: {error}"));
            }
        }
    }

    /// Whether the reader of the lines has gone.
    #[must_use]
    pub(super) const fn is_closed(&self) -> bool {
        self.closed
    }

    /// The summary, at most `columns` wide, with what was masked.
    pub(super) fn summary(&self, columns: u16, ledger: &Ledger) -> String {
        let lines = self.summary.iter().flat_map(|summary| summary.lines(usize::from(columns)));
        let mut text: String = lines.flat_map(|line| [line, "\n".to_owned()]).collect();
        if self.summary.is_some() {
            text.extend(masked(ledger).map(|masked| format!("  masked       {masked}\n")));
        }
        if let Some(path) = &self.path {
            text.push_str(&format!("  recording    {}\n", path.display()));
        }
        text
    }

    /// What went wrong here, one line each.
    pub(super) fn notes(&self) -> String {
        let mut text: String = self.trouble.iter().map(|trouble| format!("agentsnoop: {trouble}\n")).collect();
        if let missed @ 1.. = self.recording.as_ref().map_or(0, Recording::missed) {
            text.push_str(&format!("agentsnoop: {missed} inputs are not in the recording, which says so with a gap\n"));
        }
        if let lines @ 1.. = self.skipped() {
            let why = "since their reader is slow; a recording has all";
            text.push_str(&format!("agentsnoop: {lines} lines were not shown, {why}\n"));
        }
        text
    }

    /// Closes the recording; the gap that was written right before its end, if there was one.
    pub(super) fn close(&mut self, closed: &mut Closed) -> Result<Option<Gap>> {
        let Some(recording) = self.recording.take() else { return Ok(None) };
        Ok(recording.close(closed)?.gap)
    }

    /// Gives the recording up, unclosed.
    pub(super) fn discard(&mut self) {
        self.recording = None;
        self.path = None;
    }

    /// Lines that their reader has missed.
    pub(super) fn skipped(&self) -> u64 {
        self.fate.as_ref().map_or(0, Fate::skipped)
    }

    fn note(&mut self, trouble: String) {
        if self.trouble.len() < TROUBLES && !self.trouble.contains(&trouble) {
            self.trouble.push(trouble);
        }
    }
}

/// How many secrets were masked, by rule, where any was.
fn masked(ledger: &Ledger) -> Option<String> {
    let mut rules: Vec<(&str, u64)> = ledger.masks().collect();
    rules.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
    let all: u64 = rules.iter().map(|(_, count)| count).sum();
    let mut named: Vec<String> = rules.iter().take(RULES).map(|(id, count)| format!("{count} {id}")).collect();
    if let more @ 1.. = rules.len().saturating_sub(RULES) {
        named.push(format!("and of {more} more kinds"));
    }
    let values = if all == 1 { "value" } else { "values" };
    (all > 0).then(|| format!("{all} {values} ({})", named.join(", ")))
}

/// The process and the path of a libc that a record shows being opened, as the dynamic loader does to map it.
pub(super) fn mapped_libc(record: &Record) -> Option<(u32, String)> {
    let Body::Open(open) = &record.body else { return None };
    if open.result < 0 {
        return None;
    }
    let path = open.path.as_ref()?.as_bytes();
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let pid = record.process.as_ref()?.image.id.pid;
    is_libc_name(name).then(|| (pid, String::from_utf8_lossy(path).into_owned()))
}
