//! The data files: agents, resource classes, delegates and scrub rules, built in and replaceable.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::input::Data;

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

/// The built-in sets that judge, as [`crate::input::Config::data`] lists them. The scrub rules are not among them: they
/// have done their work before anything is judged, and [`crate::input::Config::scrub`] tells their digest.
#[must_use]
pub fn list() -> Vec<Data> {
    let data = |(name, content): (&str, &str)| Data { name: name.to_owned(), digest: digest(content), content: None };
    BUILT_IN.into_iter().filter(|(name, _)| *name != SCRUB).map(data).collect()
}

/// Reads a set. The message of a failure holds the line.
pub(crate) fn parse<T: DeserializeOwned>(set: &str, content: &str) -> Result<T, DataError> {
    toml::from_str(content).map_err(|error| DataError::new(set, error))
}
