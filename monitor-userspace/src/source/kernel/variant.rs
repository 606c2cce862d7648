//! The builds of the kernel half, and which of them this kernel takes: found out by loading what they differ in.

use super::syscall;

/// A build of the kernel half.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// Typed pointers and atomic changes: what kernels from 5.12 on take, where they tell their types.
    Usual,
    /// Fields are read by a helper, and the programs are on raw tracepoints: for kernels that do not know their own types.
    Untyped,
    /// The same, without atomic changes: for kernels before 5.12.
    Before5_12,
}

// The build script lays the objects there.
static USUAL: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/monitor-ebpf.o"));
static UNTYPED: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/monitor-ebpf-untyped.o"));
static BEFORE_5_12: &[u8] = aya::include_bytes_aligned!(concat!(env!("OUT_DIR"), "/monitor-ebpf-before-5-12.o"));

/// Instructions as the kernel takes them (Documentation/bpf/standardization/instruction-set.rst): from the low byte on
/// the operation, the registers, an offset of 16 bits, a constant of 32.
const EXIT: u64 = 0x95;
const ZERO_R0: u64 = 0xb7;
const CALL_GET_CURRENT_TASK_BTF: u64 = 0x85 | 158 << 32;
/// `*(u64 *)(r10 - 8) = r0`
const STORE_R0: u64 = 0xfff8_0a7b;
/// `r0 = atomic_fetch_add((u64 *)(r10 - 8), r0)`
const FETCH_ADD_R0: u64 = 0x01 << 32 | 0xfff8_0adb;

/// The program of a probe for typed pointers to the current thread: a helper since Linux 5.11, and types.
const TYPED: [u64; 3] = [CALL_GET_CURRENT_TASK_BTF, ZERO_R0, EXIT];
/// The program of a probe for atomic changes that give the value before, since Linux 5.12.
const ATOMIC: [u64; 5] = [ZERO_R0, STORE_R0, FETCH_ADD_R0, ZERO_R0, EXIT];

impl Variant {
    /// The build that this kernel takes.
    ///
    /// A kernel that permits no programs at all answers no question; then it is the usual one, whose loading says so.
    pub(super) fn choose() -> Self {
        let takes = |program: &[u64]| match syscall::load(program) {
            Ok(()) => true,
            Err(error) => error.raw_os_error() == Some(libc::EPERM),
        };
        if !takes(&ATOMIC) {
            Self::Before5_12
        } else if !takes(&TYPED) {
            Self::Untyped
        } else {
            Self::Usual
        }
    }

    /// The object.
    pub(super) fn object(self) -> &'static [u8] {
        match self {
            Self::Usual => USUAL,
            Self::Untyped => UNTYPED,
            Self::Before5_12 => BEFORE_5_12,
        }
    }

    /// The name in `doctor` and in docs/kernels.md.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Untyped => "untyped",
            Self::Before5_12 => "before 5.12",
        }
    }
}
