//! Sending and receiving: write, writev, pwritev2, sendto, sendmsg, sendmmsg, sendfile, splice; read, readv, preadv2, recvfrom,
//! recvmsg, recvmmsg.
//!
//! | | |
//! |---|---|
//! | hook | tail calls from `sys_exit`, families [`family::SEND`] and [`family::RECEIVE`] |
//! | when | the call has returned and has moved something |
//! | which | those whose descriptor is a socket; all others are let go after a look at its mode |
//! | peer | from the socket; of a datagram the address that the call gave or was given |
//!
//! Calls are not recorded one by one but as bursts; see [`burst`]. What [`transfer`] hands over is looked into by parts.
//!
//! Blind spots: what is sent through io_uring, through memory that is shared, or by the kernel itself; which peers the second
//! and later messages of one sendmmsg or recvmmsg have. What is only looked at (`MSG_PEEK`) and what comes from a
//! socket's queue of errors is not counted, nor are datagrams of no bytes.

use aya_ebpf::{helpers::generated::bpf_ktime_get_boot_ns, macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind,
    body::traffic_flag,
    counters::Cause,
    programs::family,
    syscall::{RECVFROM, RECVMMSG, RECVMSG, SENDMMSG, SENDMSG, SENDTO, SPLICE, regs},
};

use self::transfer::{NOTHING, Transfer, bytes_of_messages, port_of};
use crate::{
    emit,
    maps::{CALL_PROGRAMS, TRANSFERS},
    probes::{
        stat::flush_last,
        syscall::{Call, call_of_tracked},
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
            return 0;
        }
        file = SocketFile::of(who.thread, call.register(regs::DI) as u32);
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
        return 0;
    }
    let flags = match number {
        RECVFROM | RECVMMSG => call.register(regs::R10),
        RECVMSG => call.register(regs::DX),
        _ => 0,
    };
    if flags & NOT_TAKEN != 0 {
        return 0;
    }
    moved(&ctx, call, who, file, traffic_flag::RECEIVED)
}

/// Adds what a call has moved to its burst, and hands it over to the part that looks into it.
#[inline(always)]
fn moved(ctx: &BtfTracePointContext, call: Call, who: Tracked, file: SocketFile, flags: u32) -> i32 {
    let number = call.number();
    let data = call.register(regs::SI);
    let result = call.result as u64;
    let several = number == SENDMMSG || number == RECVMMSG;
    let bytes = if several { bytes_of_messages(data, result) } else { result };
    if file.inode == 0 || bytes == 0 {
        return 0;
    }
    // SAFETY: the helper has no precondition.
    let now = unsafe { bpf_ktime_get_boot_ns() };
    let Some(transfer) = TRANSFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Traffic, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the transfer is this CPU's, and no program that uses it starts twice on a CPU.
    let Some(burst) = (unsafe { burst::at(who, burst::key(who.tid, file.inode), transfer) }) else {
        emit::lost(Kind::Traffic, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the burst is one of this thread's, the transfer this CPU's; the programs that use them run with preemption
    // off.
    unsafe {
        let goes_on = burst::goes_on(burst, who, file.inode, flags, now);
        // The peer of a stream stays what it is.
        if goes_on && (*burst).body.socket_type == STREAM && port_of(&raw const (*burst).peer) != NAME_SERVER {
            burst::add(burst, bytes, now);
            return 0;
        }
        (*transfer).number = number;
        (*transfer).data = data;
        (*transfer).count = call.register(regs::DX);
        (*transfer).result = result;
        (*transfer).bytes = bytes;
        (*transfer).inode = file.inode;
        (*transfer).next = 0;
        (*transfer).rest = NOTHING;
        (*transfer).flags = flags;
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
    0
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
