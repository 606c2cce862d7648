//! Gives the inputs of a recording back, and says what is damaged and where.
//!
//! Total: any bytes give inputs and damage, and memory stays below a few times [`format::RAW_BYTES`]. A recording that is
//! still written can be read: where it ends for now the reader returns `None`, and goes on from there when asked again.

use std::{collections::VecDeque, fs::File, io, os::unix::fs::OpenOptionsExt as _, path::Path};

use agentsnoop_pipeline::{input::Input, record::escape_into};
use anyhow::Result;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use zstd::bulk::Decompressor;

use super::{
    damage::{Damage, End},
    format::{self, BLOCK_HEADER, BlockHeader, Chain, FILE_HEADER, FileKind, MAGIC, RecordingId, VERSION},
    frame,
};
use crate::Unreadable;

mod block;
mod links;
mod scan;

/// Bytes that can be read from any place.
pub trait ReadAt {
    /// Reads at most `buffer.len()` bytes from `offset` on; 0 at the end.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize>;

    /// Reads until `buffer` is full or the end is reached, and says how much there was.
    ///
    /// # Errors
    ///
    /// The error of the system.
    fn fill(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut have = 0;
        while have < buffer.len() {
            match self.read_at(&mut buffer[have..], offset + have as u64) {
                Ok(0) => break,
                Ok(more) => have += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(have)
    }
}

impl ReadAt for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        std::os::unix::fs::FileExt::read_at(self, buffer, offset)
    }
}

impl ReadAt for &[u8] {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let rest = usize::try_from(offset).ok().and_then(|offset| self.get(offset..)).unwrap_or_default();
        let len = rest.len().min(buffer.len());
        buffer[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

/// Where an input is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The block.
    pub block: u64,
    /// Where the block begins, bytes from the start of the file.
    pub offset: u64,
    /// The number of the input in the recording, from 0.
    pub input: u64,
}

/// Where a block is, and what its successor must know to be linked to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its number.
    pub number: u64,
    /// Where it begins, bytes from the start of the file.
    pub offset: u64,
    /// Inputs before it.
    pub first_input: u64,
    /// The link of the block before it.
    pub before: Chain,
}

/// What the reader gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// The next input.
    Input(Position, Input),
    /// Something is wrong; reading goes on behind it.
    Damage(Damage),
}

/// What was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Blocks whose payload is sound.
    pub blocks: u64,
    /// Inputs that were given.
    pub inputs: u64,
    /// Frames with a tag that this build does not know.
    pub unknown: u64,
    /// The next byte to read.
    pub offset: u64,
    /// Bytes of frames in the sound blocks, decompressed.
    pub raw_bytes: u64,
}

/// A block that is being taken apart.
#[derive(Default)]
struct Current {
    at: Position,
    left: u64,
    frames: Bytes,
}

/// Reads a recording from its start.
pub struct Reader<S> {
    source: S,
    id: RecordingId,
    progress: Progress,
    links: links::Links,
    current: Current,
    place: Place,
    /// Damage that was found and not yet given.
    pending: VecDeque<Damage>,
    end: End,
    failed: bool,
    payload: Vec<u8>,
    zstd: Decompressor<'static>,
}

impl Reader<File> {
    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// [`Unreadable`]: the file is missing, no regular file, no recording, or one of another format version.
    pub fn open(path: &Path) -> Result<Self> {
        let refuse = |why: String| Unreadable::error(path, why);
        // Without O_NONBLOCK the open of a FIFO would wait for a writer.
        let mut options = File::options();
        let options = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
        let file = options.open(path).map_err(|error| refuse(error.to_string()))?;
        if !file.metadata().map_err(|error| refuse(error.to_string()))?.is_file() {
            return Err(refuse("it is not a regular file".to_owned()));
        }
        Self::new(file).map_err(refuse)
    }
}

