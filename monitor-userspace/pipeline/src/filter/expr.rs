//! A filter as it is applied.

use std::cell::OnceCell;

use super::{field::Want, subtree::Subtrees};
use crate::{lines::Lines, record::Record};

/// A record as a filter looks at it.
pub(super) struct Seen<'a> {
    pub(super) record: &'a Record,
    line: OnceCell<String>,
}

impl<'a> Seen<'a> {
    pub(super) const fn new(record: &'a Record) -> Self {
        Self { record, line: OnceCell::new() }
    }

    /// The line of the record in lower case, made once for all the words that are looked for in it.
    pub(super) fn line(&self) -> &str {
        self.line.get_or_init(|| {
            let mut line = String::new();
            Lines::default().render(self.record, &mut line);
            line.to_lowercase()
        })
    }
}

/// What a record must be.
#[derive(Clone, Debug)]
pub(super) enum Expr {
    /// Anything.
    Any,
    /// Not this.
    Not(Box<Self>),
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Either(Vec<Self>),
    /// What one field is tested for; its name, where it is one of [`super::fields`].
    Want(Option<&'static str>, Want),
}

impl Expr {
    pub(super) fn matches(&self, seen: &Seen<'_>, subtrees: &Subtrees) -> bool {
        match self {
            Self::Any => true,
            Self::Not(expr) => !expr.matches(seen, subtrees),
            Self::All(all) => all.iter().all(|expr| expr.matches(seen, subtrees)),
            Self::Either(some) => some.iter().any(|expr| expr.matches(seen, subtrees)),
            Self::Want(_, want) => want.matches(seen, subtrees),
        }
    }
}
