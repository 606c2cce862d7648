//! A field of the grammar apart from any test: what a record has of it.

use super::{
    FilterError, facets,
    field::{FIELDS, Values},
};
use crate::{meant::meant, record::Record};

/// How the values of a field are had.
#[derive(Clone, Copy, Debug)]
pub struct Facet(Values);

/// The field of a name.
///
/// # Errors
///
/// There is none, or it is no value of a record.
pub fn find(name: &str) -> Result<(&'static str, Facet), FilterError> {
    let shown = || FIELDS.iter().filter(|field| !matches!(field.values, Values::Subtree));
    match shown().find(|field| field.name == name) {
        Some(field) => Ok((field.name, Facet(field.values))),
        None => {
            let near = meant(name, shown().map(|field| field.name));
            let what = match near {
                Some(near) => format!("there is no field `{name}`; did you mean `{near}`?"),
                None => format!("there is no field `{name}`; `agentsnoop query --fields` lists them"),
            };
            Err(FilterError::new(name, 0..name.len(), what))
        }
    }
}

impl Facet {
    pub(super) const fn of(values: Values) -> Self {
        Self(values)
    }

    /// Gives each value of a record as text.
    pub fn each(&self, record: &Record, found: &mut dyn FnMut(&[u8])) {
        let mut number = |number: i64| {
            found(number.to_string().as_bytes());
            false
        };
        let _none_is_wanted = match self.0 {
            Values::Number(_, get) => get(record, &mut number),
            Values::Text(_, get) => get(record, &mut |text| {
                found(text);
                false
            }),
            Values::Name(_, get) => get(record, &mut |name| {
                found(name.as_bytes());
                false
            }),
            Values::Address => facets::address(record, &mut |address| {
                found(address.to_string().as_bytes());
                false
            }),
            Values::Time => {
                found(record.time.to_string().as_bytes());
                false
            }
            Values::Outcome => {
                let outcome = facets::outcome(&record.body);
                match (outcome.error, outcome.failed()) {
                    (Some(error), _) => found(error.as_bytes()),
                    (None, Some(false)) => found(b"ok"),
                    (None, Some(true)) => found(b"failed"),
                    (None, None) => {}
                }
                false
            }
            Values::Subtree => false,
        };
    }

    /// The first number of a record, of a field of numbers or times.
    #[must_use]
    pub fn number(&self, record: &Record) -> Option<i64> {
        match self.0 {
            Values::Number(_, get) => {
                let mut first = None;
                get(record, &mut |number| {
                    first = Some(number);
                    true
                });
                first
            }
            Values::Time => Some(record.time.0),
            _ => None,
        }
    }
}
