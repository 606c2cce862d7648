//! Makes an index while a recording is read.

use std::{collections::HashSet, sync::Arc};

use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Control, Input},
};
use anyhow::Result;
use serde::Serialize;
use serde_bytes::Bytes;

use super::{BlobId, Checkpoint, Contents, Index, List, Mark, Outline, Sketch, pack, pack_named};
use crate::{
    source::judged::Snapshot,
    tui::{
        model::{Catalog, Model, Moment, Pieces, catalog::Shown, touch},
        state::{MARKS, TOUCHED},
    },
};

/// An index under way.
#[derive(Debug)]
pub struct Builder {
    /// What the screen knows at this place of the recording. It is learned here too, since the screen may stand still or be elsewhere.
    model: Model,
    /// How many events it has learned.
    number: u64,
    blobs: Vec<Option<Arc<[u8]>>>,
    bytes: usize,
    most: usize,
    checkpoints: Vec<Checkpoint>,
    /// The blobs of the lists of each checkpoint.
    used: Vec<Vec<BlobId>>,
    /// The last moment that became a checkpoint, and its sketch: what has not changed since is not stored again.
    last: Option<(Moment, Sketch)>,
    marks: Vec<Mark>,
    outline: Outline,
}

impl Builder {
    /// An index whose blobs take so many bytes at most.
    #[must_use]
    pub fn within(most: usize) -> Self {
        Self {
            model: Model::default(),
            number: 0,
            blobs: Vec::new(),
            bytes: 0,
            most,
            checkpoints: Vec::new(),
            used: Vec::new(),
            last: None,
            marks: Vec::new(),
            outline: Outline::default(),
        }
    }

    /// An input was read, which gave these records; and what was known before it, where a checkpoint is due there. Twice as many
    /// events are to be between two checkpoints from now on where this says so.
    ///
    /// # Errors
    ///
    /// What is known cannot be packed.
    pub fn take(&mut self, snapshot: Option<Snapshot>, input: Option<&Input>, records: &[Record]) -> Result<bool> {
        let is_full = match snapshot {
            Some(snapshot) => self.checkpoint(&snapshot)?,
            None => false,
        };
        match input {
            Some(Input::Control(Control::Mark { boot_ns, note })) if self.marks.len() < MARKS => {
                self.marks.push(Mark { boot_ns: *boot_ns, note: note.clone() });
            }
            Some(Input::Closed(closed)) => self.outline.why.clone_from(&closed.reason),
            _ => {}
        }
        for record in records {
            self.record(record);
        }
        Ok(is_full)
    }

    fn record(&mut self, record: &Record) {
        let outline = &mut self.outline;
        if touch::is_sensitive(record) && outline.touched.len() < TOUCHED {
            outline.touched.push((self.number, record.boot_ns));
        }
        if self.number == 0 {
            outline.range.0 = record.boot_ns;
        }
        // What is told late, a loss for example, is of an earlier time.
        outline.range.1 = outline.range.1.max(record.boot_ns);
        outline.last = outline.last.max(record.time);
        self.model.learn(self.number, record);
        self.number += 1;
    }

    fn checkpoint(&mut self, snapshot: &Snapshot) -> Result<bool> {
        let moment = self.model.moment(self.number);
        let sketch = self.sketch(&moment)?;
        let known = self.put(pack_named(&snapshot.known)?);
        let model = self.put(pack(&sketch)?);
        let (place, segment) = (snapshot.place, snapshot.next.segment);
        self.used.push(sketch.blobs().collect());
        let checkpoint = Checkpoint { place, segment, number: self.number, now_ns: moment.rest.now_ns, known, model };
        self.checkpoints.push(checkpoint);
        self.last = Some((moment, sketch));
        let is_full = self.bytes > self.most && self.checkpoints.len() > 2;
        if is_full {
            self.thin();
        }
        Ok(is_full)
    }

    /// Leaves out every second checkpoint, and what nothing needs any more.
    fn thin(&mut self) {
        let mut at = 0;
        self.checkpoints.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        at = 0;
        self.used.retain(|_| {
            at += 1;
            at % 2 == 1
        });
        let mut needed: HashSet<BlobId> = self.used.iter().flatten().copied().collect();
        needed.extend(self.checkpoints.iter().flat_map(|checkpoint| [checkpoint.known, checkpoint.model]));
        needed.extend(self.last.iter().flat_map(|(_, sketch)| sketch.blobs()));
        for (id, blob) in self.blobs.iter_mut().enumerate() {
            if !BlobId::try_from(id).is_ok_and(|id| needed.contains(&id))
                && let Some(blob) = blob.take()
            {
                self.bytes -= blob.len();
            }
        }
    }

