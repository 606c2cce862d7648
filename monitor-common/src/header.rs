//! What every record begins with, and how a string travels.

use crate::pod;

/// The header of every record; 56 bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole record, header included.
    pub len: u32,
    /// What the record says: a number of [`crate::Kind`].
    pub kind: u16,
    /// The CPU that wrote the record; `seq` counts per CPU.
    pub cpu: u16,
    /// The number of this record on its CPU, from 0 without gaps; a lost record consumes a number too.
    pub seq: u64,
    /// Nanoseconds of `CLOCK_BOOTTIME` (`bpf_ktime_get_boot_ns`) when the record was made.
    pub time: u64,
    /// `task->group_leader->start_boottime` of the process, in nanoseconds; 0 where the offset is absent.
    pub start: u64,
    /// The process (thread group) in the initial pid namespace.
    pub pid: u32,
    /// The thread in the initial pid namespace.
    pub tid: u32,
    /// The pid (initial namespace) of the tracking root that this process descends from.
    pub root: u32,
    /// The number of images that the process has executed since it was tracked; 0 before the first.
    pub exec_seq: u32,
    /// The real user id of the thread (`bpf_get_current_uid_gid`), initial user namespace.
    pub uid: u32,
    /// Bits of [`flag`].
    pub flags: u32,
}
pod!(Header, 56);

/// Bits of [`Header::flags`].
pub mod flag {
    /// The tracking began in the kernel half, at the exec of a candidate. It tells how the tracking began and stays
    /// set; the verdict about the root is userspace's.
    pub const PROVISIONAL: u32 = 1;
    /// The call has returned without having been entered: a seccomp filter answered it (seccomp(2)), by an errno or in the
    /// words of a supervisor.
    pub const NOT_ENTERED: u32 = 1 << 1;
}

/// How a string came to be what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextState {
    /// The whole string.
    #[default]
    Complete,
    /// A part of the string; the rest did not fit.
    Cut,
    /// The memory that holds the string could not be read.
    Unreadable,
    /// Userspace masked a secret in it.
    Masked,
    /// The string is what was asked for, not what the kernel resolved it to.
    Unresolved,
    /// The kernel half was not asked to read it, or the feature is switched off.
    NotAsked,
}

impl TextState {
    /// Every state, in the order of its number on the wire.
    pub const ALL: [Self; 6] =
        [Self::Complete, Self::Cut, Self::Unreadable, Self::Masked, Self::Unresolved, Self::NotAsked];

    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Complete => 0,
            Self::Cut => 1,
            Self::Unreadable => 2,
            Self::Masked => 3,
            Self::Unresolved => 4,
            Self::NotAsked => 5,
        }
    }

    /// The state with a number, or `None` for a number that this version does not know.
    #[must_use]
    pub const fn from_number(number: u16) -> Option<Self> {
        match number {
            0 => Some(Self::Complete),
            1 => Some(Self::Cut),
            2 => Some(Self::Unreadable),
            3 => Some(Self::Masked),
            4 => Some(Self::Unresolved),
            5 => Some(Self::NotAsked),
            _ => None,
        }
    }
}

/// The description of one string of a record; its bytes follow the fixed body, without a NUL.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Bytes that follow for this string.
    pub len: u32,
    /// A number of [`TextState`].
    pub state: u16,
    /// Zero.
    pub pad: u16,
}
pod!(Text, 8);
