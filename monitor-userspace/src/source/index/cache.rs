//! Where indexes lie.

use std::{
    fs::{self, DirBuilder, File},
    io::{BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _},
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::data;
use anyhow::{Context as _, Result, ensure};

use super::Index;
use agentsnoop_store::{format::FILE_HEADER, reader::ReadAt as _};

/// The layout of an index; another one is made anew.
const LAYOUT: u32 = 4;

/// What ends the name of an index.
const ENDING: &str = "index";

/// Level of zstd.
const LEVEL: i32 = 1;

/// Bytes of the digest behind the content.
const DIGEST: u64 = 32;

/// The index of a recording, where there is one that this build has made of the file as it is.
#[must_use]
pub fn load(recording: &Path) -> Option<Index> {
    let path = place(recording, LAYOUT, ENDING).ok()?;
    // Whatever else lies there could hold up who reads it.
    if !fs::symlink_metadata(&path).ok()?.is_file() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let content = file.metadata().ok()?.len().checked_sub(DIGEST)?;
    // One that is damaged is made anew.
    let mut digest = blake3::Hasher::new();
    digest.update_reader(BufReader::new(&mut file).take(content)).ok()?;
    let mut noted = [0; DIGEST as usize];
    file.seek(SeekFrom::Start(content)).ok()?;
    file.read_exact(&mut noted).ok()?;
    if *digest.finalize().as_bytes() != noted {
        return None;
    }
    file.seek(SeekFrom::Start(0)).ok()?;
    let unpacked = zstd::Decoder::new(file.take(content)).ok()?;
    rmp_serde::from_read(BufReader::new(unpacked)).ok()
}

/// Keeps the index of a recording, for its owner only.
///
/// # Errors
///
/// It cannot be written; nothing depends on it.
pub fn store(recording: &Path, index: &Index) -> Result<()> {
    let path = place(recording, LAYOUT, ENDING)?;
    let folder = path.parent().context("the cache has no folder")?;
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let mut file = tempfile::Builder::new().tempfile_in(folder)?;
    let mut packed = zstd::Encoder::new(&mut file, LEVEL)?;
    rmp_serde::encode::write_named(&mut packed, index)?;
    packed.finish()?;
    let mut digest = blake3::Hasher::new();
    file.seek(SeekFrom::Start(0))?;
    digest.update_reader(&mut file)?;
    file.write_all(digest.finalize().as_bytes())?;
    file.persist(path)?;
    Ok(())
}

/// Where something that was made of a recording lies. The name tells the recording, by identity, size and times, the build that judges it,
/// with its data, and the layout.
///
/// # Errors
///
/// The recording cannot be read, or there is no place for caches.
pub fn place(recording: &Path, layout: u32, ending: &str) -> Result<PathBuf> {
    let file = File::open(recording)?;
    let about = file.metadata()?;
    let mut header = [0; FILE_HEADER];
    ensure!(file.fill(&mut header, 0)? == FILE_HEADER, "no header");
    let build = fs::metadata("/proc/self/exe")?;
    let mut key = blake3::Hasher::new();
    key.update(&layout.to_le_bytes());
    key.update(&header);
    // Who changes a file can set its mtime back, but not its ctime (inode(7)).
    let times = [about.mtime(), about.mtime_nsec(), about.ctime(), about.ctime_nsec()];
    for number in times.into_iter().chain([about.size() as i64, build.size() as i64, build.mtime(), build.mtime_nsec()])
    {
        key.update(&number.to_le_bytes());
    }
    for set in data::list() {
        key.update(set.digest.as_bytes());
    }
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| variable("HOME").map(|home| home.join(".cache")));
    let folder = cache.context("HOME is not set")?.join("agentsnoop");
    Ok(folder.join(format!("{}.{ending}", key.finalize().to_hex())))
}
