//! A recording through the pipeline: the same records as when it was live.

mod links;
mod snapshot;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use agentsnoop_pipeline::{
    Pipeline, Record, data,
    input::{Config, Input, Opened},
};
use agentsnoop_store::{End, reader::Place, segments};
use anyhow::Result;
use monitor_common::WIRE_VERSION;

use super::{
    changes::Changes,
    index::{Builder, Chosen, Index, Step},
    recording::Recording,
};
use crate::{
    error::{Exit, fail},
    notes,
};

pub use links::Links;
pub use snapshot::Snapshot;
use snapshot::Snapshots;

/// How often a recording that is still written is looked at for more where the kernel does not tell of it; its writer flushes more than
/// once a second.
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(200);
/// Looks at a recording that nobody writes any more and that was not closed, until it is taken for all there is: five seconds,
/// in which whoever makes a recording has long got its lock.
const LEFT_AFTER: u32 = 25;

/// Replays a recording, or all recordings of a folder one after the other.
pub struct Judged {
    files: Vec<PathBuf>,
    /// The folder that they are all recordings of.
    folder: Option<PathBuf>,
    /// Which of them is read.
    at: usize,
    recording: Recording,
    pipeline: Pipeline,
    /// Places that are damaged in files before this one.
    damaged: u64,
    /// What tells that a segment is missing between the files.
    links: Links,
    /// An index that is being made.
    builder: Option<Builder>,
    /// The blocks that are read, where an index tells that others need not be.
    chosen: Option<Chosen>,
    /// Snapshots that are made on the way.
    snapshots: Option<Snapshots>,
    /// Only a part is read, of a recording that was read as a whole before.
    is_part: bool,
    /// Those of the file that is read, while it is still written.
    changes: Changes,
}

impl Judged {
    /// Opens a recording, or those of a folder in the order of their names, so that segments follow each other.
    ///
    /// # Errors
    ///
    /// As [`Recording::open`] and [`readable`].
    pub fn open(path: &Path) -> Result<Self> {
        let (files, damaged) = readable(path)?;
        let recording = Recording::open(files.first().map_or(path, PathBuf::as_path))?;
        Ok(Self {
            files,
            folder: path.is_dir().then(|| path.to_owned()),
            at: 0,
            recording,
            pipeline: Pipeline::new()?,
            damaged,
            links: Links::default(),
            builder: None,
            chosen: None,
            snapshots: None,
            is_part: false,
            changes: Changes::default(),
        })
    }

    /// Says nothing of how the recording ends, of which only a part is read.
    #[must_use]
    pub const fn in_part(mut self) -> Self {
        self.is_part = true;
        self
    }

    /// Goes on with a recording at a block, with a pipeline that knows what was before it.
    ///
    /// # Errors
    ///
    /// As [`Recording::open`].
    pub fn resume(path: &Path, pipeline: Pipeline, place: &Place) -> Result<Self> {
        let mut recording = Recording::open(path)?;
        recording.go_to(place);
        Ok(Self {
            files: vec![path.to_owned()],
            folder: None,
            at: 0,
            recording,
            pipeline,
            damaged: 0,
            links: Links::default(),
            builder: None,
            chosen: None,
            snapshots: None,
            is_part: true,
            changes: Changes::default(),
        })
    }

    /// Makes snapshots on the way, each so many records behind the one before or some more, of a recording of one file that is read
    /// from its beginning.
    pub fn make_snapshots(&mut self, every: u64) {
        if self.files.len() == 1 && self.folder.is_none() {
            self.snapshots = Some(Snapshots::each(every));
        }
    }

