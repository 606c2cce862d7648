//! A recording in several files, each of which can be read alone: `out.rec`, `out.0001.rec`, `out.0002.rec`, …
//!
//! The folder is held open from the beginning, and files are made in it without following a link: it may belong to a user
//! who can put another one in its place.

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, OpenOptions},
    io,
    os::{
        fd::{AsRawFd as _, OwnedFd},
        unix::fs::{OpenOptionsExt as _, fchown},
    },
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::format::FILE_HEADER;
use crate::Unreadable;

/// Digits of a segment's number in its name, so that names sort as segments do.
const DIGITS: usize = 4;

/// The files of one recording.
#[derive(Debug)]
pub struct Segments {
    folder: OwnedFd,
    /// The first file.
    first: PathBuf,
    owner: Option<(u32, u32)>,
}

impl Segments {
    /// Those that lie beside the first one.
    ///
    /// # Errors
    ///
    /// Its folder cannot be opened.
    pub fn beside(first: &Path, owner: Option<(u32, u32)>) -> Result<Self> {
        let folder = folder_of(first);
        let mut options = OpenOptions::new();
        let opened = options.read(true).custom_flags(libc::O_DIRECTORY | libc::O_CLOEXEC).open(folder);
        let folder = opened.with_context(|| format!("cannot open the folder {}", folder.display()))?;
        Ok(Self { folder: folder.into(), first: first.to_owned(), owner })
    }

    /// The file of a segment by number.
    #[must_use]
    pub fn path(&self, number: u32) -> PathBuf {
        self.first.with_file_name(self.name(number))
    }

    /// Whether a name in the folder is one of this recording's files.
    #[must_use]
    pub fn has(&self, name: &OsStr) -> bool {
        name == self.name(0) || number_of(&self.first, name).is_some()
    }

    /// Makes the file of a segment, which must not exist, readable and writable by its owner only.
    ///
    /// # Errors
    ///
    /// It exists, or cannot be made.
    pub fn create(&self, number: u32) -> Result<File> {
        let what = || format!("cannot create the recording {}", self.path(number).display());
        // The folder is named by its descriptor, so that it is the one that was opened.
        let path = Path::new("/proc/self/fd").join(self.folder.as_raw_fd().to_string()).join(self.name(number));
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_CLOEXEC);
        let file = options.open(path).with_context(what)?;
        if let Some((user, group)) = self.owner {
            fchown(&file, Some(user), Some(group)).with_context(what)?;
        }
        Ok(file)
    }

    /// The folder, to be listed and emptied.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    pub fn folder(&self) -> io::Result<OwnedFd> {
        self.folder.try_clone()
    }

    fn name(&self, number: u32) -> OsString {
        name_of(&self.first, number)
    }
}

/// The name of a segment by that of the first one.
fn name_of(first: &Path, number: u32) -> OsString {
    if number == 0 {
        return first.file_name().unwrap_or_default().to_owned();
    }
    let mut name = first.file_stem().unwrap_or_default().to_owned();
    name.push(format!(".{number:0DIGITS$}"));
    if let Some(extension) = first.extension() {
        name.push(".");
        name.push(extension);
    }
    name
}

/// Where the segment lies that follows the one with this number, if it has the name that its writer gave it.
#[must_use]
pub fn after(segment: &Path, number: u32) -> Option<PathBuf> {
    Some(segment.with_file_name(name_of(&first_of(segment, number)?, number.checked_add(1)?)))
}

/// Where the first segment lies, or lay, of the recording of which a file is the segment with this number, if it has the name that
/// its writer gave it.
#[must_use]
pub fn first_of(segment: &Path, number: u32) -> Option<PathBuf> {
    let name = segment.file_name()?.to_str()?;
    let own = format!(".{number:0DIGITS$}");
    let first = match (number, segment.extension().and_then(OsStr::to_str)) {
        (0, _) => name.to_owned(),
        // The number stands where an extension would, if the first one has none.
        (_, Some(extension)) => match name.strip_suffix(&own) {
            Some(first) => first.to_owned(),
            None => format!("{}.{extension}", segment.file_stem()?.to_str()?.strip_suffix(&own)?),
        },
        (_, None) => return None,
    };
    Some(segment.with_file_name(first))
}

