//! What each program hooks, what is not seen without it, and which fields it needs.

use monitor_common::programs::{exec_part, family, io_uring_part};

use super::needs::{
    CALL_FIELDS, DESCRIPTORS_OF_CALLS, EXIT_FIELDS, IO_URING_FIELDS, NOTHING, PATHS, PATHS_OF_EXEC, SOCKET_FIELDS,
    Wants, path_fields,
};
use crate::source::kernel::bursts;

/// How a program comes to run.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// It is attached to its tracepoint.
    Attach,
    /// Another program calls it from a place of a map of programs.
    Call { map: &'static str, at: u32 },
    /// Userspace runs it; it is on no tracepoint.
    Run,
}

/// One program on a tracepoint.
pub(super) struct Spec {
    /// The name of its function.
    pub(super) program: &'static str,
    pub(super) tracepoint: &'static str,
    /// What is not seen without it.
    pub(super) feature: &'static str,
    pub(super) role: Role,
    /// The fields without which what it gives would be zeroes, or wrong: whether a call is a 32-bit one decides what its
    /// number means.
    pub(super) needs: &'static [&'static str],
    /// What it goes on without, telling less.
    pub(super) wants: Wants,
}

const EXEC: &str = "sched_process_exec";
const CALLS: &str = "sys_exit";
const CHANGES: &str = "readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate";
const FILES_OF_CALLS: &str = "readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate; attention that names a file or has a string";

/// The tracepoint on which a request is submitted to an io_uring, and that before Linux 6.3.
pub(in crate::source::kernel) const IO_URING_SUBMISSIONS: [&str; 2] = ["io_uring_submit_req", "io_uring_submit_sqe"];
const IO_URING_SUBMIT: &str = IO_URING_SUBMISSIONS[0];
const IO_URING: &str = "requests to an io_uring that name a file or an address";

/// A program that is attached to the tracepoint of its name.
const fn attached(program: &'static str, feature: &'static str) -> Spec {
    Spec { program, tracepoint: program, feature, role: Role::Attach, needs: &[], wants: NOTHING }
}

/// A program that records calls that have returned, by the place of its family or part.
const fn call(program: &'static str, feature: &'static str, at: u32) -> Spec {
    attached(program, feature).on(CALLS).called("CALL_PROGRAMS", at)
}

/// A program that adds a part to the record of an exec.
const fn part_of_exec(program: &'static str, feature: &'static str, at: u32) -> Spec {
    attached(program, feature).on(EXEC).called("EXEC_PROGRAMS", at)
}

/// A program that adds a part to the record of a request to an io_uring.
const fn part_of_request(program: &'static str, feature: &'static str, at: u32) -> Spec {
    attached(program, feature).on(IO_URING_SUBMIT).called("IO_URING_PROGRAMS", at)
}

/// A program that userspace runs.
const fn run(program: &'static str, feature: &'static str) -> Spec {
    Spec { role: Role::Run, ..attached(program, feature).on(CALLS) }
}

impl Spec {
    const fn on(self, tracepoint: &'static str) -> Self {
        Self { tracepoint, ..self }
    }

    const fn called(self, map: &'static str, at: u32) -> Self {
        Self { role: Role::Call { map, at }, ..self }
    }

    const fn needs(self, needs: &'static [&'static str]) -> Self {
        Self { needs, ..self }
    }

    const fn wants(self, wants: Wants) -> Self {
        Self { wants, ..self }
    }
}

/// Every program on a tracepoint. What is called stands before what calls it, and exec comes last: a candidate is
/// tracked from its exec, when everything else must be in place.
pub(super) const PROGRAMS: &[Spec] = &[
    attached("sched_process_exit", "exit").needs(EXIT_FIELDS),
    attached("task_newtask", "fork").needs(&["task_struct.pid", "task_struct.tgid"]),
    call("exit_open", "open", family::OPEN).needs(CALL_FIELDS).wants(PATHS),
    call("exit_paths_file", FILES_OF_CALLS, family::PATHS_FILE).needs(CALL_FIELDS).wants(PATHS),
    call("exit_paths", CHANGES, family::PATHS).needs(CALL_FIELDS).wants(PATHS),
    call("stat_first", "stat", family::STAT_FIRST).wants(PATHS),
    call("stat_long", "stat of paths of over 256 bytes", family::STAT_LONG),
    call("exit_stat", "stat", family::STAT).needs(CALL_FIELDS).wants(PATHS),
    call("flush_stat", "stat: repeats told before what is sent", family::STAT_FLUSH),
    call("exit_connect", "connect", family::CONNECT).needs(CALL_FIELDS),
    call("exit_socket", "bind, listen, accept", family::SOCKET).needs(SOCKET_FIELDS),
    call("exit_dns", "dns", family::DNS).needs(SOCKET_FIELDS),
    call("exit_name", "name: server name, Host, CONNECT", family::NAME).needs(SOCKET_FIELDS),
    // Without its protocol a socket would be taken for one of interfaces and routes.
    call("exit_netlink", "metadata: what is asked over netlink", family::NETLINK).needs(&["sock.sk_protocol"]),
    call("exit_send", "traffic: sent", family::SEND).needs(SOCKET_FIELDS),
    call("exit_receive", "traffic: received", family::RECEIVE).needs(SOCKET_FIELDS),
    call("sum_messages", "traffic: sendmmsg, recvmmsg", family::MESSAGES_SUM).needs(SOCKET_FIELDS),
    call("exit_messages", "traffic: sendmmsg, recvmmsg", family::MESSAGES).needs(SOCKET_FIELDS),
    run(bursts::PROGRAM, "traffic: bursts that rest, and the last ones"),
    call("exit_identity", "identity: sessions, groups, credentials, filters", family::IDENTITY).needs(CALL_FIELDS),
    call("exit_metadata", "metadata", family::METADATA).needs(CALL_FIELDS),
    call("exit_attention", "attention", family::ATTENTION).needs(DESCRIPTORS_OF_CALLS).wants(PATHS),
    part_of_request("io_uring_file", IO_URING, io_uring_part::FILE).needs(IO_URING_FIELDS),
    attached("io_uring_submit", IO_URING).on(IO_URING_SUBMIT).needs(IO_URING_FIELDS),
    attached("sys_enter", "entry of calls: what seccomp answered, what has not returned, how long a call took"),
    attached("sys_exit", "every system call"),
    part_of_exec("exec_repeats", "stat: repeats told before the next image", exec_part::REPEATS),
    part_of_exec("exec_paths", "exec: paths", exec_part::PATHS).needs(path_fields!("dentry.d_hash")),
    part_of_exec("exec_argv", "exec: argv", exec_part::ARGV).needs(&[
        "task_struct.mm",
        "mm_struct.arg_start",
        "mm_struct.arg_end",
    ]),
    part_of_exec("exec_env", "exec: names of the environment", exec_part::ENV).needs(&[
        "task_struct.mm",
        "mm_struct.env_start",
        "mm_struct.env_end",
    ]),
    part_of_exec("exec_send", "exec", exec_part::SEND),
    attached("sched_process_exec", "exec").needs(&["linux_binprm.filename"]).wants(PATHS_OF_EXEC),
];
