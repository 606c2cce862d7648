//! Takes one block after the other from the file.

use std::io;

use super::{
    super::{
        damage::{Damage, End},
        format::{BLOCK_HEADER, BlockHeader, CODEC_ZSTD, FLAG_LAST},
    },
    Current, Place, Position, ReadAt, Reader, scan,
};

impl<S: ReadAt> Reader<S> {
    /// Reads the block at the offset; `false` at the end of the file.
    pub(super) fn block(&mut self) -> io::Result<bool> {
        let offset = self.progress.offset;
        let mut bytes = [0; BLOCK_HEADER];
        let have = self.source.fill(&mut bytes, offset)?;
        if have < BLOCK_HEADER {
            return Ok(self.ends(offset, have as u64));
        }
        let header = match BlockHeader::decode(&bytes) {
            Ok(header) => header,
            Err(what) => return self.resync(offset, what),
        };
        self.payload.resize(header.stored_len as usize, 0);
        let have = self.source.fill(&mut self.payload, offset + BLOCK_HEADER as u64)?;
        if have < self.payload.len() {
            // A length cannot be wrong here, its checksum is right: so bytes are missing, at the end or before it.
            return match scan::next_block(&self.source, offset + 1)? {
                Some(next) => Ok(self.payload_damage(&header, "is cut short", next)),
                None => Ok(self.ends(offset, (BLOCK_HEADER + have) as u64)),
            };
        }
        let after = offset + (BLOCK_HEADER + have) as u64;
        if crc32c::crc32c(&self.payload) != header.payload_crc {
            if let Some(at) = self.torn(offset, after)? {
                return Ok(self.ends(offset, at - offset));
            }
            let next = if let Some(within) = self.successor_within(&header, offset, after)? {
                within
            } else if scan::ends_block(&self.source, after)? {
                after
            } else {
                scan::next_block(&self.source, offset + 1)?.unwrap_or(after)
            };
            return Ok(self.payload_damage(&header, "has a wrong checksum", next));
        }
        self.progress.offset = after;
        self.accept(&header, offset);
        Ok(true)
    }

    /// Where a later block begins, if that is within what should be the payload of a damaged one: where bytes are gone, the length
    /// reaches into what follows. Somebody could have had a path recorded that looks like a block; it is reported as
    /// one that does not follow, and only a recording that is damaged just there gives it.
    fn successor_within(&self, header: &BlockHeader, offset: u64, after: u64) -> io::Result<Option<u64>> {
        let mut from = offset + 1;
        while let Some(at) = scan::next_block(&self.source, from)?.filter(|at| *at < after) {
            let mut bytes = [0; BLOCK_HEADER];
            self.source.fill(&mut bytes, at)?;
            if let Ok(next) = BlockHeader::decode(&bytes)
                && next.number > header.number
            {
                let mut payload = vec![0; next.stored_len as usize];
                let have = self.source.fill(&mut payload, at + BLOCK_HEADER as u64)?;
                if have == payload.len() && crc32c::crc32c(&payload) == next.payload_crc {
                    return Ok(Some(at));
                }
            }
            from = at + 1;
        }
        Ok(None)
    }

    /// Links a block whose payload is sound, and decompresses it.
    fn accept(&mut self, header: &BlockHeader, offset: u64) {
        let before = self.links.head();
        let (damage, read) = self.links.follow(header, &self.payload, offset);
        self.pending.extend(damage);
        if !read {
            return;
        }
        if self.end == End::Closed {
            self.pending.push_back(Damage::AfterClosed { number: header.number, offset });
        }
        let raw = (header.codec == CODEC_ZSTD).then(|| self.zstd.decompress(&self.payload, header.raw_len as usize));
        let what = match raw {
            Some(Ok(raw)) if raw.len() == header.raw_len as usize => {
                self.progress.blocks += 1;
                self.place = Place { number: header.number, offset, first_input: header.first_input, before };
                self.progress.raw_bytes += raw.len() as u64;
                let at = Position { block: header.number, offset, input: header.first_input };
                self.current = Current { at, left: u64::from(header.inputs), frames: raw.into() };
                self.end = if header.flags & FLAG_LAST == 0 { self.open_end() } else { End::Closed };
                return;
            }
            Some(Ok(raw)) => format!("has {} bytes once decompressed, not {}", raw.len(), header.raw_len),
            Some(Err(error)) => format!("cannot be decompressed: {error}"),
            None => format!("has codec {}, which this build does not know", header.codec),
        };
        let inputs = header.inputs;
        self.pending.push_back(Damage::Payload { number: header.number, offset, inputs, what });
    }

    fn open_end(&self) -> End {
        End::Open { offset: self.progress.offset, number: self.links.expected() }
    }

    fn payload_damage(&mut self, header: &BlockHeader, what: &str, next: u64) -> bool {
        let (offset, number) = (self.progress.offset, self.links.expected());
        if header.number != number {
            // A piece of another block can lie where this one was, header first: that one is not lost, and tells nothing.
            let what = "is of another block, whose payload is not behind it";
            self.pending.push_back(Damage::NoBlock { number, from: offset, to: next, what });
            self.progress.offset = next;
            return true;
        }
        let what = what.to_owned();
        self.pending.push_back(Damage::Payload { number: header.number, offset, inputs: header.inputs, what });
        self.links.claim(header);
        self.progress.offset = next;
        true
    }

    /// Where what should be a block ends in zeros that a power cut left, if it does; never in a recording that was closed before.
    fn torn(&self, from: u64, to: u64) -> io::Result<Option<u64>> {
        if self.end == End::Closed { Ok(None) } else { scan::torn(&self.source, from, to) }
    }

    /// Finds the next block behind bytes that are none.
    fn resync(&mut self, from: u64, what: &'static str) -> io::Result<bool> {
        let number = self.links.expected();
        let to = match scan::next_block(&self.source, from + 1)? {
            Some(to) => to,
            None => match scan::zeros(&self.source, from)? {
                (true, end) if self.end != End::Closed => return Ok(self.ends(from, end - from)),
                (_, end) => match self.torn(from, from + BLOCK_HEADER as u64)? {
                    Some(at) => return Ok(self.ends(from, at - from)),
                    None => end,
                },
            },
        };
        self.progress.offset = to;
        self.pending.push_back(Damage::NoBlock { number, from, to, what });
        Ok(true)
    }

    /// Notes how the file ends when fewer bytes are left than a block has; `true` when that is damage.
    fn ends(&mut self, offset: u64, have: u64) -> bool {
        let number = self.links.expected();
        match (self.end, have) {
            (End::Closed, 0) => {}
            (End::Closed, _) => {
                self.progress.offset = offset + have;
                let what = "is cut short";
                self.pending.push_back(Damage::NoBlock { number, from: offset, to: offset + have, what });
                return true;
            }
            (_, 0) => self.end = End::Open { offset, number },
            (_, have) => self.end = End::Cut { offset, number, have },
        }
        false
    }
}
