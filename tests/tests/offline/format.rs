//! The bytes of the format, made by hand as docs/recording.md describes them.

use std::fs;

use agentsnoop_pipeline::input::{Closed, Input, Tick};
use agentsnoop_store::{
    Damage, End, Reader, Writer,
    format::{
        BLOCK_HEADER, BlockHeader, CODEC_ZSTD, FILE_HEADER, FLAG_LAST, MAGIC, STORED_BYTES, SYNC, file_header, genesis,
    },
    writer::Options,
};

use crate::tools::{folder, read};

/// A recording of this many ticks, a block each, and its inputs.
pub(crate) fn recording_of(ticks: u64) -> (Vec<u8>, Vec<Input>) {
    let folder = folder();
    let path = folder.path().join("ticks.rec");
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    let inputs: Vec<Input> = (1..=ticks).map(|boot_ns| Input::Tick(Tick { boot_ns })).collect();
    for input in &inputs {
        writer.push(input).expect("a writable recording");
        writer.flush().expect("a writable recording");
    }
    writer.close(&mut Closed::default()).expect("a recording that can be closed");
    (fs::read(&path).expect("the recording"), inputs)
}

/// A block header with a marker and a checksum that are right, whatever else it says.
pub(crate) fn with_checksum(mut header: [u8; BLOCK_HEADER]) -> [u8; BLOCK_HEADER] {
    header[..8].copy_from_slice(&SYNC);
    let crc = crc32c::crc32c_append(crc32c::crc32c(&header[..60]), &header[64..]);
    header[60..64].copy_from_slice(&crc.to_le_bytes());
    header
}

/// A recording of one block with these bytes as its frames.
fn crafted(frames: &[u8], inputs: u32, change: impl FnOnce(&mut BlockHeader)) -> Vec<u8> {
    let payload = zstd::bulk::compress(frames, 1).expect("compressed frames");
    let mut header = BlockHeader {
        inputs,
        raw_len: frames.len() as u32,
        stored_len: payload.len() as u32,
        codec: CODEC_ZSTD,
        payload_crc: crc32c::crc32c(&payload),
        ..BlockHeader::default()
    };
    change(&mut header);
    let file = file_header(&[7; 16]);
    header.chain = header.link(&genesis(&file), &payload);
    [&file[..], &header.encode(), &payload].concat()
}

#[test]
fn the_bytes_are_where_the_documentation_says() {
    let (bytes, _) = recording_of(1);
    assert_eq!(bytes[..8], MAGIC);
    assert_eq!(bytes[8..12], [1, 0, 32, 0]);
    assert_eq!(bytes[28..32], crc32c::crc32c(&bytes[..28]).to_le_bytes());
    let block = &bytes[32..];
    let word = |at: usize| u64::from_le_bytes(block[at..at + 8].try_into().expect("eight bytes"));
    let half = |at: usize| u32::from_le_bytes(block[at..at + 4].try_into().expect("four bytes"));
    assert_eq!(block[..8], SYNC);
    assert_eq!([word(8), word(16), word(24), word(32)], [0, 0, 1, 1]);
    let frames = b"\x09\x0d{\"boot_ns\":1}";
    assert_eq!([half(40), half(44)], [1, frames.len() as u32]);
    assert_eq!(block[52..56], [1, 0, 0, 0]);
    let payload = &block[96..96 + half(48) as usize];
    assert_eq!(half(56), crc32c::crc32c(payload));
    assert_eq!(half(60), crc32c::crc32c_append(crc32c::crc32c(&block[..60]), &block[64..96]));
    let mut chain = blake3::Hasher::new();
    chain.update(blake3::hash(&bytes[..32]).as_bytes()).update(&block[..60]).update(payload);
    assert_eq!(block[64..96], *chain.finalize().as_bytes());
    assert_eq!(zstd::bulk::decompress(payload, 1000).expect("a zstd frame"), frames);
}

#[test]
fn only_the_last_block_is_marked_as_the_last() {
    let (bytes, _) = recording_of(2);
    let marked: Vec<bool> = crate::tools::blocks(&bytes)
        .iter()
        .map(|block| {
            let header = bytes[block.start..block.start + BLOCK_HEADER].try_into().expect("a block header");
            BlockHeader::decode(header).expect("a sound block header").flags & FLAG_LAST != 0
        })
        .collect();
    assert_eq!(marked, [false, false, true]);
}

#[test]
fn frames_of_a_newer_build_are_passed_over_and_counted() {
    let frames = b"\x63\x05other\x09\x0d{\"boot_ns\":5}\xff\x00";
    let read = read(&crafted(frames, 3, |_| {}));
    assert_eq!(read.inputs, [Input::Tick(Tick { boot_ns: 5 })]);
    assert_eq!((read.unknown, read.damage), (2, Vec::new()));
}

