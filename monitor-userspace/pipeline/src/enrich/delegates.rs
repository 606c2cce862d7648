//! Sockets behind which another process works on request.

use std::sync::Arc;

use globset::{GlobSet, GlobSetBuilder};
use serde::Deserialize;

use super::paths::{as_path, glob};
use crate::{
    DataError, data,
    hash::Set,
    input::Known,
    record::{ProcessId, Text},
};

/// Pairs of session and socket that are remembered, so that each is told once; when there are more, all are forgotten.
const TOLD: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "it tells people which revision they read; the digest tells the program")]
    version: u32,
    #[serde(default)]
    delegate: Vec<Delegate>,
}

/// Somebody who works on request.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Delegate {
    /// A short name.
    pub(crate) name: String,
    /// What may be done on request.
    pub(crate) reason: String,
    patterns: Vec<String>,
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
        Self::parse(data::built_in(data::DELEGATES))
    }

    /// Reads sockets (TOML).
    ///
    /// # Errors
    ///
    /// What is wrong, and in which line or pattern.
    pub(crate) fn parse(content: &str) -> Result<Self, DataError> {
        let file: File = data::parse(data::DELEGATES, content)?;
        let wrong = |error: String| DataError::new(data::DELEGATES, error);
        let (mut patterns, mut owners) = (GlobSetBuilder::new(), Vec::new());
        for (at, delegate) in file.delegate.iter().enumerate() {
            for pattern in &delegate.patterns {
                patterns.add(glob(pattern).map_err(wrong)?);
                owners.push(at);
            }
        }
        let patterns = patterns.build().map_err(|error| wrong(error.to_string()))?;
        Ok(Self { delegates: file.delegate.into(), patterns: Arc::new(patterns), owners, told: Set::default() })
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
