//! A file that is there whole or not at all.

use std::{
    fs::{self, File},
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, anyhow, bail};
use tempfile::NamedTempFile;

const EXISTS: &str = "it exists already; name another file, or replace it with --overwrite";

/// A file under another name in the same folder until it is complete, readable by its owner only. One that is not finished
/// is removed with the value.
#[derive(Debug)]
pub struct Whole {
    partial: NamedTempFile,
    target: PathBuf,
    overwrite: bool,
}

impl Whole {
    /// Creates it; what is at `target` stays until [`Whole::finish`].
    ///
    /// # Errors
    ///
    /// There is a file already and `overwrite` does not ask for another one, or what is there is no regular file; the error of
    /// the system.
    pub fn create(target: &Path, overwrite: bool) -> Result<Self> {
        let what = || format!("cannot write {}", target.display());
        match fs::symlink_metadata(target) {
            Ok(found) if !found.is_file() && !found.is_symlink() => {
                bail!("{}: it exists and is no regular file", what())
            }
            Ok(_) if !overwrite => bail!("{}: {EXISTS}", what()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(what),
        }
        // A file of the same folder, so that it is renamed and not copied; the library makes it with mode 0600.
        let partial = tempfile::Builder::new().prefix(".agentsnoop-").suffix(".partial").tempfile_in(folder(target));
        Ok(Self { partial: partial.with_context(what)?, target: target.to_owned(), overwrite })
    }

    /// The file.
    #[must_use]
    pub fn file(&self) -> &File {
        self.partial.as_file()
    }

    /// What failed, before the reason.
    #[must_use]
    pub fn failed(&self) -> String {
        format!("cannot write {}", self.target.display())
    }

    /// Its name for now.
    #[must_use]
    pub fn partial(&self) -> &Path {
        self.partial.path()
    }

    /// Puts it on the disk and gives it its name.
    ///
    /// # Errors
    ///
    /// Another file has come by the name meanwhile; the error of the system. The file is gone then.
    pub fn finish(self) -> Result<()> {
        let failed = self.failed();
        let what = || failed.clone();
        let Self { partial, target, overwrite } = self;
        partial.as_file().sync_all().with_context(what)?;
        let named = if overwrite { partial.persist(&target) } else { partial.persist_noclobber(&target) };
        named.map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => anyhow!("{}: {EXISTS}", what()),
            _ => anyhow::Error::from(failed.error).context(what()),
        })?;
        // The name is on the disk only once its folder is; some file systems do not know that of folders.
        let _ = File::open(folder(&target)).and_then(|folder| folder.sync_all());
        Ok(())
    }
}

/// Whether two names are of one file.
#[must_use]
pub fn is_same(one: &Path, other: &Path) -> bool {
    let of = |path| fs::metadata(path).map(|found| (found.dev(), found.ino())).ok();
    of(one).is_some_and(|one| of(other) == Some(one))
}

fn folder(target: &Path) -> &Path {
    match target.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<_> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_has_its_name_only_once_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let whole = Whole::create(&target, false).unwrap();
        whole.file().write_all(b"whole").unwrap();
        assert!(!target.exists());
        whole.finish().unwrap();
        assert_eq!(fs::read(&target).unwrap(), b"whole");
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o777, 0o600);
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        fs::write(&target, "before").unwrap();
        drop(Whole::create(&target, true).unwrap());
        assert_eq!(fs::read(&target).unwrap(), b"before");
        assert_eq!(names(folder.path()), ["out"]);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("out");
        let whole = Whole::create(&target, false).unwrap();
        fs::write(&target, "another").unwrap();
        let error = format!("{:#}", whole.finish().unwrap_err());
        assert!(error.contains("exists already"), "{error}");
        assert_eq!(fs::read(&target).unwrap(), b"another");
        assert_eq!(names(folder.path()), ["out"]);
    }
}
