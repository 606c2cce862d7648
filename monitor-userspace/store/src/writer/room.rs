//! Room for the end of a recording on a disk that fills up.
//!
//! Without it the blocks before the last take what the disk has, and nothing says how many were missed. So the file
//! keeps room behind its end, which only the last block may use; other writers of the disk cannot take it.

use std::{fs::File, io};

use nix::{
    errno::Errno,
    fcntl::{FallocateFlags, fallocate},
};

/// Bytes kept: the last block holds the counters of each CPU, and compressed those of a hundred fit.
const KEPT: usize = 16 * 1024;

/// The room behind the end of a file.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// The file system cannot keep room: the last block takes its chance.
    is_refused: bool,
}

impl Room {
    /// Keeps room behind the next `bytes` bytes from `end`.
    ///
    /// # Errors
    ///
    /// The disk is full.
    pub(super) fn keep(&mut self, file: &File, end: u64, bytes: usize) -> io::Result<()> {
        if self.is_refused {
            return Ok(());
        }
        let (Ok(from), Ok(bytes)) = (i64::try_from(end), i64::try_from(bytes + KEPT)) else { return Ok(()) };
        match fallocate(file, FallocateFlags::FALLOC_FL_KEEP_SIZE, from, bytes) {
            Ok(()) | Err(Errno::EINTR) => Ok(()),
            Err(full @ (Errno::ENOSPC | Errno::EDQUOT | Errno::EFBIG)) => Err(full.into()),
            Err(_) => {
                self.is_refused = true;
                Ok(())
            }
        }
    }

    /// Keeps room again, after a failure for which everything behind the end was taken away.
    pub(super) fn keep_again(&mut self, file: &File, end: u64) {
        // Where there is none any more, the last block takes its chance.
        let _ = self.keep(file, end, 0);
    }

    /// Gives the room back.
    pub(super) fn release(&self, file: &File, end: u64) {
        if !self.is_refused {
            // What stays allocated is a few KiB that no reader sees.
            let _ = file.set_len(end);
        }
    }
}
