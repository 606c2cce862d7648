//! A hasher that is fast for short keys and the same in every process.

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

/// A map with [`Fixed`]; its order must not reach any output.
pub(crate) type Map<K, V> = HashMap<K, V, BuildHasherDefault<Fixed>>;

/// A set with [`Fixed`]; its order must not reach any output.
pub(crate) type Set<K> = HashSet<K, BuildHasherDefault<Fixed>>;

/// Multiplies and rotates eight bytes at a time. A hostile program could make keys collide and so slow the look-ups of
/// its own processes; every map that uses it is bounded.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fixed(u64);

/// The hash of bytes, the same on every machine.
pub(crate) fn of(bytes: &[u8]) -> u64 {
    let mut hasher = Fixed::default();
    hasher.write(bytes);
    hasher.finish()
}

/// The odd number next to 2^64 divided by the golden ratio, which spreads consecutive keys.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Fixed {
    const fn mix(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * SPREAD as u128;
        // Folding the high half in carries every bit of the word into the low bits, by which buckets are chosen.
        self.0 = (product as u64) ^ ((product >> 64) as u64);
    }
}

impl Hasher for Fixed {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.mix(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64 ^ SPREAD);
    }

    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }

    fn write_u32(&mut self, value: u32) {
        self.mix(u64::from(value));
    }

    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
