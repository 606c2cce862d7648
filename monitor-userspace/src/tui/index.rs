//! What lets the screen go to any place of a large recording without reading all before it: a file in the user's cache, which can be
//! thrown away at any time.
//!
//! Every so many events it has a checkpoint: where that is in the recording, what the pipeline knew there
//! ([`agentsnoop_pipeline::input::Known`]), and the screen's model. So going to a place is to take one, and to judge and learn what is between.
//! A model shares what has not changed with the one before it ([`crate::tui::model::Pieces`]), and so do checkpoints: each piece is a blob, stored
//! once. It is made while a whole recording is read for the screen, and belongs to that file as it is, and to this build of agentsnoop with its data.

mod build;
mod file;
mod read;

use std::path::{Path, PathBuf};

use agentsnoop_pipeline::{
    input::{Config, Known, Opened},
    record::Id,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub use build::Builder;
pub use file::{load, store};
pub use read::Index;

use super::{
    hub::{Outline, Place},
    model::{moment::Rest, tree::Node},
    state::Mark,
};
use agentsnoop_store::reader;

/// Events from one checkpoint to the next, at least: it is the first block behind them. Judging and learning twice as many stays
/// below a tenth of a second, and there are some 150 checkpoints of 10 million events.
pub const EVERY: u64 = 1 << 15;

/// Bytes of all blobs together. Beyond, every second checkpoint is left out, and there is twice as much between two: going to a place
/// takes longer then.
pub const BYTES: usize = 192 << 20;

/// Where an index is, and how it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Indexing {
    /// The file.
    pub path: PathBuf,
    /// Events from one checkpoint to the next, at least.
    pub every: u64,
    /// Bytes of its blobs.
    pub most: usize,
}

impl Indexing {
    /// That of a recording, in the cache of whoever looks at it; `None` where it has no place there.
    #[must_use]
    pub fn of(recording: &Path) -> Option<Self> {
        let path = file::of(recording).ok()?;
        Some(Self { path, every: EVERY, most: BYTES })
    }
}

/// The number of a blob.
type BlobId = u32;

/// A place to begin at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The block.
    place: reader::Place,
    /// The segment, which is a part of ids.
    segment: u32,
    /// How many events are before it.
    number: u64,
    /// The latest of their times, boot clock, nanoseconds.
    now_ns: u64,
    /// What the pipeline knew: [`Known`]s.
    known: BlobId,
    /// The model: a [`Sketch`].
    model: BlobId,
}

impl Checkpoint {
    /// The id of the first record behind it.
    const fn next(&self) -> Id {
        Id { segment: self.segment, index: self.place.first_input, part: 0 }
    }
}

/// A model whose lists are blobs.
#[derive(Debug, Serialize, Deserialize)]
struct Sketch {
    rest: Rest,
    all: Node,
    further: u64,
    latest: usize,
    nodes: Vec<BlobId>,
    files: List,
    endpoints: List,
    variables: List,
    host: List,
}

/// Things of a sort, without their names.
#[derive(Debug, Default, Serialize, Deserialize)]
struct List {
    pieces: Vec<BlobId>,
    further: u64,
}

impl Sketch {
    /// The blobs of its lists.
    fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let lists = [&self.files, &self.endpoints, &self.variables, &self.host];
        self.nodes.iter().chain(lists.into_iter().flat_map(|list| &list.pieces)).copied()
    }
}

/// All but the blobs.
#[derive(Debug, Serialize, Deserialize)]
struct Contents {
    outline: Outline,
    opened: Opened,
    config: Option<Config>,
    marks: Vec<Mark>,
    checkpoints: Vec<Checkpoint>,
    /// The blobs with the names of files, endpoints, variables and facts: what is the same at all times.
    names: [Vec<BlobId>; 4],
}

/// Level of zstd.
const LEVEL: i32 = 1;

/// Bytes of a blob, unpacked, at most: what is known of the most processes that a pipeline keeps stays far below.
const BLOB: usize = 256 << 20;

/// Packs what a blob holds. Its checksum tells a damaged one.
fn pack(value: &impl Serialize) -> Result<Vec<u8>> {
    let unpacked = rmp_serde::to_vec(value).context("cannot pack a checkpoint")?;
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    packer.include_checksum(true)?;
    packer.compress(&unpacked).context("cannot compress a checkpoint")
}

/// The same for what has no compact form.
fn pack_named(value: &impl Serialize) -> Result<Vec<u8>> {
    let unpacked = rmp_serde::to_vec_named(value).context("cannot pack a checkpoint")?;
    let mut packer = zstd::bulk::Compressor::new(LEVEL)?;
    packer.include_checksum(true)?;
    packer.compress(&unpacked).context("cannot compress a checkpoint")
}

fn unpack<T: for<'de> Deserialize<'de>>(packed: &[u8]) -> Result<T> {
    let unpacked = zstd::bulk::decompress(packed, BLOB).context("a checkpoint is damaged")?;
    rmp_serde::from_slice(&unpacked).context("a checkpoint is damaged")
}

/// What was known, by the pieces that the pipeline takes.
type Knowledge = Vec<Known>;
