//! Finds the next block behind bytes that are none.

use std::io;

use super::{
    super::format::{BLOCK_HEADER, BlockHeader, SYNC},
    ReadAt,
};

/// Bytes that are searched at a time.
const WINDOW: usize = 64 * 1024;

/// The place of the first sound block header at or behind `from`.
///
/// # Errors
///
/// The error of the system.
pub(super) fn next_block(source: &impl ReadAt, from: u64) -> io::Result<Option<u64>> {
    let mut window = vec![0; WINDOW];
    let mut at = from;
    loop {
        let have = source.fill(&mut window, at)?;
        let mut markers = window[..have].windows(SYNC.len()).enumerate().filter(|(_, bytes)| *bytes == SYNC);
        let found = markers.try_fold((), |(), (index, _)| {
            let offset = at + index as u64;
            match header_at(source, offset) {
                Ok(true) => Err(Ok(offset)),
                Ok(false) => Ok(()),
                Err(error) => Err(Err(error)),
            }
        });
        match found {
            Err(Ok(offset)) => return Ok(Some(offset)),
            Err(Err(error)) => return Err(error),
            Ok(()) if have < WINDOW => return Ok(None),
            // A marker may begin in the last bytes of the window.
            Ok(()) => at += (WINDOW - SYNC.len() + 1) as u64,
        }
    }
}

/// Whether a block can have ended at `at`: the file ends there, or another block begins.
///
/// # Errors
///
/// The error of the system.
pub(super) fn ends_block(source: &impl ReadAt, at: u64) -> io::Result<bool> {
    let mut start = [0; SYNC.len()];
    let have = source.fill(&mut start, at)?;
    Ok(SYNC.starts_with(&start[..have]) && (have < SYNC.len() || header_at(source, at)? || cut_at(source, at)?))
}

/// Where the file ends, and whether all its bytes from `from` on are zero: what a file system leaves of blocks that
/// were not written before the power went.
///
/// # Errors
///
/// The error of the system.
pub(super) fn zeros(source: &impl ReadAt, from: u64) -> io::Result<(bool, u64)> {
    let mut window = vec![0; WINDOW];
    let mut at = from;
    let mut zero = true;
    loop {
        let have = source.fill(&mut window, at)?;
        zero &= window[..have].iter().all(|byte| *byte == 0);
        at += have as u64;
        if have < WINDOW {
            return Ok((zero, at));
        }
    }
}

fn header_at(source: &impl ReadAt, at: u64) -> io::Result<bool> {
    let mut bytes = [0; BLOCK_HEADER];
    Ok(source.fill(&mut bytes, at)? == BLOCK_HEADER && BlockHeader::decode(&bytes).is_ok())
}

fn cut_at(source: &impl ReadAt, at: u64) -> io::Result<bool> {
    Ok(source.fill(&mut [0; BLOCK_HEADER], at)? < BLOCK_HEADER)
}
