//! How calls that repeat each other are counted in the kernel half.
//!
//! Each process has a table of [`SLOTS`] words. A call belongs to the slot that the low bits of its hash name; the word
//! there holds the [`tag`] of the call that it counts, and how often that was repeated since it was last told.

use crate::pod;

/// Words of a process: one cache line of eight holds what a tight loop over a few paths asks for, eight of them what a
/// shell or an interpreter asks for again and again. A call that finds its slot taken is told, and takes it over.
pub const SLOTS: usize = 64;

/// The part of a word that counts. A count that reaches it is told, and begins again.
pub const COUNT: u64 = 0xffff;

/// The value of the map `REPEATS`, keyed by the process (`u32`, initial pid namespace): whose calls, and the words.
///
/// It is made by the first call of a process that is aggregated, begins anew with each image, and ends with the process.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Repeats {
    /// As [`crate::Header::start`].
    pub start: u64,
    /// As [`crate::Header::pid`].
    pub pid: u32,
    /// As [`crate::Header::root`].
    pub root: u32,
    /// As [`crate::Header::exec_seq`].
    pub exec_seq: u32,
    /// As [`crate::Header::uid`], of the thread that made the first call.
    pub uid: u32,
    /// As [`crate::Header::flags`].
    pub flags: u32,
    /// Not 0 when a word may count something.
    pub held: u32,
    /// The words.
    pub slots: [u64; SLOTS],
}
pod!(Repeats, 32 + 8 * SLOTS);

impl Repeats {
    /// Of no process; counts nothing.
    pub const NONE: Self =
        Self { start: 0, pid: 0, root: 0, exec_seq: 0, uid: 0, flags: 0, held: 0, slots: [0; SLOTS] };

    /// Calls that were counted and not told yet.
    #[must_use]
    pub fn held(&self) -> u64 {
        self.slots.iter().map(|word| word & COUNT).sum()
    }
}

/// The slot of a hash.
#[inline(always)]
#[must_use]
pub const fn slot(hash: u64) -> usize {
    hash as usize & (SLOTS - 1)
}

/// What a word keeps of a hash; never 0, which is an empty word.
#[inline(always)]
#[must_use]
pub const fn tag(hash: u64) -> u64 {
    let tag = hash & !COUNT;
    if tag == 0 { COUNT + 1 } else { tag }
}

/// The slots and words of a record that tells repeats, from its fields ([`crate::body::Stat::hash`] and the first of its
/// strings). What does not belong together is left out: a slot without a word, and a word without a slot.
pub fn told(slots: u64, words: &[u8]) -> impl Iterator<Item = (usize, u64)> {
    let slots = (0..SLOTS).filter(move |slot| slots >> slot & 1 != 0);
    slots.zip(words.as_chunks::<8>().0.iter().map(|word| u64::from_le_bytes(*word)))
}
