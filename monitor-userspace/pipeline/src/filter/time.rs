//! Points in time, as a person writes them.

use std::ops::RangeInclusive;

use jiff::{Timestamp, civil, tz};

use super::FilterError;

/// The time that a recording is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// Its beginning, nanoseconds since 1970.
    pub start: i64,
    /// Its end, or now, likewise.
    pub end: i64,
    /// Seconds east of UTC in which its times are shown.
    pub utc_offset: i32,
}

impl Span {
    /// What a time covers that is written as in a filter, nanoseconds since 1970: `14:02` is all of that minute.
    ///
    /// # Errors
    ///
    /// It is no time.
    pub fn covers(&self, text: &str) -> Result<RangeInclusive<i64>, FilterError> {
        let (first, last) = covered(text, self).ok_or_else(|| FilterError::new(text, 0..text.len(), FORMS))?;
        Ok(first..=last)
    }
}

/// The forms that a time has, for messages.
pub(super) const FORMS: &str =
    "a time is 14:02, 14:02:11.5, 2026-11-21T14:02:11Z, +30s (from the beginning) or -5m (before the end)";

/// Nanoseconds in a unit of time.
const UNITS: [(&str, i64); 7] = [
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// A duration such as `1.5s` or `2h30m`, nanoseconds; `None` for anything else.
pub(super) fn duration(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total = 0i64;
    while !rest.is_empty() {
        let digits = rest.find(|char: char| !char.is_ascii_digit() && char != '.').filter(|at| *at > 0)?;
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|char: char| !char.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let (_, nanoseconds) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(scaled(number, nanoseconds)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(total)
}

/// A decimal number times a unit, without rounding on the way.
pub(super) fn scaled(number: &str, unit: i64) -> Option<i64> {
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && part.is_empty()) || !digits(whole) || !digits(part) || part.len() > 18 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let part = if part.is_empty() {
        0
    } else {
        let scale = 10i128.pow(u32::try_from(part.len()).ok()?);
        i64::try_from(part.parse::<i128>().ok()? * i128::from(unit) / scale).ok()?
    };
    whole.checked_mul(unit)?.checked_add(part)
}

/// What a written time covers, nanoseconds since 1970: `14:02` is the whole minute.
pub(super) fn covered(text: &str, span: &Span) -> Option<(i64, i64)> {
    if let Some(after) = text.strip_prefix('+') {
        return instant(span.start.checked_add(duration(after)?)?);
    }
    if let Some(before) = text.strip_prefix('-') {
        return instant(span.end.checked_sub(duration(before)?)?);
    }
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        let start = i64::try_from(timestamp.as_nanosecond()).ok()?;
        return Some((start, start.checked_add(resolution(text))?));
    }
    let offset = tz::Offset::from_seconds(span.utc_offset).ok()?;
    let local = |date_time: civil::DateTime| -> Option<i64> {
        i64::try_from(offset.to_timestamp(date_time).ok()?.as_nanosecond()).ok()
    };
    if let Ok(date_time) = text.parse::<civil::DateTime>()
        && text.len() > "2026-11-21".len()
    {
        let start = local(date_time)?;
        return Some((start, start.checked_add(resolution(text))?));
    }
    if let Ok(date) = text.parse::<civil::Date>() {
        return Some((local(date.at(0, 0, 0, 0))?, local(date.tomorrow().ok()?.at(0, 0, 0, 0))? - 1));
    }
    let time: civil::Time = text.parse().ok()?;
    let first = offset.to_datetime(Timestamp::from_nanosecond(i128::from(span.start)).ok()?).date();
    let mut start = local(first.to_datetime(time))?;
    // A recording over midnight has times of day before that of its beginning.
    let last = offset.to_datetime(Timestamp::from_nanosecond(i128::from(span.end)).ok()?).date();
    if start + resolution(text) < span.start && last > first {
        start += UNITS[6].1;
    }
    Some((start, start.checked_add(resolution(text))?))
}

fn instant(at: i64) -> Option<(i64, i64)> {
    Some((at, at))
}

/// How much is covered behind the beginning of what is written to the hour, the minute, the second, or finer.
fn resolution(text: &str) -> i64 {
    let time = text.rsplit(['T', 't', ' ']).next().unwrap_or(text);
    // What follows the time of a moment says where it is of.
    let time = time.split(['Z', 'z', '+', '-', '[']).next().unwrap_or(time);
    if let Some((_, digits)) = time.split_once(['.', ',']) {
        return 10i64.pow(9 - u32::try_from(digits.len()).unwrap_or(9).min(9)) - 1;
    }
    // ISO 8601 does without colons too.
    let unit = match time.bytes().filter(u8::is_ascii_digit).count() {
        0..=2 => UNITS[5].1,
        3 | 4 => UNITS[4].1,
        _ => UNITS[3].1,
    };
    unit - 1
}
