//! The data files: agents, resource classes, delegates and scrub rules, built in, and extended by users.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::{
    Scrub,
    attribute::agents::Catalogue,
    enrich::{Delegates, Rules},
    input::{Config, Data},
    meant::meant,
};

/// The names and contents of the built-in sets.
const BUILT_IN: [(&str, &str); 4] = [
    (AGENTS, include_str!("../data/agents.toml")),
    (CLASSES, include_str!("../data/classes.toml")),
    (DELEGATES, include_str!("../data/delegates.toml")),
    (SCRUB, include_str!("../data/scrub.toml")),
];

/// The name of the catalogue of agents.
pub const AGENTS: &str = "agents";
/// The name of the resource classes.
pub const CLASSES: &str = "classes";
/// The name of the sockets behind which another process works on request.
pub const DELEGATES: &str = "delegates";
/// The name of the scrub rules.
pub const SCRUB: &str = "scrub";

/// The sets that judge. The scrub rules are not among them: they have done their work before anything is judged, and
/// [`Config::scrub`] tells their digest.
pub const JUDGING: [&str; 3] = [AGENTS, CLASSES, DELEGATES];

/// Bytes of a file of a user; a longer one is refused.
pub const FILE_BYTES: usize = 256 * 1024;

/// A data set that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataError {
    /// The set.
    pub set: String,
    /// What is wrong, and where.
    pub message: String,
}

impl DataError {
    pub(crate) fn new(set: &str, message: impl fmt::Display) -> Self {
        Self { set: set.to_owned(), message: message.to_string() }
    }
}

impl fmt::Display for DataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the data set `{}` cannot be used: {}", self.set, self.message.trim_end())
    }
}

impl std::error::Error for DataError {}

/// A file that adds to a set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, for messages.
    pub name: String,
    /// Its content.
    pub content: String,
}

impl Source {
    /// A built-in set as such a file.
    pub(crate) fn built_in(set: &str) -> Self {
        Self { name: format!("{set}.toml"), content: built_in(set).to_owned() }
    }

    /// The line of a byte, from 1.
    pub(crate) fn line(&self, at: usize) -> usize {
        let before = self.content.as_bytes().get(..at).unwrap_or_default();
        1 + before.iter().filter(|byte| **byte == b'\n').count()
    }

    /// What is wrong at a byte.
    pub(crate) fn error(&self, at: usize, message: impl Into<String>) -> RuleError {
        RuleError { file: self.name.clone(), line: self.line(at), message: message.into() }
    }

    /// What is wrong with the file as a whole.
    pub(crate) fn whole(&self, message: impl Into<String>) -> RuleError {
        RuleError { file: self.name.clone(), line: 0, message: message.into() }
    }

    /// Reads it (TOML).
    ///
    /// # Errors
    ///
    /// What is wrong, in which line, and what was expected.
    pub(crate) fn parse<T: DeserializeOwned>(&self) -> Result<T, RuleError> {
        toml::from_str(&self.content).map_err(|error| {
            let message = error.message().trim_end();
            let message = match misspelt(message) {
                Some(near) => format!("{message}; did you mean `{near}`?"),
                None => message.to_owned(),
            };
            match error.span() {
                Some(span) => self.error(span.start, message),
                None => self.whole(message),
            }
        })
    }

    /// Reads a file of a user, which is bounded.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], and that it is too long.
    pub(crate) fn parse_bounded<T: DeserializeOwned>(&self) -> Result<T, RuleError> {
        if self.content.len() > FILE_BYTES {
            // What reads it stops there, so that nobody knows how long it is.
            return Err(self.whole(format!("it is too long; expected at most {FILE_BYTES} bytes")));
        }
        self.parse()
    }
}

/// The field that was meant, where serde knows another one: "unknown field `nmae`, expected one of `name`, …".
fn misspelt(message: &str) -> Option<&str> {
    let (field, known) = message.strip_prefix("unknown field `")?.split_once('`')?;
    meant(field, known.split('`').skip(1).step_by(2))
}

/// A file that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleError {
    /// The file.
    pub file: String,
    /// The line, from 1; 0 where it is the file as a whole.
    pub line: usize,
    /// What is wrong, and what was expected.
    pub message: String,
}

impl fmt::Display for RuleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}: {}", self.file, self.message),
        }
    }
}

impl std::error::Error for RuleError {}

/// The content of a built-in set; empty for a name that is none.
#[must_use]
pub fn built_in(set: &str) -> &'static str {
    BUILT_IN.iter().find(|(name, _)| *name == set).map_or("", |(_, content)| content)
}

/// The digest of a content: BLAKE3, the first 16 bytes, hexadecimal.
#[must_use]
pub fn digest(content: &str) -> String {
    blake3::hash(content.as_bytes()).to_hex().chars().take(32).collect()
}

/// The built-in sets that judge, as [`Config::data`] lists them.
#[must_use]
pub fn list() -> Vec<Data> {
    let data = |set: &str| Data { name: set.to_owned(), digest: digest(built_in(set)), content: None, file: None };
    JUDGING.into_iter().map(data).collect()
}

/// Whether a file of a user can be used in a set, [`SCRUB`] among them.
///
/// # Errors
///
/// What is wrong, in which line, and what was expected; there is no such set.
pub fn check(set: &str, source: &Source) -> Result<(), RuleError> {
    let added = std::slice::from_ref(source);
    match set {
        AGENTS => Catalogue::with(added).map(drop),
        CLASSES => Rules::with(added).map(drop),
        DELEGATES => Delegates::with(added).map(drop),
        SCRUB => Scrub::with(added).map(drop),
        _ => {
            Err(source.whole(format!("there is no data set `{set}`; expected one of {}, {SCRUB}", JUDGING.join(", "))))
        }
    }
}

/// A file of a user that adds to a set, as [`Config::data`] lists it.
#[must_use]
pub fn added(set: &str, source: &Source) -> Data {
    Data {
        name: set.to_owned(),
        digest: digest(&source.content),
        content: Some(source.content.clone()),
        file: Some(source.name.clone()),
    }
}

impl Config {
    /// What judges for a set: the set itself, and the files that add to it.
    pub(crate) fn sources(&self, set: &str) -> (Source, Vec<Source>) {
        let (mut whole, mut added) = (Source::built_in(set), Vec::new());
        for data in self.data.iter().filter(|data| data.name == set) {
            let Some(content) = &data.content else { continue };
            match &data.file {
                Some(file) => added.push(Source { name: file.clone(), content: content.clone() }),
                None => whole.content.clone_from(content),
            }
        }
        (whole, added)
    }
}
