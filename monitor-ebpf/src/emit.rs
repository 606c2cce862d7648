//! The only file that writes to the ring and to the counters.
//!
//! Every record takes a sequence number of its CPU, also one that is lost, and is counted as seen and then as stored
//! or as lost by cause. Programs can be preempted by another task whose programs count on the same CPU (see `add`). For
//! the same reason two records of one CPU may reach the ring in another order than that of their numbers.

mod add;

use aya_ebpf::{
    bindings::{BPF_RB_FORCE_WAKEUP, BPF_RB_NO_WAKEUP},
    helpers::{
        bpf_get_current_uid_gid, bpf_get_smp_processor_id,
        generated::{bpf_ktime_get_boot_ns, bpf_ringbuf_output},
    },
};
use monitor_common::{
    Header, Kind,
    counters::{Cause, Counters, Fault},
    kind::{KIND_NUMBERS, KINDS},
    limits::WAKE_NANOSECONDS,
    repeats::Repeats,
    task::Task,
};

use self::add::{add, add_many};
use crate::{
    globals::{last_wake, woke},
    maps::{COUNTERS, RING},
    probes::syscall::Call,
    read::opaque,
    task::Tracked,
};

/// `EAGAIN` (asm-generic/errno-base.h), with which the ring says that it is full.
const EAGAIN: i64 = 11;

#[inline(always)]
fn counters() -> Option<*mut Counters> {
    COUNTERS.get_ptr_mut(0)
}

/// Counts a fault.
#[inline(always)]
pub(crate) fn fault(fault: Fault) {
    if let Some(counters) = counters() {
        // SAFETY: the pointer is to this CPU's counters, and a fault's number is below the length of the array.
        unsafe { add(&raw mut (*counters).faults[fault as usize]) };
    }
}

/// Counts a call whose thread ends within it, by the [`Kind::index`] that its record would have had.
#[inline(always)]
pub(crate) fn unfinished(kind: u64) {
    fault(Fault::CallUnfinished);
    let kind = opaque(kind) as usize;
    if kind < KINDS
        && let Some(counters) = counters()
    {
        // SAFETY: the pointer is to this CPU's counters, which have a number for each kind.
        unsafe { add(&raw mut (*counters).unfinished[kind]) };
    }
}

/// Counts a record that cannot be built; it consumes a sequence number.
#[inline(always)]
pub(crate) fn lost(kind: Kind, cause: Cause) {
    lost_number(kind.index() as u64, cause);
}

/// The same for a kind by its [`Kind::index`].
#[inline(always)]
pub(crate) fn lost_number(kind: u64, cause: Cause) {
    let kind = opaque(kind) as usize;
    if kind < KINDS
        && let Some(counters) = counters()
    {
        // SAFETY: the pointer is to this CPU's counters; kinds and causes number less than the arrays are long.
        unsafe {
            add(&raw mut (*counters).seq);
            add(&raw mut (*counters).seen[kind]);
            add(&raw mut (*counters).lost[kind][cause as usize]);
            if kind == Kind::Stat.index() {
                add(&raw mut (*counters).calls.seen);
                add(&raw mut (*counters).calls.lost);
            }
        }
    }
    debug(kind, cause);
}

/// Counts a call that is told by a record of several, now or later.
#[inline(always)]
pub(crate) fn seen_call() {
    if let Some(counters) = counters() {
        // SAFETY: the pointer is to this CPU's counters.
        unsafe { add(&raw mut (*counters).calls.seen) };
    }
}

/// Completes the header of a record and writes the record to the ring.
///
/// # Safety
///
/// `record` must be aligned to 8 bytes and have `len` bytes, of which all behind the header are initialised, and the
/// verifier must see the bound; `task` must be a value of `TASKS` or a copy of one.
#[inline(always)]
pub(crate) unsafe fn send(kind: Kind, tid: u32, task: *const Task, record: *mut u8, len: u64) {
    // SAFETY: the caller's promise.
    unsafe { send_flagged(kind, tid, task, 0, record, len) };
}

/// The same for the record of a call, whose own flags are added to those of the thread.
///
/// # Safety
///
/// As for [`send`].
#[inline(always)]
pub(crate) unsafe fn send_call(kind: Kind, who: Tracked, call: Call, record: *mut u8, len: u64) {
    // SAFETY: the caller's promise; the task is a value of the map.
    unsafe { send_flagged(kind, who.tid, who.task, call.flags, record, len) };
}

/// The same for the first call of those that [`seen_call`] counts; whether it was stored.
///
/// # Safety
///
/// As for [`send`].
#[inline(always)]
pub(crate) unsafe fn send_counted(kind: Kind, who: Tracked, record: *mut u8, len: u64) -> bool {
    // SAFETY: the caller's promise; the task is a value of the map.
    unsafe { told(1, send_flagged(kind, who.tid, who.task, 0, record, len)) }
}

/// The same for a record that tells `count` calls of a process, which need not be the one that runs.
///
/// # Safety
///
/// As for [`send`]; `repeats` must be a value of the map.
#[inline(always)]
pub(crate) unsafe fn send_repeats(repeats: *const Repeats, record: *mut u8, len: u64, count: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        let header = record.cast::<Header>();
        (*header).start = (*repeats).start;
        (*header).pid = (*repeats).pid;
        (*header).tid = (*repeats).pid;
        (*header).root = (*repeats).root;
        (*header).exec_seq = (*repeats).exec_seq;
        (*header).uid = (*repeats).uid;
        (*header).flags = (*repeats).flags;
        told(count, send_identified(Kind::Stat, record, len));
    }
}