impl<S: ReadAt> Reader<S> {
    /// Reads a recording from bytes.
    ///
    /// # Errors
    ///
    /// Why they are no recording that this build reads.
    pub fn new(source: S) -> Result<Self, String> {
        let mut header = [0; FILE_HEADER];
        let have = source.fill(&mut header, 0).map_err(|error| error.to_string())?;
        if have < FILE_HEADER {
            let cut = have > 0 && MAGIC.starts_with(&header[..have.min(MAGIC.len())]);
            return Err(match (have, cut) {
                (0, _) => "it is empty, so it is no recording".to_owned(),
                (_, true) => {
                    format!("it is cut after {have} bytes, inside the header of a recording; it holds nothing")
                }
                (_, false) => "it is no recording of agentsnoop".to_owned(),
            });
        }
        let mut pending = VecDeque::new();
        match format::file_kind(&header) {
            FileKind::Known => {}
            FileKind::Other { version } => {
                return Err(format!(
                    "it is a recording of format {version}, and this build reads format {VERSION}; use the build that \
                     wrote it or a newer one"
                ));
            }
            FileKind::Foreign => {
                let mut block = [0; BLOCK_HEADER];
                let have = source.fill(&mut block, FILE_HEADER as u64).map_err(|error| error.to_string())?;
                if have < BLOCK_HEADER || BlockHeader::decode(&block).is_err() {
                    return Err("it is no recording of agentsnoop".to_owned());
                }
                pending.push_back(Damage::FileHeader);
            }
        }
        Ok(Self {
            source,
            id: format::id_of(&header),
            progress: Progress { offset: FILE_HEADER as u64, ..Progress::default() },
            links: links::Links::new(&header),
            current: Current::default(),
            place: Place::default(),
            pending,
            end: End::Open { offset: FILE_HEADER as u64, number: 0 },
            failed: false,
            payload: Vec::new(),
            zstd: Decompressor::new().map_err(|error| error.to_string())?,
        })
    }

    /// What tells the recording from every other.
    #[must_use]
    pub const fn id(&self) -> RecordingId {
        self.id
    }

    /// What was read so far.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.progress
    }

    /// The block that is taken apart, or was last.
    #[must_use]
    pub const fn place(&self) -> Place {
        self.place
    }

    /// Whether the next input is the first of another block.
    #[must_use]
    pub fn is_between_blocks(&self) -> bool {
        self.current.frames.is_empty() && self.pending.is_empty()
    }

    /// The number of the block that comes next.
    #[must_use]
    pub const fn next_number(&self) -> u64 {
        self.links.expected()
    }

    /// Goes on at a block, whose place was that of an earlier reading.
    pub fn go_to(&mut self, place: &Place) {
        self.current = Current::default();
        self.progress.offset = place.offset;
        self.links = links::Links::at(place.before, place.number, place.first_input);
    }

    /// How the recording ends, once the iterator has returned `None`.
    #[must_use]
    pub const fn end(&self) -> End {
        self.end
    }

    /// The link of the last block that was read: the head of the chain, once the iterator has returned `None`.
    #[must_use]
    pub const fn head(&self) -> Chain {
        self.links.head()
    }

    /// Reads blocks until one has inputs or damage to give; `false` where there is nothing more for now.
    fn advance(&mut self) -> bool {
        while self.current.frames.is_empty() && self.pending.is_empty() {
            if self.failed {
                return false;
            }
            match self.block() {
                Ok(true) => {}
                Ok(false) => return false,
                Err(error) => {
                    self.failed = true;
                    self.pending.push_back(Damage::Io { offset: self.progress.offset, error: error.to_string() });
                }
            }
        }
        true
    }
}

impl<S: ReadAt> Iterator for Reader<S> {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        loop {
            if let Some(damage) = self.pending.pop_front() {
                return Some(Item::Damage(damage));
            }
            if self.current.frames.is_empty() {
                if !self.advance() {
                    return None;
                }
                // What is wrong with a block is told before its inputs.
                continue;
            }
            let at = self.current.at;
            let left = self.current.left;
            let frame = match frame::take(&mut self.current.frames) {
                Ok(Some(frame)) if left > 0 => frame,
                Ok(_) => return Some(self.spoiled(at, 0, "was not counted by its block")),
                Err(what) => return Some(self.spoiled(at, left, what)),
            };
            self.current.left -= 1;
            // A block that does not follow can say any number.
            self.current.at.input = self.current.at.input.saturating_add(1);
            if self.current.frames.is_empty() && self.current.left > 0 {
                let (at, left) = (self.current.at, self.current.left);
                self.pending.push_back(Damage::Frame { at, inputs: left, what: "is missing from its block" });
            }
            match frame::decode(&frame) {
                Ok(Some(input)) => {
                    self.progress.inputs += 1;
                    return Some(Item::Input(at, input));
                }
                Ok(None) => self.progress.unknown += 1,
                Err(error) => {
                    // It can quote what the file holds.
                    let mut what = String::new();
                    escape_into(error.to_string().as_bytes(), &mut what);
                    return Some(Item::Damage(Damage::Input { at, what }));
                }
            }
        }
    }
}

impl<S> Reader<S> {
    /// Gives up the rest of the current block.
    fn spoiled(&mut self, at: Position, inputs: u64, what: &'static str) -> Item {
        self.current = Current::default();
        Item::Damage(Damage::Frame { at, inputs, what })
    }
}
