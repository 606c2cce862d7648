//! Reading kernel and user memory.
//!
//! Every reader gives zeroes for what cannot be read and takes no branch on the helper's answer where it need not:
//! each such branch doubles the states that the verifier walks.

use core::mem::MaybeUninit;

use aya_ebpf::helpers::generated::{
    bpf_copy_from_user, bpf_probe_read_kernel, bpf_probe_read_kernel_str, bpf_probe_read_user, bpf_probe_read_user_str,
};
use monitor_common::offsets::ABSENT;

pub(crate) use crate::typed::{Fetched, Structure, Typed};
use crate::words::{before_mark, each, zeroes};

/// Hides a value's range from the compiler, which otherwise removes the masks that the verifier needs to see.
#[inline(always)]
pub(crate) fn opaque(value: u64) -> u64 {
    #[cfg(target_arch = "bpf")]
    {
        let mut value = value;
        // An instruction and not nothing: the kernel refuses line information of two lines at one instruction.
        // SAFETY: the assembly moves a register to itself.
        unsafe { core::arch::asm!("{0} = {0}", inout(reg) value, options(nomem, nostack, preserves_flags)) };
        value
    }
    #[cfg(not(target_arch = "bpf"))]
    core::hint::black_box(value)
}

/// The offset of a field within a field: absent where one of the two is.
#[inline(always)]
pub(crate) fn within(outer: u32, inner: u32) -> u32 {
    if outer == ABSENT || inner == ABSENT { ABSENT } else { outer.wrapping_add(inner) }
}

/// A value of plain integers at a kernel address plus an offset; zeroes where it cannot be read, `zero` where the
/// offset is absent.
#[inline(always)]
pub(crate) fn kernel<T: Copy>(address: u64, offset: u32, zero: T) -> T {
    if offset == ABSENT {
        return zero;
    }
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: the destination is a local of exactly this size, and the helper initialises all of it: with zeroes where
    // it cannot read. Zeroing it here as well would cost a loop, since the target has no instruction for it.
    unsafe {
        bpf_probe_read_kernel(
            value.as_mut_ptr().cast(),
            size_of::<T>() as u32,
            (address + u64::from(offset)) as *const _,
        );
        value.assume_init()
    }
}

/// A value of plain integers at a user address; zeroes where it cannot be read.
#[inline(always)]
pub(crate) fn user<T: Copy>(address: u64) -> T {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as in `kernel`.
    unsafe {
        bpf_probe_read_user(value.as_mut_ptr().cast(), size_of::<T>() as u32, address as *const _);
        value.assume_init()
    }
}

/// Fetches the page of a user address, as the process itself is about to do; whether there is one.
///
/// Only programs that may sleep can do this.
#[inline(always)]
pub(crate) fn fault_in(address: u64) -> bool {
    let mut byte = MaybeUninit::<u8>::uninit();
    // SAFETY: the destination has the one byte; the helper checks the source.
    unsafe { bpf_copy_from_user(byte.as_mut_ptr().cast(), 1, address as *const _) == 0 }
}

/// Words of zeroes, written one by one: the compiler would call a loop over the bytes.
///
/// # Safety
///
/// `to` must have room for them.
#[inline(always)]
pub(crate) unsafe fn clear<const WORDS: usize>(to: *mut u64) {
    for at in 0..WORDS {
        // SAFETY: the caller's promise.
        unsafe { to.add(at).write_volatile(0) };
    }
}

/// How many bytes stand before the first `byte` in `WORDS` words; all of them where there is none. Bytes of the first
/// word whose bits are set in `passed_over` are not looked at.
///
/// It takes no branch; see `words`.
///
/// # Safety
///
/// The words must be readable and aligned.
#[inline(always)]
pub(crate) unsafe fn bytes_before<const WORDS: usize>(words: *const u64, byte: u8, passed_over: u64) -> u64 {
    let mut len = 0;
    let mut going = u64::MAX;
    for at in 0..WORDS {
        // SAFETY: the caller's promise.
        let mut word = unsafe { words.add(at).read_volatile() } ^ each(byte);
        if at == 0 {
            word |= passed_over;
        }
        let bytes = before_mark(zeroes(word));
        len += bytes & going;
        going &= (bytes >> 3).wrapping_neg();
    }
    len
}

/// Copies `len` bytes of kernel memory; whether it could.
///
/// # Safety
///
/// `to` must have room for `len` bytes, and the verifier must see it.
#[inline(always)]
pub(crate) unsafe fn kernel_bytes(to: *mut u8, len: u32, from: u64) -> bool {
    // SAFETY: the caller's promise about the destination; the helper checks the source.
    unsafe { bpf_probe_read_kernel(to.cast(), len, from as *const _) == 0 }
}

/// Copies `len` bytes of user memory; whether it could.
///
/// # Safety
///
/// As for [`kernel_bytes`].
#[inline(always)]
pub(crate) unsafe fn user_bytes(to: *mut u8, len: u32, from: u64) -> bool {
    // SAFETY: the caller's promise about the destination; the helper checks the source.
    unsafe { bpf_probe_read_user(to.cast(), len, from as *const _) == 0 }
}

/// Copies a string of kernel memory; the bytes copied with the NUL, at most `room`, or a negative errno.
///
/// # Safety
///
/// `to` must have room for `room` bytes, and the verifier must see it.
#[inline(always)]
pub(crate) unsafe fn kernel_string(to: *mut u8, room: u32, from: u64) -> i64 {
    // SAFETY: the caller's promise about the destination; the helper checks the source.
    unsafe { bpf_probe_read_kernel_str(to.cast(), room, from as *const _) }
}

/// Copies a string of user memory; the bytes copied with the NUL, at most `room`, or nothing or less where it cannot be read.
///
/// # Safety
///
/// As for [`kernel_string`].
#[inline(always)]
pub(crate) unsafe fn user_string(to: *mut u8, room: u32, from: u64) -> i64 {
    // SAFETY: the caller's promise about the destination; the helper checks the source.
    let read = unsafe { bpf_probe_read_user_str(to.cast(), room, from as *const _) };
    // Of an empty string older kernels (6.12 still, 6.18 no longer) copy the NUL but count it not: `strncpy_from_user_nofault`
    // (mm/maccess.c) adds it to what is more than nothing. So nothing becomes one, without a branch; an error, which is
    // less, comes one nearer to nothing and is none the less an error.
    read + (opaque(read.wrapping_sub(1) as u64) >> 63) as i64
}
