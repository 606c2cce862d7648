//! Adding to a counter.
//!
//! Counters are those of a CPU, but not of one program: programs on uprobes that may sleep, and from Linux 7 on those
//! on tracepoints, can be preempted by another task whose programs count on the same CPU. So counters are changed
//! atomically. Kernels before 5.12 have no atomic change that gives the value before, and need none: there no program
//! of ours is preempted, since none may sleep. The build with `plain-add` is for them.

/// Adds one to a counter and gives the value before.
///
/// # Safety
///
/// The pointer must be to a counter in map memory.
#[inline(always)]
pub(super) unsafe fn add(counter: *mut u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe { add_many(counter, 1) }
}

/// Adds to a counter and gives the value before.
///
/// # Safety
///
/// As for [`add`].
#[cfg(all(target_arch = "bpf", not(feature = "plain-add")))]
#[inline(always)]
pub(super) unsafe fn add_many(counter: *mut u64, by: u64) -> u64 {
    // The target has no compare-and-swap, for which Rust withholds the whole family of atomic changes.
    let mut before = by;
    // SAFETY: the caller's promise; map memory is aligned to 8 bytes and lives as long as the program.
    unsafe {
        core::arch::asm!(
            "{value} = atomic_fetch_add((u64 *)({counter} + 0), {value})",
            value = inout(reg) before,
            counter = in(reg) counter,
            options(nostack),
        );
    }
    before
}

/// Adds to a counter and gives the value before.
///
/// # Safety
///
/// As for [`add`].
#[cfg(any(not(target_arch = "bpf"), feature = "plain-add"))]
#[inline(always)]
pub(super) unsafe fn add_many(counter: *mut u64, by: u64) -> u64 {
    // SAFETY: the caller's promise. Volatile, so that two additions are two.
    unsafe {
        let before = counter.read_volatile();
        counter.write_volatile(before.wrapping_add(by));
        before
    }
}
