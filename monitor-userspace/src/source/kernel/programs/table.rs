//! What each program hooks, what is not seen without it, and which fields it needs.

use monitor_common::{
    offsets::PATH_FIELDS,
    programs::{exec_part, family, io_uring_part},
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

/// Fields without which a program tells less.
pub(super) struct Wants {
    pub(super) fields: &'static [&'static str],
    /// What is so where one of them is absent.
    pub(super) without: &'static str,
}

/// The fields without which the calls of 64-bit programs are not told from others.
const CALL_FIELDS: &[&str] = &["task_struct.thread_info", "thread_info.status"];

const EXEC: &str = "sched_process_exec";
const CALLS: &str = "sys_exit";
const CHANGES: &str = "readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate";
const FILES_OF_CALLS: &str = "readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate; attention that names a file or has a string";

/// The fields that the walk to a path needs.
macro_rules! path_fields {
    ($($more:literal),*) => {
        &[
            "task_struct.fs", "fs_struct.root", "file.f_path", "path.mnt", "path.dentry", "dentry.d_parent",
            "dentry.d_name", "qstr.len", "qstr.name", "vfsmount.mnt_root", "mount.mnt", "mount.mnt_parent",
            "mount.mnt_mountpoint", $($more),*
        ]
    };
}

/// The fields without which a descriptor has no socket.
const SOCKET_FIELDS: &[&str] = &[
    "task_struct.files",
    "files_struct.fdt",
    "fdtable.max_fds",
    "fdtable.fd",
    "file.f_inode",
    "file.private_data",
    "inode.i_mode",
    "inode.i_ino",
    "socket.sk",
    "socket.type",
    "task_struct.thread_info",
    "thread_info.status",
];

const NOTHING: Wants = Wants { fields: &[], without: "" };

/// Where the kernel's paths are not told, what was asked for is.
const PATHS: Wants = Wants { fields: PATH_FIELDS, without: "paths unresolved" };

/// As [`PATHS`], with the file that a process executes.
const PATHS_OF_EXEC: Wants = Wants {
    fields: path_fields!(
        "task_struct.mm",
        "mm_struct.exe_file",
        "fs_struct.pwd",
        "dentry.d_hash",
        "task_struct.files",
        "files_struct.fdt",
        "fdtable.max_fds",
        "fdtable.fd"
    ),
    ..PATHS
};

/// The fields that a request to an io_uring needs; those of single operations switch off only these.
const IO_URING_FIELDS: &[&str] = path_fields!(
    "task_struct.files",
    "files_struct.fdt",
    "fdtable.max_fds",
    "fdtable.fd",
    "fs_struct.pwd",
    "dentry.d_hash",
    "io_uring_submit.request",
    "io_kiocb.file",
    "io_kiocb.opcode",
    "filename.name",
    "io_open.dfd",
    "io_open.filename",
    "io_connect.addr",
    "io_connect.addr_len"
);

/// The tracepoint on which a request is submitted to an io_uring, and that before Linux 6.3.
pub(in crate::source::kernel) const IO_URING_SUBMISSIONS: [&str; 2] = ["io_uring_submit_req", "io_uring_submit_sqe"];
const IO_URING_SUBMIT: &str = IO_URING_SUBMISSIONS[0];
const IO_URING: &str = "requests to an io_uring that name a file or an address";

