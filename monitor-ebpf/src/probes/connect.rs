//! connect.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::syscall::family::CONNECT`] |
//! | when | the call has returned, which for a blocking connect is when it is decided; `-EINPROGRESS` for others |
//! | address | read from user memory at the exit; see `probes::syscall` for the race |
//!
//! Blind spots: the end of a connect that is in progress; sendto and sendmsg on unconnected sockets; io_uring; a
//! descriptor that another thread replaces before its socket is looked at.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::Connect,
    counters::Fault,
    limits::SOCKADDR_BYTES,
    syscall::regs,
};

use crate::{
    emit,
    globals::offset,
    probes::syscall::call_of_tracked,
    read::{clear, kernel, opaque, user_bytes},
    task::file,
};

/// `S_IFMT` and `S_IFSOCK` (linux/stat.h): the type bits of a mode, and those of a socket.
const TYPE_BITS: u16 = 0o170_000;
const SOCKET: u16 = 0o140_000;

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
    let (socket_type, protocol) = socket(fd);
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
            socket_type,
            protocol,
            pad: 0,
            texts: [Text { len: len as u32, state: state.number(), pad: 0 }],
        };
        emit::send(Kind::Connect, who.tid, who.task, record.cast(), fixed + len);
    }
    0
}

/// The type and the protocol of the socket behind a descriptor; zeroes when it is no socket.
#[inline(always)]
fn socket(descriptor: u32) -> (u16, u16) {
    let file = file(descriptor);
    let inode: u64 = kernel(file, offset!(file_inode), 0);
    let mode: u16 = kernel(inode, offset!(inode_mode), 0);
    if mode & TYPE_BITS != SOCKET {
        return (0, 0);
    }
    let socket: u64 = kernel(file, offset!(file_private_data), 0);
    let sock: u64 = kernel(socket, offset!(socket_sock), 0);
    (kernel(socket, offset!(socket_type), 0), kernel(sock, offset!(sock_protocol), 0))
}
