//! Every system call: its entry noted, its exit handed to the program of its family.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `sys_enter(struct pt_regs *regs, long id)` |
//! | when | the call begins, after seccomp has let it pass; a call that seccomp answers never gets here |
//! | hook | BTF tracepoint `sys_exit(struct pt_regs *regs, long ret)` |
//! | when | the call has returned and the thread is still in the kernel; also for calls that seccomp answered |
//! | arguments | from `regs` at the exit, where a call leaves them as they came; so only number and time are kept between |
//!
//! Blind spots: calls through io_uring raise no tracepoint. A tracer that changes the registers changes what is
//! recorded. Calls of 32-bit code (`int 0x80`, `sysenter`) and x32 calls are not recorded; the former are counted as
//! [`Fault::CompatCall`], whatever they do. A call that never returns
//! because its thread is gone is counted as [`Fault::CallUnfinished`]. The user memory behind a pointer is read at the
//! exit: another thread can have changed it since the kernel read it.

use aya_ebpf::{helpers::generated::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind,
    counters::{Cause, Fault},
    header::flag,
    syscall::{ENTRIES, FAMILIES, KIND_OF, NO_RESULT, NOT_RECORDED, NUMBERS, TS_COMPAT, regs},
    task::call,
};

use crate::{
    emit,
    globals::offset,
    maps::{CALL_PROGRAMS, TASKS},
    read::{Structure as _, Typed, opaque, within},
    task::{Tracked, current, tid, tracked},
};

/// A system call that has returned.
#[derive(Clone, Copy)]
pub(crate) struct Call {
    registers: Typed,
    /// What it returned: a value, or a negative errno.
    pub(crate) result: i64,
    /// Nanoseconds since its entry; 0 where that was not seen.
    pub(crate) took: u64,
    /// Bits of [`monitor_common::header::flag`] that are the call's own.
    pub(crate) flags: u32,
}

impl Call {
    /// The call that the tracepoint tells of.
    #[inline(always)]
    fn of(ctx: &BtfTracePointContext) -> Self {
        // SAFETY: the verifier knows the type of the tracepoint's first argument.
        Self { registers: unsafe { Typed::new(ctx.arg(0)) }, result: ctx.arg(1), took: 0, flags: 0 }
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

/// Notes that a tracked thread enters a call that is recorded.
#[btf_tracepoint(function = "sys_enter")]
pub(crate) fn sys_enter(ctx: BtfTracePointContext) -> i32 {
    let number: u64 = ctx.arg(1);
    if number >= NUMBERS as u64 {
        return 0;
    }
    let word = (number / 64) as usize & (ENTRIES.len() - 1);
    if ENTRIES[word] >> (number % 64) & 1 == 0 {
        return 0;
    }
    let Some(task) = TASKS.get_ptr_mut(tid()) else { return 0 };
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program; only the thread's own
    // programs change these fields. The helper has no precondition.
    unsafe {
        (*task).entered = bpf_ktime_get_boot_ns();
        (*task).call = number as u32 + call::FIRST;
    }
    0
}

/// Passes a call that is recorded on to the program of its family, when its thread is tracked; costs every process on
/// the machine a few nanoseconds for each call that is not, and a look-up for each that is.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn sys_exit(ctx: BtfTracePointContext) -> i32 {
    // The numbers of 32-bit calls mean others.
    let status: u32 = current().load(within(offset!(task_thread_info), offset!(thread_info_status)), 0);
    if status & TS_COMPAT != 0 {
        if TASKS.get_ptr(tid()).is_some() {
            emit::fault(Fault::CompatCall);
        }
        return 0;
    }
    let number = Call::of(&ctx).number();
    if number >= NUMBERS as u64 {
        return 0;
    }
    // The verifier has to see the bound at the look-up.
    let number = opaque(number) as usize & (NUMBERS - 1);
    let family = FAMILIES[number];
    if family == NOT_RECORDED || TASKS.get_ptr(tid()).is_none() {
        return 0;
    }
    // SAFETY: the context is that of this program, and the map lives as long as it.
    unsafe {
        CALL_PROGRAMS.tail_call(&ctx, u32::from(family) - 1);
    }
    // A tail call comes back only when there is no such program. Most calls that read or write are no traffic: what is not
    // seen of it the coverage tells, and no count of them all.
    if KIND_OF[number] != Kind::Traffic.index() as u8 {
        emit::lost_number(u64::from(KIND_OF[number]), Cause::NoProgram);
    }
    0
}

/// What a family's program begins with: the call, when its thread is tracked and it is a 64-bit call.
#[inline(always)]
pub(crate) fn call_of_tracked(ctx: &BtfTracePointContext) -> Option<(Call, Tracked)> {
    let who = tracked()?;
    let mut call = Call::of(ctx);
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program; only the thread's own
    // programs change these fields. The helper has no precondition.
    unsafe {
        let state = (*who.task).call;
        (*who.task).call = call::NONE;
        if state >= call::FIRST {
            call.took = bpf_ktime_get_boot_ns() - (*who.task).entered;
        } else if state == call::NONE {
            call.flags = not_entered(who, call.number());
        }
    }
    // A filter that traps or kills leaves the number of the call where its result would be (syscall_rollback).
    if call.flags != 0 && call.result as u64 == call.number() {
        call.result = -NO_RESULT;
    }
    Some((call, who))
}

/// What a further part of a family's program begins with: the call, as the first part has found it; `took` and `flags` are
/// that part's.
#[inline(always)]
pub(crate) fn call_continued(ctx: &BtfTracePointContext, took: u64, flags: u32) -> Option<(Call, Tracked)> {
    Some((Call { took, flags, ..Call::of(ctx) }, tracked()?))
}

/// The flag that a call was not entered, for calls whose entry is noted and threads with a seccomp filter: no other thread can
/// leave a call without entering it, but `sys_enter` can have been skipped (`recursion_misses`).
#[inline(always)]
fn not_entered(who: Tracked, number: u64) -> u32 {
    let word = (number / 64) as usize & (ENTRIES.len() - 1);
    let noted = (ENTRIES[word] >> (number % 64) & 1) as u32;
    let mode: u32 = who.thread.load(within(offset!(task_seccomp), offset!(seccomp_mode)), 0);
    // Whatever the mode is: a thread that a filter is about to kill has another one (SECCOMP_MODE_DEAD, kernel/seccomp.c).
    if mode == 0 { 0 } else { noted * flag::NOT_ENTERED }
}
