//! Writes archives in cpio's `newc` format, which the kernel unpacks as its initial file system.

use std::io::{self, Write};

const DIRECTORY: u32 = 0o040_000;
const FILE: u32 = 0o100_000;
const SYMLINK: u32 = 0o120_000;

/// An archive being written. All entries belong to root.
pub(crate) struct Archive<W: Write> {
    sink: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    /// An empty archive.
    pub(crate) fn new(sink: W) -> Self {
        Self { sink, entries: 0 }
    }

    /// Adds a folder; `path` is relative to the root, and its parent is already there.
    ///
    /// # Errors
    /// Fails where the sink fails.
    pub(crate) fn directory(&mut self, path: &str) -> io::Result<()> {
        self.entry(path, DIRECTORY | 0o755, &[])
    }

    /// Adds a file with these permissions.
    ///
    /// # Errors
    /// Fails where the sink fails, or the content is 4 GiB or longer.
    pub(crate) fn file(&mut self, path: &str, permissions: u32, content: &[u8]) -> io::Result<()> {
        self.entry(path, FILE | permissions, content)
    }

    /// Adds a symbolic link.
    ///
    /// # Errors
    /// Fails where the sink fails.
    pub(crate) fn symlink(&mut self, path: &str, target: &str) -> io::Result<()> {
        self.entry(path, SYMLINK | 0o777, target.as_bytes())
    }

    /// Writes the end mark and gives the sink back.
    ///
    /// # Errors
    /// Fails where the sink fails.
    pub(crate) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.sink.flush()?;
        Ok(self.sink)
    }

    fn entry(&mut self, path: &str, mode: u32, content: &[u8]) -> io::Result<()> {
        self.entries += 1;
        let length = |length: usize| u32::try_from(length).map_err(|_| io::Error::other("entry of 4 GiB or more"));
        // Inode, mode, user, group, links, time, size, device and its node (two numbers each), length of the name, sum.
        let fields = [self.entries, mode, 0, 0, 1, 0, length(content.len())?, 0, 0, 0, 0, length(path.len() + 1)?, 0];
        let mut header = String::from("070701");
        header.extend(fields.iter().map(|field| format!("{field:08X}")));
        self.sink.write_all(header.as_bytes())?;
        self.sink.write_all(path.as_bytes())?;
        self.sink.write_all(&[0])?;
        self.pad(header.len() + path.len() + 1)?;
        self.sink.write_all(content)?;
        self.pad(content.len())
    }

    /// Fills up to a multiple of four.
    fn pad(&mut self, written: usize) -> io::Result<()> {
        self.sink.write_all(&[0; 3][..written.next_multiple_of(4) - written])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_aligned_and_the_archive_ends_with_its_mark() {
        let mut archive = Archive::new(Vec::new());
        archive.directory("a").unwrap();
        archive.file("a/file", 0o755, b"12345").unwrap();
        archive.symlink("link", "a/file").unwrap();
        let bytes = archive.finish().unwrap();
        assert_eq!(bytes.len() % 4, 0);
        let starts: Vec<_> = bytes.windows(6).enumerate().filter(|(_, part)| *part == b"070701").collect();
        assert_eq!(starts.len(), 4);
        assert!(starts.iter().all(|(start, _)| start % 4 == 0));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("TRAILER!!!"));
        assert!(text.contains("07070100000002000081ED"), "a file of mode 0755 is the second entry");
    }
}
