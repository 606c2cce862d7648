//! Where indexes lie.

use std::{
    fs::{self, DirBuilder, File},
    io::{BufReader, Read as _, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::data;
use anyhow::{Context as _, Result, ensure};

use super::{
    super::{format::FILE_HEADER, reader::ReadAt as _},
    Index,
};

/// The layout of an index; another one is made anew.
const LAYOUT: u32 = 1;

/// Level of zstd.
const LEVEL: i32 = 1;

/// Bytes of the digest before the content.
const DIGEST: usize = 32;

/// The index of a recording, where there is one that this build has made of the file as it is.
#[must_use]
pub fn load(recording: &Path) -> Option<Index> {
    let mut bytes = Vec::new();
    File::open(path(recording).ok()?).ok()?.read_to_end(&mut bytes).ok()?;
    let (digest, content) = bytes.split_at_checked(DIGEST)?;
    // One that is damaged is made anew.
    if blake3::hash(content).as_bytes() != digest {
        return None;
    }
    let unpacked = zstd::Decoder::new(content).ok()?;
    rmp_serde::from_read(BufReader::new(unpacked)).ok()
}

/// Keeps the index of a recording, for its owner only.
///
/// # Errors
///
/// It cannot be written; nothing depends on it.
pub fn store(recording: &Path, index: &Index) -> Result<()> {
    let path = path(recording)?;
    let folder = path.parent().context("the cache has no folder")?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let packed = zstd::bulk::compress(&rmp_serde::to_vec_named(index)?, LEVEL)?;
    let mut file = tempfile::Builder::new().tempfile_in(folder)?;
    file.write_all(blake3::hash(&packed).as_bytes())?;
    file.write_all(&packed)?;
    file.persist(path)?;
    Ok(())
}

/// Its name tells the recording, by identity, size and time, and the build that judges it, with its data.
fn path(recording: &Path) -> Result<PathBuf> {
    let file = File::open(recording)?;
    let about = file.metadata()?;
    let mut header = [0; FILE_HEADER];
    ensure!(file.fill(&mut header, 0)? == FILE_HEADER, "no header");
    let build = fs::metadata("/proc/self/exe")?;
    let mut key = blake3::Hasher::new();
    key.update(&LAYOUT.to_le_bytes());
    key.update(&header);
    for number in
        [about.size() as i64, about.mtime(), about.mtime_nsec(), build.size() as i64, build.mtime(), build.mtime_nsec()]
    {
        key.update(&number.to_le_bytes());
    }
    for set in data::list() {
        key.update(set.digest.as_bytes());
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = cache.context("HOME is not set")?.join("agentsnoop");
    Ok(folder.join(format!("{}.index", key.finalize().to_hex())))
}
