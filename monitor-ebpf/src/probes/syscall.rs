//! The exit of every system call, handed to the program of its family.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `sys_exit(struct pt_regs *regs, long ret)` |
//! | when | the call has returned and the thread is still in the kernel; also for calls that seccomp denied |
//! | arguments | from `regs`, where a call leaves them as they came; so nothing is hooked at entry and nothing is kept |
//!
//! Blind spots: calls through io_uring raise no tracepoint. A tracer that changes the registers changes what is
//! recorded. Calls of 32-bit code (`int 0x80`, `sysenter`) and x32 calls are not recorded; those of tracked threads
//! whose number would be taken for another call are counted as [`Fault::CompatCall`]. A call that never returns
//! because its thread is gone is not recorded, which happens only to the thread that a dying process leaves behind.
//! The user memory behind a pointer is read at the exit: another thread can have changed it since the kernel read it.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind,
    counters::{Cause, Fault},
    programs::family,
    syscall::{CONNECT, INTEREST, NUMBERS, TS_COMPAT, regs},
};

use crate::{
    emit,
    globals::offset,
    maps::CALL_PROGRAMS,
    read::{Typed, within},
    task::{Tracked, tracked},
};

/// A system call that has returned.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    registers: Typed,
    /// What it returned: a value, or a negative errno.
    pub(crate) result: i64,
}

impl Call {
    /// The call that the tracepoint tells of.
    #[inline(always)]
    fn of(ctx: &BtfTracePointContext) -> Self {
        // SAFETY: the verifier knows the type of the tracepoint's first argument.
        Self { registers: unsafe { Typed::new(ctx.arg(0)) }, result: ctx.arg(1) }
    }

    /// A register, by its place in [`regs`].
    #[inline(always)]
    pub(crate) fn register(self, place: usize) -> u64 {
        self.registers.load(place as u32, 0)
    }

    /// The number of the call.
    #[inline(always)]
    pub(crate) fn number(self) -> u64 {
        self.register(regs::ORIG_AX)
    }
}

/// Passes a call that is recorded on to the program of its family; costs every process on the machine a few
/// nanoseconds for each call that is not.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    let number = Call::of(&ctx).number();
    if number >= NUMBERS as u64 {
        return 0;
    }
    let word = (number / 64) as usize & (INTEREST.len() - 1);
    if INTEREST[word] >> (number % 64) & 1 == 0 {
        return 0;
    }
    let kind = if number == CONNECT {
        tail_call::<{ family::CONNECT }>(&ctx);
        Kind::Connect
    } else {
        tail_call::<{ family::OPEN }>(&ctx);
        Kind::Open
    };
    // A tail call comes back only when there is no such program.
    if tracked().is_some() {
        emit::lost(kind, Cause::NoProgram);
    }
    0
}

/// Continues in a family's program and comes back only when it is not there. With a constant index the kernel turns
/// the call into a direct jump; the assembly keeps the compiler from joining two calls into one with a variable index.
#[inline(always)]
fn tail_call<const FAMILY: u32>(ctx: &BtfTracePointContext) {
    #[cfg(target_arch = "bpf")]
    // SAFETY: the arguments are those of bpf_tail_call (helper 12): context, map, index.
    unsafe {
        core::arch::asm!(
            "r3 = {index}",
            "call 12",
            index = const FAMILY,
            in("r1") aya_ebpf::EbpfContext::as_ptr(ctx),
            in("r2") &raw const CALL_PROGRAMS,
            lateout("r0") _, lateout("r1") _, lateout("r2") _, out("r3") _, out("r4") _, out("r5") _,
        );
    }
    #[cfg(not(target_arch = "bpf"))]
    // SAFETY: the context is that of this program, and the map lives as long as it.
    unsafe {
        CALL_PROGRAMS.tail_call(ctx, FAMILY);
    }
}

/// What a family's program begins with: the call, when its thread is tracked and it is a 64-bit call.
#[inline(always)]
pub(crate) fn call_of_tracked(ctx: &BtfTracePointContext) -> Option<(Call, Tracked)> {
    let who = tracked()?;
    let status: u32 = who.thread.load(within(offset!(task_thread_info), offset!(thread_info_status)), 0);
    if status & TS_COMPAT != 0 {
        emit::fault(Fault::CompatCall);
        return None;
    }
    Some((Call::of(ctx), who))
}
