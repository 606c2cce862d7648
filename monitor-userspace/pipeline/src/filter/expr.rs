//! A filter as it is applied.

use super::{field::Want, subtree::Subtrees};
use crate::record::Record;

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
    pub(super) fn matches(&self, record: &Record, subtrees: &Subtrees) -> bool {
        match self {
            Self::Any => true,
            Self::Not(expr) => !expr.matches(record, subtrees),
            Self::All(all) => all.iter().all(|expr| expr.matches(record, subtrees)),
            Self::Either(some) => some.iter().any(|expr| expr.matches(record, subtrees)),
            Self::Want(_, want) => want.matches(record, subtrees),
        }
    }
}
