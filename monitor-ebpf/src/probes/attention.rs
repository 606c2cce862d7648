//! Calls that deserve attention: they reach into other processes, into the kernel, or change what the machine looks like.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::ATTENTION`] |
//! | when | the call has returned |
//! | strings | read from user memory at the exit; see `probes::syscall` for the race |
//! | paths | of a relative path the folder that it starts from; of a descriptor the file behind it |
//!
//! Which argument is what is told by [`monitor_common::syscall::shape`]. Signals are recorded only where they leave the
//! tree of the sender: see `probes::signal`.
//!
//! Blind spots: what is done through the file system instead of a call (an open of `/proc/PID/mem` is an open); the
//! folder that a relative path of chroot and of pivot_root started from, which is no longer what it was.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Call as Body, SECOND_PATH_SHIFT, call_text, path_flag},
    counters::{Cause, Fault},
    limits::{HOST_NAME_BYTES, PATH_BYTES},
    syscall::{
        AT_FDCWD, NUMBERS, PERF_EVENT_OPEN, SHAPES, regs,
        shape::{HERE, Shape},
    },
};

use crate::{
    emit,
    globals::offset,
    maps::ATTENTION_BUFFERS,
    path::{PathBuffer, Place, walk},
    probes::{
        host::{NONE, foreign},
        signal,
        syscall::call_of_tracked,
    },
    read::{opaque, user, user_bytes, user_string},
    task::{Tracked, file},
};

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Body>();

/// Bytes of strings before the last, at most.
const BEFORE_LAST: u64 = 3 * PATH_BYTES as u64;

/// Where a record is built.
#[repr(C, align(8))]
pub(crate) struct AttentionBuffer {
    /// Bytes of strings so far.
    used: u64,
    /// Where the last of them begins.
    last: u64,
    record: [u8; FIXED + 4 * PATH_BYTES],
    path: PathBuffer,
}

/// Records a call that deserves attention.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_attention(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let number = call.number();
    let mut object = 0;
    if signal::takes_pidfd(number) {
        object = signal::of_pidfd(call, who);
    }
    if signal::is_signal(number) && !signal::leaves_tree(call, who, object) {
        return 0;
    }
    if number == PERF_EVENT_OPEN {
        object = user(call.register(regs::DI));
    }
    let Some(buffer) = ATTENTION_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Attention, Cause::NoBuffer);
        return 0;
    };
    let shape = SHAPES[opaque(number) as usize & (NUMBERS - 1)];
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let record = (&raw mut (*buffer).record).cast::<u8>();
        let body = record.add(size_of::<Header>()).cast::<Body>();
        (*buffer).used = 0;
        (*body).result = call.result;
        (*body).args = [
            call.register(regs::DI),
            call.register(regs::SI),
            call.register(regs::DX),
            call.register(regs::R10),
            call.register(regs::R8),
            call.register(regs::R9),
        ];
        (*body).took = call.took;
        (*body).object = u64::from(object);
        (*body).syscall = number as u32;
        (*body).flags = foreign(who);
        (*body).socket_type = 0;
        (*body).protocol = 0;
        (*body).pad = 0;
        (*body).texts = [NONE; call_text::COUNT];
        let first = shape >> Shape::FIRST & 0x7f;
        let second = shape >> Shape::SECOND & 0x7f;
        string(buffer, body, first, shape & Shape::COUNTED != 0, call_text::REQUESTED);
        path(buffer, body, who, first, shape >> Shape::FILE & 7, call_text::REQUESTED);
        string(buffer, body, second, false, call_text::SECOND_REQUESTED);
        path(buffer, body, who, second, 0, call_text::SECOND_REQUESTED);
        string(buffer, body, shape >> Shape::THIRD & 7, false, call_text::SECOND_PATH);
        for at in 0..6 {
            (*body).args[at] &= (u64::from(shape >> at) & 1).wrapping_sub(1);
        }
        let used = opaque((*buffer).used);
        let used = if used > 4 * PATH_BYTES as u64 { 0 } else { used };
        emit::send_call(Kind::Attention, who, call, record, FIXED as u64 + used);
    }
    0
}

