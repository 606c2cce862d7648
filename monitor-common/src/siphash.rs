//! SipHash-1-3 (Aumasson and Bernstein) over words: a keyed hash whose collisions nobody finds who does not know the key.
//!
//! The kernel half tells by it whether a call repeats an earlier one. A program that could make two calls collide could
//! hide one behind the other, which rules out hashes that only multiply and shift: their collisions hold for every key.

/// A hash under way.
#[derive(Clone, Copy, Debug)]
pub struct SipHash {
    v: [u64; 4],
}

impl SipHash {
    /// Begins with a key that is secret to those who choose the words.
    #[inline(always)]
    #[must_use]
    pub const fn new(key: [u64; 2]) -> Self {
        Self {
            v: [
                key[0] ^ 0x736f_6d65_7073_6575,
                key[1] ^ 0x646f_7261_6e64_6f6d,
                key[0] ^ 0x6c79_6765_6e65_7261,
                key[1] ^ 0x7465_6462_7974_6573,
            ],
        }
    }

    /// Goes on with a hash that was put aside.
    #[inline(always)]
    #[must_use]
    pub const fn resumed(v: [u64; 4]) -> Self {
        Self { v }
    }

    /// What [`SipHash::resumed`] goes on with.
    #[inline(always)]
    #[must_use]
    pub const fn aside(self) -> [u64; 4] {
        self.v
    }

    /// Takes a word; the bytes of a string are taken eight at a time, little endian.
    #[inline(always)]
    pub const fn word(&mut self, word: u64) {
        self.v[3] ^= word;
        self.round();
        self.v[0] ^= word;
    }

    /// Ends behind `words` words.
    #[inline(always)]
    #[must_use]
    pub const fn finish(mut self, words: u64) -> u64 {
        self.word((words * 8) << 56);
        self.v[2] ^= 0xff;
        self.round();
        self.round();
        self.round();
        self.v[0] ^ self.v[1] ^ self.v[2] ^ self.v[3]
    }

    #[inline(always)]
    const fn round(&mut self) {
        let [mut a, mut b, mut c, mut d] = self.v;
        a = a.wrapping_add(b);
        b = b.rotate_left(13) ^ a;
        a = a.rotate_left(32);
        c = c.wrapping_add(d);
        d = d.rotate_left(16) ^ c;
        a = a.wrapping_add(d);
        d = d.rotate_left(21) ^ a;
        c = c.wrapping_add(b);
        b = b.rotate_left(17) ^ c;
        c = c.rotate_left(32);
        self.v = [a, b, c, d];
    }
}
