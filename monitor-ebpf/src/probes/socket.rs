//! socket, bind, listen, accept, accept4.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::SOCKET`] |
//! | when | the call has returned |
//! | address asked for | of bind, read from user memory at the exit; see `probes::syscall` for the race |
//! | own address, peer | from the socket itself, so also where the caller of accept asked for none |
//!
//! socket is recorded where a seccomp filter answered it, and where it asks for raw packets, whatever it returned; of the
//! protocols of netlink other than that of interfaces and routes, whose messages are recorded (`probes::netlink`), as
//! what asks the kernel for facts about the host.
//!
//! Blind spots: sockets through io_uring; a descriptor that another thread replaces before its socket is looked at; an
//! accepted connection whose peer has already gone has no address of the peer any more.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Call as Body, call_text},
    counters::Cause,
    header::flag,
    limits::SOCKADDR_BYTES,
    syscall::{
        ACCEPT, ACCEPT4, BIND, KIND_OF, LISTEN, NUMBERS, SOCKET,
        netlink::{AF_NETLINK, ROUTE},
        regs,
    },
};

use crate::{
    emit,
    maps::SOCKET_BUFFERS,
    probes::syscall::{Call, call_of_tracked},
    read::{kernel_bytes, opaque},
    socket::{
        Socket,
        address::{self, Address, End},
    },
};

/// `AF_PACKET` (linux/socket.h).
const AF_PACKET: u64 = 17;
/// `SOCK_TYPE_MASK` and `SOCK_RAW` (linux/net.h).
const TYPE: u64 = 0xf;
const RAW: u64 = 3;

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Body>();

/// Where a record is built.
#[repr(C)]
pub(crate) struct SocketBuffer {
    header: Header,
    body: Body,
    /// The first address, behind whose last byte the second is put.
    strings: [Address; 2],
    /// Where the second address is made.
    own: Address,
}

/// Records a call that makes a socket or gives it its address.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_socket(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let number = call.number();
    let mut kind = u64::from(KIND_OF[opaque(number) as usize & (NUMBERS - 1)]);
    if number == SOCKET && !deserves_attention(call) {
        if !asks_for_facts(call) {
            return 0;
        }
        kind = Kind::Metadata.index() as u64;
    }
    let Some(buffer) = SOCKET_BUFFERS.get_ptr_mut(0) else {
        emit::lost_number(kind, Cause::NoBuffer);
        return 0;
    };
    let accepted = (number == ACCEPT || number == ACCEPT4) && call.result >= 0;
    let socket = match number {
        SOCKET => Socket::NONE,
        _ if accepted => Socket::of(who.thread.fetched(), call.result as u32),
        _ => Socket::of(who.thread.fetched(), call.register(regs::DI) as u32),
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let strings = (&raw mut (*buffer).strings).cast::<u8>();
        let first = &raw mut (*buffer).strings[0];
        let requested = if number == BIND {
            address::given(first, call.register(regs::SI), call.register(regs::DX) as u32)
        } else if accepted {
            text(address::of(socket.sock, End::Peer, first))
        } else {
            Text { len: 0, state: TextState::NotAsked.number(), pad: 0 }
        };
        let own = if number == SOCKET {
            Text { len: 0, state: TextState::NotAsked.number(), pad: 0 }
        } else {
            text(address::of(socket.sock, End::Own, &raw mut (*buffer).own))
        };
        write(&raw mut (*buffer).body, call, number, socket, requested, own);
        // The lengths are read back from memory, so that the verifier follows what comes now once.
        let first = length(&raw const (*buffer).body, call_text::REQUESTED);
        let second = length(&raw const (*buffer).body, call_text::SECOND_REQUESTED);
        kernel_bytes(strings.add(first as usize), second as u32, (&raw const (*buffer).own) as u64);
        let (record, len) = (buffer.cast::<u8>(), FIXED as u64 + first + second);
        emit::send_call_number(kind, who, call, record, len);
    }
    0
}

/// Whether a call of socket asks for a netlink socket over which the kernel tells other facts than interfaces and routes.
#[inline(always)]
fn asks_for_facts(call: Call) -> bool {
    call.register(regs::DI) == AF_NETLINK && call.register(regs::DX) as u32 != u32::from(ROUTE)
}

/// Whether a call of socket deserves attention.
#[inline(always)]
fn deserves_attention(call: Call) -> bool {
    let (family, kind) = (call.register(regs::DI), call.register(regs::SI));
    // A netlink socket is raw by its nature, and carries no packets.
    call.flags & flag::NOT_ENTERED != 0 || family == AF_PACKET || family != AF_NETLINK && kind & TYPE == RAW
}

/// Describes an address of so many bytes.
#[inline(always)]
fn text(len: u64) -> Text {
    let state = if len == 0 { TextState::NotAsked } else { TextState::Complete };
    Text { len: len as u32, state: state.number(), pad: 0 }
}

/// The bytes of a string, as they stand in the record: at most those of an address.
///
/// # Safety
///
/// `body` must be the body of a record in map memory.
#[inline(always)]
unsafe fn length(body: *const Body, at: usize) -> u64 {
    // SAFETY: the caller's promise.
    let len = opaque(u64::from(unsafe { (&raw const (*body).texts[at].len).read_volatile() }));
    if len > SOCKADDR_BYTES as u64 { 0 } else { len }
}

/// Writes all of the body.
///
/// # Safety
///
/// `body` must be the body of a record in map memory.
#[inline(always)]
unsafe fn write(body: *mut Body, call: Call, number: u64, socket: Socket, requested: Text, own: Text) {
    // The second argument of listen and socket is no address, nor is the third of the others a value for accept.
    let plain = number == SOCKET || number == LISTEN;
    let second = if plain { call.register(regs::SI) } else { 0 };
    let third = if number == SOCKET || number == BIND { call.register(regs::DX) } else { 0 };
    let fourth = if number == ACCEPT4 { call.register(regs::R10) } else { 0 };
    let none = Text { len: 0, state: TextState::NotAsked.number(), pad: 0 };
    // SAFETY: the caller's promise.
    unsafe {
        *body = Body {
            result: call.result,
            args: [call.register(regs::DI), second, third, fourth, 0, 0],
            took: call.took,
            object: socket.inode,
            syscall: number as u32,
            flags: 0,
            socket_type: socket.kind,
            protocol: socket.protocol,
            pad: 0,
            texts: [requested, none, own, none],
        };
    }
}
