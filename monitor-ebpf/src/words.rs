//! Finding bytes eight at a time, without a branch for each: a branch in a round of a loop is a state that the verifier
//! keeps, and one for each byte has it walk every place at which the byte can be.
//!
//! A search marks bytes by their top bit. The lowest byte that is marked is the first that was searched for; above it
//! others can be marked too.

const ONES: u64 = 0x0101_0101_0101_0101;
const TOPS: u64 = ONES << 7;

/// The same byte eight times.
pub(crate) const fn each(byte: u8) -> u64 {
    ONES * byte as u64
}

/// Marks the bytes that are 0.
#[inline(always)]
pub(crate) const fn zeroes(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & TOPS
}

/// Marks the bytes that are less than `LIMIT`, which is at most 128.
#[inline(always)]
pub(crate) const fn less_than<const LIMIT: u8>(word: u64) -> u64 {
    word.wrapping_sub(each(LIMIT)) & !word & TOPS
}

/// How many bytes stand before the first that is marked; 8 where none is.
#[inline(always)]
pub(crate) const fn before_mark(marks: u64) -> u64 {
    let lowest = marks & marks.wrapping_neg();
    ((lowest >> 7).wrapping_sub(1) & ONES).wrapping_mul(ONES) >> 56
}

/// The eight bytes that begin `OFFSET` behind an address of any alignment.
///
/// # Safety
///
/// They must be readable, and the verifier must see it.
#[inline(always)]
pub(crate) unsafe fn word_at<const OFFSET: usize>(from: *const u8) -> u64 {
    #[cfg(target_arch = "bpf")]
    {
        let word;
        // The compiler would put the word together from eight loads; x86-64 and the verifier allow the one.
        // SAFETY: the caller's promise.
        unsafe {
            core::arch::asm!(
                "{word} = *(u64 *)({from} + {offset})",
                word = out(reg) word,
                from = in(reg) from,
                offset = const OFFSET,
                options(nostack, readonly, preserves_flags),
            );
        }
        word
    }
    #[cfg(not(target_arch = "bpf"))]
    // SAFETY: the caller's promise.
    unsafe {
        from.add(OFFSET).cast::<u64>().read_unaligned()
    }
}
