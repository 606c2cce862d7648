//! What a call has sent or received, for the parts that look into it.
//!
//! `exit_send`, `exit_receive` and `exit_messages` fill this CPU's [`Transfer`] and tail-call a part of the family, if there is something
//! for it: [`monitor_common::programs::family::DNS`] for whatever goes to or comes from a port 53, [`monitor_common::programs::family::NAME`] for the first bytes of a burst
//! that is sent over a stream to an IP address. A part begins so:
//!
//! ```text
//! let Some((transfer, who)) = transfer::of_this_call() else { return 0 };
//! for at in 0..4 {                        // sendmmsg and recvmmsg move several messages; all others one
//!     let message = Transfer::message(transfer, at);
//!     if message.bytes == 0 { break }     // there are no more
//!     // message.first, message.second: where its bytes lie in user memory
//! }
//! ```
//!
//! The part owns the buffer until it returns: all of this runs with other programs on `sys_exit` kept off the CPU.
//! [`call_of_tracked`](crate::probes::syscall::call_of_tracked) must not be called again: it takes note of the return.

use monitor_common::{
    body::traffic_flag,
    syscall::{PREADV2, PWRITEV2, READV, RECVMMSG, RECVMSG, SENDFILE, SENDMMSG, SENDMSG, SPLICE, WRITEV, regs},
};

use crate::{
    maps::TRANSFERS,
    probes::syscall::Call,
    read::user,
    socket::{SocketFile, address::Address},
    task::{Tracked, tracked},
};

/// Bytes of `struct mmsghdr` (linux/socket.h), and where in it `msg_len` stands.
pub(crate) const MMSGHDR: u64 = 64;
pub(crate) const MMSGHDR_LEN: u64 = 56;
/// Bytes of `struct iovec`.
const IOVEC: u64 = 16;

/// A call that has sent or received on a socket.
#[repr(C)]
pub(crate) struct Transfer {
    /// The number of the call.
    pub(crate) number: u64,
    /// Its second argument: the buffer, the vector, the message or the messages, by the call.
    pub(crate) data: u64,
    /// Its third argument: the parts of the vector or the bytes of the buffer, by the call.
    pub(crate) count: u64,
    /// What it returned: bytes, or messages of sendmmsg and recvmmsg.
    pub(crate) result: u64,
    /// The bytes that it moved.
    pub(crate) bytes: u64,
    /// The socket.
    pub(crate) file: SocketFile,
    /// The address of the `struct sock`.
    pub(crate) sock: u64,
    /// `socket->type`.
    pub(crate) kind: u16,
    /// `sock->sk_protocol`.
    pub(crate) protocol: u16,
    /// Bits of [`traffic_flag`]: whether the bytes were received.
    pub(crate) flags: u32,
    /// Not 0 where its burst is no longer than this call; see [`super::burst`].
    pub(crate) is_spare: u64,
    /// 0, and then the parts' own: how many messages they have looked at.
    pub(crate) next: u64,
    /// Nothing, and then the parts' own: what they have not looked at yet.
    pub(crate) rest: Segment,
    /// Bytes of `peer`; at most those of an address.
    pub(crate) peer_len: u64,
    /// The peer, as a `struct sockaddr`: of the first message, where there are several.
    pub(crate) peer: Address,
}

/// A stretch of user memory.
#[derive(Clone, Copy)]
pub(crate) struct Segment {
    /// Where it begins.
    pub(crate) address: u64,
    /// Bytes of it that were moved.
    pub(crate) len: u64,
}

/// A message, or what one call moved of a stream.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    /// Bytes in all; 0 where there is no such message, or where its bytes came from a file.
    pub(crate) bytes: u64,
    /// Its first part; the only one as a rule.
    pub(crate) first: Segment,
    /// The part behind it, of a call that takes a vector.
    pub(crate) second: Segment,
}

/// No memory.
pub(crate) const NOTHING: Segment = Segment { address: 0, len: 0 };

impl Message {
    /// None.
    pub(crate) const NONE: Self = Self { bytes: 0, first: NOTHING, second: NOTHING };

    /// The first two parts of a vector of which so many bytes were moved.
    #[inline(always)]
    fn of_vector(vector: u64, count: u64, bytes: u64) -> Self {
        if count == 0 {
            return Self::NONE;
        }
        let first = segment(vector, bytes);
        let second = if count > 1 { segment(vector + IOVEC, bytes - first.len) } else { NOTHING };
        Self { bytes, first, second }
    }
}

