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

/// `read(int fd, void *buffer, size_t length)`.
pub const READ: u64 = 0;
/// `write(int fd, const void *buffer, size_t length)`.
pub const WRITE: u64 = 1;
/// `readv(int fd, const struct iovec *vector, int count)`.
pub const READV: u64 = 19;
/// `writev(int fd, const struct iovec *vector, int count)`.
pub const WRITEV: u64 = 20;
/// `sendfile(int to, int from, off_t *offset, size_t length)`.
pub const SENDFILE: u64 = 40;
/// `sendto(int fd, const void *buffer, size_t length, int flags, const struct sockaddr *peer, int peer_length)`.
pub const SENDTO: u64 = 44;
/// `recvfrom(int fd, void *buffer, size_t length, int flags, struct sockaddr *peer, int *peer_length)`.
pub const RECVFROM: u64 = 45;
/// `sendmsg(int fd, const struct msghdr *message, int flags)`.
pub const SENDMSG: u64 = 46;
/// `recvmsg(int fd, struct msghdr *message, int flags)`.
pub const RECVMSG: u64 = 47;
/// `splice(int from, off_t *from_offset, int to, off_t *to_offset, size_t length, unsigned flags)`.
pub const SPLICE: u64 = 275;
/// `recvmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags, struct timespec *timeout)`.
pub const RECVMMSG: u64 = 299;
/// `sendmmsg(int fd, struct mmsghdr *messages, unsigned count, int flags)`.
pub const SENDMMSG: u64 = 307;
/// `preadv2(int fd, const struct iovec *vector, int count, off_t offset, off_t, int flags)`.
pub const PREADV2: u64 = 327;
/// `pwritev2(int fd, const struct iovec *vector, int count, off_t offset, off_t, int flags)`.
pub const PWRITEV2: u64 = 328;

/// The calls of this file. Their addresses are strings of the record: [`crate::body::call_text::REQUESTED`] is the one
/// that bind was given, or the peer of an accepted socket, [`crate::body::call_text::SECOND_REQUESTED`] the socket's
/// own once the call has returned; [`crate::body::Call::object`] is the inode of the socket, of accept that of the new
/// one. socket is recorded only where it deserves attention: it was answered by seccomp, or asks for raw packets. The calls
/// that send and receive make bursts, where their descriptor is a socket. pread64, pwrite64, preadv and pwritev are not
/// among them: sockets refuse an offset.
pub(super) const SOCKETS: &[Syscall] = &[
    Syscall::new(SOCKET, "socket", Kind::Attention, family::SOCKET),
    Syscall::new(CONNECT, "connect", Kind::Connect, family::CONNECT),
    Syscall::new(ACCEPT, "accept", Kind::Accept, family::SOCKET),
    Syscall::new(BIND, "bind", Kind::Bind, family::SOCKET),
    Syscall::new(LISTEN, "listen", Kind::Listen, family::SOCKET),
    Syscall::new(READ, "read", Kind::Traffic, family::RECEIVE).exit_only(),
    Syscall::new(WRITE, "write", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(READV, "readv", Kind::Traffic, family::RECEIVE).exit_only(),
    Syscall::new(WRITEV, "writev", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(SENDFILE, "sendfile", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(SENDTO, "sendto", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(RECVFROM, "recvfrom", Kind::Traffic, family::RECEIVE).exit_only(),
    Syscall::new(SENDMSG, "sendmsg", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(RECVMSG, "recvmsg", Kind::Traffic, family::RECEIVE).exit_only(),
    Syscall::new(SPLICE, "splice", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(RECVMMSG, "recvmmsg", Kind::Traffic, family::MESSAGES).exit_only(),
    Syscall::new(SENDMMSG, "sendmmsg", Kind::Traffic, family::MESSAGES).exit_only(),
    Syscall::new(PREADV2, "preadv2", Kind::Traffic, family::RECEIVE).exit_only(),
    Syscall::new(PWRITEV2, "pwritev2", Kind::Traffic, family::SEND).exit_only(),
    Syscall::new(ACCEPT4, "accept4", Kind::Accept, family::SOCKET),
];
