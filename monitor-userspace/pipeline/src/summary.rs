//! The screenful at the end of a run.

use crate::record::Record;

/// Gathers records.
#[derive(Debug, Default)]
pub struct Summary {}

impl Summary {
    /// Takes one record.
    pub fn add(&mut self, record: &Record) {
        let _ = record;
    }

    /// The lines, at most `width` columns wide, without colour.
    #[must_use]
    pub fn lines(&self, width: usize) -> Vec<String> {
        let _ = width;
        Vec::new()
    }
}
