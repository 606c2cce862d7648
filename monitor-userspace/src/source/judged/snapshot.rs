//! What is known at places of a recording, so that it can be judged from there on.

use agentsnoop_pipeline::{Pipeline, input::Known, record::Id};

use agentsnoop_store::reader::Place;

/// What is known between two blocks of a recording: from there on another one can judge.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The block behind it.
    pub place: Place,
    /// The id of the next record.
    pub next: Id,
    /// What the pipeline knows.
    pub known: Vec<Known>,
}

/// See [`super::Judged::make_snapshots`].
#[derive(Debug)]
pub(super) struct Snapshots {
    every: u64,
    /// Records since the last one.
    since: u64,
    /// The block that was begun last.
    block: Option<u64>,
    made: Option<Snapshot>,
}

impl Snapshots {
    /// So many records from one to the next, or some more.
    pub(super) const fn each(every: u64) -> Self {
        Self { every, since: 0, block: None, made: None }
    }

    /// Half as many from now on.
    pub(super) const fn halve(&mut self) {
        self.every = self.every.saturating_mul(2);
    }

    /// The last one, once.
    pub(super) const fn take(&mut self) -> Option<Snapshot> {
        self.made.take()
    }

    /// So many records came.
    pub(super) const fn came(&mut self, records: u64) {
        self.since += records;
    }

    /// An input of a block is about to be judged.
    pub(super) fn begin(&mut self, place: Place, pipeline: &mut Pipeline) {
        // The first inputs of a recording tell how to understand the rest, so nothing begins before them.
        let is_begun = self.block.replace(place.number) == Some(place.number) || place.first_input == 0;
        if is_begun || self.since < self.every || pipeline.holds_back() {
            return;
        }
        let next = pipeline.next_id();
        self.made = Some(Snapshot { place, next, known: pipeline.restate(&mut Vec::new()) });
        self.since = 0;
    }
}
