//! What cannot be read at all.

use std::{fmt, path::Path};

/// A file or folder that cannot be read as a recording. Its text says which, and why.
#[derive(Debug)]
pub struct Unreadable(String);

impl Unreadable {
    pub(crate) fn error(path: &Path, why: impl fmt::Display) -> anyhow::Error {
        Self(format!("cannot read {}: {why}", path.display())).into()
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unreadable {}
