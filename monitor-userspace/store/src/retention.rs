//! Keeps old recordings of a folder within bounds: the oldest go first, and never one that is being written.

use std::{
    ffi::OsStr,
    fs::{self, File, OpenOptions},
    os::{
        fd::{AsFd as _, AsRawFd as _, OwnedFd},
        unix::fs::OpenOptionsExt as _,
    },
    path::Path,
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, Result};
use nix::unistd::{UnlinkatFlags, unlinkat};

use super::{
    format::{FILE_HEADER, FileKind, file_kind},
    reader::ReadAt as _,
};

/// How much of what was recorded is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    /// Bytes of all files together, the one that is being written included.
    pub bytes: Option<u64>,
    /// How long a file is kept that was written last so long ago.
    pub age: Option<Duration>,
}

/// What was removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removed {
    /// The names of the files, the oldest first.
    pub files: Vec<String>,
    /// Their bytes.
    pub bytes: u64,
}

/// A recording in the folder.
struct Found {
    written: SystemTime,
    bytes: u64,
    name: std::ffi::OsString,
}

/// Removes recordings of a folder, among those with a name that `ours` knows, until the rest is within bounds. What is no
/// recording by its first bytes, no regular file, or locked by who writes it, is left alone and not counted.
///
/// # Errors
///
/// The folder cannot be listed, or a file cannot be removed; those before it are gone.
pub fn sweep(folder: &OwnedFd, keep: Keep, ours: impl Fn(&OsStr) -> bool) -> Result<Removed> {
    let mut removed = Removed::default();
    if keep == Keep::default() {
        return Ok(removed);
    }
    let path = Path::new("/proc/self/fd").join(folder.as_raw_fd().to_string());
    let mut found: Vec<Found> = fs::read_dir(&path)
        .context("cannot list the folder of the recordings")?
        .filter_map(|entry| entry.ok().map(|entry| entry.file_name()))
        .filter(|name| ours(name))
        .filter_map(|name| recording(&path, &name))
        .collect();
    found.sort_by(|one, other| (one.written, &one.name).cmp(&(other.written, &other.name)));
    let mut bytes: u64 = found.iter().map(|file| file.bytes).sum();
    let now = SystemTime::now();
    for file in found {
        let is_old = keep.age.is_some_and(|age| now.duration_since(file.written).is_ok_and(|since| since > age));
        let is_much = keep.bytes.is_some_and(|most| bytes > most);
        if !is_old && !is_much {
            // What comes is younger, and was written later.
            break;
        }
        if is_locked(&path.join(&file.name)) {
            continue;
        }
        unlinkat(folder.as_fd(), file.name.as_os_str(), UnlinkatFlags::NoRemoveDir)
            .with_context(|| format!("cannot remove the old recording {}", file.name.display()))?;
        bytes -= file.bytes;
        removed.bytes += file.bytes;
        removed.files.push(file.name.to_string_lossy().into_owned());
    }
    Ok(removed)
}

/// What is known of a file, if it is a recording.
fn recording(folder: &Path, name: &OsStr) -> Option<Found> {
    let file = open(&folder.join(name))?;
    let metadata = file.metadata().ok().filter(fs::Metadata::is_file)?;
    let mut header = [0; FILE_HEADER];
    let have = file.fill(&mut header, 0).ok()?;
    if have < FILE_HEADER || file_kind(&header) == FileKind::Foreign {
        return None;
    }
    Some(Found { written: metadata.modified().ok()?, bytes: metadata.len(), name: name.to_owned() })
}

/// Whether somebody holds the lock of who writes.
fn is_locked(path: &Path) -> bool {
    open(path).is_none_or(|file| matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock)))
}

fn open(path: &Path) -> Option<File> {
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_CLOEXEC).open(path).ok()
}
