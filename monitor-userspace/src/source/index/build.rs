//! Makes an index while a recording is read.

use agentsnoop_pipeline::{Pipeline, Record, filter::Terms};
use anyhow::{Context as _, Result};

use super::{Block, Index, Snapshot, values::Numbers};
use crate::store::reader::Place;

/// Bytes of frames between two snapshots, at least: what has to be read and not shown before a place in the middle.
const SNAPSHOT_EVERY: u64 = 16 * 1024 * 1024;

/// Snapshots take a part of what lies between them at most, so that an index stays small whatever the pipeline knows.
const SNAPSHOT_SHARE: u64 = 16;

/// Level of zstd for snapshots.
const LEVEL: i32 = 1;

/// An index under way.
#[derive(Debug, Default)]
pub struct Builder {
    terms: Terms,
    numbers: Numbers,
    blocks: Vec<Block>,
    snapshots: Vec<Snapshot>,
    /// Bytes of frames read when the last snapshot was made, and those that must come before the next.
    snapshot_at: u64,
    rest: u64,
}

impl Builder {
    /// An input of a block is about to be judged; `read` are the bytes of frames up to the end of the block. While the pipeline
    /// holds something back there is no snapshot, so it can come a block later.
    ///
    /// # Errors
    ///
    /// What is known cannot be packed.
    pub fn begin(&mut self, place: Place, read: u64, pipeline: &mut Pipeline) -> Result<()> {
        if self.blocks.last().is_some_and(|block| block.place == place) {
            return Ok(());
        }
        if read.saturating_sub(self.snapshot_at) >= self.rest.max(SNAPSHOT_EVERY) && !pipeline.holds_back() {
            let segment = pipeline.next_id().segment;
            let known = pipeline.restate(&mut Vec::new());
            let packed = rmp_serde::to_vec_named(&known).context("cannot pack what is known")?;
            self.rest = packed.len() as u64 * SNAPSHOT_SHARE;
            let known = zstd::bulk::compress(&packed, LEVEL).context("cannot compress what is known")?;
            self.snapshots.push(Snapshot { block: self.blocks.len(), segment, known });
            self.snapshot_at = read;
        }
        if let Some(before) = self.blocks.last_mut() {
            before.values.iter_mut().for_each(Vec::shrink_to_fit);
        }
        self.blocks.push(Block { place, values: vec![Vec::new(); Terms::FIELDS], times: (i64::MAX, i64::MIN) });
        Ok(())
    }

    /// A record came; it can be of a block before the last, where it was held back.
    pub fn record(&mut self, record: &Record) {
        let at = self.blocks.partition_point(|block| block.place.first_input <= record.id.index);
        let Some(block) = at.checked_sub(1).and_then(|at| self.blocks.get_mut(at)) else { return };
        let time = record.time.0;
        block.times = (block.times.0.min(time), block.times.1.max(time));
        let numbers = &mut self.numbers;
        self.terms.each(record, &mut |field, value| {
            if let (Some(number), Some(values)) = (numbers.new_in(at as u32, field, value), block.values.get_mut(field))
            {
                values.push(number);
            }
        });
    }

    /// The index of a recording that was read to its end.
    #[must_use]
    pub fn finish(self, pipeline: &Pipeline) -> Option<Index> {
        let opened = pipeline.opened()?.clone();
        let config = pipeline.config().cloned();
        let Self { numbers, blocks, snapshots, .. } = self;
        Some(Index { opened, config, values: numbers.finish(), blocks, snapshots })
    }
}
