//! A record as one line for a terminal.

use crate::record::Record;

/// Whether lines carry colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    #[default]
    Plain,
    /// With SGR escape sequences (ECMA-48).
    Ansi,
}

/// Renders records.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// Seconds east of UTC in which times are shown.
    pub utc_offset: i32,
    /// Colour or not.
    pub paint: Paint,
}

impl Lines {
    /// Appends one line with its line feed.
    pub fn render(&self, record: &Record, out: &mut String) {
        out.push_str(record.kind().name());
        out.push('\n');
    }
}