#[test]
fn facts_acts_and_pieces_of_a_newer_build_are_passed_over_and_counted() {
    let fact = br#"{"fact":"weather","sky":"blue"}"#;
    let act = br#"{"act":"applaud"}"#;
    // A map of one entry, from `weather` to an empty map.
    let piece = b"\x81\xa7weather\x80";
    let framed = |tag: u8, content: &[u8]| [&[tag, content.len() as u8], content].concat();
    let frames = [framed(4, fact), framed(5, act), framed(11, piece), framed(9, br#"{"boot_ns":5}"#)].concat();
    let read = read(&crafted(&frames, 4, |_| {}));
    assert_eq!(read.inputs, [Input::Tick(Tick { boot_ns: 5 })]);
    assert_eq!((read.unknown, read.damage), (3, Vec::new()));
}

#[test]
fn fields_of_a_newer_build_are_ignored() {
    let read = read(&crafted(b"\x09\x1b{\"boot_ns\":5,\"new\":{\"a\":1}}", 1, |_| {}));
    assert_eq!(read.inputs, [Input::Tick(Tick { boot_ns: 5 })]);
}

#[test]
fn frames_that_are_wrong_inside_a_sound_block_are_located() {
    let tick = b"\x09\x0d{\"boot_ns\":5}";
    let table: [(&str, Vec<u8>, u32, usize, &str); 6] = [
        ("no length", [&tick[..], b"\x09"].concat(), 2, 1, "ends inside its length"),
        ("a length without end", [&tick[..], b"\x09\xff\xff\xff\xff\x01"].concat(), 2, 1, "more than three bytes"),
        ("a length beyond the block", [&tick[..], b"\x09\x7f{"].concat(), 2, 1, "longer than its block"),
        ("fewer frames than counted", tick.to_vec(), 3, 1, "missing"),
        ("more frames than counted", [&tick[..], tick].concat(), 1, 1, "not counted"),
        ("no JSON", [&tick[..], b"\x09\x01{"].concat(), 2, 1, "cannot be understood"),
    ];
    for (name, frames, inputs, given, what) in table {
        let read = read(&crafted(&frames, inputs, |_| {}));
        assert_eq!(read.inputs.len(), given, "{name}");
        let [damage] = &read.damage[..] else { panic!("{name}: {:?}", read.damage) };
        assert!(damage.to_string().contains(what), "{name}: {damage}");
        assert_eq!((damage.offset(), damage.block()), (FILE_HEADER as u64, Some(0)), "{name}");
    }
}

#[test]
fn payloads_that_do_not_fit_their_header_are_located() {
    let tick = b"\x09\x0d{\"boot_ns\":5}";
    type Change = fn(&mut BlockHeader);
    let table: [(&str, Change, &str); 3] = [
        ("an unknown codec", |header| header.codec = 9, "codec 9"),
        ("more bytes than said", |header| header.raw_len = 3, "cannot be decompressed"),
        ("fewer bytes than said", |header| header.raw_len = 300, "15 bytes once decompressed"),
    ];
    for (name, change, what) in table {
        let read = read(&crafted(tick, 1, change));
        let [damage] = &read.damage[..] else { panic!("{name}: {:?}", read.damage) };
        assert!(damage.to_string().contains(what), "{name}: {damage}");
        assert!(read.inputs.is_empty(), "{name}");
    }
}

#[test]
fn a_block_that_is_altered_and_checksummed_again_breaks_the_chain() {
    let (mut bytes, _) = recording_of(3);
    let second = crate::tools::blocks(&bytes)[1];
    let header = bytes[second.start..second.start + BLOCK_HEADER].try_into().expect("a block header");
    let mut header = BlockHeader::decode(header).expect("a sound block header");
    header.last_ns += 1;
    bytes[second.start..second.start + BLOCK_HEADER].copy_from_slice(&header.encode());
    let read = read(&bytes);
    assert!(
        matches!(read.damage[0], Damage::Unlinked { number: 1, offset, .. } if offset == second.start as u64),
        "{:?}",
        read.damage
    );
}

#[test]
fn a_header_that_claims_more_than_a_block_can_have_is_no_block() {
    let bytes = crafted(b"", 0, |header| header.stored_len = STORED_BYTES as u32 + 1);
    let read = read(&bytes);
    assert!(matches!(read.damage[..], [Damage::NoBlock { from: 32, .. }]), "{:?}", read.damage);
    assert!(matches!(read.end, End::Open { .. }));
}

#[test]
fn another_version_is_refused_with_what_to_do() {
    let mut header = file_header(&[0; 16]);
    header[8] = 2;
    let crc = crc32c::crc32c(&header[..28]).to_le_bytes();
    header[28..].copy_from_slice(&crc);
    let why = Reader::new(&header[..]).err().expect("a refusal");
    assert!(why.contains("format 2") && why.contains("reads format 1") && why.contains("use the build"), "{why}");
}

#[test]
fn two_recordings_of_the_same_inputs_share_no_link() {
    let [(one, inputs), (two, _)] = [recording_of(3), recording_of(3)];
    assert_ne!(one[12..28], two[12..28]);
    let mixed = [&one[..FILE_HEADER], &two[FILE_HEADER..]].concat();
    let read = read(&mixed);
    assert!(matches!(read.damage[..], [Damage::Unlinked { number: 0, .. }]), "{:?}", read.damage);
    assert_eq!(read.inputs[..3], inputs);
}
