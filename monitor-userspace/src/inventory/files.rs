//! Files that others own: found by patterns, opened without waiting, read up to a bound.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use super::{clean::Clean, homes::Home, report::Problem, text_of};

/// Bytes of a file of settings that are read; the largest that is known (~/.claude.json with long histories) has a few
/// millions. A longer one is a problem that is told.
pub(super) const FILE_BYTES: u64 = 16 * 1024 * 1024;

/// Entries of a folder that are looked at; of more the rest is left out, which is told.
const ENTRIES: usize = 10_000;

/// Problems that are told; of more only the number.
const PROBLEMS: usize = 1000;

/// What stands for `/`.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    root: PathBuf,
}

impl Machine {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: std::fs::canonicalize(root).unwrap_or_else(|_| root.to_owned()) }
    }

    /// Where a pattern begins: `~/` in a home, `/` at the root; absent where it is not for this place.
    fn place<'a>(&self, pattern: &'a str, home: Option<&Home>) -> Option<(PathBuf, &'a str)> {
        match (pattern.strip_prefix("~/"), home) {
            (Some(rest), Some(home)) => Some((home.path.clone(), rest)),
            (None, None) => Some((self.root.clone(), pattern.strip_prefix('/').unwrap_or(pattern))),
            _ => None,
        }
    }

    /// The path as those on the machine know it.
    pub(super) fn shown(&self, path: &Path) -> PathBuf {
        if self.root == Path::new("/") {
            return path.to_owned();
        }
        path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
    }

    /// Where such a path really is.
    pub(super) fn real(&self, shown: &Path) -> PathBuf {
        let is_within = self.root == Path::new("/") || shown.starts_with(&self.root);
        if is_within { shown.to_owned() } else { self.root.join(shown.strip_prefix("/").unwrap_or(shown)) }
    }

    /// The paths that a pattern finds, sorted. `*` and `?` stand for part of one component.
    pub(super) fn expand(&self, pattern: &str, home: Option<&Home>, problems: &mut Problems) -> Vec<PathBuf> {
        let Some((start, rest)) = self.place(pattern, home) else { return Vec::new() };
        expand(start, rest, problems)
    }
}

/// The paths below `start` that a pattern finds.
pub(super) fn expand(start: PathBuf, pattern: &str, problems: &mut Problems) -> Vec<PathBuf> {
    let mut found = vec![start];
    for component in pattern.split('/').filter(|component| !component.is_empty()) {
        if !component.contains(['*', '?', '[']) {
            found.iter_mut().for_each(|path| path.push(component));
            continue;
        }
        let Some(matcher) = matcher(component) else { return Vec::new() };
        found = found.iter().flat_map(|folder| matching(folder, &matcher, problems)).collect();
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    found
}

fn matcher(component: &str) -> Option<GlobMatcher> {
    Some(GlobBuilder::new(component).literal_separator(true).build().ok()?.compile_matcher())
}

fn matching(folder: &Path, matcher: &GlobMatcher, problems: &mut Problems) -> Vec<PathBuf> {
    let names = list(folder, problems).into_iter();
    names.filter(|path| path.file_name().is_some_and(|name| matcher.is_match(name))).collect()
}

/// What is in a folder, sorted; nothing where there is none.
pub(super) fn list(folder: &Path, problems: &mut Problems) -> Vec<PathBuf> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            problems.unless_absent(folder, &error);
            return Vec::new();
        }
    };
    let mut found: Vec<PathBuf> = entries.flatten().take(ENTRIES + 1).map(|entry| entry.path()).collect();
    if found.len() > ENTRIES {
        found.truncate(ENTRIES);
        problems.add(folder, format!("it has more than {ENTRIES} entries; the rest was not looked at"));
    }
    found.sort();
    found
}

/// Opens a regular file without waiting for anything.
pub(super) fn open(path: &Path) -> io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

/// The whole of a regular file; `None` when it is not there, which is no problem.
pub(super) fn read(path: &Path, problems: &mut Problems) -> Option<Vec<u8>> {
    let content = || {
        let mut content = Vec::new();
        open(path)?.take(FILE_BYTES + 1).read_to_end(&mut content)?;
        if content.len() as u64 > FILE_BYTES {
            return Err(io::Error::other(format!("it has more than {FILE_BYTES} bytes, which is no file of settings")));
        }
        Ok(content)
    };
    content().map_err(|error| problems.unless_absent(path, &error)).ok()
}

/// The path without `.` and `..`, which a file that others wrote may hold.
pub(super) fn is_plain(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::RootDir | Component::Normal(_)))
}

/// What could not be read.
#[derive(Debug, Default)]
pub(super) struct Problems {
    found: Vec<Problem>,
    more: u64,
}

impl Problems {
    /// Adds one, unless it only says that there is nothing.
    pub(super) fn unless_absent(&mut self, path: &Path, error: &io::Error) {
        if !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) {
            self.add(path, error.to_string());
        }
    }

    pub(super) fn add(&mut self, path: &Path, error: impl Into<String>) {
        self.push(Problem { path: text_of(path), error: error.into(), line: None, column: None });
    }

    pub(super) fn push(&mut self, problem: Problem) {
        if self.found.contains(&problem) {
            return;
        }
        if self.found.len() < PROBLEMS { self.found.push(problem) } else { self.more += 1 }
    }

    pub(super) fn finish(self, clean: &mut Clean) -> (Vec<Problem>, u64) {
        let problems = self.found.into_iter().map(|problem| Problem { path: clean.text(&problem.path), ..problem });
        (problems.collect(), self.more)
    }
}
