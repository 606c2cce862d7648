//! connect.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::CONNECT`] |
//! | when | the call has returned, which for a blocking connect is when it is decided; `-EINPROGRESS` for others |
//! | address | of a connection that was made, as the socket has it; else read from user memory at the exit, see `probes::syscall` for the race |
//!
//! Blind spots: the end of a connect that is in progress; sendto and sendmsg on unconnected sockets; io_uring; a
//! descriptor that another thread replaces before its socket is looked at.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{Header, Kind, Text, TextState, body::Connect, limits::SOCKADDR_BYTES, syscall::regs};

use crate::{
    emit,
    probes::syscall::call_of_tracked,
    read::opaque,
    socket::{
        Socket,
        address::{self, AF_UNIX, Address, End, FAMILY_BYTES},
    },
};

/// Where a record is built.
#[repr(C)]
struct Record {
    header: Header,
    body: Connect,
    address: Address,
}

/// Records a connect.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_connect(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let fd = call.register(regs::DI) as u32;
    let from = call.register(regs::SI);
    let asked = call.register(regs::DX) as u32;
    let socket = Socket::of(who.thread.fetched(), fd);
    let mut record = MaybeUninit::<Record>::uninit();
    let record = record.as_mut_ptr();
    // SAFETY: the address is a part of the record on the stack.
    let text = unsafe {
        let to = &raw mut (*record).address;
        let made = if call.result == 0 { connected(to, socket.sock) } else { 0 };
        if made == 0 {
            address::given(to, from, asked)
        } else {
            Text { len: made as u32, state: TextState::Complete.number(), pad: 0 }
        }
    };
    // Seen again by the verifier, for which it went through memory.
    let len = opaque(u64::from(text.len)) & (2 * SOCKADDR_BYTES as u64 - 1);
    let fixed = (size_of::<Header>() + size_of::<Connect>()) as u64;
    // SAFETY: the record is on the stack, and has `fixed` bytes and `len` of the address.
    unsafe {
        (*record).body = Connect {
            result: call.result,
            fd: fd as i32,
            address_len: asked,
            socket_type: socket.kind,
            protocol: socket.protocol,
            pad: 0,
            inode: socket.inode,
            took: call.took,
            texts: [text],
        };
        emit::send_call(Kind::Connect, who, call, record.cast(), fixed + len);
    }
    0
}

/// Writes the peer that a socket is connected to and gives its bytes; 0 where the socket does not tell, or tells a name that
/// only means something where its owner has bound it.
///
/// # Safety
///
/// As for [`address::given`].
#[inline(always)]
unsafe fn connected(to: *mut Address, sock: u64) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        let len = address::of(sock, End::Peer, to);
        let word = to.cast::<u64>().read_volatile();
        let begins = (word >> 16) as u8;
        let is_relative = word as u16 == AF_UNIX && begins != b'/' && begins != 0;
        if len <= FAMILY_BYTES || is_relative { 0 } else { len }
    }
}
