//! Makes an index while a recording is read.

use agentsnoop_pipeline::{Pipeline, Record, filter::Terms};
use anyhow::{Context as _, Result};

use super::{Index, Part, Snapshot, lists::Lists, values::Numbers};
use agentsnoop_store::reader::Place;

/// Bytes of frames between two snapshots, at least: what has to be read and not shown before a place in the middle.
const SNAPSHOT_EVERY: u64 = 16 * 1024 * 1024;

/// Snapshots take a part of what lies between them at most, so that an index stays small whatever the pipeline knows.
const SNAPSHOT_SHARE: u64 = 16;

/// Bytes of all snapshots together. Beyond, every second one is left out, and there is twice as much between two.
const SNAPSHOT_BYTES: usize = 32 * 1024 * 1024;

/// Level of zstd for snapshots.
const LEVEL: i32 = 1;

/// Parts of a recording, and values in all of them together (4 bytes each), at most. Beyond, parts have twice as many blocks:
/// so an index does not grow with the recording, and a query of a very long one reads more than it would have to.
const PARTS: usize = 16 * 1024;
const OCCURRENCES: usize = 8 * 1024 * 1024;

/// An index under way.
#[derive(Debug)]
pub struct Builder {
    terms: Terms,
    numbers: Numbers,
    /// Those that were begun; the numbers of the last one are in `open`.
    parts: Vec<Part>,
    /// By field, the numbers of the values that occur in the last part so far.
    open: Vec<Vec<u32>>,
    /// Blocks of a part.
    span: u64,
    /// Parts that were begun.
    begun: u32,
    /// The block that was begun last.
    block: Option<u64>,
    /// Values in all parts, each once for each part where it occurs.
    occurrences: usize,
    snapshots: Vec<Snapshot>,
    /// Bytes of frames read when the last snapshot was made, and those that must come before the next.
    snapshot_at: u64,
    rest: u64,
    snapshot_every: u64,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            terms: Terms::default(),
            numbers: Numbers::default(),
            parts: Vec::new(),
            open: vec![Vec::new(); Terms::FIELDS],
            span: 1,
            begun: 0,
            block: None,
            occurrences: 0,
            snapshots: Vec::new(),
            snapshot_at: 0,
            rest: 0,
            snapshot_every: SNAPSHOT_EVERY,
        }
    }
}

impl Builder {
    /// An input of a block is about to be judged; `read` are the bytes of frames up to the end of the block. While the pipeline
    /// holds something back there is no snapshot, so it can come a block later.
    ///
    /// # Errors
    ///
    /// What is known cannot be packed.
    pub fn begin(&mut self, place: Place, read: u64, pipeline: &mut Pipeline) -> Result<()> {
        if self.block.replace(place.number) == Some(place.number) {
            return Ok(());
        }
        if read.saturating_sub(self.snapshot_at) >= self.rest.max(self.snapshot_every) && !pipeline.holds_back() {
            self.snapshot(place, pipeline)?;
            self.snapshot_at = read;
        }
        let is_full = |part: &Part| place.number.saturating_sub(part.place.number) >= self.span;
        if self.parts.last().is_none_or(is_full) {
            self.part(place);
        }
        Ok(())
    }

    /// Begins a part.
    fn part(&mut self, place: Place) {
        self.close();
        self.parts.push(Part { place, values: Lists::default(), times: (i64::MAX, i64::MIN), number: self.begun });
        self.begun += 1;
        while (self.parts.len() > PARTS || self.occurrences > OCCURRENCES) && self.parts.len() > 1 {
            self.span *= 2;
            self.close();
            self.parts = halved(std::mem::take(&mut self.parts));
            self.reopen();
            self.count();
        }
    }

    /// Packs the last part.
    fn close(&mut self) {
        if let Some(last) = self.parts.last_mut() {
            last.values = Lists::new(&self.open);
            self.open.iter_mut().for_each(Vec::clear);
        }
    }

    /// Unpacks the last part, which another one can have become a part of.
    fn reopen(&mut self) {
        if let Some(last) = self.parts.last_mut() {
            self.open = std::mem::take(&mut last.values).unpack();
            self.open.resize_with(Terms::FIELDS, Vec::new);
        }
    }

