//! What lets a query leave out blocks that cannot have what it looks for: a file in the user's cache, which can be thrown away at
//! any time.
//!
//! For each block, or some in a row, it has the values that occur in its records ([`agentsnoop_pipeline::filter::Terms`]), and every few blocks
//! what the pipeline knew there ([`agentsnoop_pipeline::input::Known`]), so that judging can begin in the middle. It is
//! made while a whole recording is read, and belongs to that file as it is, and to this build of agentsnoop with its data, which
//! judge records their own way.

mod build;
mod cache;
mod lists;
mod values;

use agentsnoop_pipeline::{
    filter::Plan,
    input::{Config, Known, Opened},
    record::Id,
};
use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

pub use build::Builder;
pub use cache::{load, place, store};
use lists::Lists;
use values::Dictionary;

use agentsnoop_store::reader::Place;

/// A block, or some that follow each other, with what occurs there.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Part {
    /// That of the first block.
    place: Place,
    /// By field, the numbers of the values that occur.
    values: Lists,
    /// The first and the last time of a record, nanoseconds since 1970.
    times: (i64, i64),
    /// Its number while the index is made.
    #[serde(skip)]
    number: u32,
}

/// What the pipeline knew before a block.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Snapshot {
    place: Place,
    segment: u32,
    /// MessagePack of [`Known`]s, compressed.
    #[serde(with = "serde_bytes")]
    known: Vec<u8>,
}

/// An index.
#[derive(Debug, Serialize, Deserialize)]
pub struct Index {
    opened: Opened,
    config: Option<Config>,
    values: Dictionary,
    parts: Vec<Part>,
    snapshots: Vec<Snapshot>,
}

/// From where on a recording is to be read, and how the pipeline is made ready for it.
#[derive(Debug)]
pub struct Start {
    /// The block.
    pub place: Place,
    /// What is known before it.
    pub known: Vec<Known>,
    /// The id of its first record.
    pub next: Id,
}

/// The blocks that a filter lets through.
#[derive(Debug)]
pub struct Chosen {
    index: Index,
    /// By part.
    wanted: Vec<bool>,
}

impl Index {
    /// The blocks that can have what a plan wants; `None` where that is about all of them, so that nothing is gained.
    #[must_use]
    pub fn choose(self, filter: &agentsnoop_pipeline::Filter) -> Option<Chosen> {
        let plan: Plan = filter.plan(&self.values);
        if plan.is_blind() {
            return None;
        }
        let of = |part: &Part| {
            let values = |field: usize| part.values.of(field);
            plan.may_match(&values, part.times)
        };
        let wanted: Vec<bool> = self.parts.iter().map(of).collect();
        Some(Chosen { index: self, wanted })
    }

    /// What the recording was opened with.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.opened
    }

    /// The data in force.
    #[must_use]
    pub const fn config(&self) -> Option<&Config> {
        self.config.as_ref()
    }
}

impl Chosen {
    /// The index.
    #[must_use]
    pub const fn index(&self) -> &Index {
        &self.index
    }

    /// What is to be done before the block with a number is read: nothing, or something to skip to; `None` where nothing that is
    /// wanted comes any more.
    ///
    /// # Errors
    ///
    /// The index is damaged.
    pub fn before(&self, number: u64) -> Result<Option<Step>> {
        let parts = &self.index.parts;
        let here = parts.partition_point(|part| part.place.number <= number).saturating_sub(1);
        let Some(wanted) = (here..parts.len()).find(|part| self.wanted[*part]) else { return Ok(None) };
        let first = parts[wanted].place.number;
        let snapshot = self.index.snapshots.iter().rev().find(|snapshot| snapshot.place.number <= first);
        match snapshot.filter(|snapshot| snapshot.place.number > number) {
            None => Ok(Some(Step::Read)),
            Some(snapshot) => self.index.start(snapshot).map(|start| Some(Step::Skip(Box::new(start)))),
        }
    }
}

/// See [`Chosen::before`].
#[derive(Debug)]
pub enum Step {
    /// Read on.
    Read,
    /// Go to another block.
    Skip(Box<Start>),
}

impl Index {
    fn start(&self, snapshot: &Snapshot) -> Result<Start> {
        let packed = zstd::decode_all(snapshot.known.as_slice()).context("the index is damaged")?;
        let known = rmp_serde::from_slice(&packed).context("the index is damaged")?;
        let next = Id { segment: snapshot.segment, index: snapshot.place.first_input, part: 0 };
        Ok(Start { place: snapshot.place, known, next })
    }
}
