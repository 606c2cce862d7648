//! Changes of words that several CPUs share, made as one.
//!
//! The target's backend has the instructions, but Rust does not know of it and withholds the whole family; see
//! `emit::add`. Kernels before 5.12 lack them: the build for those (`plain-add`) shares no words, and what is here is
//! never reached there.

/// Puts `new` into a word that holds `old`, and gives what it held: `old` when it was changed.
///
/// # Safety
///
/// The pointer must be to a word in map memory.
#[cfg(all(target_arch = "bpf", not(feature = "plain-add")))]
#[inline(always)]
pub(crate) unsafe fn exchange(word: *mut u64, old: u64, new: u64) -> u64 {
    let mut held = old;
    // SAFETY: the caller's promise; map memory is aligned to 8 bytes and lives as long as the program.
    unsafe {
        core::arch::asm!(
            "r0 = cmpxchg_64({word} + 0, r0, {new})",
            word = in(reg) word,
            new = in(reg) new,
            inout("r0") held,
            options(nostack),
        );
    }
    held
}

/// Keeps the bits of a word that are in `mask`, and gives what it held.
///
/// # Safety
///
/// As for [`exchange`].
#[cfg(all(target_arch = "bpf", not(feature = "plain-add")))]
#[inline(always)]
pub(crate) unsafe fn keep(word: *mut u64, mask: u64) -> u64 {
    let mut held = mask;
    // SAFETY: the caller's promise; map memory is aligned to 8 bytes and lives as long as the program.
    unsafe {
        core::arch::asm!(
            "{held} = atomic_fetch_and((u64 *)({word} + 0), {held})",
            word = in(reg) word,
            held = inout(reg) held,
            options(nostack),
        );
    }
    held
}

/// The same in two steps.
///
/// # Safety
///
/// The pointer must be to a word in map memory.
#[cfg(any(not(target_arch = "bpf"), feature = "plain-add"))]
#[inline(always)]
pub(crate) unsafe fn exchange(word: *mut u64, old: u64, new: u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        let held = word.read_volatile();
        if held == old {
            word.write_volatile(new);
        }
        held
    }
}

/// The same in two steps.
///
/// # Safety
///
/// As for [`exchange`].
#[cfg(any(not(target_arch = "bpf"), feature = "plain-add"))]
#[inline(always)]
pub(crate) unsafe fn keep(word: *mut u64, mask: u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        let held = word.read_volatile();
        word.write_volatile(held & mask);
        held
    }
}
