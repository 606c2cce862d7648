//! The life of a process.

use crate::{Text, pod};

/// [`crate::Kind::Fork`], written in the context of the parent; the header describes the parent.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fork {
    /// `start_boottime` of the child, nanoseconds.
    pub child_start: u64,
    /// The flags of clone(2), as the kernel's `task_newtask` tracepoint tells them; the low byte is the exit signal.
    pub clone_flags: u64,
    /// The child's pid in the initial pid namespace.
    pub child_pid: u32,
    /// Zero.
    pub pad: u32,
}
pod!(Fork, 24);

/// A file as the inode tells it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileId {
    /// `inode->i_ino`.
    pub inode: u64,
    /// `inode->i_sb->s_dev`, in the kernel's own encoding (major << 20 | minor).
    pub device: u32,
    /// `inode->i_rdev`, in the kernel's own encoding; the device that a device file stands for.
    pub rdev: u32,
    /// `inode->i_mode`: type and permissions; 0 when the descriptor is closed or could not be read.
    pub mode: u32,
    /// Zero.
    pub pad: u32,
}
pod!(FileId, 24);

/// The namespaces of a process by number, as `/proc/PID/ns` shows them (`ns_common->inum`); 0 where the number could not
/// be read.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Namespaces {
    /// The pid namespace that the process is in, not the one of its children to come.
    pub pid: u32,
    /// The user namespace.
    pub user: u32,
    /// The mount namespace.
    pub mnt: u32,
    /// The network namespace.
    pub net: u32,
}
pod!(Namespaces, 16);

/// [`crate::Kind::Exec`], written once the new image is in place (`sched_process_exec`).
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exec {
    /// The executed file (`mm->exe_file`).
    pub exe: FileId,
    /// What file descriptors 0, 1 and 2 are.
    pub stdio: [FileId; 3],
    /// `task->comm` after the exec.
    pub comm: [u8; 16],
    /// The thread that called execve; differs from the header's `tid` when it was not the leader.
    pub old_tid: u32,
    /// The pid of `real_parent` at the exec.
    pub parent: u32,
    /// Bytes from `mm->arg_start` to `mm->arg_end`, whatever part of them is carried.
    pub argv_bytes: u32,
    /// Variables whose names are carried.
    pub env_count: u32,
    /// The real group id.
    pub gid: u32,
    /// Bits of [`exec_flag`].
    pub flags: u32,
    /// The effective user id (`cred->euid`), initial user namespace; [`Exec::NO_ID`] where it could not be read.
    pub euid: u32,
    /// The effective group id (`cred->egid`), likewise.
    pub egid: u32,
    /// The session (`PIDTYPE_SID`), initial pid namespace; [`Exec::NO_ID`] where it could not be read.
    pub sid: u32,
    /// The process group (`PIDTYPE_PGID`), likewise.
    pub pgid: u32,
    /// The namespaces.
    pub namespaces: Namespaces,
    /// The cgroup of version 2 (`bpf_get_current_cgroup_id`): the inode number of its folder.
    pub cgroup: u64,
    /// The strings, by [`exec_text`].
    pub texts: [Text; exec_text::COUNT],
}
pod!(Exec, 96 + 16 + 24 + 16 + 16 + 8 + 8 * exec_text::COUNT);

impl Exec {
    /// An id that could not be read: `(uid_t) -1`, which names nobody (setresuid(2)).
    pub const NO_ID: u32 = u32::MAX;
}

/// Bits of [`Exec::flags`].
pub mod exec_flag {
    /// The process was not tracked before; its comm made it a candidate at this exec.
    pub const CANDIDATE: u32 = 1;
    /// `cred->cap_permitted` has what `cred->cap_ambient` has not. A process whose real and effective users are not root has
    /// it from the capabilities of the executed file (capabilities(7), "Transformation of capabilities during execve()").
    pub const CAPABLE: u32 = 1 << 1;
}

/// The strings of [`Exec`], in their order on the wire.
pub mod exec_text {
    /// The path that the caller gave to execve (`bprm->filename`).
    pub const FILENAME: usize = 0;
    /// The absolute path of the executed file (`mm->exe_file`).
    pub const EXE: usize = 1;
    /// The working directory.
    pub const CWD: usize = 2;
    /// The path of file descriptor 0; what has none has the kernel's name for it ([`super::super::path_flag::NO_PATH`]), and a
    /// closed descriptor is not asked.
    pub const STDIN: usize = 3;
    /// The path of file descriptor 1, likewise.
    pub const STDOUT: usize = 4;
    /// The path of file descriptor 2, likewise.
    pub const STDERR: usize = 5;
    /// argv, each argument ended by a NUL; of a longer one the first [`crate::limits::ARGV_PART_BYTES`].
    pub const ARGV: usize = 6;
    /// The last [`crate::limits::ARGV_PART_BYTES`] of an argv longer than [`crate::limits::ARGV_BYTES`]; else empty.
    pub const ARGV_TAIL: usize = 7;
    /// The names of the environment, each ended by a NUL. Values never enter the ring. The list is cut when there are
    /// more than [`crate::limits::ENV_NAMES`], or when one is longer than [`crate::limits::ENV_NAME_BYTES`] less one, which it lacks.
    pub const ENV: usize = 8;
    /// How many there are.
    pub const COUNT: usize = 9;
}

/// [`crate::Kind::Exit`], written when the last thread ends.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Exit {
    /// As `wait(2)` encodes it: exit code in bits 8–15, signal in bits 0–6, core dump in bit 7.
    pub status: u32,
    /// Zero.
    pub pad: u32,
}
pod!(Exit, 8);