/// An argument by its place and one; 0 for none.
///
/// # Safety
///
/// `body` must be the body of a record in map memory.
#[inline(always)]
unsafe fn argument(body: *const Body, place: u32) -> u64 {
    let at = opaque(u64::from(place.wrapping_sub(1))) & 7;
    // SAFETY: the caller's promise.
    if at < 6 { unsafe { (&raw const (*body).args).cast::<u64>().add(at as usize).read_volatile() } } else { 0 }
}

/// Adds a string that the caller gave.
///
/// # Safety
///
/// `buffer` and `body` must be those of a record in map memory.
#[inline(always)]
unsafe fn string(buffer: *mut AttentionBuffer, body: *mut Body, which: u32, counted: bool, text: usize) {
    if which & 7 == 0 {
        return;
    }
    // SAFETY: the caller's promise; the string ends within the room that the record has behind `used`.
    unsafe {
        let used = opaque((&raw const (*buffer).used).read_volatile());
        if used > BEFORE_LAST {
            return;
        }
        let to = (&raw mut (*buffer).record).cast::<u8>().add(FIXED + used as usize);
        let from = argument(body, which & 7);
        let len = if counted {
            let asked = opaque(argument(body, (which & 7) + 1));
            let len = if asked > HOST_NAME_BYTES as u64 { HOST_NAME_BYTES as u64 } else { asked };
            if user_bytes(to, len as u32, from) { len as i64 } else { -1 }
        } else {
            user_string(to, PATH_BYTES as u32, from) - 1
        };
        let mut state = TextState::Complete;
        if len < 0 {
            state = TextState::Unreadable;
            if from != 0 {
                emit::fault(Fault::StringUnreadable);
            }
        } else if len == PATH_BYTES as i64 - 1 || counted && argument(body, (which & 7) + 1) > HOST_NAME_BYTES as u64 {
            state = TextState::Cut;
            emit::fault(Fault::StringCut);
        }
        // A string that the caller may leave out is not asked for.
        let state = if from == 0 { TextState::NotAsked } else { state };
        let len = if len < 0 { 0 } else { len as u64 & (PATH_BYTES as u64 - 1) };
        (*body).texts[text] = Text { len: len as u32, state: state.number(), pad: 0 };
        (&raw mut (*buffer).last).write_volatile(used);
        (&raw mut (*buffer).used).write_volatile(used + len);
    }
}

/// Adds, behind a string that is a relative path, the path of the folder that it starts from; or the path of a file by
/// its descriptor.
///
/// # Safety
///
/// As for [`string`].
#[inline(always)]
unsafe fn path(buffer: *mut AttentionBuffer, body: *mut Body, who: Tracked, which: u32, by: u32, asked: usize) {
    let from = which >> 3;
    // SAFETY: the caller's promise; the path ends within the room that the record has behind `used`.
    unsafe {
        let used = opaque((&raw const (*buffer).used).read_volatile());
        if used > BEFORE_LAST {
            return;
        }
        let strings = (&raw mut (*buffer).record).cast::<u8>().add(FIXED);
        let (place, base) = if by != 0 {
            (Place::of_file(file(who.thread, argument(body, by) as u32)), 0)
        } else if from == 0 {
            return;
        } else {
            let last = opaque((&raw const (*buffer).last).read_volatile());
            if last >= used || last > BEFORE_LAST || strings.add(last as usize).read_volatile() == b'/' {
                return;
            }
            let folder = argument(body, from) as i32;
            if from == HERE || folder == AT_FDCWD {
                (Place::typed(who.thread.follow(offset!(task_fs)), offset!(fs_pwd)), path_flag::BASE)
            } else {
                (Place::of_file(file(who.thread, folder as u32)), path_flag::BASE)
            }
        };
        if place.dentry == 0 {
            return;
        }
        let root = Place::typed(who.thread.follow(offset!(task_fs)), offset!(fs_root));
        let walked = walk(&raw mut (*buffer).path, place, root);
        let len = walked.copy(&raw const (*buffer).path, strings.add(used as usize));
        let shift = if asked == call_text::REQUESTED { 0 } else { SECOND_PATH_SHIFT };
        (*body).flags |= (walked.flags | base) << shift;
        (*body).texts[asked + 1] = Text { len: len as u32, state: walked.state, pad: 0 };
        (&raw mut (*buffer).used).write_volatile(used + len);
    }
}
