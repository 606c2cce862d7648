//! Where indexes lie, and how: blob after blob, then what tells where each is, then where that is.

use std::{
    fs::{self, DirBuilder, File},
    io::{BufWriter, Write as _},
    os::unix::fs::{DirBuilderExt as _, FileExt as _},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use serde::{Deserialize, Serialize};

use super::{Contents, Index, pack_named, unpack};
use crate::source::index::place;

/// The layout; another one is made anew.
const LAYOUT: u32 = 1;

/// What ends the name of an index.
const ENDING: &str = "screen";

/// Offset and length of the table, which are the last bytes.
const TAIL: usize = 16;

/// Bytes of the table at most: that of a hundred million events stays below.
const TABLE: u64 = 64 << 20;

/// Bytes of all indexes of a user together. Those that were made first go where one more would exceed them.
const ALL: u64 = 1 << 30;

/// Where a blob is.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) offset: u64,
    pub(super) len: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Table {
    contents: Contents,
    blobs: Vec<Option<Extent>>,
}

/// Where the index of a recording is, once there is one.
///
/// # Errors
///
/// As [`place`].
pub(super) fn of(recording: &Path) -> Result<PathBuf> {
    place(recording, LAYOUT, ENDING)
}

/// An index, where there is one. One that is damaged is made anew.
#[must_use]
pub fn load(path: &Path) -> Option<Index> {
    let file = File::open(path).ok()?;
    let all = file.metadata().ok()?.len();
    let mut tail = [0; TAIL];
    file.read_exact_at(&mut tail, all.checked_sub(TAIL as u64)?).ok()?;
    let (offset, len) = tail.split_at(TAIL / 2);
    let (offset, len) = (u64::from_le_bytes(offset.try_into().ok()?), u64::from_le_bytes(len.try_into().ok()?));
    if len > TABLE || offset.checked_add(len)?.checked_add(TAIL as u64)? != all {
        return None;
    }
    let mut packed = vec![0; usize::try_from(len).ok()?];
    file.read_exact_at(&mut packed, offset).ok()?;
    let Table { contents, blobs } = unpack(&packed).ok()?;
    Some(Index::stored(contents, file, blobs))
}

/// Keeps an index, for its owner only, and gives what is read from there from then on.
///
/// # Errors
///
/// It cannot be written; nothing depends on it.
pub fn store(path: &Path, index: &Index) -> Result<Index> {
    let folder = path.parent().context("the cache has no folder")?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().tempfile_in(folder)?;
    let mut out = BufWriter::new(&mut file);
    let (mut offset, mut blobs) = (0, Vec::new());
    for blob in index.blobs() {
        let Some(blob) = blob else {
            blobs.push(None);
            continue;
        };
        out.write_all(blob)?;
        blobs.push(Some(Extent { offset, len: u32::try_from(blob.len())? }));
        offset += blob.len() as u64;
    }
    let table = pack_named(&TableOf { contents: index.contents(), blobs: &blobs })?;
    ensure!(table.len() as u64 <= TABLE, "the table is too long");
    out.write_all(&table)?;
    out.write_all(&offset.to_le_bytes())?;
    out.write_all(&(table.len() as u64).to_le_bytes())?;
    out.flush()?;
    drop(out);
    make_room(folder, ALL.saturating_sub(offset))?;
    file.persist(path)?;
    load(path).context("what was written cannot be read")
}

/// Removes indexes, those that were made first before others, until all together take so many bytes at most.
fn make_room(folder: &Path, most: u64) -> Result<()> {
    let mut found = Vec::new();
    for entry in folder.read_dir()? {
        let path = entry?.path();
        // Another one may be removing them too.
        if path.extension().is_some_and(|ending| ending == ENDING)
            && let Ok(about) = path.metadata()
        {
            found.push((about.modified()?, about.len(), path));
        }
    }
    found.sort();
    let mut bytes: u64 = found.iter().map(|(_, bytes, _)| bytes).sum();
    for (_, less, path) in found {
        if bytes <= most {
            break;
        }
        let _ = fs::remove_file(path);
        bytes -= less;
    }
    Ok(())
}

/// [`Table`], to be written.
#[derive(Serialize)]
struct TableOf<'a> {
    contents: &'a Contents,
    blobs: &'a [Option<Extent>],
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_indexes_that_were_made_first_make_room_for_others() {
        let folder = tempfile::tempdir().expect("a folder");
        let made = |name: &str, second: u64| {
            let file = File::create(folder.path().join(name)).expect("a file");
            file.set_len(10).expect("its length");
            file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(second)).expect("its time");
        };
        for (name, second) in [("b.screen", 2), ("a.screen", 3), ("c.screen", 1), ("d.index", 0)] {
            made(name, second);
        }
        let left = || {
            let entries = folder.path().read_dir().expect("the folder");
            let mut left: Vec<_> = entries.map(|entry| entry.expect("a file").file_name()).collect();
            left.sort();
            left
        };
        make_room(folder.path(), 30).expect("a readable folder");
        assert_eq!(left().len(), 4);
        make_room(folder.path(), 25).expect("a readable folder");
        assert_eq!(left(), ["a.screen", "b.screen", "d.index"]);
        make_room(folder.path(), 0).expect("a readable folder");
        assert_eq!(left(), ["d.index"]);
    }
}
