//! Damage at random places of recordings: always found, at the block that it is in, and that block is all that is lost.
//!
//! Each run prints its seed. `AGENTSNOOP_PLACES=COUNT` sets how many places are tried, `AGENTSNOOP_SEED=N` which.

use std::{fs, ops::Range};

use agentsnoop::verify::verify;
use agentsnoop_pipeline::{
    input::{Closed, Input},
    synthetic::Actor,
};
use agentsnoop_store::{
    Damage, End, Item, Reader, Writer,
    format::{FILE_HEADER, VERSION},
    writer::Options,
};
use agentsnoop_tests::random;

use crate::tools::{Block, blocks, folder, read, small, stored};

/// Places that are tried in all.
const PLACES: usize = 10_000;

/// Bytes of the longest piece that is taken out, put in, or moved.
const PIECE: usize = 2000;

/// One in so many is judged by `verify` too, which needs a file.
const VERIFIED: usize = 50;

/// A recording, and what is where in it.
struct Sound {
    name: String,
    bytes: Vec<u8>,
    blocks: Vec<Block>,
    inputs: Vec<Input>,
}

impl Sound {
    fn new(name: &str, bytes: Vec<u8>) -> Self {
        let whole = read(&bytes);
        assert_eq!((whole.damage.len(), whole.end), (0, End::Closed), "{name} is not sound");
        Self { name: name.to_owned(), blocks: blocks(&bytes), inputs: whole.inputs, bytes }
    }

    /// The block that holds a byte, or that begins there.
    fn block_at(&self, at: usize) -> Option<(u64, &Block)> {
        (0..).zip(&self.blocks).find(|(_, block)| (block.start..block.end).contains(&at))
    }
}

/// Something that is done to the bytes of a recording.
#[derive(Clone, Copy, Debug)]
enum Change {
    Flip,
    Cut,
    Remove,
    Duplicate,
    Swap,
    Insert,
}

const CHANGES: [Change; 6] =
    [Change::Flip, Change::Cut, Change::Remove, Change::Duplicate, Change::Swap, Change::Insert];

/// The changed bytes, and which bytes of the original are not where they were: pieces, of which an empty one is a place
/// between two bytes.
fn changed(bytes: &[u8], change: Change, random: &mut fastrand::Rng) -> (Vec<u8>, Vec<Range<usize>>) {
    let at = random.usize(FILE_HEADER..bytes.len());
    let piece = |random: &mut fastrand::Rng| {
        let from = random.usize(FILE_HEADER..bytes.len());
        from..(from + random.usize(1..=PIECE)).min(bytes.len())
    };
    match change {
        Change::Flip => {
            let mut bytes = bytes.to_vec();
            bytes[at] ^= random.u8(1..);
            (bytes, piece_of(at..at + 1))
        }
        Change::Cut => (bytes[..at].to_vec(), piece_of(at..bytes.len())),
        Change::Remove => {
            let piece = piece(random);
            let left = [&bytes[..piece.start], &bytes[piece.end..]].concat();
            let moved = differing(bytes, &left);
            (left, piece_of(moved))
        }
        Change::Duplicate | Change::Insert => {
            let piece = if matches!(change, Change::Duplicate) {
                bytes[piece(random)].to_vec()
            } else {
                (0..random.usize(1..PIECE)).map(|_| random.u8(..)).collect()
            };
            let longer = [&bytes[..at], &piece, &bytes[at..]].concat();
            let moved = differing(bytes, &longer);
            (longer, piece_of(moved))
        }
        Change::Swap => {
            let (one, other) = (piece(random), piece(random));
            let len = one.len().min(other.len());
            let mut swapped = bytes.to_vec();
            for step in 0..len {
                swapped.swap(one.start + step, other.start + step);
            }
            let differs = |at: &usize| swapped[*at] != bytes[*at];
            let pieces = (FILE_HEADER..bytes.len()).filter(differs).map(|at| at..at + 1).collect();
            (swapped, pieces)
        }
    }
}

fn piece_of(range: Range<usize>) -> Vec<Range<usize>> {
    std::iter::once(range).collect()
}

/// The part of the original between what both begin and what both end with: a byte that is taken out among equal ones
/// could be any of them.
fn differing(original: &[u8], changed: &[u8]) -> Range<usize> {
    let same = |(one, other): &(&u8, &u8)| one == other;
    let start = original.iter().zip(changed).take_while(same).count();
    let rest = original.len().min(changed.len()) - start;
    let end = original.iter().rev().zip(changed.iter().rev()).take(rest).take_while(same).count();
    start..original.len() - end
}

