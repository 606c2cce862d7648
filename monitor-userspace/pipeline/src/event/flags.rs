//! The flags of open(2) and openat2(2) by name.

use crate::record::Access;

/// `O_CREAT` (asm-generic/fcntl.h, x86-64).
pub const CREAT: u64 = 0o100;
/// `O_WRONLY`.
pub const WRONLY: u64 = 0o1;
/// `O_TRUNC`.
pub const TRUNC: u64 = 0o1000;
/// `O_PATH`.
pub const PATH: u64 = 0o10_000_000;
/// The bit of `O_TMPFILE` beside `O_DIRECTORY`.
const TMPFILE: u64 = 0o20_000_000;
/// `O_ACCMODE`.
const ACCESS: u64 = 0o3;

/// Names by bits, the wider ones first: `O_SYNC` holds `O_DSYNC`, and `O_TMPFILE` holds `O_DIRECTORY`
/// (asm-generic/fcntl.h, x86-64). `O_LARGEFILE` is 0 in the C library of a 64-bit program, but the kernel's bit is this.
const NAMES: [(u64, &str); 18] = [
    (0o20_200_000, "O_TMPFILE"),
    (0o4_010_000, "O_SYNC"),
    (0o100, "O_CREAT"),
    (0o200, "O_EXCL"),
    (0o400, "O_NOCTTY"),
    (0o1000, "O_TRUNC"),
    (0o2000, "O_APPEND"),
    (0o4000, "O_NONBLOCK"),
    (0o10_000, "O_DSYNC"),
    (0o20_000, "O_ASYNC"),
    (0o40_000, "O_DIRECT"),
    (0o100_000, "O_LARGEFILE"),
    (0o200_000, "O_DIRECTORY"),
    (0o400_000, "O_NOFOLLOW"),
    (0o1_000_000, "O_NOATIME"),
    (0o2_000_000, "O_CLOEXEC"),
    (0o4_000_000, "__O_SYNC"),
    (0o10_000_000, "O_PATH"),
];

/// The flags of an open call, without the access mode; serialized as the list of their names, what has no name as one
/// hexadecimal number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OpenFlags(pub u64);

impl OpenFlags {
    /// Splits the flags of a call into access and the rest (open(2)).
    #[must_use]
    pub const fn split(flags: u64) -> (Access, Self) {
        let access = match flags & ACCESS {
            _ if flags & PATH != 0 => Access::Path,
            0 => Access::Read,
            1 => Access::Write,
            _ => Access::ReadWrite,
        };
        (access, Self(flags & !ACCESS))
    }

    /// Whether the call may create a file, so that its mode means something.
    #[must_use]
    pub const fn creates(self) -> bool {
        self.0 & (CREAT | TMPFILE) != 0
    }

    /// Whether an existing file is emptied.
    #[must_use]
    pub const fn truncates(self) -> bool {
        self.0 & TRUNC != 0
    }
}

crate::event::named::flags!(OpenFlags, NAMES);

/// The bits of `struct open_how.resolve` (linux/openat2.h).
const RESOLVE: [(u64, &str); 6] = [
    (0x1, "RESOLVE_NO_XDEV"),
    (0x2, "RESOLVE_NO_MAGICLINKS"),
    (0x4, "RESOLVE_NO_SYMLINKS"),
    (0x8, "RESOLVE_BENEATH"),
    (0x10, "RESOLVE_IN_ROOT"),
    (0x20, "RESOLVE_CACHED"),
];

/// How openat2 was asked to look up the path; serialized as [`OpenFlags`]. The bit 15 stands for all from there on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ResolveFlags(pub u64);

impl ResolveFlags {
    /// Whether nothing was asked for, as by all other calls.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }
}

crate::event::named::flags!(ResolveFlags, RESOLVE);