/// Counts the calls that a record tells as told or lost.
#[inline(always)]
fn told(count: u64, stored: bool) -> bool {
    if let Some(counters) = counters() {
        // SAFETY: the pointer is to this CPU's counters.
        unsafe {
            let calls = &raw mut (*counters).calls;
            add_many(if stored { &raw mut (*calls).told } else { &raw mut (*calls).lost }, count);
        }
    }
    stored
}

/// # Safety
///
/// As for [`send`].
#[inline(always)]
unsafe fn send_flagged(kind: Kind, tid: u32, task: *const Task, flags: u32, record: *mut u8, len: u64) -> bool {
    // SAFETY: the caller's promise; a record begins with room for a header.
    unsafe {
        identify(tid, task, record.cast());
        (*record.cast::<Header>()).flags |= flags;
        send_identified(kind, record, len)
    }
}

/// Writes into a header who makes the record: its thread, and the process of the thread.
///
/// # Safety
///
/// `task` must be a value of `TASKS` or a copy of one; the verifier must see the room of the header.
#[inline(always)]
pub(crate) unsafe fn identify(tid: u32, task: *const Task, header: *mut Header) {
    // SAFETY: the caller's promise.
    unsafe {
        (*header).start = (*task).start;
        (*header).pid = (*task).pid;
        (*header).tid = tid;
        (*header).root = (*task).root;
        (*header).exec_seq = (*task).exec_seq;
        (*header).uid = bpf_get_current_uid_gid() as u32;
        (*header).flags = (*task).flags;
    }
}

/// The same as [`send`] for a record whose header was given its identity before, see [`identify`]; whether it was stored.
///
/// # Safety
///
/// As for [`send`].
#[inline(always)]
pub(crate) unsafe fn send_identified(kind: Kind, record: *mut u8, len: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe { write(kind.index(), kind.number(), record, len) }
}

/// The same as [`send_call`] for a kind by its [`Kind::index`].
///
/// # Safety
///
/// As for [`send`].
#[inline(always)]
pub(crate) unsafe fn send_call_number(kind: u64, who: Tracked, call: Call, record: *mut u8, len: u64) {
    let kind = opaque(kind) as usize;
    if kind < KINDS {
        // SAFETY: the caller's promise; a record begins with room for a header, and the task is a value of the map.
        unsafe {
            identify(who.tid, who.task, record.cast());
            (*record.cast::<Header>()).flags |= call.flags;
            write(kind, KIND_NUMBERS[kind], record, len);
        }
    }
}

/// Completes the header and writes the record, of a kind by its [`Kind::index`], which is below [`KINDS`], and its number; whether it was stored.
///
/// # Safety
///
/// As for [`send_identified`].
#[inline(always)]
unsafe fn write(kind: usize, number: u16, record: *mut u8, len: u64) -> bool {
    let Some(counters) = counters() else { return false };
    // SAFETY: the helper has no precondition.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    // SAFETY: `counters` is this CPU's value; `record` begins with room for a header, as the caller promises.
    unsafe {
        add(&raw mut (*counters).seen[kind]);
        let header = record.cast::<Header>();
        (*header).len = len as u32;
        (*header).kind = number;
        (*header).cpu = bpf_get_smp_processor_id() as u16;
        (*header).seq = add(&raw mut (*counters).seq);
        (*header).time = now;
    }
    let wake = now.wrapping_sub(last_wake()) >= WAKE_NANOSECONDS;
    let flags = if wake { BPF_RB_FORCE_WAKEUP } else { BPF_RB_NO_WAKEUP };
    let ring = (&raw const RING).cast_mut().cast();
    // SAFETY: the map lives as long as the program, and the caller promises `len` bytes.
    let answer = unsafe { bpf_ringbuf_output(ring, record.cast(), len, u64::from(flags)) };
    if answer == 0 {
        if wake {
            woke(now);
        }
        // SAFETY: `counters` is this CPU's value.
        unsafe { add(&raw mut (*counters).stored[kind]) };
        return true;
    }
    let cause = if answer == -EAGAIN { Cause::RingFull } else { Cause::RingRefused };
    // SAFETY: `counters` is this CPU's value.
    unsafe { add(&raw mut (*counters).lost[kind][cause as usize]) };
    debug(kind, cause);
    false
}

/// Says a loss in the log of the kernel half, which only a build with `debug-log` has.
#[cfg(feature = "debug-log")]
#[inline(always)]
fn debug(kind: usize, cause: Cause) {
    struct NoContext;
    impl aya_ebpf::EbpfContext for NoContext {
        fn as_ptr(&self) -> *mut core::ffi::c_void {
            core::ptr::null_mut()
        }
    }
    aya_log_ebpf::debug!(&NoContext, "lost a record, kind {} by place, cause {}", kind as u32, cause as u32);
}

#[cfg(not(feature = "debug-log"))]
#[inline(always)]
const fn debug(_kind: usize, _cause: Cause) {}
