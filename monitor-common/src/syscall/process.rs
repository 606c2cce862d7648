//! Calls by which a process changes who it is.

use super::{Syscall, shape::Shape};
use crate::{Kind, programs::family};

/// `setpgid(pid_t pid, pid_t group)`.
pub const SETPGID: u64 = 109;
/// `setsid(void)`.
pub const SETSID: u64 = 112;
/// `setuid(uid_t user)`.
pub const SETUID: u64 = 105;
/// `setgid(gid_t group)`.
pub const SETGID: u64 = 106;
/// `setreuid(uid_t real, uid_t effective)`.
pub const SETREUID: u64 = 113;
/// `setregid(gid_t real, gid_t effective)`.
pub const SETREGID: u64 = 114;
/// `setgroups(int count, const gid_t *groups)`.
pub const SETGROUPS: u64 = 116;
/// `setresuid(uid_t real, uid_t effective, uid_t saved)`.
pub const SETRESUID: u64 = 117;
/// `setresgid(gid_t real, gid_t effective, gid_t saved)`.
pub const SETRESGID: u64 = 119;
/// `setfsuid(uid_t user)`.
pub const SETFSUID: u64 = 122;
/// `setfsgid(gid_t group)`.
pub const SETFSGID: u64 = 123;
/// `capset(cap_user_header_t header, const cap_user_data_t data)`. In its record the arguments 1 to 3 are the sets that were
/// asked for: effective, permitted, inheritable.
pub const CAPSET: u64 = 126;
/// `personality(unsigned int persona)`.
pub const PERSONALITY: u64 = 135;
/// `prctl(int option, unsigned long arg2, unsigned long arg3, unsigned long arg4, unsigned long arg5)`.
pub const PRCTL: u64 = 157;
/// `seccomp(unsigned int operation, unsigned int flags, void *arguments)`.
pub const SECCOMP: u64 = 317;
/// `landlock_restrict_self(int ruleset, u32 flags)`.
pub const LANDLOCK_RESTRICT_SELF: u64 = 446;

/// An identity call of this shape.
const fn identity(number: u64, name: &'static str, shape: Shape) -> Syscall {
    Syscall::new(number, name, Kind::Identity, family::IDENTITY).shaped(shape)
}

const NUMBERS: Shape = Shape::NUMBERS;

/// The calls of this file. personality and prctl are recorded only where they change something that tells
/// ([`prctl::changes`]).
pub(super) const PROCESSES: &[Syscall] = &[
    identity(SETPGID, "setpgid", NUMBERS.pid(0)),
    identity(SETSID, "setsid", NUMBERS),
    identity(SETUID, "setuid", NUMBERS),
    identity(SETGID, "setgid", NUMBERS),
    identity(SETREUID, "setreuid", NUMBERS),
    identity(SETREGID, "setregid", NUMBERS),
    identity(SETGROUPS, "setgroups", NUMBERS.addresses(0b10)),
    identity(SETRESUID, "setresuid", NUMBERS),
    identity(SETRESGID, "setresgid", NUMBERS),
    identity(SETFSUID, "setfsuid", NUMBERS),
    identity(SETFSGID, "setfsgid", NUMBERS),
    identity(CAPSET, "capset", NUMBERS.addresses(0b11)),
    identity(PERSONALITY, "personality", NUMBERS),
    identity(PRCTL, "prctl", NUMBERS.addresses(0b11_1100)),
    identity(SECCOMP, "seccomp", NUMBERS.addresses(0b100)),
    identity(LANDLOCK_RESTRICT_SELF, "landlock_restrict_self", NUMBERS),
];

/// The options of prctl (linux/prctl.h).
pub mod prctl {
    /// `PR_SET_NAME`: the name of the thread. Recorded for the leader of a process alone, whose name is the process's.
    pub const SET_NAME: u64 = 15;
    /// `PR_CAP_AMBIENT`; what it does, and to which capability, are the next two arguments.
    pub const CAP_AMBIENT: u64 = 47;
    /// `PR_SET_PTRACER`: whom the process lets trace it.
    pub const SET_PTRACER: u64 = 0x5961_6d61;
    /// One bit for each option below 64 that is recorded: `PR_SET_PDEATHSIG` 1, `PR_SET_DUMPABLE` 4, `PR_SET_KEEPCAPS` 8,
    /// `PR_SET_NAME` 15, `PR_SET_SECCOMP` 22, `PR_CAPBSET_DROP` 24, `PR_SET_SECUREBITS` 28, `PR_SET_MM` 35,
    /// `PR_SET_CHILD_SUBREAPER` 36, `PR_SET_NO_NEW_PRIVS` 38, `PR_CAP_AMBIENT` 47, `PR_SET_SYSCALL_USER_DISPATCH` 59.
    const RECORDED: u64 = 1 << 1
        | 1 << 4
        | 1 << 8
        | 1 << 15
        | 1 << 22
        | 1 << 24
        | 1 << 28
        | 1 << 35
        | 1 << 36
        | 1 << 38
        | 1 << 47
        | 1 << 59;

    /// `PR_CAP_AMBIENT_IS_SET`, which only asks.
    const AMBIENT_IS_SET: u64 = 1;

    /// Whether an option changes something that tells: others ask, or set what only the C library cares about.
    #[inline(always)]
    #[must_use]
    pub const fn changes(option: u64, second: u64) -> bool {
        option < 64 && RECORDED >> option & 1 == 1 && (option != CAP_AMBIENT || second != AMBIENT_IS_SET)
            || option == SET_PTRACER
    }
}

/// What personality(2) is given to ask for the one in force; 0 sets the usual one.
pub const PERSONALITY_ASKS: u64 = 0xffff_ffff;
