//! The life of a process: fork and exit.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `sched_process_fork(struct task_struct *parent, struct task_struct *child)` |
//! | when | in the parent, before the child runs for the first time |
//! | hook | BTF tracepoint `sched_process_exit(struct task_struct *p, …)` |
//! | when | in each thread that ends, after it was taken off `signal->live` |
//!
//! Blind spots: a process that was forked before its parent was tracked is not tracked. When the map of threads is
//! full, a new thread is not tracked, which is counted as [`Fault::TaskMapFull`].

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind,
    body::{Exit, Fork},
    counters::Fault,
    task::Task,
};

use crate::{
    emit,
    globals::offset,
    maps::TASKS,
    read::Typed,
    task::{start_of, tid, tracked},
};

/// `SIGNAL_GROUP_EXIT` (linux/sched/signal.h): the process ends as a whole, with `group_exit_code`.
const SIGNAL_GROUP_EXIT: u32 = 4;

/// A record with the body of type `T` and no strings.
#[repr(C)]
struct Short<T> {
    header: Header,
    body: T,
}

/// Tracks the child of a tracked thread from its first instruction, and records it when it is a process.
#[btf_tracepoint(function = "sched_process_fork")]
pub(crate) fn sched_process_fork(ctx: BtfTracePointContext) -> i32 {
    let Some(parent) = tracked() else { return 0 };
    // SAFETY: the verifier knows the type of the tracepoint's arguments.
    let child = unsafe { Typed::new(ctx.arg(1)) };
    let child_tid: u32 = child.load(offset!(task_pid), 0);
    let child_pid: u32 = child.load(offset!(task_tgid), 0);
    // SAFETY: the pointer is to a value of the map, which the current thread keeps there.
    let mut task: Task = unsafe { *parent.task };
    task.secure_name = 0;
    let process = child_pid != task.pid;
    if process {
        task.start = start_of(child);
        task.pid = child_pid;
        task.exec_seq = 0;
    }
    if TASKS.insert(child_tid, task, 0).is_err() {
        emit::fault(Fault::TaskMapFull);
    }
    if process {
        let mut record = Short { header: Header::default(), body: Fork { child_start: task.start, child_pid, pad: 0 } };
        // SAFETY: the record is whole and on the stack; the task is a value of the map.
        unsafe {
            emit::send(Kind::Fork, parent.tid, parent.task, (&raw mut record).cast(), size_of::<Short<Fork>>() as u64);
        }
    }
    0
}

/// Forgets a thread that ends, and records the end of the process with its last thread.
///
/// Two last threads can both find `signal->live` at 0; the one that removes the leader's entry records the end.
#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    // The threads of a group of which only some are tracked end here as well: nothing of theirs is in the map.
    let Some(who) = tracked() else { return 0 };
    // SAFETY: the pointer is to a value of the map, which the current thread keeps there.
    let task: Task = unsafe { *who.task };
    if who.tid != task.pid {
        // The thread is in the map, and nothing else removes it; a failure would say that userspace did.
        let _gone = TASKS.remove(who.tid);
    }
    // SAFETY: the verifier knows the type of the tracepoint's first argument.
    let thread = unsafe { Typed::new(ctx.arg(0)) };
    let signal = thread.follow(offset!(task_signal));
    let live: u32 = signal.load(offset!(signal_live), 0);
    if live != 0 || TASKS.remove(task.pid).is_err() {
        return 0;
    }
    let flags: u32 = signal.load(offset!(signal_flags), 0);
    let status = if flags & SIGNAL_GROUP_EXIT != 0 {
        signal.load(offset!(signal_group_exit_code), 0)
    } else {
        thread.follow(offset!(task_group_leader)).load(offset!(task_exit_code), 0)
    };
    let mut record = Short { header: Header::default(), body: Exit { status, pad: 0 } };
    // SAFETY: the record and the copy of the task are whole and on the stack.
    unsafe {
        emit::send(Kind::Exit, tid(), &raw const task, (&raw mut record).cast(), size_of::<Short<Exit>>() as u64);
    }
    0
}
