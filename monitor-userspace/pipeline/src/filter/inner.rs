//! Any other field of a record's body, by its name in docs/events.md: `open.flags:O_CREAT`, `exec.cwd:/home/*`.

use std::ops::Range;

use serde_json::Value;

use super::{
    FilterError, Span,
    field::{Context, fields},
    lexer::Test,
    pattern::{Look, Pattern},
    quantity::{self, Bounds, Unit},
    subtree::Subtrees,
};
use crate::{
    meant::meant,
    record::{Kind, Record},
};

/// A field of one kind of record, and what it must be.
#[derive(Clone, Debug)]
pub(crate) struct Inner {
    kind: Kind,
    path: Vec<String>,
    tests: Vec<Wanted>,
}

/// What a value must be: text, and where the text is a number that number too.
#[derive(Clone, Debug)]
struct Wanted {
    text: Option<Pattern>,
    number: Option<Bounds>,
}

impl Inner {
    /// Understands a term whose field is none of the short ones.
    ///
    /// # Errors
    ///
    /// There is no such field, or a value cannot be read.
    pub(super) fn parse(
        name: &str,
        tests: &[Test],
        place: Range<usize>,
        context: &Context<'_>,
    ) -> Result<Self, FilterError> {
        let at = place.start..place.start + name.len();
        let wrong = |what: String| FilterError::new(context.filter, at.clone(), what);
        let mut parts = name.split('.');
        let (first, rest): (_, Vec<&str>) = (parts.next().unwrap_or_default(), parts.collect());
        let kind = first.parse::<Kind>().ok().filter(|_| !rest.is_empty());
        let Some(kind) = kind else {
            let known: Vec<&str> = fields().map(|(name, _)| name).collect();
            return Err(wrong(match meant(name, known.iter().copied()) {
                Some(near) => format!("there is no field `{name}`; did you mean `{near}`?"),
                None => format!(
                    "there is no field `{name}`; there are {}, and those of a kind, such as open.flags",
                    known.join(", ")
                ),
            }));
        };
        let known = kind.fields();
        if let Some(field) = rest.first().filter(|field| !known.contains(*field)) {
            return Err(wrong(match meant(field, known.iter().copied()) {
                Some(near) => format!("a record of {kind} has no field `{field}`; did you mean `{kind}.{near}`?"),
                None => format!("a record of {kind} has no field `{field}`; it has {}", known.join(", ")),
            }));
        }
        let each = tests.iter().map(|test| {
            let covered = |text: &str| quantity::number(text, Unit::Plain).map(|number| (number, number));
            let number = Bounds::parse(test, covered).and_then(Bounds::in_order).ok();
            match Pattern::parse(test, Look::Whole) {
                Ok(text) => Ok(Wanted { text: Some(text), number }),
                Err(_) if number.is_some() => Ok(Wanted { text: None, number }),
                Err(what) => Err(FilterError::new(context.filter, test.place.clone(), format!("`{name}`: {what}"))),
            }
        });
        let path = rest.into_iter().map(str::to_owned).collect();
        Ok(Self { kind, path, tests: each.collect::<Result<_, _>>()? })
    }

    /// A field by its name, without a test.
    ///
    /// # Errors
    ///
    /// There is no such field.
    pub(crate) fn named(name: &str) -> Result<Self, FilterError> {
        let mut subtrees = Subtrees::default();
        let context = Context { filter: name, span: &Span::default(), subtrees: &mut subtrees };
        Self::parse(name, &[], 0..name.len(), &context)
    }

    /// What a record has in the field.
    pub(crate) fn value(&self, record: &Record) -> Option<Value> {
        if record.kind() != self.kind {
            return None;
        }
        // Only records of the kind come here, and only where nothing faster decided.
        let mut body = record.body.to_json().ok()?;
        self.path.iter().try_fold(&mut body, |value, part| value.get_mut(part)).map(Value::take)
    }

    pub(super) fn matches(&self, record: &Record) -> bool {
        self.value(record).is_some_and(|value| self.is_wanted(&value))
    }

    fn is_wanted(&self, value: &Value) -> bool {
        match value {
            Value::Array(values) => values.iter().any(|value| self.is_wanted(value)),
            Value::String(text) => self.tests.iter().any(|test| test.is_text(text)),
            Value::Bool(truth) => self.tests.iter().any(|test| test.is_text(if *truth { "true" } else { "false" })),
            Value::Number(number) => self.tests.iter().any(|test| {
                number.as_i64().zip(test.number).is_some_and(|(number, bounds)| bounds.contains(number))
                    || test.is_text(&number.to_string())
            }),
            Value::Null | Value::Object(_) => false,
        }
    }
}

impl Wanted {
    fn is_text(&self, text: &str) -> bool {
        self.text.as_ref().is_some_and(|pattern| pattern.matches(text.as_bytes()))
    }
}
