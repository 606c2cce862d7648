//! The operations of io_uring that name a file or an address (linux/io_uring.h).

/// `IORING_OP_CONNECT`.
pub const CONNECT: u32 = 16;
/// `IORING_OP_OPENAT`.
pub const OPENAT: u32 = 18;
/// `IORING_OP_STATX`.
pub const STATX: u32 = 21;
/// `IORING_OP_OPENAT2`.
pub const OPENAT2: u32 = 28;
/// `IORING_OP_RENAMEAT`, from Linux 5.11.
pub const RENAMEAT: u32 = 35;
/// `IORING_OP_UNLINKAT`, from Linux 5.11.
pub const UNLINKAT: u32 = 36;
/// `IORING_OP_MKDIRAT`, from Linux 5.15.
pub const MKDIRAT: u32 = 37;
/// `IORING_OP_SYMLINKAT`, from Linux 5.15.
pub const SYMLINKAT: u32 = 38;
/// `IORING_OP_LINKAT`, from Linux 5.15.
pub const LINKAT: u32 = 39;
/// `IORING_OP_BIND`, from Linux 6.11.
pub const BIND: u32 = 56;

/// The operations with their names.
pub const OPERATIONS: [(u32, &str); 10] = [
    (CONNECT, "IORING_OP_CONNECT"),
    (OPENAT, "IORING_OP_OPENAT"),
    (STATX, "IORING_OP_STATX"),
    (OPENAT2, "IORING_OP_OPENAT2"),
    (RENAMEAT, "IORING_OP_RENAMEAT"),
    (UNLINKAT, "IORING_OP_UNLINKAT"),
    (MKDIRAT, "IORING_OP_MKDIRAT"),
    (SYMLINKAT, "IORING_OP_SYMLINKAT"),
    (LINKAT, "IORING_OP_LINKAT"),
    (BIND, "IORING_OP_BIND"),
];

/// One bit for each operation of [`OPERATIONS`].
const NAMING: u64 = {
    let mut bits = 0;
    let mut at = 0;
    while at < OPERATIONS.len() {
        bits |= 1 << OPERATIONS[at].0;
        at += 1;
    }
    bits
};

/// Whether an operation is one of [`OPERATIONS`].
#[inline(always)]
#[must_use]
pub const fn names(operation: u32) -> bool {
    operation < 64 && NAMING >> operation & 1 == 1
}

/// Places in [`crate::body::Call::args`] of a request.
pub mod request {
    /// The descriptor of the folder that the first path starts from, sign-extended.
    pub const FIRST_FOLDER: usize = 0;
    /// The same of the second path.
    pub const SECOND_FOLDER: usize = 1;
    /// The flags, of mkdirat the mode.
    pub const FLAGS: usize = 2;
}
