//! Inputs into a recording, in one file or in segments. A failure to record never ends the observation; it is kept to be
//! shown.

use std::{
    path::Path,
    thread::JoinHandle,
    time::{Duration, Instant},
};

use agentsnoop_pipeline::input::{Closed, Gap, Input, Observed};
use anyhow::{Context as _, Result};

use agentsnoop_store::{
    format::hex_id,
    retention::{self, Keep, Removed},
    segments::Segments,
    writer::{Options, Status, Writer},
};

/// When a segment ends and the next one begins, and how much is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Rotation {
    /// Bytes of a segment.
    pub bytes: Option<u64>,
    /// Seconds of a segment.
    pub seconds: Option<u64>,
    /// Bytes of all segments that are kept.
    pub keep_bytes: Option<u64>,
    /// Seconds that a segment is kept.
    pub keep_seconds: Option<u64>,
    /// All recordings in the folder that agentsnoop has named itself count among those that are kept, not only those of this
    /// observation.
    pub whole_folder: bool,
}

impl Rotation {
    const fn keep(&self) -> Keep {
        let age = match self.keep_seconds {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => None,
        };
        Keep { bytes: self.keep_bytes, age }
    }
}

/// How long a segment goes on that should have ended, when the next one cannot be made.
const TRIED_AGAIN_AFTER: Duration = Duration::from_secs(10);

/// How often old segments are looked for.
const SWEPT_EVERY: Duration = Duration::from_secs(60);

/// The prefix of recordings that `watch` names itself.
pub const PREFIX: &str = "agentsnoop-";

/// Writes inputs and keeps the errors.
pub struct Recording {
    writer: Writer,
    trouble: Option<anyhow::Error>,
    rotating: Option<Rotating>,
    /// What was missed of segments that are closed.
    missed_before: u64,
}

/// Segments that follow each other.
struct Rotating {
    rotation: Rotation,
    segments: Segments,
    number: u32,
    begun: Instant,
    /// Not before this, after a failure.
    not_before: Option<Instant>,
    /// The segment before, while it is being closed.
    closing: Option<(u32, JoinHandle<Result<Status>>)>,
    swept: Option<Instant>,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create(path: &Path, options: Options) -> Result<Self> {
        Ok(Self { writer: Writer::create(path, options)?, trouble: None, rotating: None, missed_before: 0 })
    }

