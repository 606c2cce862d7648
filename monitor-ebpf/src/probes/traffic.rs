//! Sending and receiving: write, writev, pwritev2, sendto, sendmsg, sendmmsg, sendfile, splice; read, readv, preadv2, recvfrom,
//! recvmsg, recvmmsg.
//!
//! | | |
//! |---|---|
//! | hook | tail calls from `sys_exit`, families [`family::SEND`], [`family::RECEIVE`] and [`family::MESSAGES`] |
//! | when | the call has returned and has moved something |
//! | which | those whose descriptor is a socket; all others are let go after a look at its mode |
//! | peer | from the socket; of a datagram the address that the call gave or was given |
//!
//! Calls are not recorded one by one but as bursts; see [`burst`]. What [`transfer`] hands over is looked into by parts.
//!
//! Blind spots: what is sent through io_uring, through memory that is shared, or by the kernel itself; which peers the second
//! and later messages of one sendmmsg or recvmmsg have. What is only looked at (`MSG_PEEK`) and what comes from a
//! socket's queue of errors is not counted, nor are datagrams of no bytes. A descriptor that another thread closes during
//! the call is counted ([`Fault::DescriptorGone`]), one that it replaces is taken for what it is then.

use aya_ebpf::{helpers::generated::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind,
    body::traffic_flag,
    counters::{Cause, Fault},
    programs::family,
    syscall::{RECVFROM, RECVMMSG, RECVMSG, SENDMMSG, SENDMSG, SENDTO, SPLICE, regs},
};

use self::transfer::{MMSGHDR, MMSGHDR_LEN, Transfer, port_of};
use crate::{
    emit,
    maps::{CALL_PROGRAMS, TRANSFERS},
    probes::{
        stat::flush_last,
        syscall::{Call, call_continued, call_of_tracked},
    },
    read::{clear, user},
    socket::{
        SocketFile,
        address::{self, AF_NETLINK, AF_UNIX, End, FAMILY_BYTES, WORDS},
    },
    task::Tracked,
};

pub(crate) mod burst;
pub(crate) mod transfer;

/// `SOCK_STREAM` (linux/net.h).
pub(crate) const STREAM: u16 = 1;

/// The port of name servers (RFC 1035).
const NAME_SERVER: u16 = 53;

/// `MSG_PEEK` and `MSG_ERRQUEUE` (linux/socket.h).
const NOT_TAKEN: u64 = 0x2 | 0x2000;

/// Takes note of a call that has sent.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_send(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    if call.result <= 0 {
        return 0;
    }
    let number = call.number();
    let splice = number == SPLICE;
    // Of sendfile the first descriptor is where it sends to, of splice the third argument.
    let to = call.register(if splice { regs::DX } else { regs::DI });
    let (mut file, mut flags) = (SocketFile::of(who.thread, to as u32), 0);
    if file.inode == 0 {
        if !splice {
            return no_socket(file);
        }
        file = SocketFile::of(who.thread, call.register(regs::DI) as u32);
        if file.inode == 0 {
            return no_socket(file);
        }
        flags = traffic_flag::RECEIVED;
    }
    moved(&ctx, call, who, file, flags)
}

/// Takes note of a call that has received.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_receive(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    if call.result <= 0 {
        return 0;
    }
    let number = call.number();
    let file = SocketFile::of(who.thread, call.register(regs::DI) as u32);
    if file.inode == 0 {
        return no_socket(file);
    }
    let flags = match number {
        RECVFROM => call.register(regs::R10),
        RECVMSG => call.register(regs::DX),
        _ => 0,
    };
    if flags & NOT_TAKEN != 0 {
        return 0;
    }
    moved(&ctx, call, who, file, traffic_flag::RECEIVED)
}

/// Ends with a descriptor that is no socket: of one that is gone nobody knows what it was.
#[inline(always)]
fn no_socket(file: SocketFile) -> i32 {
    if file.is_gone() {
        emit::fault(Fault::DescriptorGone);
    }
    0
}

