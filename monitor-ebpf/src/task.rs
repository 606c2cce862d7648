//! Who runs, and whether it is tracked.

use aya_ebpf::helpers::bpf_get_current_pid_tgid;
use monitor_common::task::Task;

use crate::{
    globals::offset,
    maps::TASKS,
    read::{Structure, Typed, kernel},
};

/// The current thread, which is tracked.
#[derive(Clone, Copy)]
pub(crate) struct Tracked {
    /// Its id in the initial pid namespace.
    pub(crate) tid: u32,
    /// Its `task_struct`.
    pub(crate) thread: Typed,
    /// Its value in `TASKS`, which stays readable and writable memory of the map whatever happens. The kernel half
    /// changes it only in programs of the thread itself. But userspace can stop tracking the thread at any time, and the
    /// map then gives the memory to the next new entry: what a program that was under way writes there ends up in the
    /// other entry. Such programs are done within microseconds, and up to Linux 6.18 run with preemption off; one that can be preempted
    /// or sleep must use [`tracked_copy`].
    pub(crate) task: *mut Task,
}

/// The current thread's id in the initial pid namespace.
#[inline(always)]
pub(crate) fn tid() -> u32 {
    bpf_get_current_pid_tgid() as u32
}

/// The current thread's process, in the initial pid namespace.
#[inline(always)]
pub(crate) fn pid() -> u32 {
    (bpf_get_current_pid_tgid() >> 32) as u32
}

/// The current thread's `task_struct`.
#[inline(always)]
pub(crate) fn current() -> Typed {
    Typed::current()
}

/// The start of a thread's process, nanoseconds of `CLOCK_BOOTTIME`; 0 where this kernel's offset is unknown.
#[inline(always)]
pub(crate) fn start_of(thread: impl Structure) -> u64 {
    thread.follow(offset!(task_group_leader)).load(offset!(task_start_boottime), 0)
}

/// The current thread, when it is tracked.
#[inline(always)]
pub(crate) fn tracked() -> Option<Tracked> {
    let tid = tid();
    let task = TASKS.get_ptr_mut(tid)?;
    let thread = current();
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    unsafe {
        if (*task).start == 0 {
            (*task).start = start_of(thread);
        }
    }
    Some(Tracked { tid, thread, task })
}

/// The current thread and a copy of its value in `TASKS`, when it is tracked; for programs that can be preempted.
#[inline(always)]
pub(crate) fn tracked_copy() -> Option<(u32, Task)> {
    let tid = tid();
    let task = TASKS.get_ptr(tid)?;
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    let mut task: Task = unsafe { *task };
    // Of another process: userspace has removed the entry since it was found, and its memory was given to another one.
    if task.pid != pid() {
        return None;
    }
    if task.start == 0 {
        task.start = start_of(current().fetched());
    }
    Some((tid, task))
}

/// The `struct file` behind a descriptor of a thread, by address; 0 when there is none.
#[inline(always)]
pub(crate) fn file(thread: impl Structure, descriptor: u32) -> u64 {
    file_in(table(thread), descriptor)
}

/// The `struct fdtable` of a thread.
#[inline(always)]
pub(crate) fn table<S: Structure>(thread: S) -> S {
    thread.follow(offset!(task_files)).follow(offset!(files_fdt))
}

/// The `struct file` behind a descriptor in a `struct fdtable`, by address; 0 when there is none.
#[inline(always)]
pub(crate) fn file_in(table: impl Structure, descriptor: u32) -> u64 {
    let count: u32 = table.load(offset!(fdt_max_fds), 0);
    let files: u64 = table.load(offset!(fdt_fd), 0);
    if descriptor >= count {
        return 0;
    }
    kernel(files.wrapping_add(u64::from(descriptor) * 8), 0, 0)
}