/// Whether somebody holds the lock of who writes a recording. Where a file system knows no locks, nobody does.
#[must_use]
pub fn is_written(file: &Path) -> bool {
    matches!(try_lock(file), Err(fs::TryLockError::WouldBlock))
}

/// Whether nobody holds that lock. Where a file system knows no locks, nobody can tell.
#[must_use]
pub fn is_left(file: &Path) -> bool {
    try_lock(file).is_ok()
}

/// Takes the lock beside other readers, and gives it back at once.
fn try_lock(file: &Path) -> Result<(), fs::TryLockError> {
    let mut options = OpenOptions::new();
    let options = options.read(true).custom_flags(libc::O_NONBLOCK | libc::O_CLOEXEC);
    options.open(file).map_err(fs::TryLockError::Error)?.try_lock_shared()
}

/// The recordings in a folder, in the order of their names.
///
/// # Errors
///
/// [`Unreadable`]: the folder cannot be listed, or there are none.
pub fn in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let refuse = |why: &str| Unreadable::error(folder, why);
    let entries = fs::read_dir(folder).map_err(|error| refuse(&error.to_string()))?;
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut files: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|extension| extension == "rec") && path.is_file()).collect();
    files.sort_by_key(|path| place(path));
    if files.is_empty() { Err(refuse("there is no recording (*.rec) in the folder")) } else { Ok(files) }
}

/// The recordings in a folder that come behind one of them, and have begun; none where it cannot be listed.
#[must_use]
pub fn after_in(folder: &Path, last: &Path) -> Vec<PathBuf> {
    let mut files = in_folder(folder).unwrap_or_default();
    // One that was just made has no header for a moment.
    let has_begun = |file: &Path| fs::metadata(file).is_ok_and(|about| about.len() >= FILE_HEADER as u64);
    files.retain(|file| place(file) > place(last) && has_begun(file));
    files
}

/// What recordings are ordered by: a first segment has no number in its name, and comes before those that have one.
fn place(file: &Path) -> PathBuf {
    file.with_extension("")
}

/// The folder in which a file lies.
fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The number in the name of a later segment of a recording.
fn number_of(first: &Path, name: &OsStr) -> Option<u32> {
    let (stem, name) = (first.file_stem()?.to_str()?, name.to_str()?);
    let rest = name.strip_prefix(stem)?.strip_prefix('.')?;
    let digits = match first.extension() {
        Some(extension) => rest.strip_suffix(extension.to_str()?)?.strip_suffix('.')?,
        None => rest,
    };
    let is_number = digits.len() >= DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_segments_are_told_from_other_names() {
        let first = Path::new("/tmp/out.rec");
        let number = |name: &str| number_of(first, OsStr::new(name));
        assert_eq!(number("out.0001.rec"), Some(1));
        assert_eq!(number("out.12345.rec"), Some(12345));
        for name in
            ["out.rec", "out.1.rec", "out.0001.txt", "out.abcd.rec", "other.0001.rec", "out.0001", "out.+001.rec"]
        {
            assert_eq!(number(name), None, "{name}");
        }
    }

    #[test]
    fn the_segment_after_another_is_found_by_its_name() {
        let next = |file: &str, number| after(Path::new(file), number);
        for (file, number, expected) in [
            ("/tmp/out.rec", 0, "/tmp/out.0001.rec"),
            ("/tmp/out.0001.rec", 1, "/tmp/out.0002.rec"),
            ("/tmp/a.b.9999.rec", 9999, "/tmp/a.b.10000.rec"),
            ("/tmp/out", 0, "/tmp/out.0001"),
            ("/tmp/out.0001", 1, "/tmp/out.0002"),
        ] {
            assert_eq!(next(file, number), Some(expected.into()), "{file}");
        }
        // Somebody has given it another name.
        assert_eq!(next("/tmp/other.rec", 3), None);
        assert_eq!(next("/tmp/other", 3), None);
    }
}
