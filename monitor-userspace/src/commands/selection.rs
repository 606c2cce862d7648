//! Which records of a recording a command shows: a filter, and the time that it shows.

use std::{fs::File, ops::RangeInclusive, path::PathBuf};

use agentsnoop_pipeline::{
    Filter, Record,
    filter::{FilterError, Span},
    input::{Input, Opened},
    record::Time,
};
use agentsnoop_store::outline::Outline;
use anyhow::{Context as _, Result};
use jiff::tz;

use crate::{
    error::{Exit, fail},
    source::recording::Recording,
};

/// What a person asks for, before anything of the recording is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wish<'a> {
    /// A filter.
    pub(super) filter: Option<&'a str>,
    /// The first time that is shown.
    pub(super) from: Option<&'a str>,
    /// The last one.
    pub(super) to: Option<&'a str>,
}

/// What of a recording is shown.
#[derive(Debug)]
pub(super) struct Selection {
    filter: Filter,
    times: RangeInclusive<i64>,
    span: Span,
}

impl Wish<'_> {
    /// Understands the wish for a recording of this time.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`]: what cannot be understood, and where; or the end lies before the beginning.
    pub(super) fn of(&self, span: &Span) -> Result<Selection> {
        let time = |option: &str, text: &str| {
            span.covers(text).map_err(|error| fail(Exit::Usage, format!("{option}: {error}")))
        };
        let from = self.from.map(|text| time("--from", text)).transpose()?;
        let to = self.to.map(|text| time("--to", text)).transpose()?;
        let times = from.map_or(i64::MIN, |from| *from.start())..=to.map_or(i64::MAX, |to| *to.end());
        let filter = Filter::parse(self.filter.unwrap_or_default(), span).map_err(|error| usage(&error))?;
        Ok(Selection { filter, times, span: *span })
    }

    /// As [`Wish::of`], for a recording that begins so.
    ///
    /// # Errors
    ///
    /// As [`Wish::of`], and the file cannot be read.
    pub(super) fn of_recording(&self, opened: &Opened, files: &[PathBuf]) -> Result<Selection> {
        let selection = self.of(&span(opened, files)?)?;
        if selection.times.is_empty() {
            let (from, to) = (self.from.unwrap_or_default(), self.to.unwrap_or_default());
            return Err(fail(Exit::Usage, format!("nothing is from {from} to {to}: --to lies before --from")));
        }
        Ok(selection)
    }
}

impl Selection {
    /// Whether a record is shown. Every record must be asked about, in their order, as [`Filter::matches`] wants it.
    pub(super) fn takes(&mut self, record: &Record) -> bool {
        self.filter.matches(record) && self.times.contains(&record.time.0)
    }

    /// A sentence that says of which time the recording is, for whoever asked for another one.
    pub(super) fn lasted(&self) -> String {
        let shown = |time: i64| {
            let offset = tz::Offset::from_seconds(self.span.utc_offset).unwrap_or(tz::Offset::UTC);
            offset.to_datetime(Time(time).timestamp()).strftime("%F %T").to_string()
        };
        format!("it lasts from {} to {}, in the recorder's local time", shown(self.span.start), shown(self.span.end))
    }
}

/// A mistake in a filter, as the error that ends a command.
pub(super) fn usage(error: &FilterError) -> anyhow::Error {
    fail(Exit::Usage, error.to_string())
}

/// The time that recordings are of, by what the first begins with and by the headers of the last one's blocks.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn span(opened: &Opened, files: &[PathBuf]) -> Result<Span> {
    let start = opened.clock.real_ns;
    let Some(file) = files.last() else { return Ok(Span { start, end: start, utc_offset: opened.utc_offset }) };
    // The last one can be of another boot.
    let last =
        Recording::open(file)?.find_map(|input| if let Input::Opened(last) = input { Some(last.clock) } else { None });
    let clock = last.unwrap_or(opened.clock);
    let last_ns = File::open(file).and_then(|file| Outline::new(file).last_ns());
    let last_ns = last_ns.with_context(|| format!("cannot read {}", file.display()))?;
    let lasted = i64::try_from(last_ns.saturating_sub(clock.boot_ns)).unwrap_or(i64::MAX);
    Ok(Span { start, end: clock.real_ns.saturating_add(lasted), utc_offset: opened.utc_offset })
}
