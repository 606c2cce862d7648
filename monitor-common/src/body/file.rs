//! Files.

use crate::{Text, pod};

/// [`crate::Kind::Open`], written when the call has returned.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Open {
    /// The descriptor, or a negative errno.
    pub result: i64,
    /// The flags asked for (`O_*`, `struct open_how.flags`).
    pub open_flags: u64,
    /// The mode asked for.
    pub mode: u32,
    /// The directory descriptor asked for; `AT_FDCWD` (-100) for open and creat.
    pub dfd: i32,
    /// The number of the call.
    pub syscall: u32,
    /// Bits of [`path_flag`] in the low half; in the high half what openat2 was asked for as `struct open_how.resolve`, see
    /// [`resolve_flags`].
    pub flags: u32,
    /// The strings, by [`open_text`].
    pub texts: [Text; open_text::COUNT],
}
pod!(Open, 32 + 8 * open_text::COUNT);

/// By how many bits the resolve flags are shifted in [`Open::flags`].
pub const RESOLVE_SHIFT: u32 = 16;

/// The bit that stands for any resolve flag from this one on: no kernel knows them, and a call that asks for one fails.
pub const RESOLVE_OTHERS: u64 = 1 << 15;

/// Resolve flags (`RESOLVE_*`, linux/openat2.h) as [`Open::flags`] carries them.
#[inline(always)]
#[must_use]
pub const fn resolve_flags(resolve: u64) -> u32 {
    let others = if resolve >= RESOLVE_OTHERS { RESOLVE_OTHERS } else { 0 };
    ((resolve & (RESOLVE_OTHERS - 1) | others) as u32) << RESOLVE_SHIFT
}

/// The strings of [`Open`], in their order on the wire.
pub mod open_text {
    /// The path asked for.
    pub const REQUESTED: usize = 0;
    /// Where the call succeeded, the absolute path of the opened file. Where it failed and the path asked for is
    /// relative, the absolute path of the directory it starts from ([`super::path_flag::BASE`]). Where it failed and
    /// the path asked for is absolute, not asked: the path asked for says it all.
    pub const PATH: usize = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// What a resolved path is.
pub mod path_flag {
    /// The path is the directory that the path asked for starts from.
    pub const BASE: u32 = 1;
    /// The walk ended at the top of a mount tree that is not the root of the task.
    pub const OUTSIDE_ROOT: u32 = 1 << 1;
    /// The file has no path: it is a socket, a pipe, a memfd or an anonymous inode. The text is the kernel's name for it
    /// (`memfd:name`, `[eventfd]`; sockets and pipes have none), which never begins with `/`.
    pub const NO_PATH: u32 = 1 << 2;
    /// The file had been unlinked, or never linked (`O_TMPFILE`), when the path was read.
    pub const UNLINKED: u32 = 1 << 3;
}

/// [`crate::Kind::Stat`]: one of the calls that look at a file without opening it. The first of its kind in a process
/// is sent at once; what repeats it is counted in the kernel half ([`crate::repeats`]) and told later, of several kinds at
/// once, with [`stat_flag::REPEATS`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stat {
    /// 0, or a negative errno.
    pub result: i64,
    /// A keyed hash of call, folder, path and result, by which repeats find what they repeat. With
    /// [`stat_flag::REPEATS`] the slots that are told, one bit each.
    pub hash: u64,
    /// Calls that this record tells.
    pub count: u32,
    /// The number of the call.
    pub syscall: u32,
    /// The directory descriptor asked for; `AT_FDCWD` (-100) for calls without one.
    pub dfd: i32,
    /// The flags asked for (`AT_*`); 0 for calls without any.
    pub asked: u32,
    /// Bits of [`path_flag`] in the low half, bits of [`stat_flag`] in the high half.
    pub flags: u32,
    /// The permissions asked for (`R_OK`, `W_OK`, `X_OK`) by access and its like; 0 for the others.
    pub mode: u32,
    /// The strings, by [`open_text`]. With [`stat_flag::REPEATS`] the first is the words of the slots that are told, from
    /// the lowest slot on, eight bytes each, and the second is not asked.
    pub texts: [Text; open_text::COUNT],
}
pod!(Stat, 40 + 8 * open_text::COUNT);

/// Bits of [`Stat::flags`].
pub mod stat_flag {
    /// The record tells only how often earlier ones of the same process were repeated.
    pub const REPEATS: u32 = 1 << 16;
    /// The call was about an open descriptor and named no path. All of a process with one result are counted together.
    pub const DESCRIPTOR: u32 = 1 << 17;
}
