//! Appends inputs to a recording.
//!
//! [`Writer::push`] only encodes; a thread compresses, hashes and writes sealed blocks, so that the drain of the
//! ring does not wait for a disk. Between the two are at most [`QUEUE`] blocks: when the disk is that far behind,
//! `push` waits, the ring absorbs, and what the ring cannot absorb is counted by the kernel half. Nothing is
//! dropped here in silence: inputs that a failing disk did not take are counted and become a `Gap`.
//!
//! What was flushed is with the kernel at once and survives `kill -9` of the writer; it is synchronised to the
//! device at most every [`SYNC_EVERY`].

use std::{
    fs::{self, File},
    io::{self, Read as _},
    os::unix::fs::{FileExt as _, OpenOptionsExt as _, fchown},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use agentsnoop_pipeline::input::{Closed, Gap, Input};
use anyhow::{Context as _, Result, anyhow, bail};

use super::{
    format::{BLOCK_BYTES, RecordingId, file_header, genesis},
    frame,
};

mod disk;
mod room;
mod status;

use status::Shared;
pub use status::{Missed, Status};

/// Sealed blocks that wait for the disk: 2 MiB of inputs, some 20,000 records.
pub const QUEUE: usize = 8;

/// From the first block that is not synchronised to the device to when that is begun. What power loss can cost is that, what was
/// not flushed yet, and what the device takes: five seconds together (docs/recording.md).
pub const SYNC_EVERY: Duration = Duration::from_secs(3);

/// How a recording is created.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Replace a file that exists; otherwise that is an error.
    pub overwrite: bool,
    /// Give the file to this user and group (the person behind sudo).
    pub owner: Option<(u32, u32)>,
}

/// Frames on their way to the disk.
#[derive(Default)]
struct Block {
    frames: Vec<u8>,
    inputs: u32,
    first_ns: u64,
    last_ns: u64,
    last: bool,
    /// Those of its inputs that stand for inputs that were missed.
    gaps: Vec<Missed>,
}

/// What the thread is asked to do, in this order.
enum Order {
    /// Write a block.
    Write(Block),
    /// Answer once everything before is written.
    Drain(SyncSender<()>),
}

/// Writes one recording.
pub struct Writer {
    path: PathBuf,
    id: RecordingId,
    block: Block,
    queue: Option<SyncSender<Order>>,
    spare: Receiver<Vec<u8>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    failures: u64,
}

