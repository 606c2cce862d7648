//! Pointers to structures of the kernel, of two kinds.
//!
//! A field behind a [`Typed`] pointer is loaded, which costs next to nothing; but for each pointer that is loaded from a
//! structure that the verifier trusts, on each way through the program, it searches all of the kernel's types twice
//! (`type_is_trusted` in kernel/bpf/verifier.c), half a millisecond each time. A field behind a [`Fetched`] one is read by
//! a helper, some 40 ns, and verified at once. So the programs of what happens thousands of times a second use the
//! first, and all others the second.
//!
//! The usual build lets the verifier know the types. The build with `untyped` reads every field by a helper: for
//! kernels that have no types, or that give a program no typed pointer to the current thread (before Linux 5.11). There
//! its programs are on raw tracepoints, whose arguments are the same but have no types either.

#[cfg(not(feature = "untyped"))]
use monitor_common::offsets::ABSENT;

/// A pointer through which fields are loaded; a load that faults gives 0. The usual build needs no helper for it, since
/// the verifier knows the pointer's type from the kernel's BTF.
#[derive(Clone, Copy)]
pub(crate) struct Typed(*const u8);

impl Typed {
    /// A pointer from an argument of a tracepoint.
    ///
    /// # Safety
    ///
    /// The verifier must know the pointer's type, so that it checks every load.
    #[inline(always)]
    pub(crate) const unsafe fn new(pointer: *const u8) -> Self {
        Self(pointer)
    }

    /// The `task_struct` of the current thread.
    #[inline(always)]
    pub(crate) fn current() -> Self {
        #[cfg(not(feature = "untyped"))]
        // SAFETY: the verifier knows the type of what the helper returns.
        unsafe {
            Self::new(aya_ebpf::helpers::generated::bpf_get_current_task_btf().cast_const().cast())
        }
        #[cfg(feature = "untyped")]
        // SAFETY: the helper has no precondition.
        Self(unsafe { aya_ebpf::helpers::generated::bpf_get_current_task() } as *const u8)
    }

    /// The same structure, whose fields are read by a helper.
    #[inline(always)]
    pub(crate) fn fetched(self) -> Fetched {
        Fetched(self.address())
    }
}

/// An address whose fields are read by a helper.
#[derive(Clone, Copy)]
pub(crate) struct Fetched(u64);

/// What has fields.
pub(crate) trait Structure: Copy {
    /// The field at an offset, or `zero` where it cannot be read or the offset is absent.
    fn load<T: Copy>(self, offset: u32, zero: T) -> T;

    /// The pointer at an offset, followed.
    fn follow(self, offset: u32) -> Self;

    /// The address.
    fn address(self) -> u64;
}

impl Structure for Fetched {
    #[inline(always)]
    fn load<T: Copy>(self, offset: u32, zero: T) -> T {
        crate::read::kernel(self.0, offset, zero)
    }

    #[inline(always)]
    fn follow(self, offset: u32) -> Self {
        Self(self.load(offset, 0))
    }

    #[inline(always)]
    fn address(self) -> u64 {
        self.0
    }
}

impl Structure for Typed {
    #[inline(always)]
    fn load<T: Copy>(self, offset: u32, zero: T) -> T {
        #[cfg(not(feature = "untyped"))]
        {
            // The compiler must not know that it is a pointer that was checked before: it would join the ways on which
            // that one was null, and the verifier of 6.1 would find no pointer there.
            let pointer = crate::read::opaque(self.address()) as *const u8;
            if offset == ABSENT || pointer.is_null() {
                return zero;
            }
            // SAFETY: the verifier refuses a load that is no field of the pointer's type, and the kernel turns one that
            // faults into 0.
            unsafe { pointer.add(offset as usize).cast::<T>().read_volatile() }
        }
        #[cfg(feature = "untyped")]
        crate::read::kernel(self.address(), offset, zero)
    }

    #[inline(always)]
    fn follow(self, offset: u32) -> Self {
        Self(self.load(offset, core::ptr::null()))
    }

    #[inline(always)]
    fn address(self) -> u64 {
        self.0 as u64
    }
}
