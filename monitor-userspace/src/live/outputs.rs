//! Where a live observation goes: a recording, lines or JSON, a summary; each is optional, and a failure of one is
//! shown and stops neither the observation nor the others.

use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::input::{Closed, Input, Opened};
use agentsnoop_pipeline::lines::Paint;
use agentsnoop_pipeline::record::Body;
use agentsnoop_pipeline::{Pipeline, Record, Summary};
use anyhow::{Context, Result};
use nix::unistd::{Gid, Uid, setegid, seteuid};

use crate::run::link::{Lines, Order};
use crate::sink::recording::Recording;
use crate::sink::{self, Sink};
use crate::store::writer;

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
    /// Nobody reads the lines any more.
    closed: bool,
}

impl Outputs {
    /// The outputs of `run`, owned by the user that the command runs as.
    ///
    /// # Errors
    ///
    /// A file cannot be created.
    pub fn of_run(order: &Order) -> Result<Self> {
        as_owner(order.owner, || {
            let shown = order.lines.as_ref().map(shown).transpose()?;
            make_folder(&order.record)?;
            let options = writer::Options { overwrite: order.overwrite, owner: None };
            let recording = Recording::create(&order.record, options)?;
            Ok(Self {
                recording: Some(recording),
                path: Some(order.record.clone()),
                shown,
                summary: Some(Summary::default()),
                trouble: Vec::new(),
                closed: false,
            })
        })
    }

    /// Lines or JSON on standard output only.
    #[must_use]
    pub fn on_stdout(json: bool) -> Self {
        Self { shown: Some(sink::stdout(json)), ..Self::default() }
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

    /// Sends what was recorded to the disk; to be called each second.
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

    /// The summary with what went wrong here, and whether anything was lost.
    pub(super) fn summary(&self, columns: u16, pipeline: &Pipeline) -> (String, bool) {
        let mut text = String::new();
        for line in self.summary.iter().flat_map(|summary| summary.lines(usize::from(columns))) {
            text.push_str(&line);
            text.push('\n');
        }
        for trouble in &self.trouble {
            text.push_str(&format!("  trouble      {trouble}\n"));
        }
        if let Some(path) = &self.path {
            text.push_str(&format!("  recording    {}\n", path.display()));
        }
        (text, !self.trouble.is_empty() || pipeline.ledger().lost() > 0)
    }

    /// Closes the recording.
    pub(super) fn close(&mut self, closed: &mut Closed) -> Result<()> {
        match self.recording.take() {
            Some(recording) => recording.close(closed).map(drop),
            None => Ok(()),
        }
    }

    /// Removes the recording of a command that was never executed.
    pub(super) fn discard(&mut self) {
        self.recording = None;
        if let Some(path) = self.path.take() {
            // A file that is gone already is what is wanted.
            let _ = std::fs::remove_file(path);
        }
    }

    fn note(&mut self, trouble: String) {
        if self.trouble.len() < TROUBLES && !self.trouble.contains(&trouble) {
            self.trouble.push(trouble);
        }
    }
}

/// The process and the path of a libc that a record shows being opened, as the dynamic loader does to map it.
pub(super) fn mapped_libc(record: &Record) -> Option<(u32, String)> {
    let Body::Open(open) = &record.body else { return None };
    if open.result < 0 {
        return None;
    }
    let path = open.path.as_ref()?.as_bytes();
    let name = path.rsplit(|byte| *byte == b'/').next()?;
    let is_libc = name.starts_with(b"libc.so.")
        || name.starts_with(b"libc-2.")
        || name.starts_with(b"ld-musl-")
        || name.starts_with(b"libc.musl-");
    let pid = record.process.as_ref()?.image.id.pid;
    is_libc.then(|| (pid, String::from_utf8_lossy(path).into_owned()))
}

fn shown(lines: &Lines) -> Result<Box<dyn Sink>> {
    Ok(match &lines.file {
        None => {
            let out = io::stderr();
            let paint = sink::paint(&out);
            sink::to(out, lines.json, paint)
        }
        Some(path) => {
            let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(path);
            let file = file.with_context(|| format!("cannot write events to {}", path.display()))?;
            sink::to(file, lines.json, Paint::Plain)
        }
    })
}

/// Makes the folder of a default recording; the folder of a recording that was named must be there.
fn make_folder(record: &Path) -> Result<()> {
    let Some(folder) = record.parent().filter(|folder| folder.ends_with("agentsnoop") && !folder.exists()) else {
        return Ok(());
    };
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {}; name a recording with --record FILE", folder.display()))
}

/// Acts with the rights of the owner, so that root follows no link that the owner has laid.
fn as_owner<T>(owner: Option<(u32, u32)>, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let Some((uid, gid)) = owner else { return act() };
    let own = (Uid::effective(), Gid::effective());
    setegid(Gid::from_raw(gid)).context("cannot take the group of the user who runs the command")?;
    let result = seteuid(Uid::from_raw(uid))
        .context("cannot take the rights of the user who runs the command")
        .and_then(|()| act());
    seteuid(own.0).and_then(|()| setegid(own.1)).context("cannot take root's rights back")?;
    result
}
