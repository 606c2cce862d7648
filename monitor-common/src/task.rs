//! What the kernel half keeps of each tracked thread, and what makes a process a candidate.

use crate::pod;

/// The value of the map `TASKS`, keyed by the thread's id in the initial pid namespace (`u32`).
///
/// Userspace inserts the first thread of a tree (with `start` 0: the kernel half reads it at the first event);
/// the kernel half copies it at fork and clone, moves it at an exec from a thread, and removes it at exit. The entry of
/// a thread group's leader stays until the last thread of the process has ended, so that exactly one record tells the end.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Task {
    /// As [`crate::Header::start`]; 0 until the kernel half has read it.
    pub start: u64,
    /// The process of the thread, initial pid namespace.
    pub pid: u32,
    /// The pid of the tracking root.
    pub root: u32,
    /// As [`crate::Header::exec_seq`].
    pub exec_seq: u32,
    /// Bits of [`crate::header::flag`] that every record of the thread carries.
    pub flags: u32,
    /// The pointer that secure_getenv was last called with and that getenv has not yet been called with; else 0.
    pub secure_name: u64,
    /// When the thread entered the call of `call`, nanoseconds of `CLOCK_BOOTTIME`.
    pub entered: u64,
    /// The system call that the thread is in: [`call::UNKNOWN`], [`call::NONE`], or [`call::FIRST`] and its number.
    pub call: u32,
    /// One bit per place of the thread's bursts, set where it has had one; see [`BurstKey`].
    pub bursts: u32,
}
pod!(Task, 48);

/// The key of the map `BURSTS`: one place of a thread for a burst of sending or receiving.
///
/// The value is a record of [`crate::Kind::Traffic`] at its bound, whose length, number and time are not filled in yet:
/// header, [`crate::body::Traffic`], peer. Where its `calls` are 0 there is no burst.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BurstKey {
    /// The thread, initial pid namespace.
    pub tid: u32,
    /// Below [`crate::limits::BURST_PLACES`]; the low bits of the socket's inode.
    pub place: u32,
}
pod!(BurstKey, 8);

/// Bytes of a value of the map `BURSTS`.
pub const BURST_BYTES: usize =
    size_of::<crate::Header>() + size_of::<crate::body::Traffic>() + crate::limits::SOCKADDR_BYTES;

/// Values of [`Task::call`].
pub mod call {
    /// The thread may have entered a call before it was tracked.
    pub const UNKNOWN: u32 = 0;
    /// The thread is in no call that is recorded.
    pub const NONE: u32 = 1;
    /// The call with the number 0; others follow.
    pub const FIRST: u32 = 2;
}

/// The key of the map `CANDIDATES`: the comm of a freshly executed image (the first 15 bytes of the file's
/// base name, `TASK_COMM_LEN` 16, NUL-padded).
///
/// An untracked process whose comm is in the map after an exec is tracked provisionally from that exec on.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Candidate {
    /// `task->comm`.
    pub comm: [u8; 16],
}
pod!(Candidate, 16);
