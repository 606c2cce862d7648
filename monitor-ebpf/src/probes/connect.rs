//! connect.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::CONNECT`] |
//! | when | the call has returned, which for a blocking connect is when it is decided; `-EINPROGRESS` for others |
//! | address | read from user memory at the exit; see `probes::syscall` for the race |
//!
//! Blind spots: the end of a connect that is in progress; sendto and sendmsg on unconnected sockets; io_uring; a
//! descriptor that another thread replaces before its socket is looked at.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState, body::Connect, counters::Fault, limits::SOCKADDR_BYTES, syscall::regs,
};

use crate::{
    emit,
    probes::syscall::call_of_tracked,
    read::{clear, opaque, user_bytes},
    socket::Socket,
};

/// `AF_UNIX`, `AF_INET` and `AF_INET6` (linux/socket.h).
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// Bytes of family, port and address of `struct sockaddr_in`; padding follows.
const IPV4_BYTES: u64 = 8;
/// Bytes of `struct sockaddr_in6`.
const IPV6_BYTES: u64 = 28;

/// Words of an address.
const ADDRESS_WORDS: usize = SOCKADDR_BYTES / 8;

/// Where a record is built.
#[repr(C)]
struct Record {
    header: Header,
    body: Connect,
    address: [u64; ADDRESS_WORDS],
}

/// Records a connect.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_connect(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let fd = call.register(regs::DI) as u32;
    let address = call.register(regs::SI);
    let asked = call.register(regs::DX) as u32;
    let socket = Socket::of(who.thread, fd);
    let mut record = MaybeUninit::<Record>::uninit();
    let record = record.as_mut_ptr();
    let mut len = opaque(u64::from(asked));
    let mut state = TextState::Complete;
    if len > SOCKADDR_BYTES as u64 {
        len = SOCKADDR_BYTES as u64;
        state = TextState::Cut;
    }
    // SAFETY: `len` is at most the room of the address. It is cleared since kernels before 6.3 send no stack that was
    // not written.
    let read = unsafe {
        clear::<ADDRESS_WORDS>((&raw mut (*record).address).cast());
        user_bytes((&raw mut (*record).address).cast(), len as u32, address)
    };
    if !read {
        state = TextState::Unreadable;
        len = 0;
    }
    // SAFETY: the record's address was cleared and read.
    len = unsafe { meaningful((&raw mut (*record).address).cast(), len) };
    match state {
        TextState::Unreadable => emit::fault(Fault::StringUnreadable),
        TextState::Cut => emit::fault(Fault::StringCut),
        _ => {}
    }
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
            texts: [Text { len: len as u32, state: state.number(), pad: 0 }],
        };
        emit::send_call(Kind::Connect, who, call, record.cast(), fixed + len);
    }
    0
}

/// The bytes of an address that mean something: callers pass the whole of a structure, and behind the name of a unix
/// socket, or in the padding of an IPv4 address, stands whatever was on their stack.
///
/// # Safety
///
/// `address` must have [`SOCKADDR_BYTES`] bytes, and the verifier must see it.
#[inline(always)]
unsafe fn meaningful(address: *mut u8, len: u64) -> u64 {
    const FAMILY: u64 = 2;
    // SAFETY: all offsets are below SOCKADDR_BYTES.
    unsafe {
        let family = address.cast::<u16>().read_volatile();
        if family == AF_INET && len > IPV4_BYTES {
            return IPV4_BYTES;
        }
        if family == AF_INET6 && len > IPV6_BYTES {
            return IPV6_BYTES;
        }
        if family != AF_UNIX || len <= FAMILY || address.add(FAMILY as usize).read_volatile() == 0 {
            return len;
        }
        for at in FAMILY..SOCKADDR_BYTES as u64 {
            if at >= len || address.add(at as usize).read_volatile() == 0 {
                return at;
            }
        }
    }
    len
}
