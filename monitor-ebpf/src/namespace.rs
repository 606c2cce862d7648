//! Namespaces by number, and the pids of sessions and groups.
//!
//! A field that this kernel's BTF lacks gives 0 for a namespace, which is the number of none, and [`Exec::NO_ID`] for a
//! session or group: those of the kernel's own threads, and of a first process that never called setsid(2), are 0.

use monitor_common::body::Exec;

use crate::{
    globals::offset,
    read::{Structure, kernel, within},
};

/// Places in `signal_struct.pids` (`enum pid_type`, linux/pid_types.h).
const PIDTYPE_PGID: u32 = 2;
const PIDTYPE_SID: u32 = 3;

/// The number of a `struct pid` in the initial pid namespace, which is its first; `unknown` where there is none.
#[inline(always)]
pub(crate) fn initial_number(pid: u64, unknown: u32) -> u32 {
    if pid == 0 {
        return unknown;
    }
    kernel(pid, within(offset!(pid_numbers), offset!(upid_nr)), unknown)
}

#[inline(always)]
fn of_type(thread: impl Structure, place: u32) -> u32 {
    let pid = thread.follow(offset!(task_signal)).load(within(offset!(signal_pids), place * 8), 0);
    initial_number(pid, Exec::NO_ID)
}

/// The process group of a thread.
#[inline(always)]
pub(crate) fn group_of(thread: impl Structure) -> u32 {
    of_type(thread, PIDTYPE_PGID)
}

/// The session of a thread.
#[inline(always)]
pub(crate) fn session_of(thread: impl Structure) -> u32 {
    of_type(thread, PIDTYPE_SID)
}

/// The level of a thread's pid namespace: 0 for the initial one.
#[inline(always)]
pub(crate) fn level(thread: impl Structure) -> u32 {
    thread.follow(offset!(task_thread_pid)).load(offset!(pid_level), 0)
}

/// The `struct pid_namespace` that a thread is in, by address; 0 where it cannot be read.
#[inline(always)]
pub(crate) fn pid_namespace(thread: impl Structure) -> u64 {
    let pid = thread.follow(offset!(task_thread_pid));
    let (level, namespace) = (pid.load(offset!(pid_level), 0u32), offset!(upid_ns));
    // `struct upid` ends with the pointer to the namespace.
    let stride = u64::from(namespace.wrapping_add(8));
    kernel(pid.address() + u64::from(level) * stride, within(offset!(pid_numbers), namespace), 0)
}

/// The number of the pid namespace that a thread is in.
#[inline(always)]
pub(crate) fn pid(thread: impl Structure) -> u32 {
    let namespace = pid_namespace(thread);
    kernel(namespace, within(offset!(pid_namespace_common), offset!(ns_common_number)), 0)
}

/// The number of the user namespace of credentials.
#[inline(always)]
pub(crate) fn user(cred: impl Structure) -> u32 {
    let common = within(offset!(user_namespace_common), offset!(ns_common_number));
    cred.follow(offset!(cred_user_ns)).load(common, 0)
}

/// The number of the mount namespace of a thread.
#[inline(always)]
pub(crate) fn mount(thread: impl Structure) -> u32 {
    let common = within(offset!(mnt_namespace_common), offset!(ns_common_number));
    thread.follow(offset!(task_nsproxy)).follow(offset!(nsproxy_mnt)).load(common, 0)
}

/// The number of the network namespace of a thread.
#[inline(always)]
pub(crate) fn network(thread: impl Structure) -> u32 {
    let common = within(offset!(net_common), offset!(ns_common_number));
    thread.follow(offset!(task_nsproxy)).follow(offset!(nsproxy_net)).load(common, 0)
}
