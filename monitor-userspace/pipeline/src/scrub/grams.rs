//! The literals of all rules, found in one pass that settles nearly every path: three bytes of each literal, the rarest, are
//! looked up in a table. The search of the aho-corasick crate (Teddy) takes ten times as long with a hundred literals, since
//! it is made for some dozens, and its automaton waits for one byte after the other.

use crate::hash::Map;

/// Bits of the table, so that a hundred literals hit few paths by chance; 8 KiB stay in the first cache.
const BITS: usize = 1 << 16;

/// Bytes of a literal that are looked up.
pub(super) const GRAM: usize = 3;

/// A literal, and where in it the bytes are that are looked up.
type Literal = (Box<[u8]>, usize);

/// Three bytes of each literal.
#[derive(Debug)]
pub(super) struct Grams {
    bits: Box<[u64; BITS / 64]>,
    /// The literals whose bytes share a place in the table.
    literals: Map<usize, Vec<Literal>>,
}

impl Grams {
    /// Of literals of [`GRAM`] bytes or more; shorter ones are not found.
    pub(super) fn new<'a>(literals: impl Iterator<Item = &'a [u8]>) -> Self {
        let mut grams = Self { bits: Box::new([0; BITS / 64]), literals: Map::default() };
        for literal in literals {
            let windows = literal.windows(GRAM).enumerate();
            let rarest = windows.min_by_key(|(_, gram)| gram.iter().map(|byte| frequency(*byte)).product::<u32>());
            if let Some((at, gram)) = rarest {
                let slot = slot(gram);
                grams.bits[slot / 64] |= 1 << (slot % 64);
                grams.literals.entry(slot).or_default().push((literal.into(), at));
            }
        }
        grams
    }

    /// Whether the bytes hold a literal.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        // Without an exit in between, which costs more than the few bytes that it saves.
        let hits = bytes.windows(GRAM).fold(0, |hits, gram| hits | self.bit(slot(gram)));
        hits & 1 != 0 && bytes.windows(GRAM).enumerate().any(|(at, gram)| self.is_at(bytes, at, slot(gram)))
    }

    fn bit(&self, slot: usize) -> u64 {
        self.bits[slot / 64] >> (slot % 64)
    }

    /// Whether a literal is there whose bytes from `at` on have this place in the table.
    fn is_at(&self, bytes: &[u8], at: usize, slot: usize) -> bool {
        let is_literal = |(literal, offset): &Literal| {
            at.checked_sub(*offset).and_then(|start| bytes.get(start..)).is_some_and(|rest| rest.starts_with(literal))
        };
        self.bit(slot) & 1 != 0 && self.literals.get(&slot).is_some_and(|literals| literals.iter().any(is_literal))
    }
}

fn slot(gram: &[u8]) -> usize {
    let [a, b, c] = [0, 1, 2].map(|at| u32::from(gram.get(at).copied().unwrap_or(0)));
    // The odd number next to 2^32 divided by the golden ratio spreads the bits upwards.
    ((a | b << 8 | c << 16).wrapping_mul(0x9e37_79b1) >> 16) as usize
}

/// How often a byte is in a path, roughly: letters as in English, the marks of names of files as the letters.
const fn frequency(byte: u8) -> u32 {
    match byte {
        b'/' | b'e' => 24,
        b'a' | b'i' | b'n' | b'o' | b's' | b't' | b'r' | b'-' | b'_' | b'.' => 16,
        b'c' | b'd' | b'h' | b'l' | b'm' | b'p' | b'u' => 8,
        b'b' | b'f' | b'g' | b'v' | b'w' | b'y' | b'0'..=b'9' => 4,
        b'j' | b'k' | b'q' | b'x' | b'z' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_found_wherever_it_is_and_nothing_else_is() {
        let grams = Grams::new(["ghp_", "AKIA", "://", "k_live_"].iter().map(|literal| literal.as_bytes()));
        for text in ["ghp_", "xghp_", "a/ghp_1/b", "sk_live_", "http://h", "AKIAX"] {
            assert!(grams.is_in(text.as_bytes()), "{text}");
        }
        for text in ["", "g", "gh", "ghp", "hp_", "ghp-", "live_", "k_liv", "KIA", "/home/someone/project"] {
            assert!(!grams.is_in(text.as_bytes()), "{text}");
        }
    }
}
