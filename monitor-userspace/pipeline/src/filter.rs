//! Which records a person wants: one grammar for `query`, the terminal UI and rules. docs/query.md describes it.
//!
//! ```text
//! filter := and ("or" and)*
//! and    := not (["and"] not)*
//! not    := "not" not | "!" not | "(" filter ")" | term
//! term   := FIELD ":" test ("," test)* | WORD
//! test   := ["=" | "~" | "<" | "<=" | ">" | ">="] VALUE | VALUE ".." VALUE
//! ```

mod error;
mod expr;
pub mod facet;
mod facets;
mod field;
mod inner;
mod lexer;
mod parser;
mod pattern;
mod plan;
mod quantity;
mod subtree;
mod time;

pub use error::FilterError;
pub use field::fields;
pub(crate) use inner::Inner;
pub use plan::{Plan, Terms, Values};
pub use time::Span;

use crate::record::Record;
use expr::{Expr, Seen};
use field::{Context, Want};
use lexer::{Operator, Test};
use subtree::Subtrees;

/// A number of bytes as filters write it: `500k`, `64M`, `1Gi`; `None` for anything else.
#[must_use]
pub fn bytes(text: &str) -> Option<u64> {
    quantity::number(text, quantity::Unit::Bytes).and_then(|number| u64::try_from(number).ok())
}

/// Nanoseconds of a duration as filters write it: `1.5s`, `2h30m`; `None` for anything else.
#[must_use]
pub fn duration_ns(text: &str) -> Option<u64> {
    time::duration(text).and_then(|duration| u64::try_from(duration).ok())
}

/// A filter that was understood. The default lets every record through.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// All of them must let a record through.
    parts: Vec<Part>,
}

/// What one text or option asks for, with the subtrees that it speaks of.
#[derive(Clone, Debug)]
struct Part {
    expr: Expr,
    subtrees: Subtrees,
}

impl Filter {
    /// Understands a filter. Times without a date, and those that are counted from the beginning or the end, are of `span`.
    ///
    /// # Errors
    ///
    /// What is wrong, and where.
    pub fn parse(text: &str, span: &Span) -> Result<Self, FilterError> {
        let mut subtrees = Subtrees::default();
        let expr = parser::parse(text, span, &mut subtrees)?;
        Ok(Self { parts: vec![Part { expr, subtrees }] })
    }

    /// A filter that wants one of these values of a field, as they stand: for options of a command line. A text can have
    /// wildcards.
    ///
    /// # Errors
    ///
    /// There is no such field, or a value is none of it.
    pub fn of<'a>(field: &str, values: impl IntoIterator<Item = &'a str>) -> Result<Self, FilterError> {
        let mut text = format!("{field}:");
        let mut tests = Vec::new();
        for value in values {
            text.push_str(if tests.is_empty() { "" } else { "," });
            let place = text.len()..text.len() + value.len();
            text.push_str(value);
            tests.push(Test { operator: Operator::Like, value: value.to_owned(), quoted: false, place });
        }
        let mut subtrees = Subtrees::default();
        let mut context = Context { filter: &text, span: &Span::default(), subtrees: &mut subtrees };
        let want = Want::parse(field, &tests, 0..text.len(), &mut context)?;
        Ok(Self { parts: vec![Part { expr: Expr::Want(field::known(field), want), subtrees }] })
    }

    /// A filter that wants what both want.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// Whether a record passes. Records must be shown in their order, those too that are of no interest: what belongs to a
    /// process and its descendants is learned from them.
    #[must_use]
    pub fn matches(&mut self, record: &Record) -> bool {
        let seen = Seen::new(record);
        // Each part learns from each record, so none is left out because another one has decided.
        self.parts.iter_mut().fold(true, |passes, part| {
            part.subtrees.observe(record);
            passes && part.expr.matches(&seen, &part.subtrees)
        })
    }
}

#[cfg(test)]
mod tests;
