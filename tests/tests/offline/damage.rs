//! What damage does to a recording: it is always found and located, and costs no more than the block it is in.

use std::{fs, sync::LazyLock};

use agentsnoop_pipeline::input::Input;
use agentsnoop_store::{
    Damage, End, Reader,
    format::{BLOCK_HEADER, FILE_HEADER, MAGIC},
};
use proptest::prelude::*;

use crate::tools::{Block, blocks, read, small, stored};

/// The inputs that are not in a block.
fn without(inputs: &[Input], block: Block) -> Vec<Input> {
    [&inputs[..block.first], &inputs[block.first + block.inputs..]].concat()
}

#[test]
fn every_prefix_holds_everything_before_the_cut_and_says_where_the_cut_is() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    for cut in FILE_HEADER..bytes.len() {
        let read = read(&bytes[..cut]);
        let whole = blocks.iter().filter(|block| block.end <= cut).count();
        let kept = blocks[..whole].iter().map(|block| block.inputs).sum::<usize>();
        assert_eq!(read.inputs, inputs[..kept], "cut at {cut}");
        assert_eq!(read.damage, [], "cut at {cut}");
        let (offset, number) = (blocks[whole].start as u64, whole as u64);
        let have = cut as u64 - offset;
        let end = if have == 0 { End::Open { offset, number } } else { End::Cut { offset, number, have } };
        assert_eq!(read.end, end, "cut at {cut}");
    }
}

#[test]
fn a_prefix_of_the_file_header_is_refused_as_a_cut_recording() {
    let (bytes, _) = small();
    for cut in 1..FILE_HEADER {
        let why = Reader::new(&bytes[..cut]).err().expect("a refusal");
        assert!(why.contains(&format!("cut after {cut} bytes")), "{why}");
    }
}

#[test]
fn a_flipped_bit_anywhere_is_located_and_costs_no_more_than_its_block() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1 << (at % 8);
        let read = read(&flipped);
        let Some(first) = read.damage.first() else { panic!("the flip at {at} was not found") };
        let Some((number, block)) = blocks.iter().enumerate().find(|(_, block)| (block.start..block.end).contains(&at))
        else {
            assert_eq!((first, read.inputs == inputs), (&Damage::FileHeader, true), "flip at {at}");
            continue;
        };
        assert_eq!((first.offset(), first.block()), (block.start as u64, Some(number as u64)), "flip at {at}: {first}");
        assert_eq!(read.inputs, without(&inputs, *block), "flip at {at}");
    }
}

#[test]
fn a_removed_block_is_missed_by_number_and_count() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    for (number, block) in blocks.iter().enumerate().take(blocks.len() - 1) {
        let read = read(&[&bytes[..block.start], &bytes[block.end..]].concat());
        let expected = Damage::Unlinked {
            number: number as u64 + 1,
            offset: block.start as u64,
            expected: number as u64,
            missing: block.inputs as u64,
        };
        assert_eq!(read.damage, [expected]);
        assert_eq!((read.inputs, read.end), (without(&inputs, *block), End::Closed));
    }
}

#[test]
fn a_repeated_block_is_found_and_its_inputs_are_not_given_twice() {
    let (bytes, inputs) = small();
    for (number, block) in blocks(&bytes).iter().enumerate() {
        let copy = &bytes[block.start..block.end];
        let read = read(&[&bytes[..block.end], copy, &bytes[block.end..]].concat());
        let [Damage::OutOfPlace { number: found, offset, .. }] = read.damage[..] else { panic!("{:?}", read.damage) };
        assert_eq!((found, offset), (number as u64, block.end as u64));
        assert_eq!(read.inputs, inputs);
    }
}

#[test]
fn swapped_blocks_are_found_and_nothing_of_them_is_lost() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    for pair in blocks[..blocks.len() - 1].windows(2) {
        let [one, two] = [&bytes[pair[0].start..pair[0].end], &bytes[pair[1].start..pair[1].end]];
        let read = read(&[&bytes[..pair[0].start], two, one, &bytes[pair[1].end..]].concat());
        assert_eq!(read.damage[0].offset(), pair[0].start as u64);
        assert_eq!(read.inputs.len(), inputs.len());
        for input in &inputs {
            assert!(read.inputs.contains(input), "{input:?} is lost");
        }
    }
}

#[test]
fn blocks_of_another_recording_are_found_and_take_nothing_away() {
    let (bytes, inputs) = small();
    let (other, _) = crate::format::recording_of(40);
    let others = blocks(&other);
    let own = blocks(&bytes);
    for count in 1..4 {
        for foreign in others.windows(count) {
            for (number, block) in own.iter().enumerate() {
                let insert = &other[foreign[0].start..foreign[count - 1].end];
                let read = read(&[&bytes[..block.start], insert, &bytes[block.start..]].concat());
                let Some(first) = read.damage.first() else { panic!("{foreign:?} at {block:?} was not found") };
                assert_eq!(first.offset(), block.start as u64);
                let lost = inputs.iter().filter(|input| !read.inputs.contains(input)).count();
                assert!(lost <= block.inputs, "{foreign:?} before block {number} took {lost} inputs away");
            }
        }
    }
}

