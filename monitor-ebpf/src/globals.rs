//! What the loader writes before the programs are loaded. The verifier knows these values and removes the branches
//! that they decide.

use monitor_common::{WIRE_VERSION, offsets::Offsets};

/// Its name is the version of the wire; the loader refuses an object without it.
#[unsafe(no_mangle)]
static AGENTSNOOP_WIRE_2: u32 = WIRE_VERSION;

/// Where the fields of kernel structures are; see [`offset!`].
#[unsafe(no_mangle)]
pub(crate) static OFFSETS: Offsets = Offsets::ABSENT;

/// Bits of [`monitor_common::offsets::layout`].
#[unsafe(no_mangle)]
static LAYOUT: u32 = 0;

/// The key of the hash by which calls repeat each other: random, and another one at each start.
#[unsafe(no_mangle)]
static SEED: [u64; 2] = [0; 2];

/// When the reader was last woken, nanoseconds of `CLOCK_BOOTTIME`.
static mut LAST_WAKE: u64 = 0;

/// When the reader was last woken, nanoseconds of `CLOCK_BOOTTIME`.
#[inline(always)]
pub(crate) fn last_wake() -> u64 {
    // SAFETY: an aligned word, which the processor reads whole.
    unsafe { (&raw const LAST_WAKE).read_volatile() }
}

/// Notes that the reader was woken. Two CPUs may both have woken it, which does no harm.
#[inline(always)]
pub(crate) fn woke(now: u64) {
    // SAFETY: an aligned word, which the processor writes whole; there is no reference to it.
    unsafe { (&raw mut LAST_WAKE).write_volatile(now) }
}

/// A global as the loader left it; the compiler must not assume the value that it sees here.
#[inline(always)]
pub(crate) fn fixed(global: &'static u32) -> u32 {
    // SAFETY: the reference is to an integer that nothing changes once the program is loaded.
    unsafe { core::ptr::read_volatile(global) }
}

/// The key of the hash by which calls repeat each other.
#[inline(always)]
pub(crate) fn seed() -> [u64; 2] {
    // SAFETY: aligned words that nothing changes once the program is loaded.
    unsafe { [(&raw const SEED[0]).read_volatile(), (&raw const SEED[1]).read_volatile()] }
}

/// The offset of a field of a kernel structure, or [`monitor_common::offsets::ABSENT`].
macro_rules! offset {
    ($field:ident) => {
        $crate::globals::fixed(&$crate::globals::OFFSETS.$field)
    };
}
pub(crate) use offset;

/// Whether all bits of [`monitor_common::offsets::layout`] in `bits` hold in this kernel.
#[inline(always)]
pub(crate) fn layout(bits: u32) -> bool {
    fixed(&LAYOUT) & bits == bits
}
