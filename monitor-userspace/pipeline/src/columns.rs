//! A field of a record as a column: for tables, and to order records by.

use crate::{
    filter::{FilterError, facet, facet::Facet},
    lines,
    record::{Record, escape_into},
};

/// A column.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    name: &'static str,
    from: From,
}

#[derive(Clone, Copy, Debug)]
enum From {
    /// What the line of the record says that it is about.
    About,
    /// What it says of how it ended.
    Outcome,
    Field(Facet),
}

/// What records are ordered by: numbers before texts, and what has neither before both.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// The record has no such field.
    None,
    /// A number, a time or a duration.
    Number(i64),
    /// Anything else.
    Text(Vec<u8>),
}

impl Column {
    /// The column of a name: a field of the filter grammar, `about` or `outcome`.
    ///
    /// # Errors
    ///
    /// There is no such column.
    pub fn parse(name: &str) -> Result<Self, FilterError> {
        match name {
            "about" => Ok(Self { name: "about", from: From::About }),
            "outcome" => Ok(Self { name: "outcome", from: From::Outcome }),
            _ => facet::find(name).map(|(name, facet)| Self { name, from: From::Field(facet) }),
        }
    }

    /// The name, for a head.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Characters that most of its values fit in.
    #[must_use]
    pub fn width(&self) -> usize {
        let width = match self.name {
            "about" | "path" | "argv" | "exe" => 56,
            "time" => 30,
            "class" | "host" | "address" | "outcome" => 16,
            "comm" | "agent" | "result" => 12,
            _ => 8,
        };
        width.max(self.name.len())
    }

    /// Appends what a record has in this column: several values with commas between, nothing where it has none. What a
    /// process chose is escaped.
    pub fn show(&self, record: &Record, out: &mut String) {
        match &self.from {
            From::About => lines::about(record, out),
            From::Outcome => {
                lines::ended(record, out);
            }
            From::Field(facet) => {
                let start = out.len();
                facet.each(record, &mut |value| {
                    if out.len() > start {
                        out.push(',');
                    }
                    escape_into(value, out);
                });
            }
        }
    }

    /// What a record is ordered by in this column.
    #[must_use]
    pub fn key(&self, record: &Record) -> Key {
        if let From::Field(facet) = &self.from
            && let Some(number) = facet.number(record)
        {
            return Key::Number(number);
        }
        let mut text = String::new();
        self.show(record, &mut text);
        if text.is_empty() { Key::None } else { Key::Text(text.into_bytes()) }
    }
}
