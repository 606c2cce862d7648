//! A recording through the pipeline: the same records as when it was live.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use agentsnoop_pipeline::{
    Pipeline, Record, data,
    input::{Config, Input, Opened},
};
use anyhow::Result;
use monitor_common::WIRE_VERSION;

use super::recording::Recording;
use crate::{
    error::{Exit, fail},
    store::End,
};

/// How often a recording that is still written is looked at for more; its writer flushes each second.
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(200);

/// Replays a recording.
pub struct Judged {
    path: PathBuf,
    recording: Recording,
    pipeline: Pipeline,
}

impl Judged {
    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// As [`Recording::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { path: path.to_owned(), recording: Recording::open(path)?, pipeline: Pipeline::new()? })
    }

    /// Pushes the next input through the pipeline, appends its records to `out` and returns it; `None` at the end, with the
    /// records that were held back.
    ///
    /// # Errors
    ///
    /// [`Exit::Unreadable`]: the records have a wire version that this build does not read.
    pub fn next(&mut self, out: &mut Vec<Record>) -> Result<Option<Input>> {
        let Some(input) = self.recording.next() else {
            self.pipeline.finish(out);
            return Ok(None);
        };
        self.take(input, out).map(Some)
    }

    fn take(&mut self, input: Input, out: &mut Vec<Record>) -> Result<Input> {
        match &input {
            Input::Opened(opened) => self.check_wire(opened)?,
            Input::Config(config) => self.note_other_rules(config),
            _ => {}
        }
        // What the pipeline asks for was answered when the recording was made.
        drop(self.pipeline.push(&input, out));
        Ok(input)
    }

    /// As [`Judged::next`], of a recording that is still written: where it ends for now, `rests` is called and more is waited
    /// for. `None` once it is closed.
    ///
    /// # Errors
    ///
    /// As [`Judged::next`], and those of `rests`.
    pub fn wait(&mut self, out: &mut Vec<Record>, mut rests: impl FnMut() -> Result<()>) -> Result<Option<Input>> {
        loop {
            match self.recording.next() {
                Some(input) => return self.take(input, out).map(Some),
                None if self.recording.end() == End::Closed => {
                    self.pipeline.finish(out);
                    return Ok(None);
                }
                None => {
                    rests()?;
                    std::thread::sleep(LOOKED_FOR_EVERY);
                }
            }
        }
    }

    /// What is read: how it ends, and what is damaged, as far as was read.
    #[must_use]
    pub const fn recording(&self) -> &Recording {
        &self.recording
    }

    /// What judges it: the ledger, and the data of the recording.
    #[must_use]
    pub const fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// Says on standard error how the recording ends, where that is not as it should.
    ///
    /// # Errors
    ///
    /// [`Exit::Unreadable`]: a part of it is damaged and was not judged.
    pub fn finish(self) -> Result<()> {
        let (path, end) = (self.path.display(), self.recording.end());
        for damage in self.recording.damage() {
            note(format_args!("{path}: {damage}"));
        }
        if end != End::Closed {
            note(format_args!("{path}: {end}"));
        }
        match self.recording.damaged() {
            0 => Ok(()),
            count => Err(fail(
                Exit::Unreadable,
                format!("{path} is damaged in {count} places, the rest was read; `agentsnoop verify` says more"),
            )),
        }
    }

    fn check_wire(&self, opened: &Opened) -> Result<()> {
        if opened.wire == WIRE_VERSION {
            return Ok(());
        }
        let (path, wire, version) = (self.path.display(), opened.wire, &opened.version);
        Err(fail(
            Exit::Unreadable,
            format!(
                "cannot read {path}: its records have wire version {wire}, and this build reads {WIRE_VERSION}; \
                 use agentsnoop {version}, which made it"
            ),
        ))
    }

    fn note_other_rules(&self, config: &Config) {
        let here = data::list();
        let other = config.data.iter().filter(|then| {
            let now = here.iter().find(|now| now.name == then.name);
            now.is_none_or(|now| now.digest != then.digest)
        });
        let mut names: Vec<String> = other.map(|data| format!("`{}`", data.name)).collect();
        let then = self.pipeline.opened().map_or("", |opened| opened.version.as_str());
        let version = env!("CARGO_PKG_VERSION");
        if then != version {
            names.insert(0, format!("agentsnoop {version}"));
        }
        if !names.is_empty() {
            let (path, names) = (self.path.display(), names.join(", "));
            note(format_args!("{path}: re-judged with {names} of this build; recorded by agentsnoop {then}"));
        }
    }
}

/// A line on standard error; where nobody can read it, nothing is lost but the line.
pub fn note(line: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "agentsnoop: {line}");
}
