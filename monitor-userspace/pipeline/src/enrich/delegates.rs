//! Sockets behind which another process works on request.

use std::sync::Arc;

use globset::{GlobSet, GlobSetBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::paths::{as_path, glob};
use crate::{
    DataError,
    data::{self, RuleError, Source},
    hash::Set,
    input::Known,
    record::{ProcessId, Text},
};

/// Pairs of session and socket that are remembered, so that each is told once; when there are more, all are forgotten.
const TOLD: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// It tells people which revision they read; the digest tells the program.
    #[serde(default, rename = "version")]
    _version: u32,
    #[serde(default)]
    delegate: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    name: String,
    reason: String,
    patterns: Vec<Spanned<String>>,
}

/// Somebody who works on request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delegate {
    /// A short name.
    pub(crate) name: String,
    /// What may be done on request.
    pub(crate) reason: String,
}

/// The sockets that are known.
#[derive(Clone, Debug)]
pub(crate) struct Delegates {
    delegates: Arc<[Delegate]>,
    patterns: Arc<GlobSet>,
    /// Whose each pattern is.
    owners: Vec<usize>,
    told: Set<(ProcessId, Box<[u8]>)>,
}

impl Delegates {
    /// The built-in ones.
    ///
    /// # Errors
    ///
    /// When they cannot be read, which a test excludes.
    pub(crate) fn new() -> Result<Self, DataError> {
        Self::with(&[]).map_err(|error| DataError::new(data::DELEGATES, error))
    }

    /// The built-in ones and those of these files, which add to them.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub(crate) fn with(added: &[Source]) -> Result<Self, RuleError> {
        Self::read(&Source::built_in(data::DELEGATES), added)
    }

    /// Those of a set, and those of files that add to it.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub(crate) fn read(set: &Source, added: &[Source]) -> Result<Self, RuleError> {
        let (mut patterns, mut owners, mut delegates) = (GlobSetBuilder::new(), Vec::new(), Vec::new());
        for source in std::iter::once(set).chain(added) {
            let file: File = source.parse_bounded()?;
            for Entry { name, reason, patterns: own } in file.delegate {
                for pattern in own {
                    let wrong = |what| source.error(pattern.span().start, format!("delegate `{name}`: {what}"));
                    patterns.add(glob(pattern.as_ref()).map_err(wrong)?);
                    owners.push(delegates.len());
                }
                delegates.push(Delegate { name, reason });
            }
        }
        let patterns = patterns.build().map_err(|error| set.whole(error.to_string()))?;
        Ok(Self { delegates: delegates.into(), patterns: Arc::new(patterns), owners, told: Set::default() })
    }

    /// Puts others in force; what was told is not told again.
    pub(crate) fn replace(&mut self, by: Self) {
        let told = std::mem::take(&mut self.told);
        *self = Self { told, ..by };
    }

    /// Appends each that was told.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        let mut told: Vec<_> = self.told.iter().collect();
        told.sort_unstable();
        let socket = |socket: &[u8]| Text::from(socket.to_vec());
        out.extend(told.into_iter().map(|(session, at)| Known::Delegated { session: *session, socket: socket(at) }));
    }

    /// Takes a piece; one that is of something else is left alone.
    pub(crate) fn resume(&mut self, known: &Known) {
        if let Known::Delegated { session, socket } = known
            && self.told.len() < TOLD
        {
            self.told.insert((*session, socket.as_bytes().into()));
        }
    }

    /// Who is behind a socket, when a session, known by its first process, connects to it for the first time.
    pub(crate) fn first(&mut self, session: ProcessId, socket: &[u8]) -> Option<Delegate> {
        let at = *self.patterns.matches(as_path(socket)).first()?;
        if self.told.len() >= TOLD {
            self.told.clear();
        }
        if !self.told.insert((session, socket.into())) {
            return None;
        }
        self.delegates.get(*self.owners.get(at)?).cloned()
    }
}