    /// Makes snapshots half as often from now on.
    pub const fn halve_snapshots(&mut self) {
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.halve();
        }
    }

    /// What was known before the input that came last, where a snapshot was made there.
    pub fn snapshot(&mut self) -> Option<Snapshot> {
        self.snapshots.as_mut()?.take()
    }

    /// Whether what was read is a whole recording, of which any snapshot tells all that was before it.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        self.is_whole() && self.snapshots.is_some()
    }

    fn is_whole(&self) -> bool {
        self.recording.end() == End::Closed && self.recording.damaged() == 0
    }

    /// Makes an index on the way, of a recording of one file that is read from its beginning.
    pub fn index(&mut self) {
        if self.files.len() == 1 {
            self.builder = Some(Builder::default());
        }
    }

    /// The index that was made, once all was read; `None` where the recording is not whole.
    pub fn indexed(&mut self) -> Option<Index> {
        let is_whole = self.is_whole();
        self.builder.take().filter(|_| is_whole)?.finish(&self.pipeline)
    }

    /// Reads only blocks that an index has chosen, and what is needed to judge them.
    pub fn choose(&mut self, chosen: Chosen) {
        self.chosen = Some(chosen);
    }

    /// Passes over blocks that need not be read; `false` where nothing that is wanted comes any more. While records are held
    /// back, what follows is read, since it decides what becomes of them.
    fn skip(&mut self) -> Result<bool> {
        let Some(chosen) = &self.chosen else { return Ok(true) };
        // The first block has what the rest is understood by.
        let next = self.recording.reader().next_number();
        if next == 0 || !self.recording.reader().is_between_blocks() || self.pipeline.holds_back() {
            return Ok(true);
        }
        match chosen.before(next)? {
            None => Ok(false),
            Some(Step::Read) => Ok(true),
            Some(Step::Skip(start)) => {
                self.recording.go_to(&start.place);
                self.pipeline = Pipeline::new()?;
                self.pipeline.resume(chosen.index().opened(), chosen.index().config(), &start.known, start.next);
                Ok(true)
            }
        }
    }

    /// The files, in their order.
    #[must_use]
    pub fn files(&self) -> &[PathBuf] {
        &self.files
    }

    /// Begins the next file; `false` when there is none. Each can be read alone, so nothing is carried over.
    fn next_file(&mut self, out: &mut Vec<Record>) -> Result<bool> {
        let before = out.len();
        self.pipeline.finish(out);
        if let Some(builder) = &mut self.builder {
            out[before..].iter().for_each(|record| builder.record(record));
        }
        let mut is_told = false;
        while let Some(path) = self.files.get(self.at + 1) {
            if !path.exists() {
                // Whoever writes keeps within bounds.
                note(format_args!("{}: it was removed before it was read", path.display()));
                self.files.remove(self.at + 1);
                is_told = true;
                continue;
            }
            let next = Recording::open(path)?;
            self.tell();
            self.links.next(!is_told);
            self.damaged += self.recording.damaged();
            self.recording = next;
            self.pipeline = Pipeline::new()?;
            self.at += 1;
            return Ok(true);
        }
        Ok(false)
    }

    /// Pushes the next input through the pipeline, appends its records to `out` and returns it; `None` at the end, with the
    /// records that were held back.
    ///
    /// # Errors
    ///
    /// [`Exit::Unreadable`]: the records have a wire version that this build does not read.
    pub fn next(&mut self, out: &mut Vec<Record>) -> Result<Option<Input>> {
        loop {
            if !self.skip()? {
                self.pipeline.finish(out);
                return Ok(None);
            }
            match self.recording.next() {
                Some(input) => return self.take(input, out).map(Some),
                None if !self.next_file(out)? => {
                    if self.folder.is_some()
                        && let Some(missing) = self.links.end()
                    {
                        note(format_args!("{}: {missing}", self.path().display()));
                        self.damaged += 1;
                    }
                    return Ok(None);
                }
                None => {}
            }
        }
    }

    fn take(&mut self, input: Input, out: &mut Vec<Record>) -> Result<Input> {
        match &input {
            Input::Opened(opened) => {
                self.check_wire(opened)?;
                let file = self.files.get(self.at).map_or(Path::new(""), PathBuf::as_path);
                if let Some(missing) = self.links.begin(file, opened, self.recording.id()) {
                    note(format_args!("{}: {missing}", self.path().display()));
                    self.damaged += 1;
                }
            }
            Input::Config(config) => {
                // An index begins anywhere with the data of the end, so it can only be made where that was always in force.
                if self.pipeline.config().is_some_and(|before| before.data != config.data) {
                    (self.builder, self.snapshots) = (None, None);
                }
                // Of a part it was said where the first one was read.
                if !self.is_part {
                    self.note_other_rules(config);
                }
            }
            Input::Closed(closed) => self.links.close(closed),
            _ => {}
        }
        let before = out.len();
        if let Some(builder) = &mut self.builder {
            let place = self.recording.reader().place();
            builder.begin(place, self.recording.progress().raw_bytes, &mut self.pipeline)?;
        }
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.begin(self.recording.reader().place(), &mut self.pipeline);
        }
        // What the pipeline asks for was answered when the recording was made.
        drop(self.pipeline.push(&input, out));
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.came((out.len() - before) as u64);
        }
        if let Some(builder) = &mut self.builder {
            out[before..].iter().for_each(|record| builder.record(record));
        }
        Ok(input)
    }

    /// As [`Judged::next`], of a recording that is still written: where it ends for now, `rests` is called and more is waited
    /// for, in the next segment too. `None` once the last one is closed, or, of a single file, some seconds after its writer has
    /// gone without closing it. In a folder another recording can follow.
    ///
    /// # Errors
    ///
    /// As [`Judged::next`], and those of `rests`.
    pub fn wait(&mut self, out: &mut Vec<Record>, mut rests: impl FnMut() -> Result<()>) -> Result<Option<Input>> {
        let mut is_left = false;
        let mut left_for = 0;
        loop {
            if let Some(input) = self.recording.next() {
                return self.take(input, out).map(Some);
            }
            let is_closed = self.recording.end() == End::Closed;
            if is_closed || is_left {
                self.look_for_more();
                if self.next_file(out)? {
                    is_left = false;
                    continue;
                }
                if is_closed {
                    return Ok(None);
                }
            }
            // One that has a successor and no writer will not be closed any more; what was written last is read before.
            if !is_left && !segments::is_written(self.path()) {
                self.look_for_more();
                is_left = self.at + 1 < self.files.len();
                if is_left {
                    continue;
                }
                left_for += u32::from(self.folder.is_none() && segments::is_left(self.path()));
                if left_for > LEFT_AFTER {
                    return Ok(None);
                }
            }
            rests()?;
            if let Some(file) = self.files.get(self.at) {
                self.changes.wait(file, LOOKED_FOR_EVERY);
            }
        }
    }

    /// Adds files that were made since the last look, behind those that are known: of the folder, or the next segment of a file.
    fn look_for_more(&mut self) {
        let Some(last) = self.files.last() else { return };
        if let Some(folder) = &self.folder {
            let found = segments::after_in(folder, last);
            self.files.extend(found);
            return;
        }
        if !self.links.goes_on() || self.at + 1 < self.files.len() {
            return;
        }
        let number = self.pipeline.opened().map_or(0, |opened| opened.segment);
        match segments::after(last, number).filter(|next| next.is_file()) {
            Some(next) => self.files.push(next),
            None => note(format_args!("{}: it goes on in another file, which is not beside it", last.display())),
        }
    }

    /// How much of a recording of one file was read, in a hundred parts.
    #[must_use]
    pub fn part(&self) -> Option<u8> {
        let [file] = &self.files[..] else { return None };
        let all = std::fs::metadata(file).ok()?.len().max(1);
        u8::try_from(self.recording.progress().offset.saturating_mul(100) / all).ok()
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
        self.tell();
        let (count, path) = (self.damaged + self.recording.damaged(), self.path().display());
        if count == 0 {
            return Ok(());
        }
        let what = if self.folder.is_some() { "the recordings are".to_owned() } else { format!("{path} is") };
        let places = if count == 1 { "place" } else { "places" };
        let message = format!("{what} damaged in {count} {places}, the rest was read; `agentsnoop verify` says more");
        Err(fail(Exit::Unreadable, message))
    }

    /// The file that is read.
    fn path(&self) -> &Path {
        self.files.get(self.at).map_or(Path::new(""), PathBuf::as_path)
    }

    /// Says on standard error what is damaged in the file that is read, and how it ends.
    fn tell(&self) {
        let (path, end) = (self.path().display(), self.recording.end());
        for damage in self.recording.damage() {
            note(format_args!("{path}: {damage}"));
        }
        // Where blocks were passed over, the end was seen when the index was made.
        if end != End::Closed && self.chosen.is_none() && !self.is_part {
            note(format_args!("{path}: {end}"));
        }
    }

    fn check_wire(&self, opened: &Opened) -> Result<()> {
        if opened.wire == WIRE_VERSION {
            return Ok(());
        }
        let (path, wire, version) = (self.path().display(), opened.wire, &opened.version);
        Err(fail(
            Exit::Unreadable,
            format!(
                "cannot read {path}: its records have wire version {wire}, and this build reads {WIRE_VERSION}; \
                 use agentsnoop {version}, which made it"
            ),
        ))
    }

    /// Says on standard error with which other rules a recording is judged again of which a part is read.
    pub fn tell_other_rules(&self) {
        if let Some(config) = self.pipeline.config() {
            self.note_other_rules(config);
        }
    }

    fn note_other_rules(&self, config: &Config) {
        let here = data::list();
        // What files of users added is in the recording, and judges again.
        let other = config.data.iter().filter(|then| then.file.is_none()).filter(|then| {
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
            let (path, names) = (self.path().display(), names.join(", "));
            note(format_args!("{path}: re-judged with {names} of this build; recorded by agentsnoop {then}"));
        }
    }
}

/// A recording by itself, or those of a folder in the order of their names. In a folder one that cannot be read, such as the empty
/// file that a power cut leaves, is told on standard error and left out; how many there are.
///
/// # Errors
///
/// [`Exit::Unreadable`]: the folder cannot be listed, or has no recording that can be read.
pub fn readable(path: &Path) -> Result<(Vec<PathBuf>, u64)> {
    if !path.is_dir() {
        return Ok((vec![path.to_owned()], 0));
    }
    let mut files = segments::in_folder(path)?;
    let all = files.len();
    files.retain(|file| Recording::open(file).inspect_err(|error| note(format_args!("{error:#}"))).is_ok());
    match files.len() {
        0 => Err(fail(Exit::Unreadable, format!("no recording in {} can be read", path.display()))),
        left => Ok((files, (all - left) as u64)),
    }
}

/// A line on standard error.
pub fn note(line: std::fmt::Arguments<'_>) {
    notes::say(line);
}