/// A `struct iovec` in user memory, of which at most `rest` bytes were moved.
#[inline(always)]
fn segment(iovec: u64, rest: u64) -> Segment {
    let [address, len]: [u64; 2] = user(iovec);
    Segment { address, len: if len < rest { len } else { rest } }
}

impl Transfer {
    /// Lays the call and its socket down. What the verifier knows of them it forgets in memory, so that it follows what comes
    /// once, and not once for each way that leads there.
    ///
    /// # Safety
    ///
    /// `transfer` must be this CPU's.
    #[inline(always)]
    pub(crate) unsafe fn begin(transfer: *mut Self, call: Call, file: SocketFile, flags: u32) {
        // SAFETY: the caller's promise.
        unsafe {
            (*transfer).data = call.register(regs::SI);
            (*transfer).count = call.register(regs::DX);
            (*transfer).result = call.result as u64;
            (*transfer).next = 0;
            (*transfer).rest = NOTHING;
            (&raw mut (*transfer).number).write_volatile(call.number());
            (&raw mut (*transfer).file).write_volatile(file);
            (&raw mut (*transfer).flags).write_volatile(flags);
        }
    }

    /// One message of the call, by its place; calls other than sendmmsg and recvmmsg have one.
    ///
    /// # Safety
    ///
    /// `transfer` must be this CPU's, filled.
    #[inline(always)]
    pub(crate) unsafe fn message(transfer: *const Self, at: u64) -> Message {
        // SAFETY: the caller's promise.
        let (number, data, count, result, bytes) =
            unsafe { ((*transfer).number, (*transfer).data, (*transfer).count, (*transfer).result, (*transfer).bytes) };
        let several = number == SENDMMSG || number == RECVMMSG;
        if at >= if several { result } else { 1 } {
            return Message::NONE;
        }
        match number {
            SENDFILE | SPLICE => Message::NONE,
            READV | WRITEV | PREADV2 | PWRITEV2 => Message::of_vector(data, count, bytes),
            SENDMSG | RECVMSG | SENDMMSG | RECVMMSG => {
                let header = data + at * MMSGHDR;
                let [vector, count] = user(header + MSGHDR_VECTOR);
                let bytes = if several { u64::from(user::<u32>(header + MMSGHDR_LEN)) } else { bytes };
                Message::of_vector(vector, count, bytes)
            }
            // With `MSG_TRUNC`, recvfrom returns more than fitted its buffer.
            _ => {
                let len = if bytes < count { bytes } else { count };
                Message { bytes, first: Segment { address: data, len }, second: NOTHING }
            }
        }
    }

    /// The port of the peer; 0 where it has none, or none is known.
    ///
    /// # Safety
    ///
    /// As for [`Transfer::message`].
    #[inline(always)]
    pub(crate) unsafe fn port(transfer: *const Self) -> u16 {
        // SAFETY: the caller's promise.
        unsafe { port_of(&raw const (*transfer).peer) }
    }
}

/// Where the vector and its length stand in `struct user_msghdr` (linux/socket.h).
pub(crate) const MSGHDR_VECTOR: u64 = 16;

/// The port in an address of IPv4 or IPv6; else 0.
///
/// # Safety
///
/// `peer` must be readable.
#[inline(always)]
pub(crate) unsafe fn port_of(peer: *const Address) -> u16 {
    use crate::socket::address::{AF_INET, AF_INET6};
    // SAFETY: the caller's promise.
    let word = unsafe { (&raw const (*peer)[0]).read_volatile() };
    let family = word as u16;
    if family == AF_INET || family == AF_INET6 { ((word >> 16) as u16).swap_bytes() } else { 0 }
}

/// What the program that tail-called this one has filled, and the thread that made the call.
#[inline(always)]
pub(crate) fn of_this_call() -> Option<(*mut Transfer, Tracked)> {
    Some((TRANSFERS.get_ptr_mut(0)?, tracked()?))
}

/// Whether bits of [`traffic_flag`] say that bytes were sent.
#[inline(always)]
pub(crate) const fn is_sent(flags: u32) -> bool {
    flags & traffic_flag::RECEIVED == 0
}
