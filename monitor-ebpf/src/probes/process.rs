//! The life of a process: fork and exit.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `task_newtask(struct task_struct *task, u64 clone_flags)` |
//! | when | in the parent, before the child runs for the first time; also for threads, and for the workers of io_uring |
//! | hook | BTF tracepoint `sched_process_exit(struct task_struct *p, …)` |
//! | when | in each thread that ends, after it was taken off `signal->live` |
//!
//! Blind spots: a process that was forked before its parent was tracked is not tracked. When the map of threads is
//! full, a new thread is not tracked, which is counted as [`Fault::TaskMapFull`]; of a process whose leader was refused
//! the end is not recorded either.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind,
    body::{Exit, Fork},
    counters::Fault,
    syscall::{KIND_OF, NUMBERS},
    task::{Task, call},
};

use crate::{
    emit,
    globals::offset,
    maps::{ENDED, TASKS},
    probes::traffic::burst,
    read::{Structure as _, Typed, opaque},
    repeats::{self, Occasion},
    task::{pid, start_of, tid, tracked},
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
#[btf_tracepoint(function = "task_newtask")]
pub(crate) fn task_newtask(ctx: BtfTracePointContext) -> i32 {
    // SAFETY: the verifier knows the type of the tracepoint's arguments.
    let child = unsafe { Typed::new(ctx.arg(0)) }.fetched();
    let child_tid: u32 = child.load(offset!(task_pid), 0);
    let Some(parent) = tracked() else {
        // An entry of this id is of a thread that had ended before userspace put it there.
        forget(child_tid);
        if ENDED.get_ptr(child_tid).is_some() {
            // The number is given anew, to a process outside. Only another CPU can have been faster.
            let _gone = ENDED.remove(child_tid);
        }
        return 0;
    };
    let child_pid: u32 = child.load(offset!(task_tgid), 0);
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    let mut task: Task = unsafe { *parent.task };
    task.secure_name = 0;
    task.call = call::UNKNOWN;
    task.bursts = 0;
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
        let mut record = Short {
            header: Header::default(),
            body: Fork { child_start: task.start, clone_flags: ctx.arg(1), child_pid, pad: 0 },
        };
        // SAFETY: the record is whole and on the stack; the task is a value of the map.
        unsafe {
            emit::send(Kind::Fork, parent.tid, parent.task, (&raw mut record).cast(), size_of::<Short<Fork>>() as u64);
        }
    }
    0
}

/// Removes the entry of a thread, where there is one: most threads of a machine have none, and finding that out takes
/// no lock, as removing does.
#[inline(always)]
fn forget(tid: u32) {
    if TASKS.get_ptr(tid).is_some() {
        // Only userspace can have been faster, and then it is done.
        let _gone = TASKS.remove(tid);
    }
}

/// Forgets a thread that ends, and records the end of the process with its last thread.
///
/// The last thread need not be tracked itself: workers of io_uring are threads that no fork tells of, and a full map
/// refuses new ones. So the end of a process hangs on the leader's entry alone. Two last threads can both find
/// `signal->live` at 0; the one that removes the leader's entry records the end.
#[btf_tracepoint(function = "sched_process_exit")]
pub(crate) fn sched_process_exit(ctx: BtfTracePointContext) -> i32 {
    let (tid, pid) = (tid(), pid());
    if let Some(task) = TASKS.get_ptr(tid) {
        // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
        let (state, bursts) = unsafe { ((*task).call, (*task).bursts) };
        if state >= call::FIRST {
            // The verifier has to see the bound at the look-up.
            let number = opaque(u64::from(state - call::FIRST)) as usize & (NUMBERS - 1);
            emit::unfinished(u64::from(KIND_OF[number]));
        }
        burst::end_all(tid, bursts);
    }
    if tid != pid {
        forget(tid);
    }
    // SAFETY: the verifier knows the type of the tracepoint's first argument.
    let thread = unsafe { Typed::new(ctx.arg(0)) }.fetched();
    let signal = thread.follow(offset!(task_signal));
    let live: u32 = signal.load(offset!(signal_live), 0);
    if live != 0 {
        return 0;
    }
    let Some(leader) = TASKS.get_ptr(pid) else { return 0 };
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    let mut task: Task = unsafe { *leader };
    if TASKS.remove(pid).is_err() {
        return 0;
    }
    // A full map forgets another one; see `monitor_common::limits::ENDED`.
    let _noted = ENDED.insert(pid, task.root, 0);
    if task.start == 0 {
        // The leader was tracked when it ran already, and has done nothing since that would have filled it in.
        task.start = start_of(thread);
    }
    repeats::end(pid, Occasion::Ends);
    let flags: u32 = signal.load(offset!(signal_flags), 0);
    let status = if flags & SIGNAL_GROUP_EXIT != 0 {
        signal.load(offset!(signal_group_exit_code), 0)
    } else {
        thread.follow(offset!(task_group_leader)).load(offset!(task_exit_code), 0)
    };
    let mut record = Short { header: Header::default(), body: Exit { status, pad: 0 } };
    // SAFETY: the record and the copy of the task are whole and on the stack.
    unsafe {
        emit::send(Kind::Exit, tid, &raw const task, (&raw mut record).cast(), size_of::<Short<Exit>>() as u64);
    }
    0
}
