//! Messages to and from name servers.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `exit_send` and `exit_receive`, part [`monitor_common::programs::family::DNS`] |
//! | when | a call has moved bytes on an IP socket whose peer has port 53 |
//! | message | from the caller's buffers, once the call has returned: sent ones still stand there, received ones do by then |
//! | server | the address that the call gave or was given for this message, else the socket's peer |
//!
//! Over UDP each datagram is a message. Over TCP a length stands before each (RFC 1035, 4.2.2), in the same buffer, in one of its own
//! or in a call of its own, and a read can end anywhere: a message is recorded by the call that moves its header, as
//! far as that call moves it, and what follows of it is known as traffic alone.
//!
//! Blind spots: whoever receives on a socket that is not connected without asking who sent; datagrams of more than two
//! parts; of a call, what is behind its 30th message, which is counted as one loss. A thread that changes the buffer before
//! its call has returned. Look-ups through another process (systemd-resolved over its bus, nscd), encrypted ones (DNS over TLS or
//! HTTPS), other ports (mDNS), and io_uring do not get here.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Dns, dns_text},
    counters::{Cause, Fault},
    limits::DNS_BYTES,
    programs::family,
    syscall::{PREADV2, PWRITEV2, READV, RECVMMSG, RECVMSG, SENDMMSG, SENDMSG, WRITEV},
};

use super::traffic::{
    STREAM,
    transfer::{self, MMSGHDR, MSGHDR_VECTOR, Message, NOTHING, Segment, Transfer},
};
use crate::{
    emit,
    maps::{CALL_PROGRAMS, DNS_BUFFERS},
    read::{opaque, user, user_bytes},
    socket::address::{AF_INET, AF_INET6, IPV4_BYTES, IPV6_BYTES},
    task::Tracked,
};

/// Bytes of the length before a message over TCP, and of a message's header.
const LENGTH: u64 = 2;
const HEADER: u64 = 12;

/// Words of an IPv6 address with its port: the longest address of a server.
const SERVER_WORDS: usize = IPV6_BYTES.div_ceil(8) as usize;

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Dns>();

/// Where a record is built.
#[repr(C)]
pub(crate) struct DnsBuffer {
    header: Header,
    body: Dns,
    /// The server, behind whose last byte the message is put: two parts, each at the bound.
    strings: [u64; SERVER_WORDS + 2 * DNS_BYTES / 8],
    /// Bytes of the server.
    server: u64,
    /// The message that is looked at. What is known of it goes through memory, so that the verifier follows what comes
    /// then once, and not once for each way in which a message can lie in memory.
    message: Message,
}

/// Records the next message of a call, and calls itself for the one behind it: a loop would have the verifier follow
/// each round. The kernel ends it after 33 calls (`MAX_TAIL_CALL_CNT`, linux/bpf.h), among them those that led here.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_dns(ctx: BtfTracePointContext) -> i32 {
    let Some((transfer, who)) = transfer::of_this_call() else { return 0 };
    let Some(buffer) = DNS_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Dns, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: both buffers are this CPU's, and no program that uses them starts twice on a CPU.
    unsafe {
        let goes_on =
            if (*transfer).kind == STREAM { next_of_stream(buffer, transfer) } else { next_datagram(buffer, transfer) };
        if (&raw const (*buffer).message.bytes).read_volatile() != 0 {
            send(buffer, transfer, who);
        }
        if goes_on {
            CALL_PROGRAMS.tail_call(&ctx, family::DNS);
            // It comes back when there were too many.
            emit::lost(Kind::Dns, Cause::NoProgram);
        }
    }
    0
}

/// Finds the next datagram of a call; whether there may be another one.
///
/// # Safety
///
/// `buffer` and `transfer` must be this CPU's, and `transfer` filled.
#[inline(always)]
unsafe fn next_datagram(buffer: *mut DnsBuffer, transfer: *mut Transfer) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let at = (*transfer).next;
        (*transfer).next = at + 1;
        let several = (*transfer).number == SENDMMSG || (*transfer).number == RECVMMSG;
        (*buffer).message = Transfer::message(transfer, at);
        server(buffer, transfer, if several { (*transfer).data + at * MMSGHDR } else { 0 });
        several && at + 1 < (*transfer).result
    }
}

/// Finds the next message in what a call moves over a stream; whether there may be another one. Where what comes
/// next is no message, the one found has no bytes.
///
/// # Safety
///
/// As for [`next_datagram`].
#[inline(always)]
unsafe fn next_of_stream(buffer: *mut DnsBuffer, transfer: *mut Transfer) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        (*buffer).message = Message::NONE;
        if (*transfer).rest.len <= LENGTH {
            // A length alone belongs to the message in the next part.
            (*transfer).rest = part(transfer, (*transfer).next);
            (*transfer).next += 1;
        }
        let Segment { address, len } = (*transfer).rest;
        (*transfer).rest = NOTHING;
        if len < LENGTH {
            return false;
        }
        if len < HEADER {
            return true;
        }
        let head: [u16; 4] = user(address);
        // Behind a length stand an identifier and flags, and no flags are the 1 of one question. The other way round the
        // counts of an answer look like flags and a question.
        let (bytes, skipped) = if is_header(head[1], head[2]) {
            (len, 0)
        } else if is_header(head[2], head[3]) {
            (u64::from(head[0].to_be()), LENGTH)
        } else {
            // The middle of a message.
            return true;
        };
        let here = if bytes < len - skipped { bytes } else { len - skipped };
        let moved = skipped + here;
        (*transfer).rest = Segment { address: address + moved, len: len - moved };
        let first = Segment { address: address + skipped, len: here };
        (*buffer).message = Message { bytes, first, second: NOTHING };
        server(buffer, transfer, 0);
        true
    }
}

