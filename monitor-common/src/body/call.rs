//! Calls whose records all have one shape.

use crate::{Text, pod};

/// A system call that has returned, with up to two paths. The kinds from [`crate::Kind::Identity`] on that have no body
/// of their own have this one; what its strings and arguments mean is told with each call in [`crate::syscall`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Call {
    /// What the call returned: a value, or a negative errno.
    pub result: i64,
    /// The arguments; those that are addresses are 0.
    pub args: [u64; 6],
    /// Nanoseconds from the entry to the exit of the call; 0 where the entry was not seen.
    pub took: u64,
    /// A fact about the object of the call: `inode->i_ino` of a socket, the pid of a process; else 0.
    pub object: u64,
    /// The number of the call; of [`crate::Kind::IoUring`] the operation, `IORING_OP_*` (linux/io_uring.h).
    pub syscall: u32,
    /// Bits of [`super::path_flag`]: of [`call_text::PATH`] in the low 8 bits, of [`call_text::SECOND_PATH`] in the next 8.
    pub flags: u32,
    /// `socket->type` of a socket.
    pub socket_type: u16,
    /// `sock->sk_protocol` of a socket.
    pub protocol: u16,
    /// Zero.
    pub pad: u32,
    /// The strings, by [`call_text`].
    pub texts: [Text; call_text::COUNT],
}
pod!(Call, 88 + 8 * call_text::COUNT);

/// The strings of [`Call`], in their order on the wire.
pub mod call_text {
    /// The path asked for, or the bytes of a `struct sockaddr`.
    pub const REQUESTED: usize = 0;
    /// The absolute path: of the object, or with [`super::super::path_flag::BASE`] of the folder that the path asked for
    /// starts from.
    pub const PATH: usize = 1;
    /// The second path asked for; of a readlink the target.
    pub const SECOND_REQUESTED: usize = 2;
    /// The absolute path for the second one.
    pub const SECOND_PATH: usize = 3;
    /// How many there are.
    pub const COUNT: usize = 4;
}

/// Bits of [`Call::flags`] beyond those of the paths.
pub mod call_flag {
    /// The pid among the arguments is of a pid namespace other than the initial one: the caller's.
    pub const OWN_NUMBERS: u32 = 1 << 16;
}

/// By how many bits the [`super::path_flag`]s of the second path are shifted in [`Call::flags`].
pub const SECOND_PATH_SHIFT: u32 = 8;
