//! A filter as it is applied.

use super::{field::Want, subtree::Subtrees};
use crate::record::Record;

/// What a record must be.
#[derive(Clone, Debug, Default)]
pub(super) enum Expr {
    /// Anything.
    #[default]
    Any,
    /// Not this.
    Not(Box<Self>),
    /// All of these.
    All(Vec<Self>),
    /// One of these.
    Either(Vec<Self>),
    /// What one field is tested for.
    Want(Want),
}

impl Expr {
    pub(super) fn and(one: Self, other: Self) -> Self {
        match (one, other) {
            (Self::Any, only) | (only, Self::Any) => only,
            (one, other) => Self::All(vec![one, other]),
        }
    }

    pub(super) fn matches(&self, record: &Record, subtrees: &Subtrees) -> bool {
        match self {
            Self::Any => true,
            Self::Not(expr) => !expr.matches(record, subtrees),
            Self::All(all) => all.iter().all(|expr| expr.matches(record, subtrees)),
            Self::Either(some) => some.iter().any(|expr| expr.matches(record, subtrees)),
            Self::Want(want) => want.matches(record, subtrees),
        }
    }

    /// The same, with its subtrees behind as many others.
    pub(super) fn behind(self, others: usize) -> Self {
        match self {
            Self::Any => Self::Any,
            Self::Not(expr) => Self::Not(Box::new(expr.behind(others))),
            Self::All(all) => Self::All(all.into_iter().map(|expr| expr.behind(others)).collect()),
            Self::Either(some) => Self::Either(some.into_iter().map(|expr| expr.behind(others)).collect()),
            Self::Want(want) => Self::Want(want.behind(others)),
        }
    }
}
