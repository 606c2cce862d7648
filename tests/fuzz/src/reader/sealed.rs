//! Recordings of any bytes whose checksums are right.

use agentsnoop_store::{
    format::{self, BLOCK_HEADER, BlockHeader, CODEC_ZSTD, FILE_HEADER, FLAG_LAST, RAW_BYTES, SYNC},
    frame,
};
use bytes::Bytes;

/// Bytes of a file header that precede its checksum, and where a block header has its own.
const FILE_CHECKED: usize = 28;
const CHECKSUM: std::ops::Range<usize> = 60..64;

/// A flag that says: leave the link of this block as it is.
const UNLINKED: u16 = 0x8000;

/// The bytes with the checksums of the header, of each block that follows it, and their links made right.
pub(super) fn with_checksums(bytes: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    let Some(start) = bytes.first_chunk_mut::<FILE_HEADER>() else { return bytes };
    let crc = crc32c::crc32c(&start[..FILE_CHECKED]);
    start[FILE_CHECKED..].copy_from_slice(&crc.to_le_bytes());
    let mut link = format::genesis(start);
    let mut at = FILE_HEADER;
    while let Some((head, rest)) = bytes[at..].split_first_chunk_mut::<BLOCK_HEADER>()
        && head.starts_with(&SYNC)
    {
        let crc = crc32c::crc32c_append(crc32c::crc32c(&head[..CHECKSUM.start]), &head[CHECKSUM.end..]);
        head[CHECKSUM].copy_from_slice(&crc.to_le_bytes());
        let Ok(mut header) = BlockHeader::decode(head) else { break };
        let payload = &rest[..rest.len().min(header.stored_len as usize)];
        header.payload_crc = crc32c::crc32c(payload);
        if header.flags & UNLINKED == 0 {
            header.chain = header.link(&link, payload);
        }
        link = header.chain;
        *head = header.encode();
        at += BLOCK_HEADER + payload.len();
    }
    bytes
}

/// A recording of blocks with these frames. Each block is told by three bytes: what its count of inputs is wrong by, and
/// the bytes of its frames, which need be no frames.
pub(super) fn with_frames(mut bytes: &[u8]) -> Vec<u8> {
    let mut out = format::file_header(&[7; 16]).to_vec();
    let mut link = out.first_chunk().map(format::genesis).unwrap_or_default();
    let (mut number, mut first_input) = (0, 0);
    while let Some(([wrong_by, low, high], rest)) = bytes.split_first_chunk() {
        let (frames, rest) = rest.split_at(rest.len().min(usize::from(u16::from_le_bytes([*low, *high]))));
        let (inputs, is_last) = count(frames);
        let inputs = inputs.saturating_add_signed(i32::from(wrong_by.cast_signed()));
        let payload = zstd::bulk::compress(frames, 1).unwrap_or_default();
        let mut header = BlockHeader {
            number,
            first_input,
            inputs,
            raw_len: frames.len().min(RAW_BYTES) as u32,
            stored_len: payload.len() as u32,
            codec: CODEC_ZSTD,
            flags: if is_last { FLAG_LAST } else { 0 },
            payload_crc: crc32c::crc32c(&payload),
            ..BlockHeader::default()
        };
        header.chain = header.link(&link, &payload);
        out.extend(header.encode());
        out.extend(payload);
        (number, first_input, link, bytes) = (number + 1, first_input + u64::from(inputs), header.chain, rest);
    }
    out
}

/// How many frames there are, and whether the last is the end of a recording.
fn count(frames: &[u8]) -> (u32, bool) {
    let (mut frames, mut count, mut is_last) = (Bytes::copy_from_slice(frames), 0, false);
    while let Ok(Some(frame)) = frame::take(&mut frames) {
        (count, is_last) = (count + 1, frame.tag == frame::tag::CLOSED);
    }
    (count, is_last)
}
