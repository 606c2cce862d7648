//! The fields that programs need, and those without which they tell less.

use monitor_common::offsets::PATH_FIELDS;

/// Fields without which a program tells less.
#[derive(Clone, Copy)]
pub(super) struct Wants {
    pub(super) fields: &'static [&'static str],
    /// What is so where one of them is absent.
    pub(super) without: &'static str,
}

/// The fields without which the calls of 64-bit programs are not told from others.
pub(super) const CALL_FIELDS: &[&str] = &["task_struct.thread_info", "thread_info.status"];

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
pub(super) const SOCKET_FIELDS: &[&str] = &[
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

pub(super) const NOTHING: Wants = Wants { fields: &[], without: "" };

/// Where the kernel's paths are not told, what was asked for is.
pub(super) const PATHS: Wants = Wants { fields: PATH_FIELDS, without: "paths unresolved" };

/// As [`PATHS`], with the file that a process executes.
pub(super) const PATHS_OF_EXEC: Wants = Wants {
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
pub(super) const IO_URING_FIELDS: &[&str] = path_fields!(
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

/// The fields without which the end of a process is not told from that of one of its threads.
pub(super) const EXIT_FIELDS: &[&str] = &[
    "task_struct.signal",
    "signal_struct.live",
    "signal_struct.flags",
    "signal_struct.group_exit_code",
    "task_struct.exit_code",
    "task_struct.group_leader",
];

/// As [`CALL_FIELDS`], of calls that have descriptors.
pub(super) const DESCRIPTORS_OF_CALLS: &[&str] = &[
    "task_struct.files",
    "files_struct.fdt",
    "fdtable.max_fds",
    "fdtable.fd",
    "task_struct.thread_info",
    "thread_info.status",
];

pub(super) use path_fields;