#[test]
fn bytes_that_were_put_in_or_taken_out_are_located() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    for at in FILE_HEADER..bytes.len() - 1 {
        let block = blocks.iter().find(|block| (block.start..block.end).contains(&at)).expect("a block");
        for edited in [[&bytes[..at], b"??", &bytes[at..]].concat(), [&bytes[..at], &bytes[at + 1..]].concat()] {
            let read = read(&edited);
            // What is missing in the last block is no damage but a cut.
            let place = read.damage.first().map(Damage::offset).or(match read.end {
                End::Cut { offset, .. } => Some(offset),
                _ => None,
            });
            assert_eq!(place, Some(block.start as u64), "edit at {at}: {:?}", read.damage);
            let kept = inputs.iter().filter(|input| read.inputs.contains(input)).count();
            assert!(kept >= inputs.len() - block.inputs, "edit at {at} cost {} inputs", inputs.len() - kept);
        }
    }
}

#[test]
fn zeros_at_the_end_are_a_cut_as_a_power_loss_leaves_it() {
    let (bytes, inputs) = small();
    let last = *blocks(&bytes).last().expect("a block");
    let read = read(&[&bytes[..last.start], &[0; 5000]].concat());
    assert_eq!(read.damage, []);
    assert_eq!(read.inputs, inputs[..last.first]);
    assert!(matches!(read.end, End::Cut { offset, have: 5000, .. } if offset == last.start as u64), "{}", read.end);
}

#[test]
fn a_block_that_goes_over_to_zeros_is_cut_there() {
    let (small, _) = crate::format::recording_of(200);
    let large = fs::read(stored("claude-session.rec")).expect("a readable recording");
    for bytes in [small, large] {
        let (all, inputs) = (blocks(&bytes), read(&bytes).inputs);
        let sectors = (1..bytes.len() / SECTOR).map(|sector| sector * SECTOR);
        let mut tried = 0;
        // Of one of many blocks that are compressed some sectors are enough.
        for at in sectors.step_by(bytes.len() / SECTOR / 40) {
            let zeroed = [&bytes[..at], &vec![0; bytes.len() - at]].concat();
            let number = all.iter().position(|block| (block.start..block.end).contains(&at)).expect("a block");
            let block = all[number];
            for behind in [0, 3 * SECTOR] {
                let read = read(&[&zeroed[..], &vec![0; behind]].concat());
                assert_eq!(read.damage, [], "zeros from {at}");
                assert_eq!(read.inputs, inputs[..block.first], "zeros from {at}");
                let there = at - block.start;
                let have = if there == 0 { bytes.len() - at + behind } else { there };
                let cut = End::Cut { offset: block.start as u64, number: number as u64, have: have as u64 };
                assert_eq!(read.end, cut, "zeros from {at}");
            }
            // What stands behind the zeros was written later, so that they are damage.
            let read = read(&[&zeroed[..], b"x"].concat());
            assert!(!read.damage.is_empty(), "zeros from {at} and something behind them");
            tried += 1;
        }
        assert!(tried >= 40, "{tried} sectors");
    }
}

#[test]
fn anything_behind_the_end_is_found() {
    let (bytes, inputs) = small();
    let end = bytes.len() as u64;
    for behind in [&b"x"[..], &[0; 500], &[b'x'; 500], &MAGIC] {
        let read = read(&[&bytes, behind].concat());
        let [Damage::NoBlock { from, to, .. }] = read.damage[..] else { panic!("{:?}", read.damage) };
        assert_eq!((from, to), (end, end + behind.len() as u64));
        assert_eq!(read.inputs, inputs);
    }
    let (other, _) = crate::format::recording_of(1);
    let read = read(&[&bytes[..], &other[FILE_HEADER..]].concat());
    assert!(!read.damage.is_empty(), "a recording behind a recording");
}

/// Bytes that a device writes at once.
const SECTOR: usize = 512;

/// A recording that is made once for all cases of a property.
static TICKS: LazyLock<Vec<u8>> = LazyLock::new(|| crate::format::recording_of(6).0);

proptest! {
    #[test]
    fn no_bytes_behind_a_header_make_the_reader_panic(tail in proptest::collection::vec(any::<u8>(), 0..2000)) {
        let read = read(&[&TICKS[..FILE_HEADER], &tail].concat());
        prop_assert_eq!(read.inputs, []);
    }

    #[test]
    fn several_changes_at_once_are_found_and_never_make_the_reader_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), 1..=255_u8), 1..8),
    ) {
        let mut changed = TICKS.clone();
        for (at, by) in changes {
            let at = at.index(TICKS.len() - FILE_HEADER) + FILE_HEADER;
            changed[at] ^= by;
        }
        let read = read(&changed);
        prop_assert_eq!(read.damage.is_empty() && read.end == End::Closed, changed == *TICKS);
    }

    #[test]
    fn lengths_that_lie_cost_no_memory(header in proptest::collection::vec(any::<u8>(), BLOCK_HEADER)) {
        let crafted = crate::format::with_checksum(header.try_into().expect("the length of a header"));
        let read = read(&[&TICKS[..FILE_HEADER], &crafted].concat());
        prop_assert_eq!(read.inputs, []);
    }
}
