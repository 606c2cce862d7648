//! Numbers, times and sizes as people read them.

use agentsnoop_pipeline::record::Time;

/// A number with separators between thousands.
#[must_use]
pub fn number(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A number in at most five characters: `950`, `12.3k`, `4.5M`.
#[must_use]
pub fn short(number: u64) -> String {
    scaled(number, 1000, ["", "k", "M", "G", "T"])
}

/// Bytes in at most five characters.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    scaled(bytes, 1024, ["B", "K", "M", "G", "T"])
}

fn scaled(number: u64, unit: u64, names: [&str; 5]) -> String {
    let (mut whole, mut rest, mut at) = (number, 0, 0);
    while whole >= unit && at + 1 < names.len() {
        rest = whole % unit;
        whole /= unit;
        at += 1;
    }
    let name = names[at];
    if at > 0 && whole < 100 { format!("{whole}.{}{name}", rest * 10 / unit) } else { format!("{whole}{name}") }
}

/// A duration in at most six characters: `12µs`, `345ms`, `6.7s`, `8m09s`, `1h02m`.
#[must_use]
pub fn duration(nanoseconds: u64) -> String {
    const SECOND: u64 = 1_000_000_000;
    match nanoseconds {
        0..1_000_000 => format!("{}µs", nanoseconds / 1_000),
        1_000_000..SECOND => format!("{}ms", nanoseconds / 1_000_000),
        SECOND..60_000_000_000 => format!("{}.{}s", nanoseconds / SECOND, nanoseconds / 100_000_000 % 10),
        60_000_000_000..3_600_000_000_000 => {
            format!("{}m{:02}s", nanoseconds / (60 * SECOND), nanoseconds / SECOND % 60)
        }
        _ => format!("{}h{:02}m", nanoseconds / (3600 * SECOND), nanoseconds / (60 * SECOND) % 60),
    }
}

/// `HH:MM:SS.mmm` in the recorder's local time.
#[must_use]
pub fn clock(time: Time, utc_offset: i32) -> String {
    let millis = time.of_day(utc_offset) / 1_000_000;
    let (seconds, millis) = (millis / 1000, millis % 1000);
    format!("{:02}:{:02}:{:02}.{millis:03}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_right() {
        assert_eq!([0, 999, 1000, 1_234_567].map(number), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 999, 1000, 12_345, 999_999, 4_500_000].map(short),
            ["0", "999", "1.0k", "12.3k", "999k", "4.5M"]
        );
        assert_eq!([0, 1023, 1024, 150 << 20].map(bytes), ["0B", "1023B", "1.0K", "150M"]);
        let spans = [999, 12_000, 345_000_000, 6_700_000_000, 489_000_000_000, 3_720_000_000_000];
        assert_eq!(spans.map(duration), ["0µs", "12µs", "345ms", "6.7s", "8m09s", "1h02m"]);
    }
}