/// Adds what a call has moved to its burst, and hands it over to the part that looks into it.
#[inline(always)]
fn moved(ctx: &BtfTracePointContext, call: Call, who: Tracked, file: SocketFile, flags: u32) -> i32 {
    let Some(transfer) = TRANSFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Traffic, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the transfer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        Transfer::begin(transfer, call, file, flags);
        (*transfer).bytes = call.result as u64;
        count(ctx, call, who, transfer);
    }
    0
}

/// Takes note of a call that has moved several messages.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_messages(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    if call.result <= 0 {
        return 0;
    }
    let file = SocketFile::of(who.thread, call.register(regs::DI) as u32);
    let receives = call.number() == RECVMMSG;
    if file.inode == 0 {
        return no_socket(file);
    }
    if receives && call.register(regs::R10) & NOT_TAKEN != 0 {
        return 0;
    }
    let flags = if receives { traffic_flag::RECEIVED } else { 0 };
    if let Some(transfer) = TRANSFERS.get_ptr_mut(0) {
        // SAFETY: the transfer is this CPU's, and no program that uses it starts twice on a CPU; the context is that of this
        // program.
        unsafe {
            Transfer::begin(transfer, call, file, flags);
            (*transfer).bytes = 0;
            CALL_PROGRAMS.tail_call(&ctx, family::MESSAGES_SUM);
        }
    }
    emit::lost(Kind::Traffic, Cause::NoProgram);
    0
}

/// Messages that one program adds up. The kernel takes 1,024 in one call (`UIO_MAXIOV`, linux/uio.h), and lets programs call
/// one another 33 times.
const PART: u64 = 64;

/// Adds up what the messages moved, the sum of their `msg_len`, and goes on as for other calls.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn sum_messages(ctx: BtfTracePointContext) -> i32 {
    let Some((transfer, who)) = transfer::of_this_call() else { return 0 };
    let Some((call, _)) = call_continued(&ctx, 0, 0) else { return 0 };
    // SAFETY: the transfer is this CPU's, which `exit_messages` has begun; the context is that of this program.
    unsafe {
        let from = (*transfer).next;
        let left = (*transfer).result.wrapping_sub(from);
        let messages = (*transfer).data + from * MMSGHDR + MMSGHDR_LEN;
        let mut bytes = 0;
        for at in 0..PART {
            if at >= left {
                break;
            }
            bytes += u64::from(user::<u32>(messages + at * MMSGHDR));
        }
        let sum = &raw mut (*transfer).bytes;
        sum.write_volatile(sum.read_volatile() + bytes);
        if left > PART {
            (*transfer).next = from + PART;
            CALL_PROGRAMS.tail_call(&ctx, family::MESSAGES_SUM);
            emit::lost(Kind::Traffic, Cause::NoProgram);
            return 0;
        }
        (*transfer).next = 0;
        count(&ctx, call, who, transfer);
    }
    0
}

