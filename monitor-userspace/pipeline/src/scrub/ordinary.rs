//! What is no secret, though it stands where one could.

use regex::bytes::RegexSet;
use serde::Deserialize;

/// What a secret must hold, where a pattern alone is too wide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Need {
    /// A digit.
    Digit,
    /// An ASCII letter.
    Letter,
    /// More than a word of a language: anything but lower-case letters behind the first.
    Odd,
    /// What a generator gives: 16 bytes or more, letters of both cases and digits, 3.5 bits of entropy a byte.
    Random,
    /// What a generator gives as hexadecimal: 32 digits or more and nothing else, 2.5 bits of entropy a byte.
    Hex,
    /// A part between `-`, `_` and `.` of eight bytes or more that has a digit and a letter, as no word has.
    Mixed,
}

/// Bytes from which on a value can be told to be random.
const RANDOM_BYTES: usize = 16;

/// Bits a byte: 16 different bytes in 16 have 4, words and dates less than 3.5.
const RANDOM_BITS: f64 = 3.5;

/// Digits from which on a hexadecimal value can be a key: 128 bits.
const HEX_BYTES: usize = 32;

/// Bits a digit, of at most four.
const HEX_BITS: f64 = 2.5;

/// Bytes of a part with digits and letters that is no word with a number behind it.
const MIXED_BYTES: usize = 8;

impl Need {
    pub(super) fn is_met(self, secret: &[u8]) -> bool {
        let has = |is: fn(&u8) -> bool| secret.iter().any(is);
        match self {
            Self::Digit => has(u8::is_ascii_digit),
            Self::Letter => has(u8::is_ascii_alphabetic),
            Self::Odd => !secret.iter().skip(1).all(u8::is_ascii_lowercase),
            Self::Hex => {
                let is_hex = secret.len() >= HEX_BYTES && secret.iter().all(u8::is_ascii_hexdigit);
                is_hex && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic) && entropy(secret) >= HEX_BITS
            }
            Self::Mixed => {
                let mut parts = secret.split(|byte| matches!(byte, b'-' | b'_' | b'.'));
                parts.any(|part| {
                    let has = |is: fn(&u8) -> bool| part.iter().any(is);
                    part.len() >= MIXED_BYTES && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic)
                })
            }
            Self::Random => {
                let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
                secret.len() >= RANDOM_BYTES && is_mixed && entropy(secret) >= RANDOM_BITS
            }
        }
    }
}

/// Shannon's entropy of bytes, bits a byte.
fn entropy(bytes: &[u8]) -> f64 {
    let mut counts = [0u32; 256];
    for byte in bytes {
        counts[usize::from(*byte)] += 1;
    }
    let length = bytes.len() as f64;
    let share = |count: &u32| {
        let share = f64::from(*count) / length;
        -share * share.log2()
    };
    counts.iter().filter(|count| **count > 0).map(share).sum()
}

/// Values and names that say of themselves that there is no secret.
#[derive(Debug)]
pub(super) struct Ordinary {
    /// Values such as `true`, `/run/secrets/x`, `process.env.TOKEN`.
    pub(super) values: RegexSet,
    /// Names with what follows, such as `--max-token=`.
    pub(super) names: RegexSet,
}

impl Ordinary {
    /// Whether a value behind a name is no secret; `named` is the text from the name to the end of the value.
    pub(super) fn is(&self, named: &[u8], value: &[u8]) -> bool {
        self.values.is_match(value) || self.names.is_match(named)
    }
}
