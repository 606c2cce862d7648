//! Calls that deserve attention: they reach into other processes, into the kernel, or change what the machine looks like.

use super::{Syscall, paths::Named, shape::Shape};
use crate::{Kind, programs::family};

/// `kill(pid_t pid, int signal)`.
pub const KILL: u64 = 62;
/// `ptrace(long request, long pid, unsigned long address, unsigned long data)`.
pub const PTRACE: u64 = 101;
/// `rt_sigqueueinfo(pid_t pid, int signal, siginfo_t *info)`.
pub const RT_SIGQUEUEINFO: u64 = 129;
/// `reboot(int magic1, int magic2, unsigned int command, void *argument)`.
pub const REBOOT: u64 = 169;
/// `mount(char *source, char *target, char *type, unsigned long flags, void *data)`.
pub const MOUNT: u64 = 165;
/// `umount2(char *target, int flags)`.
pub const UMOUNT2: u64 = 166;
/// `sethostname(char *name, int length)`: the name is read by its length, since nothing ends it.
pub const SETHOSTNAME: u64 = 170;
/// `setdomainname(char *name, int length)`: as [`SETHOSTNAME`].
pub const SETDOMAINNAME: u64 = 171;
/// `tkill(pid_t tid, int signal)`.
pub const TKILL: u64 = 200;
/// `tgkill(pid_t process, pid_t tid, int signal)`.
pub const TGKILL: u64 = 234;
/// `keyctl(int operation, unsigned long arg2, …)`.
pub const KEYCTL: u64 = 250;
/// `unshare(unsigned long flags)`.
pub const UNSHARE: u64 = 272;
/// `rt_tgsigqueueinfo(pid_t process, pid_t tid, int signal, siginfo_t *info)`.
pub const RT_TGSIGQUEUEINFO: u64 = 297;
/// `perf_event_open(struct perf_event_attr *attr, pid_t pid, int cpu, int group, unsigned long flags)`. In its record the
/// object is `attr->type`.
pub const PERF_EVENT_OPEN: u64 = 298;
/// `setns(int fd, int flags)`.
pub const SETNS: u64 = 308;
/// `memfd_create(const char *name, unsigned int flags)`.
pub const MEMFD_CREATE: u64 = 319;
/// `io_uring_setup(unsigned int entries, struct io_uring_params *params)`: what is asked of the ring is told by
/// [`crate::Kind::IoUring`].
pub const IO_URING_SETUP: u64 = 425;
/// `bpf(int command, union bpf_attr *attr, unsigned int size)`.
pub const BPF: u64 = 321;
/// `pidfd_send_signal(int pidfd, int signal, siginfo_t *info, unsigned int flags)`.
pub const PIDFD_SEND_SIGNAL: u64 = 424;
/// `pidfd_getfd(int pidfd, int fd, unsigned int flags)`.
pub const PIDFD_GETFD: u64 = 438;
/// `move_mount(int from_folder, const char *from, int to_folder, const char *to, unsigned int flags)`.
pub const MOVE_MOUNT: u64 = 429;
/// `open_tree(int folder, const char *path, unsigned int flags)`.
pub const OPEN_TREE: u64 = 428;

const fn attention(number: u64, name: &'static str, shape: Shape) -> Syscall {
    Syscall::new(number, name, Kind::Attention, family::ATTENTION).shaped(shape)
}

const NUMBERS: Shape = Shape::NUMBERS;

/// The calls of this file. Signals are recorded only where they go to a process outside the tree.
pub(super) const ATTENTION: &[Syscall] = &[
    attention(KILL, "kill", NUMBERS.pid(0)),
    attention(PTRACE, "ptrace", NUMBERS.addresses(0b1100).pid(1)),
    attention(RT_SIGQUEUEINFO, "rt_sigqueueinfo", NUMBERS.addresses(0b100).pid(0)),
    attention(155, "pivot_root", NUMBERS.first(Named::string(0)).second(Named::string(1))),
    attention(161, "chroot", NUMBERS.first(Named::string(0))),
    attention(163, "acct", NUMBERS.first(Named::path(0))),
    attention(164, "settimeofday", NUMBERS.addresses(0b11)),
    attention(MOUNT, "mount", NUMBERS.addresses(0b10000).first(Named::path(1)).second(Named::string(0)).third(2)),
    attention(UMOUNT2, "umount2", NUMBERS.first(Named::path(0))),
    attention(167, "swapon", NUMBERS.first(Named::path(0))),
    attention(168, "swapoff", NUMBERS.first(Named::path(0))),
    attention(REBOOT, "reboot", NUMBERS.addresses(0b1000)),
    attention(SETHOSTNAME, "sethostname", NUMBERS.addresses(0b1)),
    attention(SETDOMAINNAME, "setdomainname", NUMBERS.addresses(0b1)),
    attention(172, "iopl", NUMBERS),
    attention(173, "ioperm", NUMBERS),
    attention(175, "init_module", NUMBERS.addresses(0b101)),
    attention(176, "delete_module", NUMBERS.first(Named::string(0))),
    attention(TKILL, "tkill", NUMBERS.pid(0)).exit_only(),
    attention(227, "clock_settime", NUMBERS.addresses(0b10)),
    attention(TGKILL, "tgkill", NUMBERS.pid(0)).exit_only(),
    attention(246, "kexec_load", NUMBERS.addresses(0b101)),
    attention(248, "add_key", NUMBERS.addresses(0b100).first(Named::string(1)).second(Named::string(0))),
    attention(249, "request_key", NUMBERS.addresses(0b100).first(Named::string(1)).second(Named::string(0))),
    attention(KEYCTL, "keyctl", NUMBERS.addresses(0b11_1110)),
    attention(UNSHARE, "unshare", NUMBERS),
    attention(RT_TGSIGQUEUEINFO, "rt_tgsigqueueinfo", NUMBERS.addresses(0b1000).pid(0)),
    attention(PERF_EVENT_OPEN, "perf_event_open", NUMBERS.addresses(0b1).pid(1)),
    attention(300, "fanotify_init", NUMBERS),
    attention(SETNS, "setns", NUMBERS.first(Named::descriptor(0))),
    attention(310, "process_vm_readv", NUMBERS.addresses(0b1010).pid(0)),
    attention(311, "process_vm_writev", NUMBERS.addresses(0b1010).pid(0)),
    attention(313, "finit_module", NUMBERS.addresses(0b10).first(Named::descriptor(0))),
    attention(MEMFD_CREATE, "memfd_create", NUMBERS.first(Named::string(0))),
    attention(320, "kexec_file_load", NUMBERS.addresses(0b1000).first(Named::descriptor(0))),
    attention(IO_URING_SETUP, "io_uring_setup", NUMBERS.addresses(0b10)),
    attention(BPF, "bpf", NUMBERS.addresses(0b10)),
    attention(323, "userfaultfd", NUMBERS),
    attention(PIDFD_SEND_SIGNAL, "pidfd_send_signal", NUMBERS.addresses(0b100)),
    attention(OPEN_TREE, "open_tree", NUMBERS.first(Named::below(0))),
    attention(MOVE_MOUNT, "move_mount", NUMBERS.first(Named::below(2)).second(Named::below(0))),
    attention(430, "fsopen", NUMBERS.first(Named::string(0))),
    attention(432, "fsmount", NUMBERS),
    attention(433, "fspick", NUMBERS.first(Named::below(0))),
    attention(PIDFD_GETFD, "pidfd_getfd", NUMBERS),
    attention(442, "mount_setattr", NUMBERS.addresses(0b1000).first(Named::below(0))),
    attention(447, "memfd_secret", NUMBERS),
];
