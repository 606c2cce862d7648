//! The system calls that the kernel half records, x86-64 numbers (arch/x86/entry/syscalls/syscall_64.tbl).
//!
//! One table a family, each in a file of its own; from them come the family and the kind of a number, which the kernel
//! half asks for at each call of the machine, and the name, which userspace shows.

mod attention;
mod file;
mod host;
pub mod netlink;
mod network;
pub mod paths;
mod process;
pub mod shape;

pub use attention::*;
pub use file::*;
pub use host::*;
pub use network::*;
use paths::PATHS;
pub use process::*;

use shape::Shape;

use crate::Kind;

/// A system call that is recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Syscall {
    /// Its number; below [`NUMBERS`].
    pub number: u64,
    /// Its name.
    pub name: &'static str,
    /// What its record is.
    pub kind: Kind,
    /// The program that records it: one of [`crate::programs::family`].
    pub family: u32,
    /// Whether its entry is noted: so a call that seccomp answered, one that has not returned, and the time that a call
    /// took are known. Calls that are made all the time do without.
    pub entry: bool,
    /// What its arguments mean, of calls that are recorded by their shape.
    pub shape: Shape,
}

impl Syscall {
    /// A call whose entry is noted.
    const fn new(number: u64, name: &'static str, kind: Kind, family: u32) -> Self {
        Self { number, name, kind, family, entry: true, shape: Shape::NUMBERS }
    }

    /// The same, without its entry.
    #[must_use]
    pub const fn exit_only(self) -> Self {
        Self { entry: false, ..self }
    }
}

impl Syscall {
    /// The same, with arguments of this shape.
    #[must_use]
    const fn shaped(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }
}

/// Every table.
pub const TABLES: [&[Syscall]; 6] = [FILES, PATHS, SOCKETS, PROCESSES, HOST, ATTENTION];

/// Numbers below this can be recorded.
pub const NUMBERS: usize = 512;

/// Of no family in [`FAMILIES`]: the call is not recorded.
pub const NOT_RECORDED: u8 = 0;

/// The family of each number, plus one; [`NOT_RECORDED`] for all others.
pub const FAMILIES: [u8; NUMBERS] = {
    let mut families = [NOT_RECORDED; NUMBERS];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let call = TABLES[table][at];
            assert!(families[call.number as usize] == NOT_RECORDED, "each call has one family");
            families[call.number as usize] = call.family as u8 + 1;
            at += 1;
        }
        table += 1;
    }
    families
};

/// The [`Kind::index`] of each number that is recorded; 0 for all others.
pub const KIND_OF: [u8; NUMBERS] = {
    let mut kinds = [0; NUMBERS];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let call = TABLES[table][at];
            kinds[call.number as usize] = call.kind.index() as u8;
            at += 1;
        }
        table += 1;
    }
    kinds
};

/// One bit for each argument of each number that is an address; none for calls that are not recorded by their shape.
pub const ADDRESSES_OF: [u8; NUMBERS] = {
    let mut addresses = [0; NUMBERS];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let call = TABLES[table][at];
            addresses[call.number as usize] = call.shape.address_bits();
            at += 1;
        }
        table += 1;
    }
    addresses
};

/// One bit per number: the calls whose entry is noted.
pub const ENTRIES: [u64; NUMBERS / 64] = {
    let mut bits = [0; NUMBERS / 64];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let call = TABLES[table][at];
            if call.entry {
                bits[(call.number / 64) as usize] |= 1 << (call.number % 64);
            }
            at += 1;
        }
        table += 1;
    }
    bits
};

/// The call of a number, where it is recorded.
#[must_use]
pub fn of_number(number: u64) -> Option<&'static Syscall> {
    TABLES.into_iter().flatten().find(|call| call.number == number)
}

/// Byte offsets in the kernel's `struct pt_regs`, which the processor's entry code fixes
/// (arch/x86/include/asm/ptrace.h); a call leaves the registers of its arguments as they were.
pub mod regs {
    /// The sixth argument.
    pub const R9: usize = 64;
    /// The fifth argument.
    pub const R8: usize = 72;
    /// The fourth argument.
    pub const R10: usize = 56;
    /// The third argument.
    pub const DX: usize = 96;
    /// The second argument.
    pub const SI: usize = 104;
    /// The first argument.
    pub const DI: usize = 112;
    /// The number of the call.
    pub const ORIG_AX: usize = 120;
}

/// What stands, negative, for the result of a call that has none since a seccomp filter trapped or killed it: one more than
/// `MAX_ERRNO` (linux/err.h), so no errno.
pub const NO_RESULT: i64 = 4096;

/// `AT_FDCWD` (linux/fcntl.h): a relative path starts from the working directory.
pub const AT_FDCWD: i32 = -100;
/// `AT_SYMLINK_NOFOLLOW` (linux/fcntl.h): a symbolic link at the end of the path is not followed.
pub const AT_SYMLINK_NOFOLLOW: u32 = 0x100;
/// `AT_EMPTY_PATH` (linux/fcntl.h): an empty path means the descriptor itself.
pub const AT_EMPTY_PATH: u32 = 0x1000;
/// The flags that creat implies: `O_CREAT | O_WRONLY | O_TRUNC` (asm-generic/fcntl.h).
pub const CREAT_FLAGS: u64 = 0o1101;
/// `TS_COMPAT` (asm/thread_info.h) in `thread_info.status`: the thread is in a 32-bit call, whose number means another call.
pub const TS_COMPAT: u32 = 2;