    /// What tells the file from every other, hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        hex_id(&self.writer.id())
    }

    /// Goes on in further files when the first one has grown large or old.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened.
    pub fn in_segments(mut self, rotation: Rotation, owner: Option<(u32, u32)>) -> Result<Self> {
        let segments = Segments::beside(self.writer.path(), owner)?;
        self.rotating = Some(Rotating {
            rotation,
            segments,
            number: 0,
            begun: Instant::now(),
            not_before: None,
            closing: None,
            swept: None,
        });
        Ok(self)
    }

    /// Whether the segment is to end now.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let Some(rotating) = &self.rotating else { return false };
        let Rotation { bytes, seconds, .. } = rotating.rotation;
        let is_large = || bytes.is_some_and(|most| self.writer.status().bytes >= most);
        let is_old = || seconds.is_some_and(|most| rotating.begun.elapsed() >= Duration::from_secs(most));
        let may = rotating.not_before.is_none_or(|moment| Instant::now() >= moment) && rotating.closing.is_none();
        may && (is_old() || is_large())
    }

    /// Ends the segment with `closed` and begins the next one with `first`, which is given its number and the identity of the
    /// one before. What was held back for a failure so far stays with the segment that ends.
    ///
    /// # Errors
    ///
    /// The next one cannot be made; the segment goes on.
    pub fn next_segment(
        &mut self,
        mut closed: Closed,
        first: impl FnOnce(u32, String) -> Vec<Input>,
    ) -> Result<(u32, u64)> {
        let rotating = self.rotating.as_mut().context("the recording is of one file")?;
        let number = rotating.number + 1;
        let begun = rotating.segments.create(number).and_then(|file| {
            let path = rotating.segments.path(number);
            Writer::begin(file, &path)
        });
        let writer = match begun {
            Ok(writer) => writer,
            Err(error) => {
                rotating.not_before = Some(Instant::now() + TRIED_AGAIN_AFTER);
                return Err(error.context("the recording goes on in the same file"));
            }
        };
        rotating.number = number;
        rotating.begun = Instant::now();
        closed.next = Some(hex_id(&writer.id()));
        let before = std::mem::replace(&mut self.writer, writer);
        let id = hex_id(&before.id());
        self.missed_before += before.missed();
        // Its last block waits for the device, which is no reason for what comes to wait.
        let close = move || before.close(&mut closed);
        match std::thread::Builder::new().name("segment".to_owned()).spawn(close) {
            Ok(thread) => rotating.closing = Some((number - 1, thread)),
            Err(error) => self.trouble = Some(anyhow::Error::new(error).context("the last segment was not closed")),
        }
        let first = first(number, id);
        let count = first.len() as u64;
        first.iter().for_each(|input| self.push(input));
        self.flush();
        Ok((number, count))
    }

    /// What has happened to segments since the last call: one is whole, old ones were removed. To be called at each tick; the
    /// inputs are to be pushed like any other.
    pub fn news(&mut self) -> Vec<Input> {
        let mut news = self.sealed(JoinHandle::is_finished);
        let Some(rotating) = &mut self.rotating else { return news };
        if !news.is_empty() {
            rotating.swept = None;
        }
        if rotating.swept.is_none_or(|moment| moment.elapsed() >= SWEPT_EVERY) && rotating.closing.is_none() {
            rotating.swept = Some(Instant::now());
            match rotating.sweep() {
                Ok(Removed { files, .. }) if files.is_empty() => {}
                Ok(Removed { files, bytes }) => news.push(Input::Observed(Observed::Removed { files, bytes })),
                Err(error) => self.trouble = Some(error),
            }
        }
        news
    }

    /// What has happened to the segment before this one, whose end is waited for: to be pushed before this one is closed, since
    /// nothing else vouches for that one.
    pub fn last_news(&mut self) -> Vec<Input> {
        self.sealed(|_| true)
    }

    /// That the segment before this one is whole, if its end is to be taken by now; what takes it waits for it.
    fn sealed(&mut self, is_due: impl Fn(&JoinHandle<Result<Status>>) -> bool) -> Vec<Input> {
        let closing =
            self.rotating.as_mut().and_then(|rotating| rotating.closing.take_if(|(_, thread)| is_due(thread)));
        let Some((segment, thread)) = closing else { return Vec::new() };
        match thread.join() {
            Ok(Ok(status)) => {
                let sealed = Input::Observed(Observed::Sealed { segment, head: status.head });
                return std::iter::once(sealed).chain(status.gap.map(Input::Gap)).collect();
            }
            Ok(Err(error)) => self.trouble = Some(error),
            Err(_) => self.trouble = Some(anyhow::anyhow!("the thread that closed segment {segment} has panicked")),
        }
        Vec::new()
    }

    /// Takes one input.
    pub fn push(&mut self, input: &Input) {
        if let Err(error) = self.writer.push(input) {
            self.trouble = Some(error);
        }
        // What the rest is understood by goes into a block of its own: a small one fits where a full one does not.
        if matches!(input, Input::Config(_)) {
            self.flush();
        }
    }

    /// Sends what was taken to the disk. Called at least once a second, so that no more is at risk when the process is
    /// killed.
    pub fn flush(&mut self) {
        if let Err(error) = self.writer.flush() {
            self.trouble = Some(error);
        }
    }

    /// The failure since the last call, to be shown; a failure that lasts is reported once.
    pub const fn trouble(&mut self) -> Option<anyhow::Error> {
        self.trouble.take()
    }

    /// The gap that a failure left, once writing works again; to be pushed to the pipeline and to here.
    pub fn gap(&mut self) -> Option<Gap> {
        self.writer.gap()
    }

    /// What is on disk by now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.writer.status()
    }

    /// Inputs that were not stored so far, in all, whether a gap says so already or not.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed_before + self.writer.missed()
    }

    /// Closes the recording and fills in [`Closed::inputs`]. The pipeline of the live side is to take [`Status::gap`] and
    /// then `closed`, as the recording ends with them.
    ///
    /// # Errors
    ///
    /// As [`Writer::close`].
    pub fn close(self, closed: &mut Closed) -> Result<Status> {
        let before = self.rotating.and_then(|rotating| rotating.closing);
        let status = self.writer.close(closed)?;
        match before.map(|(_, thread)| thread.join()) {
            Some(Ok(Err(error))) => Err(error),
            _ => Ok(status),
        }
    }
}

impl Rotating {
    fn sweep(&self) -> Result<Removed> {
        let folder = self.segments.folder().context("cannot open the folder of the recordings")?;
        let named = |name: &std::ffi::OsStr| {
            let name = name.as_encoded_bytes();
            self.rotation.whole_folder && name.starts_with(PREFIX.as_bytes()) && name.ends_with(b".rec")
        };
        retention::sweep(&folder, self.rotation.keep(), |name| self.segments.has(name) || named(name))
    }
}
