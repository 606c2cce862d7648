//! What is wrong with a filter, and where.

use std::{fmt, ops::Range};

/// A filter that cannot be understood: what is wrong, shown under the place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterError {
    what: String,
    filter: String,
    /// Bytes of the filter.
    place: Range<usize>,
}

impl FilterError {
    pub(super) fn new(filter: &str, place: Range<usize>, what: impl Into<String>) -> Self {
        let what = what.into();
        // What is said can hold a part of the filter.
        let escape = |char: char| if char.is_control() { char.escape_default().to_string() } else { char.to_string() };
        let what = if what.contains(char::is_control) { what.chars().map(escape).collect() } else { what };
        Self { what, filter: filter.to_owned(), place }
    }

    /// The bytes of the filter that are wrong.
    #[must_use]
    pub fn place(&self) -> Range<usize> {
        self.place.clone()
    }

    /// What is wrong, in one line.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for FilterError {
    /// Three lines: what is wrong, the filter, and marks below the place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = |bytes: Range<usize>| self.filter.get(bytes).map_or(0, |text| text.chars().count());
        let shown: String = self.filter.chars().map(|char| if char.is_control() { ' ' } else { char }).collect();
        writeln!(f, "{}", self.what)?;
        writeln!(f, "  {shown}")?;
        let before = columns(0..self.place.start);
        write!(f, "  {:before$}{:^<width$}", "", "", width = columns(self.place.clone()).max(1))
    }
}

impl std::error::Error for FilterError {}
