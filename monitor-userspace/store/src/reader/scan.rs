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

/// Bytes that a device writes at once, all of them or none.
const SECTOR: u64 = 512;

/// Zeros at the end of a file that a damaged block does not have by chance.
const LEAST_ZEROS: u64 = 8;

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

/// Where a block that begins at `from` and should reach to `to` goes over to zeros that last up to the end of the file: what a
/// power cut leaves of one that was being written. A device writes whole sectors, so it is at one.
///
/// # Errors
///
/// The error of the system.
pub(super) fn torn(source: &impl ReadAt, from: u64, to: u64) -> io::Result<Option<u64>> {
    let mut at = to.saturating_sub(1) / SECTOR * SECTOR;
    if at <= from {
        return Ok(None);
    }
    let (is_zero, end) = zeros(source, at)?;
    if !is_zero || end - at < LEAST_ZEROS {
        return Ok(None);
    }
    let mut sector = [0; SECTOR as usize];
    while at > from + SECTOR && source.fill(&mut sector, at - SECTOR)? == sector.len() && sector == [0; SECTOR as usize]
    {
        at -= SECTOR;
    }
    Ok(Some(at))
}

fn header_at(source: &impl ReadAt, at: u64) -> io::Result<bool> {
    let mut bytes = [0; BLOCK_HEADER];
    Ok(source.fill(&mut bytes, at)? == BLOCK_HEADER && BlockHeader::decode(&bytes).is_ok())
}

fn cut_at(source: &impl ReadAt, at: u64) -> io::Result<bool> {
    Ok(source.fill(&mut [0; BLOCK_HEADER], at)? < BLOCK_HEADER)
}