    fn snapshot(&mut self, place: Place, pipeline: &mut Pipeline) -> Result<()> {
        let segment = pipeline.next_id().segment;
        let known = pipeline.restate(&mut Vec::new());
        let packed = rmp_serde::to_vec_named(&known).context("cannot pack what is known")?;
        self.rest = packed.len() as u64 * SNAPSHOT_SHARE;
        let mut known = zstd::bulk::compress(&packed, LEVEL).context("cannot compress what is known")?;
        // It was given room for what cannot be compressed.
        known.shrink_to_fit();
        self.snapshots.push(Snapshot { place, segment, known });
        let bytes = |snapshots: &[Snapshot]| snapshots.iter().map(|snapshot| snapshot.known.len()).sum::<usize>();
        while bytes(&self.snapshots) > SNAPSHOT_BYTES && self.snapshots.len() > 1 {
            self.snapshot_every *= 2;
            let mut is_kept = false;
            self.snapshots.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
        Ok(())
    }

    /// A record came; it can be of a block before the last, where it was held back.
    pub fn record(&mut self, record: &Record) {
        let at = self.parts.partition_point(|part| part.place.first_input <= record.id.index);
        let is_last = at == self.parts.len();
        let Some(part) = at.checked_sub(1).and_then(|at| self.parts.get_mut(at)) else { return };
        let time = record.time.0;
        part.times = (part.times.0.min(time), part.times.1.max(time));
        let mut unpacked = if is_last { Vec::new() } else { part.values.unpack() };
        let lists = if is_last { &mut self.open } else { &mut unpacked };
        let (numbers, before) = (&mut self.numbers, self.occurrences);
        let occurrences = &mut self.occurrences;
        self.terms.each(record, &mut |field, value| {
            let number = numbers.new_in(part.number, field, value);
            if let (Some(number), Some(list)) = (number, lists.get_mut(field)) {
                list.push(number);
                *occurrences += 1;
            }
        });
        if !is_last && self.occurrences > before {
            part.values = Lists::new(&unpacked);
        }
        if let Some(field) = self.numbers.left_out() {
            for part in &mut self.parts {
                let mut lists = part.values.unpack();
                lists.get_mut(field).into_iter().for_each(Vec::clear);
                part.values = Lists::new(&lists);
            }
            self.open.get_mut(field).into_iter().for_each(Vec::clear);
            self.count();
        }
    }

    fn count(&mut self) {
        let packed: usize = self.parts.iter().map(|part| part.values.len()).sum();
        self.occurrences = packed + self.open.iter().map(Vec::len).sum::<usize>();
    }

    /// The index of a recording that was read to its end.
    #[must_use]
    pub fn finish(mut self, pipeline: &Pipeline) -> Option<Index> {
        self.close();
        let opened = pipeline.opened()?.clone();
        let config = pipeline.config().cloned();
        let Self { numbers, parts, snapshots, .. } = self;
        Some(Index { opened, config, values: numbers.finish(), parts, snapshots })
    }
}

/// Parts with the next one each.
fn halved(parts: Vec<Part>) -> Vec<Part> {
    let mut halved: Vec<Part> = Vec::with_capacity(parts.len().div_ceil(2));
    for (at, part) in parts.into_iter().enumerate() {
        match halved.last_mut() {
            Some(first) if at % 2 == 1 => first.take(&part),
            _ => halved.push(part),
        }
    }
    halved
}

impl Part {
    /// Takes in the part that follows.
    fn take(&mut self, next: &Self) {
        self.times = (self.times.0.min(next.times.0), self.times.1.max(next.times.1));
        let mut lists = self.values.unpack();
        for (field, list) in lists.iter_mut().enumerate() {
            list.extend_from_slice(next.values.of(field));
            list.sort_unstable();
            list.dedup();
        }
        self.values = Lists::new(&lists);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(number: u32, values: &[u32], times: (i64, i64)) -> Part {
        let place = Place { number: number.into(), ..Place::default() };
        Part { place, values: Lists::new(&[values.to_vec(), vec![9]]), times, number }
    }

    #[test]
    fn parts_that_become_one_have_what_occurs_in_either() {
        let parts = vec![part(0, &[3, 1], (5, 9)), part(1, &[1, 2], (2, 6)), part(2, &[7], (i64::MAX, i64::MIN))];
        let halved = halved(parts);
        let found: Vec<_> =
            halved.iter().map(|part| (part.place.number, part.values.of(0).to_vec(), part.times)).collect();
        assert_eq!(found, [(0, vec![1, 2, 3], (2, 9)), (2, vec![7], (i64::MAX, i64::MIN))]);
    }

    #[test]
    fn what_came_before_parts_became_one_is_kept_with_what_comes_after() {
        let mut builder = Builder::default();
        let mut pipeline = Pipeline::new().expect("the built-in data");
        let mut begin = |builder: &mut Builder, number| {
            let place = Place { number, first_input: number, ..Place::default() };
            builder.begin(place, 0, &mut pipeline).expect("nothing to pack");
        };
        for number in 0..=PARTS as u64 {
            begin(&mut builder, number);
            builder.open[0].push(number as u32);
        }
        builder.close();
        let of = |part: usize| builder.parts[part].values.of(0).to_vec();
        assert_eq!((builder.parts.len(), builder.span), (PARTS / 2 + 1, 2));
        assert_eq!([of(0), of(1), of(PARTS / 2)], [vec![0, 1], vec![2, 3], vec![PARTS as u32]]);
    }

    #[test]
    fn there_are_never_more_parts_than_the_bound_and_all_blocks_are_in_one() {
        let mut builder = Builder::default();
        let mut pipeline = Pipeline::new().expect("the built-in data");
        let blocks = 5 * PARTS as u64;
        for number in 0..blocks {
            let place = Place { number, first_input: number, ..Place::default() };
            builder.begin(place, 0, &mut pipeline).expect("nothing to pack");
            assert!(builder.parts.len() <= PARTS, "{} parts of {number} blocks", builder.parts.len());
        }
        let starts: Vec<u64> = builder.parts.iter().map(|part| part.place.number).collect();
        assert_eq!(builder.span, 8);
        assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == 8), "{:?}", &starts[..9]);
        assert!(starts.last().is_some_and(|last| blocks - last <= 8));
    }
}
