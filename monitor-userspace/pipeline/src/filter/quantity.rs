//! What a number is tested for.

use super::{
    lexer::{Operator, Test},
    time,
};

/// The unit of a field's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// None.
    Plain,
    /// Bytes: `k`, `M`, `G` are thousands, `Ki`, `Mi`, `Gi` are 1,024s.
    Bytes,
    /// Nanoseconds, written with a unit: `1.5s`.
    Duration,
}

/// Numbers from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    first: i64,
    last: i64,
}

impl Bounds {
    pub(super) const fn contains(self, number: i64) -> bool {
        self.first <= number && number <= self.last
    }

    /// Whether a number of a range is within them.
    pub(super) const fn meets(self, range: (i64, i64)) -> bool {
        self.first <= range.1 && range.0 <= self.last
    }

    /// The bounds, where they do not end before they begin.
    pub(super) fn in_order(self) -> Result<Self, Option<&'static str>> {
        if self.first > self.last { Err(Some("the range ends before it begins")) } else { Ok(self) }
    }

    /// The bounds that a test names, with `covered` to tell what one value covers.
    pub(super) fn parse(
        test: &Test,
        covered: impl Fn(&str) -> Option<(i64, i64)>,
    ) -> Result<Self, Option<&'static str>> {
        let all = Self { first: i64::MIN, last: i64::MAX };
        if let Some((first, last)) = test.value.split_once("..")
            && !test.quoted
        {
            if test.operator != Operator::Like {
                return Err(Some("a range takes no comparison"));
            }
            let mut bounds = all;
            if !first.is_empty() {
                bounds.first = covered(first).ok_or(None)?.0;
            }
            if !last.is_empty() {
                bounds.last = covered(last).ok_or(None)?.1;
            }
            return Ok(bounds);
        }
        let (first, last) = covered(&test.value).ok_or(None)?;
        Ok(match test.operator {
            Operator::Like | Operator::Equal => Self { first, last },
            Operator::Less => Self { last: first.saturating_sub(1), ..all },
            Operator::AtMost => Self { last, ..all },
            Operator::Greater => Self { first: last.saturating_add(1), ..all },
            Operator::AtLeast => Self { first, ..all },
            Operator::Regex => return Err(Some("an expression is for text, not for numbers")),
        })
    }
}

/// A number of a unit.
pub(super) fn number(text: &str, unit: Unit) -> Option<i64> {
    match unit {
        Unit::Plain => match text.strip_prefix("0x") {
            Some(digits) => i64::from_str_radix(digits, 16).ok(),
            None => text.parse().ok(),
        },
        Unit::Duration => time::duration(text),
        Unit::Bytes => {
            const UNITS: [(&str, i64); 7] = [
                ("Ki", 1 << 10),
                ("Mi", 1 << 20),
                ("Gi", 1 << 30),
                ("k", 1_000),
                ("M", 1_000_000),
                ("G", 1_000_000_000),
                ("", 1),
            ];
            let text = text.strip_suffix('B').unwrap_or(text);
            let (unit, scale) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
            time::scaled(text.strip_suffix(unit)?, scale)
        }
    }
}

/// The forms that a number has, for messages.
pub(super) const fn forms(unit: Unit) -> &'static str {
    match unit {
        Unit::Plain => "it takes a number, such as 443, >1024 or 8000..8100",
        Unit::Bytes => "it takes bytes, such as 512, >10k or 1Mi..1Gi",
        Unit::Duration => "it takes a duration, such as 20ms, >1.5s or 1m..1h",
    }
}
