//! Files that agents run.

use std::fmt::Write as _;

use crate::record::{Binary, escape_into};

/// Characters of a digest that tell one file from another on a line.
const DIGITS: usize = 16;

/// Appends the version and the path.
pub(super) fn subject(binary: &Binary, out: &mut String) {
    if let Some(version) = &binary.version {
        out.push(' ');
        escape_into(version.as_bytes(), out);
    }
    out.push(' ');
    escape_into(binary.path.as_bytes(), out);
}

/// Appends the beginning of the digest, or why there is none; `true` says that there is none.
pub(super) fn outcome(binary: &Binary, out: &mut String) -> bool {
    match (&binary.digest, &binary.error) {
        (Some(digest), _) => {
            let _ = write!(out, "blake3 {}", digest.chars().take(DIGITS).collect::<String>());
            false
        }
        (None, error) => {
            escape_into(error.as_deref().unwrap_or("not read").as_bytes(), out);
            true
        }
    }
}
