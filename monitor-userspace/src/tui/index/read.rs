//! Checkpoints of an index, and which one to begin at.

use std::{fs::File, os::unix::fs::FileExt as _, path::Path, sync::Arc};

use agentsnoop_pipeline::{Pipeline, input::Opened, record::Id};
use anyhow::{Context as _, Result, ensure};
use hashbrown::HashMap;
use serde::Deserialize;
use serde_bytes::ByteBuf;

use super::{BlobId, Checkpoint, Contents, Knowledge, List, Mark, Outline, Place, Sketch, file::Extent, unpack};
use crate::{
    source::judged::Judged,
    tui::model::{
        Model, Moment, Pieces, Thing,
        catalog::{Seen, Shown},
        learn::{Endpoint, Fact, File as OfFile, Variable},
        tree::{self, Node},
    },
};

/// Where blobs are.
#[derive(Debug)]
enum Blobs {
    Held(Vec<Option<Arc<[u8]>>>),
    Stored(File, Vec<Option<Extent>>),
}

/// An index.
#[derive(Debug)]
pub struct Index {
    contents: Contents,
    outline: Arc<Outline>,
    blobs: Blobs,
    /// What judges, with the data of the recording.
    pipeline: Option<Pipeline>,
    names: Option<Names>,
    kept: Kept,
    /// Pieces of the tree at the last checkpoint: most of them are those of every other one behind the time they are of.
    last: HashMap<BlobId, Arc<Vec<Node>>>,
}

/// Names of things, by sort and piece.
#[derive(Debug)]
struct Names([Vec<Vec<Name>>; 4]);

/// Key and name of a thing.
type Name = (Arc<[u8]>, Arc<str>);

/// Pieces of the moment that was asked for last.
#[derive(Debug, Default)]
struct Kept {
    nodes: HashMap<BlobId, Arc<Vec<Node>>>,
    files: HashMap<BlobId, Arc<Vec<Thing<OfFile>>>>,
    endpoints: HashMap<BlobId, Arc<Vec<Thing<Endpoint>>>>,
    variables: HashMap<BlobId, Arc<Vec<Thing<Variable>>>>,
    host: HashMap<BlobId, Arc<Vec<Thing<Fact>>>>,
}

impl Index {
    /// One whose blobs are in memory.
    pub(super) fn held(contents: Contents, blobs: Vec<Option<Arc<[u8]>>>) -> Self {
        Self::of(contents, Blobs::Held(blobs))
    }

    /// One whose blobs are in a file.
    pub(super) fn stored(contents: Contents, file: File, blobs: Vec<Option<Extent>>) -> Self {
        Self::of(contents, Blobs::Stored(file, blobs))
    }

    fn of(contents: Contents, blobs: Blobs) -> Self {
        let outline = Arc::new(contents.outline.clone());
        Self { contents, outline, blobs, pipeline: None, names: None, kept: Kept::default(), last: HashMap::new() }
    }

    /// All but the blobs.
    pub(super) const fn contents(&self) -> &Contents {
        &self.contents
    }

    /// The blobs, where they are in memory.
    pub(super) fn blobs(&self) -> impl Iterator<Item = Option<&[u8]>> {
        let held = match &self.blobs {
            Blobs::Held(held) => held.as_slice(),
            Blobs::Stored(..) => &[],
        };
        held.iter().map(Option::as_deref)
    }

    /// What is known of the whole recording.
    #[must_use]
    pub const fn outline(&self) -> &Arc<Outline> {
        &self.outline
    }

    /// What it was opened with.
    #[must_use]
    pub const fn opened(&self) -> &Opened {
        &self.contents.opened
    }

    /// Its marks.
    #[must_use]
    pub fn marks(&self) -> &[Mark] {
        &self.contents.marks
    }

