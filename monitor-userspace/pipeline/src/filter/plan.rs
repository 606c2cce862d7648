//! Which parts of a recording can have what a filter wants, by the values that occur in each part.
//!
//! An index keeps, for each field of [`Terms`], every value that occurs anywhere, and for each part of the recording which of
//! them occur there. A filter is applied once to each value, and a part is read only where it has a value that is wanted.
//! What cannot be told from values alone (a word of the line, a subtree, a field of one kind, a negation) lets every part
//! through.

use super::{Filter, expr::Expr, facet::Facet, field::FIELDS, quantity::Bounds};
use crate::record::Record;

/// The fields whose values are kept. Those that are left out have about as many values as there are records.
const KEPT: [&str; 16] = [
    "kind", "class", "agent", "session", "tool", "path", "exe", "comm", "call", "access", "host", "address", "port",
    "var", "pid", "uid",
];

/// The values of a record by which a filter can be applied to a whole part of a recording.
#[derive(Debug)]
pub struct Terms {
    fields: Vec<Facet>,
}

impl Default for Terms {
    fn default() -> Self {
        let facet = |name: &&str| FIELDS.iter().find(|field| field.name == *name).map(|field| Facet::of(field.values));
        Self { fields: KEPT.iter().filter_map(facet).collect() }
    }
}

impl Terms {
    /// How many fields there are.
    pub const FIELDS: usize = KEPT.len();

    /// Gives each value of a record with the number of its field.
    pub fn each(&self, record: &Record, found: &mut dyn FnMut(usize, &[u8])) {
        for (number, field) in self.fields.iter().enumerate() {
            field.each(record, &mut |value| found(number, value));
        }
    }
}

/// The values that occur in a recording.
pub trait Values {
    /// How many values a field has; `None` where they were not kept.
    fn count(&self, field: usize) -> Option<usize>;

    /// A value of a field, by a number below [`Self::count`].
    fn value(&self, field: usize, number: usize) -> &[u8];
}

/// A filter as it is applied to parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan(Vec<Node>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Node {
    /// Nothing tells.
    Maybe,
    All(Vec<Self>),
    Either(Vec<Self>),
    /// One of these values of a field; by number, whether it is wanted.
    Wanted(usize, Vec<bool>),
    /// A time within one of these.
    Times(Vec<Bounds>),
}

impl Filter {
    /// What the filter wants of values that occur.
    #[must_use]
    pub fn plan(&self, values: &dyn Values) -> Plan {
        Plan(self.parts.iter().map(|part| node(&part.expr, values)).collect())
    }
}

impl Plan {
    /// Whether it lets any part through, so that an index is of no use.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        fn blind(node: &Node) -> bool {
            match node {
                Node::Maybe => true,
                Node::All(all) => all.iter().all(blind),
                Node::Either(some) => some.iter().any(blind),
                Node::Wanted(..) | Node::Times(_) => false,
            }
        }
        self.0.iter().all(blind)
    }

    /// Whether a part can have what is wanted: `of` gives the numbers of the values of a field that occur in it, `times` the
    /// first and the last time of its records, nanoseconds since 1970.
    pub fn may_match<'a>(&self, of: &dyn Fn(usize) -> &'a [u32], times: (i64, i64)) -> bool {
        self.0.iter().all(|node| node.may_match(of, times))
    }
}

impl Node {
    fn may_match<'a>(&self, of: &dyn Fn(usize) -> &'a [u32], times: (i64, i64)) -> bool {
        match self {
            Self::Maybe => true,
            Self::All(all) => all.iter().all(|node| node.may_match(of, times)),
            Self::Either(some) => some.iter().any(|node| node.may_match(of, times)),
            // A number that is not known is of another index; it lets the part through.
            Self::Wanted(field, wanted) => {
                of(*field).iter().any(|number| wanted.get(*number as usize).copied().unwrap_or(true))
            }
            Self::Times(bounds) => bounds.iter().any(|bounds| bounds.meets(times)),
        }
    }
}

fn node(expr: &Expr, values: &dyn Values) -> Node {
    match expr {
        Expr::Any | Expr::Not(_) => Node::Maybe,
        Expr::All(all) => Node::All(all.iter().map(|expr| node(expr, values)).collect()),
        Expr::Either(some) => Node::Either(some.iter().map(|expr| node(expr, values)).collect()),
        Expr::Want(name, want) => {
            if let Some(times) = want.times() {
                return Node::Times(times.to_vec());
            }
            let field = name.and_then(|name| KEPT.iter().position(|kept| *kept == name));
            let Some((field, count)) = field.and_then(|field| Some((field, values.count(field)?))) else {
                return Node::Maybe;
            };
            // What cannot be told of a value lets it through.
            let wanted = (0..count).map(|number| want.wants(values.value(field, number)).unwrap_or(true));
            Node::Wanted(field, wanted.collect())
        }
    }
}