/// Whether a change of this piece can cost a block: a place at its very beginning is before it.
fn is_hit(block: &Block, piece: &Range<usize>) -> bool {
    if piece.is_empty() {
        block.start < piece.start && piece.start < block.end
    } else {
        piece.start < block.end && block.start < piece.end
    }
}

/// Fails unless what was done is found where it is and costs no more than the blocks that it hit.
fn judge(sound: &Sound, bytes: &[u8], pieces: &[Range<usize>]) {
    let first = pieces.iter().map(|piece| piece.start).min().expect("a piece");
    let expected = sound.block_at(first).map(|(number, block)| (block.start as u64, Some(number)));
    // Behind the last block.
    let expected = expected.unwrap_or((sound.bytes.len() as u64, Some(sound.blocks.len() as u64)));
    let mut reader = Reader::new(bytes).expect("the header was not touched");
    let (mut found, mut given) = (None, vec![false; sound.inputs.len()]);
    for item in reader.by_ref() {
        match item {
            Item::Input(at, input) => {
                let index = at.input as usize;
                assert_eq!(sound.inputs.get(index), Some(&input), "input {index} is another one");
                assert!(!std::mem::replace(&mut given[index], true), "input {index} comes twice");
            }
            Item::Damage(damage) => {
                // Where a sound block of another place stands, that is named, and which should be there.
                let number = match damage {
                    Damage::Unlinked { expected, .. } | Damage::OutOfPlace { expected, .. } => Some(expected),
                    _ => damage.block(),
                };
                found.get_or_insert((damage.offset(), number));
            }
        }
    }
    let end = match reader.end() {
        End::Closed => None,
        End::Open { offset, number } | End::Cut { offset, number, .. } => Some((offset, Some(number))),
    };
    assert_eq!(found.or(end), Some(expected), "the place that is reported; the recording ends {:?}", reader.end());
    for block in sound.blocks.iter().filter(|block| !pieces.iter().any(|piece| is_hit(block, piece))) {
        let lost = given[block.first..block.first + block.inputs].iter().filter(|given| !**given).count();
        assert_eq!(lost, 0, "inputs of {block:?}, which was not hit");
    }
}

/// `verify` says the same.
fn is_told(bytes: &[u8]) {
    let folder = folder();
    let path = folder.path().join("changed.rec");
    fs::write(&path, bytes).expect("a file");
    let report = verify(&path).expect("a readable header");
    assert!(!report.ok && (report.damaged > 0 || !report.complete), "{}", report.end);
    assert_eq!(report.damaged as usize, report.damage.len());
}

#[test]
fn damage_at_ten_thousand_random_places_is_found_in_its_block_and_costs_no_more() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a number"));
    let places = number("AGENTSNOOP_PLACES").map_or(PLACES, |places| places as usize);
    let (mut random, seed) = random::seeded();
    let recordings = [
        Sound::new("the session in small blocks", small().0),
        Sound::new("the stored session", fs::read(stored(&format!("format-{VERSION}-session.rec"))).expect("a file")),
        Sound::new("a long one in small blocks", long(40, 25)),
        Sound::new("one whose blocks are full", long(2, 4000)),
    ];
    for place in 0..places {
        // The larger ones take longer to read.
        let recording = &recordings[[0, 1, 0, 2, 0, 1, 0, 2, 0, if place % 200 == 9 { 3 } else { 0 }][place % 10]];
        let change = CHANGES[place / 10 % CHANGES.len()];
        let (bytes, pieces) = changed(&recording.bytes, change, &mut random);
        if bytes == recording.bytes {
            continue;
        }
        let judged = std::panic::catch_unwind(|| {
            judge(recording, &bytes, &pieces);
            if place % VERIFIED == 0 {
                is_told(&bytes);
            }
        });
        let (name, changed) = (&recording.name, pieces.first().map_or(0, |piece| piece.start));
        assert!(judged.is_ok(), "place {place} of seed {seed}: {change:?} at byte {changed} of {name}");
    }
}

/// A recording of so many blocks of so many opens.
fn long(blocks: usize, opens: usize) -> Vec<u8> {
    let folder = folder();
    let path = folder.path().join("long.rec");
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    let mut actor = Actor::new(100);
    for block in 0..blocks {
        for open in 0..opens {
            let path = format!("/home/dev/project/{block}/src/module-{}/file-{open}.rs", open % 7);
            writer.push(&actor.open(&path)).expect("a writable recording");
        }
        writer.flush().expect("a writable recording");
    }
    writer.close(&mut Closed::default()).expect("a recording that can be closed");
    fs::read(&path).expect("a readable recording")
}