/// Every program on a tracepoint. What is called stands before what calls it, and exec comes last: a candidate is
/// tracked from its exec, when everything else must be in place.
pub(super) const PROGRAMS: &[Spec] = &[
    Spec {
        program: "sched_process_exit",
        tracepoint: "sched_process_exit",
        feature: "exit",
        role: Role::Attach,
        needs: &[
            "task_struct.signal",
            "signal_struct.live",
            "signal_struct.flags",
            "signal_struct.group_exit_code",
            "task_struct.exit_code",
            "task_struct.group_leader",
        ],
        wants: NOTHING,
    },
    Spec {
        program: "task_newtask",
        tracepoint: "task_newtask",
        feature: "fork",
        role: Role::Attach,
        needs: &["task_struct.pid", "task_struct.tgid"],
        wants: NOTHING,
    },
    Spec {
        program: "exit_open",
        tracepoint: CALLS,
        feature: "open",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::OPEN },
        needs: CALL_FIELDS,
        wants: PATHS,
    },
    Spec {
        program: "exit_paths_file",
        tracepoint: CALLS,
        feature: FILES_OF_CALLS,
        role: Role::Call { map: "CALL_PROGRAMS", at: family::PATHS_FILE },
        needs: CALL_FIELDS,
        wants: PATHS,
    },
    Spec {
        program: "exit_paths",
        tracepoint: CALLS,
        feature: CHANGES,
        role: Role::Call { map: "CALL_PROGRAMS", at: family::PATHS },
        needs: CALL_FIELDS,
        wants: PATHS,
    },
    Spec {
        program: "stat_first",
        tracepoint: CALLS,
        feature: "stat",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::STAT_FIRST },
        needs: &[],
        wants: PATHS,
    },
    Spec {
        program: "stat_long",
        tracepoint: CALLS,
        feature: "stat of paths of over 256 bytes",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::STAT_LONG },
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "exit_stat",
        tracepoint: CALLS,
        feature: "stat",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::STAT },
        needs: CALL_FIELDS,
        wants: PATHS,
    },
    Spec {
        program: "flush_stat",
        tracepoint: CALLS,
        feature: "stat: repeats told before what is sent",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::STAT_FLUSH },
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "exit_connect",
        tracepoint: CALLS,
        feature: "connect",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::CONNECT },
        needs: CALL_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_socket",
        tracepoint: CALLS,
        feature: "bind, listen, accept",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::SOCKET },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_dns",
        tracepoint: CALLS,
        feature: "dns",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::DNS },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_name",
        tracepoint: CALLS,
        feature: "name: server name, Host, CONNECT",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::NAME },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_netlink",
        tracepoint: CALLS,
        feature: "metadata: what is asked over netlink",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::NETLINK },
        // Without its protocol a socket would be taken for one of interfaces and routes.
        needs: &["sock.sk_protocol"],
        wants: NOTHING,
    },
    Spec {
        program: "exit_send",
        tracepoint: CALLS,
        feature: "traffic: sent",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::SEND },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_receive",
        tracepoint: CALLS,
        feature: "traffic: received",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::RECEIVE },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "sum_messages",
        tracepoint: CALLS,
        feature: "traffic: sendmmsg, recvmmsg",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::MESSAGES_SUM },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_messages",
        tracepoint: CALLS,
        feature: "traffic: sendmmsg, recvmmsg",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::MESSAGES },
        needs: SOCKET_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: bursts::PROGRAM,
        tracepoint: CALLS,
        feature: "traffic: bursts that rest, and the last ones",
        role: Role::Run,
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "exit_identity",
        tracepoint: CALLS,
        feature: "identity: sessions, groups, credentials, filters",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::IDENTITY },
        needs: CALL_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_metadata",
        tracepoint: CALLS,
        feature: "metadata",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::METADATA },
        needs: CALL_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "exit_attention",
        tracepoint: CALLS,
        feature: "attention",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::ATTENTION },
        needs: &[
            "task_struct.files",
            "files_struct.fdt",
            "fdtable.max_fds",
            "fdtable.fd",
            "task_struct.thread_info",
            "thread_info.status",
        ],
        wants: PATHS,
    },
    Spec {
        program: "io_uring_file",
        tracepoint: IO_URING_SUBMIT,
        feature: IO_URING,
        role: Role::Call { map: "IO_URING_PROGRAMS", at: io_uring_part::FILE },
        needs: IO_URING_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "io_uring_submit",
        tracepoint: IO_URING_SUBMIT,
        feature: IO_URING,
        role: Role::Attach,
        needs: IO_URING_FIELDS,
        wants: NOTHING,
    },
    Spec {
        program: "sys_enter",
        tracepoint: "sys_enter",
        feature: "entry of calls: what seccomp answered, what has not returned, how long a call took",
        role: Role::Attach,
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "sys_exit",
        tracepoint: CALLS,
        feature: "every system call",
        role: Role::Attach,
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "exec_repeats",
        tracepoint: EXEC,
        feature: "stat: repeats told before the next image",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::REPEATS },
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "exec_paths",
        tracepoint: EXEC,
        feature: "exec: paths",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::PATHS },
        needs: path_fields!("dentry.d_hash"),
        wants: NOTHING,
    },
    Spec {
        program: "exec_argv",
        tracepoint: EXEC,
        feature: "exec: argv",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::ARGV },
        needs: &["task_struct.mm", "mm_struct.arg_start", "mm_struct.arg_end"],
        wants: NOTHING,
    },
    Spec {
        program: "exec_env",
        tracepoint: EXEC,
        feature: "exec: names of the environment",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::ENV },
        needs: &["task_struct.mm", "mm_struct.env_start", "mm_struct.env_end"],
        wants: NOTHING,
    },
    Spec {
        program: "exec_send",
        tracepoint: EXEC,
        feature: "exec",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::SEND },
        needs: &[],
        wants: NOTHING,
    },
    Spec {
        program: "sched_process_exec",
        tracepoint: EXEC,
        feature: "exec",
        role: Role::Attach,
        needs: &["linux_binprm.filename"],
        wants: PATHS_OF_EXEC,
    },
];