impl Writer {
    /// Creates a recording, readable and writable by its owner only.
    ///
    /// # Errors
    ///
    /// The file exists and is not to be replaced, is no regular file, or cannot be written.
    pub fn create(path: &Path, options: Options) -> Result<Self> {
        let what = || format!("cannot create the recording {}", path.display());
        if options.overwrite {
            // A new file rather than a truncated one: a reader of the old one keeps it, and a link is not followed.
            match fs::symlink_metadata(path) {
                Ok(found) if !found.is_file() => bail!("{}: it exists and is no regular file", what()),
                Ok(_) => fs::remove_file(path).with_context(what)?,
                Err(_) => {}
            }
        }
        let file = match File::options().write(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                bail!("{}: it exists already; name another file, or replace it with --overwrite", what())
            }
            Err(error) => return Err(error).with_context(what),
        };
        if let Some((user, group)) = options.owner {
            fchown(&file, Some(user), Some(group)).with_context(what)?;
        }
        Self::begin(file, path).inspect_err(|_| {
            // An empty file would be in the way of the next attempt; that it could not be removed adds nothing.
            let _ = fs::remove_file(path);
        })
    }

    /// Begins a recording in a file that was just made and is empty.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    pub fn begin(file: File, path: &Path) -> Result<Self> {
        let what = || format!("cannot create the recording {}", path.display());
        // Who keeps old recordings within bounds leaves one alone that is being written. Some file systems know no locks.
        let _ = file.try_lock();
        let id = new_id().with_context(what)?;
        let header = file_header(&id);
        file.write_all_at(&header, 0).with_context(what)?;
        sync_folder(path);
        let shared = Arc::new(Shared::default());
        let (queue, orders) = sync_channel(QUEUE);
        let (spares, spare) = sync_channel(QUEUE);
        let disk = disk::Disk::new(file, genesis(&header), Arc::clone(&shared), spares).with_context(what)?;
        let thread = std::thread::Builder::new().name("recording".to_owned());
        let thread = thread.spawn(move || disk.run(&orders)).with_context(what)?;
        Ok(Self {
            path: path.to_owned(),
            id,
            block: Block::default(),
            queue: Some(queue),
            spare,
            shared,
            thread: Some(thread),
            failures: 0,
        })
    }

    /// Takes one input. It is on its way to the disk after the next [`Writer::flush`], or once a block is full.
    ///
    /// # Errors
    ///
    /// The input is too long for a frame, or writing has failed since the last call; each failure is reported once.
    /// The writer goes on: it counts what is missed and tries again with each block.
    pub fn push(&mut self, input: &Input) -> Result<()> {
        self.add(input)?;
        if self.block.frames.len() >= BLOCK_BYTES { self.seal() } else { self.check() }
    }

    /// Appends one input to the block.
    fn add(&mut self, input: &Input) -> Result<()> {
        frame::encode(input, &mut self.block.frames)?;
        self.block.inputs += 1;
        if let Input::Gap(gap) = input {
            self.block.gaps.extend(Missed::of(gap));
        }
        if let Some(time) = frame::time(input).filter(|time| *time > 0) {
            let first = self.block.first_ns;
            self.block.first_ns = if first == 0 { time } else { first.min(time) };
            self.block.last_ns = self.block.last_ns.max(time);
        }
        Ok(())
    }

    /// Sends what was pushed to the disk; to be called at least once a second.
    ///
    /// # Errors
    ///
    /// As [`Writer::push`].
    pub fn flush(&mut self) -> Result<()> {
        if self.block.inputs > 0 { self.seal() } else { self.check() }
    }

    /// What tells the recording from every other.
    #[must_use]
    pub const fn id(&self) -> RecordingId {
        self.id
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is on disk by now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.with(|status| status.clone())
    }

    /// Inputs that were not stored so far, in all, whether a gap says so already or not.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.shared.with(|status| status.missed_in_all)
    }

    /// The gap that a failure left, once writing works again; it is to be pushed like any other input.
    pub fn gap(&mut self) -> Option<Gap> {
        let missed = self.shared.with(|status| if status.error.is_none() { status.missed.take() } else { None });
        missed.map(Missed::into_gap)
    }

    /// Closes the recording: fills in [`Closed::inputs`], writes the last block and synchronises it to the device. A gap
    /// that nobody has taken yet is in that block, before the end, and in [`Status::gap`].
    ///
    /// # Errors
    ///
    /// The end is not on disk; the file is readable up to there, and incomplete.
    pub fn close(mut self, closed: &mut Closed) -> Result<Status> {
        // A failure that has passed is in the gap; one that lasts meets the last block too.
        let _ = self.flush();
        let _ = self.drain();
        // The gap does not wait for writing to work: the last block may fit where those before it did not, and an end
        // without the gap would promise inputs that are not there.
        let (missed, before) = self.shared.with(|status| (status.missed.take(), status.inputs + status.held));
        let gap = missed.map(Missed::into_gap);
        self.block = Block::default();
        if let Some(gap) = &gap {
            self.add(&Input::Gap(gap.clone()))?;
        }
        closed.inputs = before + u64::from(gap.is_some());
        self.add(&Input::Closed(Box::new(closed.clone())))?;
        let block = Block { last: true, ..std::mem::take(&mut self.block) };
        self.send(Order::Write(block))?;
        self.queue = None;
        self.join()?;
        let status = Status { gap, ..self.status() };
        let path = self.path.display();
        match (&status.error, status.closed, status.missed_in_all) {
            (None, true, _) => Ok(status),
            (Some(error), true, _) => Err(anyhow!("cannot write {path}: {error}")),
            (error, false, missed) => {
                let error = error.as_deref().unwrap_or("the end could not be written");
                Err(anyhow!("cannot write {path}: {error}; it lacks its end and {missed} inputs"))
            }
        }
    }

    /// Waits until everything that was sent is on disk, or has failed.
    ///
    /// # Errors
    ///
    /// As [`Writer::push`].
    pub fn drain(&mut self) -> Result<()> {
        let (done, answer) = sync_channel(1);
        self.send(Order::Drain(done))?;
        answer.recv().with_context(|| format!("the writer of {} has ended", self.path.display()))?;
        self.check()
    }

    fn seal(&mut self) -> Result<()> {
        let frames = self.spare.try_recv().unwrap_or_default();
        let block = std::mem::replace(&mut self.block, Block { frames, ..Block::default() });
        self.send(Order::Write(block))?;
        self.check()
    }

    fn send(&mut self, order: Order) -> Result<()> {
        let sent = self.queue.as_ref().is_some_and(|queue| queue.send(order).is_ok());
        if sent { Ok(()) } else { Err(anyhow!("the writer of {} has ended", self.path.display())) }
    }

    fn check(&mut self) -> Result<()> {
        let failures = self.shared.failures.load(Ordering::Acquire);
        if failures == self.failures {
            return Ok(());
        }
        self.failures = failures;
        match self.shared.with(|status| status.error.clone()) {
            Some(error) => Err(anyhow!("cannot write {}: {error}", self.path.display())),
            None => Ok(()),
        }
    }

    fn join(&mut self) -> Result<()> {
        match self.thread.take().map(JoinHandle::join) {
            Some(Err(_)) => Err(anyhow!("the writer of {} has panicked", self.path.display())),
            _ => Ok(()),
        }
    }
}

impl Drop for Writer {
    /// Sends what was pushed and waits for the disk; without [`Writer::close`] the recording stays incomplete.
    fn drop(&mut self) {
        if self.queue.is_some() {
            // An error can no longer be reported; the reader will say that the recording is incomplete.
            let _ = self.flush();
            self.queue = None;
            let _ = self.join();
        }
    }
}

/// Has the name of a new file outlive power loss, in the background: a slow device is no reason for a command to wait.
fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned();
    // Where there is no thread for it, or no right to read the folder, the name is on the device a little later.
    let _ = std::thread::Builder::new()
        .name("recording-folder".to_owned())
        .spawn(move || File::open(folder).and_then(|folder| folder.sync_all()));
}

/// A random identity for a recording.
fn new_id() -> io::Result<RecordingId> {
    let mut id = RecordingId::default();
    File::open("/dev/urandom")?.read_exact(&mut id)?;
    Ok(id)
}
