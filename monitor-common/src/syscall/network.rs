//! Calls about sockets.

use super::Syscall;
use crate::{Kind, programs::family};

/// `socket(int family, int type, int protocol)`.
pub const SOCKET: u64 = 41;
/// `connect(int fd, const struct sockaddr *address, int length)`.
pub const CONNECT: u64 = 42;
/// `accept(int fd, struct sockaddr *peer, int *length)`.
pub const ACCEPT: u64 = 43;
/// `bind(int fd, const struct sockaddr *address, int length)`.
pub const BIND: u64 = 49;
/// `listen(int fd, int backlog)`.
pub const LISTEN: u64 = 50;
/// `accept4(int fd, struct sockaddr *peer, int *length, int flags)`.
pub const ACCEPT4: u64 = 288;

/// The calls of this file. Their addresses are strings of the record: [`crate::body::call_text::REQUESTED`] is the one
/// that bind was given, or the peer of an accepted socket, [`crate::body::call_text::SECOND_REQUESTED`] the socket's
/// own once the call has returned; [`crate::body::Call::object`] is the inode of the socket, of accept that of the new
/// one. socket is recorded only where it deserves attention: it was answered by seccomp, or asks for raw packets.
pub(super) const SOCKETS: &[Syscall] = &[
    Syscall::new(SOCKET, "socket", Kind::Attention, family::SOCKET),
    Syscall::new(CONNECT, "connect", Kind::Connect, family::CONNECT),
    Syscall::new(ACCEPT, "accept", Kind::Accept, family::SOCKET),
    Syscall::new(BIND, "bind", Kind::Bind, family::SOCKET),
    Syscall::new(LISTEN, "listen", Kind::Listen, family::SOCKET),
    Syscall::new(ACCEPT4, "accept4", Kind::Accept, family::SOCKET),
];