    fn put(&mut self, blob: Vec<u8>) -> BlobId {
        self.bytes += blob.len();
        self.blobs.push(Some(blob.into()));
        (self.blobs.len() - 1) as BlobId
    }

    fn sketch(&mut self, moment: &Moment) -> Result<Sketch> {
        // It is put back with the new checkpoint; where packing fails there is none any more.
        let last = self.last.take();
        let last = last.as_ref();
        let nodes = last.map(|(moment, sketch)| (&moment.tree.nodes, &sketch.nodes));
        let nodes = self.pieces(&moment.tree.nodes, nodes, |nodes| pack(&nodes))?;
        let of = last.map(|(moment, sketch)| (&moment.files, &sketch.files));
        let files = self.list(&moment.files, of)?;
        let of = last.map(|(moment, sketch)| (&moment.endpoints, &sketch.endpoints));
        let endpoints = self.list(&moment.endpoints, of)?;
        let of = last.map(|(moment, sketch)| (&moment.variables, &sketch.variables));
        let variables = self.list(&moment.variables, of)?;
        let of = last.map(|(moment, sketch)| (&moment.host, &sketch.host));
        let host = self.list(&moment.host, of)?;
        Ok(Sketch {
            rest: moment.rest.clone(),
            all: moment.tree.all.clone(),
            further: moment.tree.further,
            latest: moment.tree.latest,
            nodes,
            files,
            endpoints,
            variables,
            host,
        })
    }

    fn list<T: Serialize>(&mut self, now: &Shown<T>, last: Option<(&Shown<T>, &List)>) -> Result<List> {
        let last = last.map(|(shown, list)| (&shown.things, &list.pieces));
        let pieces = self.pieces(&now.things, last, |things| {
            let changing: Vec<_> = things.iter().map(|thing| (&thing.seen, &thing.own)).collect();
            pack(&changing)
        })?;
        Ok(List { pieces, further: now.further })
    }

    /// The blobs of a list: new ones for the pieces that differ from those before.
    fn pieces<T>(
        &mut self,
        now: &Pieces<T>,
        last: Option<(&Pieces<T>, &Vec<BlobId>)>,
        packed: impl Fn(&[T]) -> Result<Vec<u8>>,
    ) -> Result<Vec<BlobId>> {
        let same = |at: usize, piece: &Arc<Vec<T>>| {
            let (pieces, blobs) = last?;
            let is_same = pieces.pieces().get(at).is_some_and(|before| Arc::ptr_eq(before, piece));
            if is_same { blobs.get(at).copied() } else { None }
        };
        let mut blobs = Vec::with_capacity(now.pieces().len());
        for (at, piece) in now.pieces().iter().enumerate() {
            blobs.push(match same(at, piece) {
                Some(blob) => blob,
                None => self.put(packed(piece)?),
            });
        }
        Ok(blobs)
    }

    fn names<T>(&mut self, catalog: &Catalog<T>) -> Result<Vec<BlobId>> {
        let mut blobs = Vec::new();
        for piece in catalog.shown().things.pieces() {
            let names: Vec<_> = piece.iter().map(|thing| (Bytes::new(&thing.key), &*thing.name)).collect();
            blobs.push(self.put(pack(&names)?));
        }
        Ok(blobs)
    }

    /// The index of a recording that was read to its end; `None` where it has nothing to begin at.
    ///
    /// # Errors
    ///
    /// Names cannot be packed.
    pub fn finish(mut self, pipeline: &Pipeline) -> Result<Option<Index>> {
        let (Some(opened), false) = (pipeline.opened(), self.checkpoints.is_empty()) else { return Ok(None) };
        let model = std::mem::take(&mut self.model);
        let names = [
            self.names(&model.files)?,
            self.names(&model.endpoints)?,
            self.names(&model.variables)?,
            self.names(&model.host)?,
        ];
        let Self { mut marks, mut outline, checkpoints, blobs, number, .. } = self;
        marks.sort_by_key(|mark| mark.boot_ns);
        outline.events = number;
        let config = pipeline.config().cloned();
        let contents = Contents { outline, opened: opened.clone(), config, marks, checkpoints, names };
        Ok(Some(Index::held(contents, blobs)))
    }
}