    /// How many checkpoints there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contents.checkpoints.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contents.checkpoints.is_empty()
    }

    /// The last checkpoint from which on a place is found: no event before it is behind the place. `None` is the beginning.
    #[must_use]
    pub fn before(&self, place: Place) -> Option<usize> {
        let of = |is_before: &dyn Fn(&Checkpoint) -> bool| self.contents.checkpoints.partition_point(is_before);
        let behind = |number: u64| of(&|checkpoint| checkpoint.number <= number);
        let found = match place {
            Place::Behind(number) => behind(number),
            // Each of the bounds can lead elsewhere than the time does.
            Place::Time { boot_ns, least, most } => {
                of(&|checkpoint| checkpoint.now_ns <= boot_ns).max(behind(least)).min(behind(most.max(least)))
            }
            Place::Event(id) => of(&|checkpoint| checkpoint.next() <= id),
        };
        found.checked_sub(1)
    }

    fn checkpoint(&self, at: usize) -> Result<&Checkpoint> {
        self.contents.checkpoints.get(at).context("the index has no such checkpoint")
    }

    /// Begins to judge at a checkpoint, or at the beginning; and how many events are before it.
    ///
    /// # Errors
    ///
    /// The recording cannot be opened; the index is damaged.
    pub fn judge(&mut self, recording: &Path, checkpoint: Option<usize>) -> Result<(Judged, u64)> {
        let Some(checkpoint) = checkpoint else { return Ok((Judged::open(recording)?.in_part(), 0)) };
        let Checkpoint { place, known, number, .. } = *self.checkpoint(checkpoint)?;
        let next: Id = self.checkpoint(checkpoint)?.next();
        let known: Knowledge = self.blobs.get(known)?;
        let Contents { opened, config, .. } = &self.contents;
        let mut pipeline = match &self.pipeline {
            Some(pipeline) => pipeline.clone(),
            None => {
                let mut pipeline = Pipeline::new()?;
                pipeline.resume(opened, config.as_ref(), &[], Id::default());
                self.pipeline.insert(pipeline).clone()
            }
        };
        pipeline.resume(opened, config.as_ref(), &known, next);
        Ok((Judged::resume(recording, pipeline, &place)?, number))
    }

    /// The model at a checkpoint, or at the beginning.
    ///
    /// # Errors
    ///
    /// The index is damaged.
    pub fn moment(&mut self, checkpoint: Option<usize>) -> Result<Moment> {
        let Some(checkpoint) = checkpoint else { return Ok(Model::default().moment(0)) };
        let Checkpoint { number, model, .. } = *self.checkpoint(checkpoint)?;
        let sketch: Sketch = self.blobs.get(model)?;
        if self.names.is_none() {
            self.names = Some(self.all_names()?);
            if let Some(last) = self.contents.checkpoints.last() {
                let last: Sketch = self.blobs.get(last.model)?;
                self.last = self.nodes(&last.nodes)?;
            }
        }
        let nodes = self.nodes(&sketch.nodes)?;
        let Self { blobs, kept, .. } = self;
        let Some(Names([files, endpoints, variables, host])) = &self.names else { anyhow::bail!("there are no names") };
        let moment = Moment {
            number,
            tree: tree::Shown {
                all: sketch.all,
                nodes: pieces(&sketch.nodes, &nodes)?,
                further: sketch.further,
                latest: sketch.latest,
            },
            files: blobs.list(&sketch.files, files, &mut kept.files)?,
            endpoints: blobs.list(&sketch.endpoints, endpoints, &mut kept.endpoints)?,
            variables: blobs.list(&sketch.variables, variables, &mut kept.variables)?,
            host: blobs.list(&sketch.host, host, &mut kept.host)?,
            rest: sketch.rest,
        };
        kept.nodes = nodes;
        Ok(moment)
    }

    fn nodes(&self, wanted: &[BlobId]) -> Result<HashMap<BlobId, Arc<Vec<Node>>>> {
        let piece = |id: &BlobId| {
            let known = self.last.get(id).or_else(|| self.kept.nodes.get(id));
            Ok((*id, known.map_or_else(|| self.blobs.get(*id).map(Arc::new), |piece| Ok(Arc::clone(piece)))?))
        };
        wanted.iter().map(piece).collect()
    }

    fn all_names(&self) -> Result<Names> {
        let of = |ids: &[BlobId]| -> Result<Vec<Vec<Name>>> {
            let piece = |id: &BlobId| {
                let names: Vec<(ByteBuf, String)> = self.blobs.get(*id)?;
                Ok(names.into_iter().map(|(key, name)| (Arc::from(key.into_vec()), Arc::from(name))).collect())
            };
            ids.iter().map(piece).collect()
        };
        let [files, endpoints, variables, host] = &self.contents.names;
        Ok(Names([of(files)?, of(endpoints)?, of(variables)?, of(host)?]))
    }
}

impl Blobs {
    fn get<T: for<'de> Deserialize<'de>>(&self, id: BlobId) -> Result<T> {
        let at = id as usize;
        match self {
            Self::Held(held) => {
                let blob = held.get(at).and_then(Option::as_deref).context("a checkpoint is damaged")?;
                unpack(blob)
            }
            Self::Stored(file, extents) => {
                let extent = extents.get(at).copied().flatten().context("a checkpoint is damaged")?;
                let end = extent.offset.checked_add(extent.len.into()).context("a checkpoint is damaged")?;
                ensure!(end <= file.metadata()?.len(), "a checkpoint is cut");
                let mut packed = vec![0; extent.len as usize];
                file.read_exact_at(&mut packed, extent.offset).context("cannot read a checkpoint")?;
                unpack(&packed)
            }
        }
    }

    /// Things of a sort, with their names.
    fn list<T: Clone + for<'de> Deserialize<'de>>(
        &self,
        list: &List,
        names: &[Vec<Name>],
        kept: &mut HashMap<BlobId, Arc<Vec<Thing<T>>>>,
    ) -> Result<Shown<T>> {
        let mut now = HashMap::with_capacity(list.pieces.len());
        for (id, names) in list.pieces.iter().zip(names) {
            let piece = match kept.remove(id) {
                Some(piece) => piece,
                None => {
                    let changing: Vec<(Seen, T)> = self.get(*id)?;
                    ensure!(changing.len() <= names.len(), "a checkpoint is damaged");
                    let thing = |((seen, own), (key, name)): ((Seen, T), &Name)| Thing {
                        key: Arc::clone(key),
                        name: Arc::clone(name),
                        seen,
                        own,
                    };
                    Arc::new(changing.into_iter().zip(names).map(thing).collect())
                }
            };
            now.insert(*id, piece);
        }
        let things = pieces(&list.pieces, &now)?;
        *kept = now;
        Ok(Shown { things, further: list.further })
    }
}

fn pieces<T>(ids: &[BlobId], pieces: &HashMap<BlobId, Arc<Vec<T>>>) -> Result<Pieces<T>> {
    let found: Option<Vec<_>> = ids.iter().map(|id| pieces.get(id).map(Arc::clone)).collect();
    found.and_then(Pieces::of).context("a checkpoint is damaged")
}
