//! Whom a signal goes to: a process of the sender's tree, or another one.
//!
//! A process of the tree is in `TASKS` while it lives, and in `ENDED` afterwards: a signal can still be sent to it while
//! nobody has waited for it, and to the group that it led as long as that has members. While it is in use as either,
//! the kernel gives the number to no new process; when it does, `task_newtask` forgets it.
//!
//! In a pid namespace of its own a process can send signals to none outside it, and numbers mean others than here. So
//! there the namespace's first process decides.

use monitor_common::syscall::{
    KILL, PIDFD_GETFD, PIDFD_SEND_SIGNAL, RT_SIGQUEUEINFO, RT_TGSIGQUEUEINFO, TGKILL, TKILL, regs,
};

use crate::{
    globals::offset,
    maps::{ENDED, TASKS},
    namespace,
    probes::syscall::Call,
    read::kernel,
    task::{Tracked, file},
};

/// `PID_FS_MAGIC` and `ANON_INODE_FS_MAGIC` (linux/magic.h): the file systems of pidfds, since Linux 6.9 and before.
const PIDFS: u64 = 0x5049_4446;
const ANONYMOUS: u64 = 0x0904_1934;
/// `EPERM` and `ESRCH` (asm-generic/errno-base.h): the calls that take a pidfd fail so only once they know that it is one.
const EPERM: i64 = 1;
const ESRCH: i64 = 3;

/// Whether a call sends a signal.
#[inline(always)]
pub(super) const fn is_signal(number: u64) -> bool {
    matches!(number, KILL | TKILL | TGKILL | RT_SIGQUEUEINFO | RT_TGSIGQUEUEINFO | PIDFD_SEND_SIGNAL)
}

/// Whether a call takes a pidfd first.
#[inline(always)]
pub(super) const fn takes_pidfd(number: u64) -> bool {
    number == PIDFD_SEND_SIGNAL || number == PIDFD_GETFD
}

/// The process behind a pidfd, initial pid namespace; 0 where the descriptor is none, or the folder of a process in /proc.
#[inline(always)]
pub(super) fn of_pidfd(call: Call, who: Tracked) -> u32 {
    let known = call.result >= 0 || call.result == -EPERM || call.result == -ESRCH;
    let file = file(who.thread.fetched(), call.register(regs::DI) as u32);
    let inode: u64 = kernel(file, offset!(file_inode), 0);
    let superblock: u64 = kernel(inode, offset!(inode_superblock), 0);
    let magic: u64 = kernel(superblock, offset!(superblock_magic), 0);
    let pid: u64 = if magic == PIDFS {
        kernel(inode, offset!(inode_private), 0)
    } else if magic == ANONYMOUS && known {
        kernel(file, offset!(file_private_data), 0)
    } else {
        0
    };
    namespace::initial_number(pid, 0)
}

/// Whether a signal goes to a process outside the tree of the sender; `target` is what [`of_pidfd`] gave.
#[inline(always)]
pub(super) fn leaves_tree(call: Call, who: Tracked, target: u32) -> bool {
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    let root = unsafe { (*who.task).root };
    if target != 0 {
        return !is_inside(target, root);
    }
    if namespace::level(who.thread.fetched()) != 0 {
        let first: u64 = kernel(namespace::pid_namespace(who.thread.fetched()), offset!(pid_namespace_reaper), 0);
        return !is_inside(kernel(first, offset!(task_tgid), 0), root);
    }
    let target = call.register(regs::DI) as i32;
    match target {
        // The own group (kill(2)).
        0 => !is_inside(namespace::group_of(who.thread.fetched()), root),
        // Every process.
        -1 => true,
        _ => !is_inside(target.unsigned_abs(), root),
    }
}

/// Whether a process, or the group that it led, is of the tree with this root.
#[inline(always)]
fn is_inside(pid: u32, root: u32) -> bool {
    if let Some(task) = TASKS.get_ptr(pid) {
        // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
        return unsafe { (*task).root } == root;
    }
    match ENDED.get_ptr(pid) {
        // SAFETY: as above.
        Some(of) => unsafe { *of == root },
        None => false,
    }
}
