//! The names of a program's environment, as its exec told them.

use crate::{hash, record::Text};

/// The names that a program was given, each once. Of a list that was cut, those that came.
///
/// Only a hash of 32 bits is kept of each name: 1 KiB for the most names that an exec record carries, and less than one
/// in ten million for a foreign name to be taken for one of them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Environment {
    /// Sorted.
    names: Box<[u32]>,
}

impl Environment {
    pub(crate) fn new(names: &[Text]) -> Self {
        let mut names: Vec<u32> = names.iter().map(|name| short(name.as_bytes())).collect();
        names.sort_unstable();
        names.dedup();
        Self { names: names.into_boxed_slice() }
    }

    /// From the hashes that [`Self::hashes`] gave.
    pub(crate) fn resumed(mut names: Vec<u32>) -> Self {
        names.sort_unstable();
        names.dedup();
        Self { names: names.into_boxed_slice() }
    }

    /// The hash of each name, sorted.
    pub(crate) fn hashes(&self) -> &[u32] {
        &self.names
    }

    /// How many there are; at most [`monitor_common::limits::ENV_NAMES`].
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// The place of a name among them.
    pub(crate) fn place(&self, name: &[u8]) -> Option<usize> {
        self.names.binary_search(&short(name)).ok()
    }
}

/// The low half of a hash, which every bit of the name reaches.
fn short(name: &[u8]) -> u32 {
    hash::of(name) as u32
}
