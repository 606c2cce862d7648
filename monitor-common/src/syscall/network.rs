//! Calls about sockets.

use super::Syscall;
use crate::{Kind, programs::family};

/// `connect(int fd, const struct sockaddr *address, int length)`.
pub const CONNECT: u64 = 42;

/// The calls of this file.
pub(super) const SOCKETS: &[Syscall] = &[Syscall::new(CONNECT, "connect", Kind::Connect, family::CONNECT)];
