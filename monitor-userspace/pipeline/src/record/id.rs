//! Where a record is in its recording and in time.

use std::{fmt, num::ParseIntError, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// The id of a record: `segment.index`, and `segment.index.part` for the second and later records of one input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id {
    /// The segment of the recording.
    pub segment: u32,
    /// The ordinal of the input in the segment.
    pub index: u64,
    /// The ordinal of the record among those of the input.
    pub part: u32,
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.segment, self.index)?;
        if self.part > 0 { write!(f, ".{}", self.part) } else { Ok(()) }
    }
}

impl FromStr for Id {
    type Err = ParseIntError;

    /// # Errors
    ///
    /// When a part is no number.
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        let (segment, rest) = text.split_once('.').unwrap_or((text, ""));
        let (index, part) = rest.split_once('.').unwrap_or((rest, "0"));
        Ok(Self { segment: segment.parse()?, index: index.parse()?, part: part.parse()? })
    }
}

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format_args!("event id `{text}`: {error}")))
    }
}

/// A moment of the wall clock: nanoseconds since 1970, UTC; shown as RFC 3339 with nine digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub i64);

impl Time {
    /// The moment as a [`Timestamp`]; every `i64` of nanoseconds is in its range (years 1677 to 2262).
    #[must_use]
    pub fn timestamp(self) -> Timestamp {
        Timestamp::from_nanosecond(i128::from(self.0)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Nanoseconds since midnight at `utc_offset` seconds east of UTC.
    #[must_use]
    pub const fn of_day(self, utc_offset: i32) -> u64 {
        const DAY: i64 = 86_400_000_000_000;
        let local = self.0.rem_euclid(DAY) + (utc_offset as i64) * 1_000_000_000;
        local.rem_euclid(DAY).unsigned_abs()
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.9}", self.timestamp())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let timestamp = String::deserialize(deserializer)?.parse::<Timestamp>().map_err(de::Error::custom)?;
        i64::try_from(timestamp.as_nanosecond()).map(Self).map_err(de::Error::custom)
    }
}
