//! A field of a record as a column: for tables, and to order records by.

use std::borrow::Cow;

use serde_json::Value;

use crate::{
    filter::{FilterError, Inner, facet, facet::Facet},
    lines,
    record::{Body, Record, escape_into},
};

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    name: Cow<'static, str>,
    from: From,
}

#[derive(Clone, Debug)]
enum From {
    /// What the line of the record says that it is about.
    About,
    /// What it says of how it ended.
    Outcome,
    /// The command line; a filter of the field also looks at each argument.
    Argv,
    /// What a file was opened for; a filter of the field takes reading and writing for a part of it.
    Access,
    Field(Facet),
    /// A field of one kind of record.
    Inner(Inner),
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
    /// The column of a name: a field of the filter grammar, those of a kind among them, `about` or `outcome`.
    ///
    /// # Errors
    ///
    /// There is no such column.
    pub fn parse(name: &str) -> Result<Self, FilterError> {
        let from = match name {
            "about" => From::About,
            "outcome" => From::Outcome,
            "argv" => From::Argv,
            "access" => From::Access,
            _ if name.contains('.') => From::Inner(Inner::named(name)?),
            _ => From::Field(facet::find(name)?.1),
        };
        Ok(Self { name: name.to_owned().into(), from })
    }

    /// The name, for a head.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Characters that most of its values fit in.
    #[must_use]
    pub fn width(&self) -> usize {
        let width = match self.name.as_ref() {
            "about" | "path" | "argv" | "exe" => 56,
            "time" => 30,
            "class" | "host" | "address" | "outcome" => 16,
            "comm" | "agent" | "result" => 12,
            _ => 8,
        };
        width.max(self.name.len())
    }

    /// Appends what a record has in this column: different values with commas between, nothing where it has none. What a
    /// process chose is escaped.
    pub fn show(&self, record: &Record, out: &mut String) {
        match &self.from {
            From::About => lines::about(record, out),
            From::Outcome => {
                lines::ended(record, out);
            }
            From::Argv => {
                if let Body::Exec(exec) = &record.body {
                    lines::command_line(&exec.argv, out);
                }
            }
            From::Access => {
                if let Body::Open(open) = &record.body {
                    out.push_str(open.access.name());
                }
            }
            From::Field(facet) => {
                let mut values: Vec<Vec<u8>> = Vec::new();
                facet.each(record, &mut |value| {
                    if !values.iter().any(|other| other == value) {
                        values.push(value.to_vec());
                    }
                });
                listed(values.iter().map(Vec::as_slice), out);
            }
            From::Inner(inner) => {
                let values = inner.value(record).map(|value| texts(&value)).unwrap_or_default();
                listed(values.iter().map(String::as_bytes), out);
            }
        }
    }

    /// What a record is ordered by in this column.
    #[must_use]
    pub fn key(&self, record: &Record) -> Key {
        let number = match &self.from {
            From::Field(facet) => facet.number(record),
            From::Inner(inner) => inner.value(record).and_then(|value| value.as_i64()),
            _ => None,
        };
        if let Some(number) = number {
            return Key::Number(number);
        }
        let mut text = String::new();
        self.show(record, &mut text);
        if text.is_empty() { Key::None } else { Key::Text(text.into_bytes()) }
    }
}

/// Values with commas between.
fn listed<'a>(values: impl Iterator<Item = &'a [u8]>, out: &mut String) {
    for (at, value) in values.enumerate() {
        if at > 0 {
            out.push(',');
        }
        escape_into(value, out);
    }
}

/// A value of a record's body as text, those of a list each.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        other => vec![other.to_string()],
    }
}
