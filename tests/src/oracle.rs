//! A second observer of the same run: what strace tells is compared, event by event, with what agentsnoop recorded.
//!
//! ```text
//! strace -ff -y -xx ─▶ trace ─▶ syntax ─▶ traced ─┐                    ┌─ of a thread, in order
//!                                                 ├▶ families ─▶ Event ┤                        ─▶ compare ─▶ Report
//! agentsnoop query --json ─────────▶ recorded ────┘                    └─ of a process, by count
//! ```
//!
//! [`families`] is the table that says of each kind of record which calls it stands for and what the two observers both
//! know of them. Everything here is text in and text out; the live tests run the two observers (`docs/oracle.md`).

pub mod compare;
pub mod families;
pub mod recorded;
pub mod syntax;
pub mod trace;
pub mod traced;

use std::fmt;

/// What one observer knows of a field, as text; `None` is a field of which it cannot know, so that it is not compared.
pub type Known = Option<String>;

/// One thing that happened, as both observers can tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The kind of the record.
    pub kind: &'static str,
    /// The fields by name, in the order of the family's table.
    pub fields: Vec<(&'static str, Known)>,
    /// How often it happened, or for how many bytes it stands.
    pub count: u64,
    /// False of a call whose end this observer has not seen: the thread was killed in it.
    pub certain: bool,
}

impl Event {
    /// An event that happened once.
    #[must_use]
    pub const fn new(kind: &'static str, fields: Vec<(&'static str, Known)>) -> Self {
        Self { kind, fields, count: 1, certain: true }
    }

    /// Whether both tell of the same: each field of which both know is the same.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        self.kind == other.kind && self.different(other).is_empty()
    }

    /// The names of the fields in which two events of a kind differ. Both have the same fields in the same order; a field
    /// that only one of them has differs, so that a slip in the table is no silence.
    #[must_use]
    pub fn different(&self, other: &Self) -> Vec<&'static str> {
        let differs = |((own, mine), (name, theirs)): &(&(&'static str, Known), &(&'static str, Known))| {
            own != name || mine.as_ref().zip(theirs.as_ref()).is_some_and(|(a, b)| a != b)
        };
        let (short, long) = if self.fields.len() < other.fields.len() { (self, other) } else { (other, self) };
        let only = long.fields[short.fields.len()..].iter().map(|(name, _)| *name);
        self.fields.iter().zip(&other.fields).filter(differs).map(|((name, _), _)| *name).chain(only).collect()
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind)?;
        for (name, value) in &self.fields {
            match value {
                Some(value) => write!(f, " {name}={value}")?,
                None => write!(f, " {name}=?")?,
            }
        }
        if self.count != 1 {
            write!(f, " ×{}", self.count)?;
        }
        Ok(())
    }
}