/// Adds what a call has moved to its burst, and hands it over to the part that looks into it.
///
/// # Safety
///
/// `transfer` must be this CPU's, with the call and its bytes filled in.
#[inline(always)]
unsafe fn count(ctx: &BtfTracePointContext, call: Call, who: Tracked, transfer: *mut Transfer) {
    // SAFETY: the caller's promise; the helper has no precondition; the burst is one of this thread's.
    unsafe {
        let file = (&raw const (*transfer).file).read_volatile();
        let flags = (&raw const (*transfer).flags).read_volatile();
        let bytes = (&raw const (*transfer).bytes).read_volatile();
        if bytes == 0 {
            return;
        }
        let now = bpf_ktime_get_boot_ns();
        let Some(burst) = burst::at(who, burst::key(who.tid, file.inode), transfer) else {
            emit::lost(Kind::Traffic, Cause::NoBuffer);
            return;
        };
        let goes_on = burst::goes_on(burst, who, file.inode, flags, now);
        // The peer of a stream stays what it is.
        if goes_on && (*burst).body.socket_type == STREAM && port_of(&raw const (*burst).peer) != NAME_SERVER {
            burst::add(burst, bytes, now);
            return;
        }
        describe(transfer, call, file);
        let begins = !(goes_on && burst::same_peer(burst, transfer));
        if begins {
            burst::end(burst);
            burst::begin(burst, who, transfer, now);
        } else {
            burst::add(burst, bytes, now);
        }
        if (*transfer).is_spare != 0 {
            burst::end(burst);
        }
        let port = Transfer::port(transfer);
        // A tail call that succeeds never returns; where there is no such program, the coverage says so.
        if port == NAME_SERVER {
            CALL_PROGRAMS.tail_call(ctx, family::DNS);
        } else if begins && port != 0 && flags & traffic_flag::RECEIVED == 0 && (*transfer).kind == STREAM {
            CALL_PROGRAMS.tail_call(ctx, family::NAME);
        } else if (*transfer).peer[0] as u16 == AF_NETLINK && flags & traffic_flag::RECEIVED == 0 {
            CALL_PROGRAMS.tail_call(ctx, family::NETLINK);
        }
        if begins && flags & traffic_flag::RECEIVED == 0 {
            flush_last(ctx);
        }
    }
}

/// Writes what the socket is, and who its peer is.
///
/// # Safety
///
/// `transfer` must be this CPU's, with the call filled in.
#[inline(always)]
unsafe fn describe(transfer: *mut Transfer, call: Call, file: SocketFile) {
    let socket = file.socket();
    // SAFETY: the caller's promise.
    unsafe {
        (*transfer).sock = socket.sock;
        (*transfer).kind = socket.kind;
        (*transfer).protocol = socket.protocol;
        (*transfer).peer_len = 0;
        let peer = &raw mut (*transfer).peer;
        if socket.kind != STREAM {
            let (from, len) = address_of(transfer, call);
            if from != 0 && len != 0 {
                (*transfer).peer_len = u64::from(address::given(peer, from, len).len);
            }
        }
        if (*transfer).peer_len != 0 {
            return;
        }
        clear::<WORDS>(peer.cast());
        let mut len = address::of(socket.sock, End::Peer, peer);
        if len == FAMILY_BYTES && (*transfer).peer[0] as u16 == AF_UNIX {
            // Whoever connects to a unix socket has no name as a rule; the name that is known is that of the other end.
            len = address::of(socket.sock, End::Own, peer);
        } else if len > FAMILY_BYTES && (*transfer).peer[0] as u16 != AF_UNIX && port_of(peer) == 0 {
            // Not connected: there is a family and no address.
            (*transfer).peer[0] &= 0xffff;
            len = FAMILY_BYTES;
        }
        (*transfer).peer_len = len;
    }
}

/// Where the address that a call gives, or was given, lies in user memory, and its bytes; zeroes where it has none.
///
/// # Safety
///
/// As for [`describe`].
#[inline(always)]
unsafe fn address_of(transfer: *const Transfer, call: Call) -> (u64, u32) {
    // SAFETY: the caller's promise.
    let (number, data) = unsafe { ((*transfer).number, (*transfer).data) };
    match number {
        SENDTO => (call.register(regs::R8), call.register(regs::R9) as u32),
        RECVFROM => {
            let len = call.register(regs::R9);
            (call.register(regs::R8), if len == 0 { 0 } else { user(len) })
        }
        SENDMSG | RECVMSG | SENDMMSG | RECVMMSG => {
            // `struct user_msghdr` (linux/socket.h): the name and its length come first.
            let [name, len]: [u64; 2] = user(data);
            (name, len as u32)
        }
        _ => (0, 0),
    }
}
