//! Calls by which a process changes who it is, and calls that ask for facts about the host.
//!
//! | | |
//! |---|---|
//! | hook | tail calls from `sys_exit`, families [`monitor_common::programs::family::IDENTITY`] and `METADATA` |
//! | when | the call has returned |
//! | arguments | those that are numbers, by [`monitor_common::syscall::shape`]; see `probes::syscall` for the rest |
//!
//! Of prctl, personality and ioctl only what tells something is recorded: see [`monitor_common::syscall::prctl`] and
//! [`monitor_common::syscall::ioctl`]. The set of capabilities and the name of an interface are read from user memory at
//! the exit.
//!
//! Blind spots: what the machine tells without a call (the vDSO: time, processor number), and what stands in memory
//! already (auxv: architecture, user); groups of setgroups.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Call as Body, call_flag, call_text},
    counters::Fault,
    limits::SHORT_NAME_BYTES,
    syscall::{
        ADDRESSES_OF, CAPSET, IOCTL, NUMBERS, PERSONALITY, PERSONALITY_ASKS, PRCTL,
        ioctl::{HDIO_GET_IDENTITY, SIOCGIFCONF, is_interface, types},
        prctl, regs,
    },
};

use crate::{
    emit, namespace,
    probes::syscall::{Call, call_of_tracked},
    read::{clear, opaque, user, user_string},
    task::{Tracked, pid},
};

/// No string.
pub(super) const NONE: Text = Text { len: 0, state: TextState::NotAsked.number(), pad: 0 };

/// Where a record is built, on the stack.
#[repr(C)]
struct Record {
    header: Header,
    body: Body,
    name: [u64; SHORT_NAME_BYTES / 8],
}

/// Records a call by which a process changes who it is.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_identity(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let number = call.number();
    let first = call.register(regs::DI);
    let mut name = 0;
    match number {
        PRCTL if !prctl::changes(first, call.register(regs::SI)) => return 0,
        PRCTL if first == prctl::SET_NAME => {
            if who.tid != pid() {
                return 0;
            }
            name = call.register(regs::SI);
        }
        PERSONALITY if first & PERSONALITY_ASKS == PERSONALITY_ASKS => return 0,
        _ => {}
    }
    record(Kind::Identity, call, who, number, name);
    0
}

/// Records a call that asks for facts about the host, and one that types into a terminal.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_metadata(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let number = call.number();
    let mut name = 0;
    if number == IOCTL {
        let request = u64::from(call.register(regs::SI) as u32);
        if types(request) {
            record(Kind::Attention, call, who, number, 0);
            return 0;
        }
        if is_interface(request) {
            // Every other of these begins its argument with the name of the interface (netdevice(7)).
            if request != SIOCGIFCONF {
                name = call.register(regs::DX);
            }
        } else if request != HDIO_GET_IDENTITY {
            return 0;
        }
    }
    record(Kind::Metadata, call, who, number, name);
    0
}

/// The sets of capabilities of capset (linux/capability.h): two words each of 32 capabilities.
#[repr(C)]
#[derive(Clone, Copy)]
struct Capabilities {
    low: [u32; 3],
    high: [u32; 3],
}

/// Writes and sends a record with at most a short name.
#[inline(always)]
fn record(kind: Kind, call: Call, who: Tracked, number: u64, name: u64) {
    let mut record = MaybeUninit::<Record>::uninit();
    let record = record.as_mut_ptr();
    let addresses = ADDRESSES_OF[opaque(number) as usize & (NUMBERS - 1)];
    let mut args = [
        call.register(regs::DI),
        call.register(regs::SI),
        call.register(regs::DX),
        call.register(regs::R10),
        call.register(regs::R8),
        call.register(regs::R9),
    ];
    let mut bits = addresses;
    if number == PRCTL {
        if args[0] == prctl::SET_NAME {
            bits |= 0b10;
        } else if args[0] == prctl::CAP_AMBIENT {
            bits &= !0b100;
        }
    }
    for (at, argument) in args.iter_mut().enumerate() {
        // Without a branch, which would double the states that the verifier walks.
        *argument &= (u64::from(bits >> at) & 1).wrapping_sub(1);
    }
    if number == CAPSET {
        let sets: Capabilities = user(call.register(regs::SI));
        for at in 0..3 {
            args[at + 1] = u64::from(sets.low[at]) | u64::from(sets.high[at]) << 32;
        }
    }
    // SAFETY: the record is on the stack; the name is cleared since kernels before 6.3 send no stack that was not written.
    unsafe {
        clear::<{ SHORT_NAME_BYTES / 8 }>((&raw mut (*record).name).cast());
        let requested = if name == 0 { NONE } else { short((&raw mut (*record).name).cast(), name) };
        (*record).body = Body {
            result: call.result,
            args,
            took: call.took,
            object: 0,
            syscall: number as u32,
            flags: foreign(who),
            socket_type: 0,
            protocol: 0,
            pad: 0,
            texts: [requested, NONE, NONE, NONE],
        };
        let fixed = (size_of::<Header>() + size_of::<Body>()) as u64;
        let len = opaque(u64::from((*record).body.texts[call_text::REQUESTED].len)) & (SHORT_NAME_BYTES as u64 - 1);
        emit::send_call(kind, who, call, record.cast(), fixed + len);
    }
}

/// The flag that the pids of a call are of another pid namespace than the initial one.
#[inline(always)]
pub(super) fn foreign(who: Tracked) -> u32 {
    if namespace::level(who.thread.fetched()) == 0 { 0 } else { call_flag::OWN_NUMBERS }
}

/// Reads a name of at most [`SHORT_NAME_BYTES`] less one.
///
/// # Safety
///
/// `to` must have room for as many, and the verifier must see it.
#[inline(always)]
unsafe fn short(to: *mut u8, from: u64) -> Text {
    // SAFETY: the caller's promise.
    let read = unsafe { user_string(to, SHORT_NAME_BYTES as u32, from) };
    if read <= 0 {
        emit::fault(Fault::StringUnreadable);
        return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
    }
    Text { len: (read - 1) as u32, state: TextState::Complete.number(), pad: 0 }
}
