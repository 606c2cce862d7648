//! The reader of recordings.

mod sealed;

use agentsnoop_store::{Damage, End, Item, Reader, format::BLOCK_HEADER, frame};
use bytes::Bytes;

/// Reads bytes as a recording: as they are, with every checksum made right, or as the frames of blocks that are made of
/// them, by the first byte. So what lies behind the checksums is reached, which no fuzzer guesses.
///
/// # Panics
/// Where the reader panics, names a place that is not in the bytes, goes on behind its end, or gives an input that cannot
/// be written and read again.
pub fn reader(data: &[u8]) {
    let Some((how, bytes)) = data.split_first() else { return };
    match how % 3 {
        0 => read(bytes),
        1 => read(&sealed::with_checksums(bytes)),
        _ => read(&sealed::with_frames(bytes)),
    }
}

fn read(bytes: &[u8]) {
    let Ok(mut reader) = Reader::new(bytes) else { return };
    let len = bytes.len() as u64;
    let (mut next, mut is_damaged) = (0, false);
    for item in reader.by_ref() {
        match item {
            Item::Input(at, input) => {
                assert!(at.offset + BLOCK_HEADER as u64 <= len, "{at:?} of {len} bytes");
                // Behind damage stands what may belong to another place, where inputs are counted from another number.
                assert!(is_damaged || at.input >= next, "input {} comes where {next} should", at.input);
                next = at.input.saturating_add(1);
                let mut again = Vec::new();
                // Escapes may make JSON longer than a frame can be.
                if frame::encode(&input, &mut again).is_ok() {
                    let written = frame::take(&mut Bytes::from(again)).unwrap().unwrap();
                    assert_eq!(frame::decode(&written).unwrap(), Some(input));
                }
            }
            Item::Damage(damage) => {
                is_damaged = true;
                assert!(damage.offset() <= len, "{damage} of {len} bytes");
                assert!(!matches!(damage, Damage::Io { .. }), "{damage}");
                assert!(!damage.to_string().contains('\n'), "{damage:?}");
            }
        }
    }
    let inside = match reader.end() {
        End::Closed => true,
        End::Open { offset, .. } => offset <= len,
        End::Cut { offset, have, .. } => offset + have <= len,
    };
    assert!(inside && reader.progress().offset <= len, "{:?} of {len} bytes", reader.end());
    assert_eq!(reader.next(), None, "something comes behind the end");
}
