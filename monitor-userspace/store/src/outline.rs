//! What the headers of a recording's blocks tell, without its payloads.

use std::{fs::File, io};

use super::{
    format::{BLOCK_HEADER, BlockHeader, FILE_HEADER},
    reader::ReadAt as _,
};

/// Gives the headers of blocks, each with where it begins, as far as they follow each other without damage.
#[derive(Debug)]
pub struct Outline {
    file: File,
    offset: u64,
}

impl Outline {
    /// The headers of a recording, whose own header is sound.
    #[must_use]
    pub const fn new(file: File) -> Self {
        Self { file, offset: FILE_HEADER as u64 }
    }

    /// The latest boot time of an input, nanoseconds; 0 where none has a time.
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub fn last_ns(self) -> io::Result<u64> {
        let mut last = 0;
        for block in self {
            last = last.max(block?.1.last_ns);
        }
        Ok(last)
    }

    fn header(&self) -> io::Result<Option<BlockHeader>> {
        let mut bytes = [0; BLOCK_HEADER];
        let have = self.file.fill(&mut bytes, self.offset)?;
        Ok(if have < BLOCK_HEADER { None } else { BlockHeader::decode(&bytes).ok() })
    }
}

impl Iterator for Outline {
    type Item = io::Result<(u64, BlockHeader)>;

    fn next(&mut self) -> Option<Self::Item> {
        let header = self.header().transpose()?;
        Some(header.map(|header| {
            let offset = self.offset;
            self.offset += BLOCK_HEADER as u64 + u64::from(header.stored_len);
            (offset, header)
        }))
    }
}