/// Whether two words, the second and the third of a header, are those of a question or of an answer to one: an ordinary
/// query, the reserved bit 0, one question (RFC 1035, 4.1.1).
#[inline(always)]
fn is_header(flags: u16, questions: u16) -> bool {
    const OPCODE_AND_RESERVED: u16 = 0x7840;
    flags.to_be() & OPCODE_AND_RESERVED == 0 && questions.to_be() == 1
}

/// A part of what a call moves over a stream, by its place; no bytes where there is none.
///
/// # Safety
///
/// As for [`Transfer::message`].
#[inline(always)]
unsafe fn part(transfer: *const Transfer, at: u64) -> Segment {
    /// Bytes of `struct iovec` (linux/uio.h).
    const IOVEC: u64 = 16;
    // SAFETY: the caller's promise.
    let (number, data, count, bytes) =
        unsafe { ((*transfer).number, (*transfer).data, (*transfer).count, (*transfer).bytes) };
    let [vector, parts]: [u64; 2] = match number {
        READV | WRITEV | PREADV2 | PWRITEV2 => [data, count],
        SENDMSG | RECVMSG | SENDMMSG | RECVMMSG => user(data + MSGHDR_VECTOR),
        _ if at == 0 => return Segment { address: data, len: bytes },
        _ => return NOTHING,
    };
    if at >= parts {
        return NOTHING;
    }
    let [address, len]: [u64; 2] = user(vector + at * IOVEC);
    // What was moved may end before the vector does: a part is never more than the whole.
    Segment { address, len: if len < bytes { len } else { bytes } }
}

/// Writes the server of a message into the buffer. `header` is the message's own `struct mmsghdr`, or 0.
///
/// # Safety
///
/// As for [`next_datagram`].
#[inline(always)]
unsafe fn server(buffer: *mut DnsBuffer, transfer: *const Transfer, header: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut address = [0; SERVER_WORDS];
        for (word, peer) in address.iter_mut().zip(&(*transfer).peer) {
            *word = *peer;
        }
        if header != 0 {
            // `struct user_msghdr` (linux/socket.h): the name and its length come first.
            let [name, len]: [u64; 2] = user(header);
            if name != 0 && u64::from(len as u32) >= IPV4_BYTES {
                address = user(name);
            }
        }
        for (at, word) in address.into_iter().enumerate() {
            (*buffer).strings[at] = word;
        }
        (*buffer).server = match address[0] as u16 {
            AF_INET => IPV4_BYTES,
            AF_INET6 => IPV6_BYTES,
            _ => 0,
        };
    }
}

/// Sends the record of a message.
///
/// # Safety
///
/// As for [`next_datagram`].
#[inline(always)]
unsafe fn send(buffer: *mut DnsBuffer, transfer: *const Transfer, who: Tracked) {
    // SAFETY: the caller's promise. Each length is compared with its bound just before it is used, where the verifier sees
    // it; the strings have room for the three bounds together.
    unsafe {
        let Message { bytes, first, second } = (&raw const (*buffer).message).read_volatile();
        let server = bounded((&raw const (*buffer).server).read_volatile(), IPV6_BYTES);
        let text = (&raw mut (*buffer).strings).cast::<u8>().add(server as usize);
        let first_len = bounded(first.len, DNS_BYTES as u64);
        let second_len = bounded(second.len, DNS_BYTES as u64);
        let mut read = user_bytes(text, first_len as u32, first.address);
        read &= user_bytes(text.add(first_len as usize), second_len as u32, second.address);
        let mut len = bounded(first_len + second_len, DNS_BYTES as u64);
        let mut state = TextState::Complete;
        if !read {
            emit::fault(Fault::StringUnreadable);
            state = TextState::Unreadable;
            len = 0;
        } else if len < bytes {
            emit::fault(Fault::StringCut);
            state = TextState::Cut;
        }
        let mut texts = [Text { len: server as u32, state: TextState::Complete.number(), pad: 0 }; dns_text::COUNT];
        texts[dns_text::MESSAGE] = Text { len: len as u32, state: state.number(), pad: 0 };
        (*buffer).body = Dns { inode: (*transfer).file.inode, bytes: bytes as u32, flags: (*transfer).flags, texts };
        // Masked where it is used, since the verifiers of 5.10 and 6.1 do not follow the bounds of its parts to here.
        let strings = opaque(server + len) & (2 * DNS_BYTES as u64 - 1);
        emit::send(Kind::Dns, who.tid, who.task, buffer.cast(), FIXED as u64 + strings);
    }
}

/// A length, or its bound where it is more.
#[inline(always)]
fn bounded(len: u64, bound: u64) -> u64 {
    let len = opaque(len);
    if len > bound { bound } else { len }
}
