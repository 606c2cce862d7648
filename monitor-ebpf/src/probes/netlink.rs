//! What is asked over netlink: interfaces, addresses, routes, neighbours and their like.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `exit_send`, part [`monitor_common::programs::family::NETLINK`] |
//! | when | a call has sent on a socket of `NETLINK_ROUTE`, whichever call |
//! | message | its header (`struct nlmsghdr`, linux/netlink.h) and the byte behind it, from the caller's buffers |
//!
//! Each message that asks for something (`RTM_GET*`, linux/rtnetlink.h) is a record; a datagram can hold several.
//!
//! Blind spots: what is asked over the other protocols of netlink, whose sockets are recorded (`probes::socket`); messages
//! that change something; of a datagram of several parts, messages that begin behind the first part; io_uring. A thread can
//! change the buffer before its call has returned.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind,
    body::Call as Body,
    counters::Cause,
    programs::family,
    syscall::{
        SENDMMSG,
        netlink::{ROUTE, asks},
        regs,
    },
};

use super::{
    host::NONE,
    traffic::transfer::{NOTHING, Segment, Transfer},
};
use crate::{
    emit,
    maps::{CALL_PROGRAMS, TRANSFERS},
    probes::syscall::call_continued,
    read::user,
};

/// Bytes of `struct nlmsghdr`; each message begins at a multiple of four (`NLMSG_ALIGNTO`).
const HEADER: u64 = 16;
const ALIGNED: u64 = 4;

/// Where a record is built, on the stack.
#[repr(C)]
struct Record {
    header: Header,
    body: Body,
}

/// Records the next message of a call, and calls itself for the one behind it, as `exit_dns` does.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_netlink(ctx: BtfTracePointContext) -> i32 {
    let Some(transfer) = TRANSFERS.get_ptr_mut(0) else { return 0 };
    // Entries of calls that send are not noted.
    let Some((call, who)) = call_continued(&ctx, 0, 0) else { return 0 };
    // SAFETY: the transfer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        if (*transfer).protocol != ROUTE {
            return 0;
        }
        let (at, second) = next(transfer);
        if at.len >= HEADER {
            let [len, kind, _, _]: [u32; 4] = user(at.address);
            let (asked, flags) = (u64::from(kind & 0xffff), u64::from(kind >> 16));
            let bytes = (u64::from(len) + ALIGNED - 1) & !(ALIGNED - 1);
            if bytes >= HEADER && bytes < at.len {
                (*transfer).rest = Segment { address: at.address + bytes, len: at.len - bytes };
            }
            // The kernel drops one whose length cannot be (`netlink_rcv_skb`, net/netlink/af_netlink.c).
            if asks(asked, flags) && u64::from(len) >= HEADER && u64::from(len) <= (*transfer).bytes {
                // `rtgen_family`, with which the body of each such message begins.
                let behind = if at.len > HEADER { at.address + HEADER } else { second };
                let family: u8 = user(behind);
                let mut record = MaybeUninit::<Record>::uninit();
                let record = record.as_mut_ptr();
                (*record).body = Body {
                    result: call.result,
                    args: [call.register(regs::DI), asked, flags, u64::from(family), 0, 0],
                    took: 0,
                    object: (*transfer).file.inode,
                    syscall: call.number() as u32,
                    flags: 0,
                    socket_type: (*transfer).kind,
                    protocol: (*transfer).protocol,
                    pad: 0,
                    texts: [NONE; 4],
                };
                emit::send_call(Kind::Metadata, who, call, record.cast(), size_of::<Record>() as u64);
            }
        }
        let several = (*transfer).number == SENDMMSG && (*transfer).next < (*transfer).result;
        if (*transfer).rest.len >= HEADER || several {
            CALL_PROGRAMS.tail_call(&ctx, family::NETLINK);
            // It comes back when there were too many.
            emit::lost(Kind::Metadata, Cause::NoProgram);
        }
    }
    0
}

/// Where the next message lies, which may be none, and where the second part of its datagram begins.
///
/// # Safety
///
/// `transfer` must be this CPU's, filled.
#[inline(always)]
unsafe fn next(transfer: *mut Transfer) -> (Segment, u64) {
    // SAFETY: the caller's promise.
    unsafe {
        let rest = (*transfer).rest;
        (*transfer).rest = NOTHING;
        if rest.len >= HEADER {
            return (rest, 0);
        }
        let at = (*transfer).next;
        (*transfer).next = at + 1;
        let message = Transfer::message(transfer, at);
        (message.first, message.second.address)
    }
}
