//! open, openat, openat2, creat.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::OPEN`] |
//! | when | the call has returned; the descriptor is in the thread's table |
//! | requested path | read from user memory at the exit, when its page is resident; see `probes::syscall` for the race |
//! | absolute path | of the file behind the descriptor, or of the directory that a failed relative open starts from |
//!
//! Blind spots: another thread can close the descriptor and open another file before the path is read. A failed open
//! of an absolute path says no more than what was asked for. open_by_handle_at, memfd_create and descriptors that
//! arrive over a socket or by pidfd_getfd are no opens here.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Open, open_text, path_flag, resolve_flags},
    counters::{Cause, Fault},
    limits::PATH_BYTES,
    syscall::{AT_FDCWD, CREAT, CREAT_FLAGS, OPEN, OPENAT, regs},
};

use crate::{
    emit,
    globals::offset,
    maps::OPEN_BUFFERS,
    path::{self, PathBuffer, Place, walk},
    probes::syscall::{Call, call_of_tracked},
    read::{Structure as _, Typed, user, user_string},
    task::{file_in, table},
};

/// `ENAMETOOLONG` (asm-generic/errno.h): the path asked for is longer than what is carried.
pub(super) const ENAMETOOLONG: i64 = 36;

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Open>();

/// Where a record is built.
#[repr(C, align(8))]
pub(crate) struct OpenBuffer {
    record: [u8; FIXED + 2 * PATH_BYTES],
    path: PathBuffer,
}

/// The arguments of one call of the family.
struct Arguments {
    dfd: i32,
    path: u64,
    flags: u64,
    mode: u32,
    resolve: u64,
}

/// `struct open_how` (linux/openat2.h).
#[repr(C)]
#[derive(Clone, Copy)]
struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

#[inline(always)]
fn arguments(call: Call, number: u64) -> Arguments {
    let first = call.register(regs::DI);
    let second = call.register(regs::SI);
    let third = call.register(regs::DX);
    // The three calls other than openat2 take their flags as an int.
    match number {
        OPEN => {
            Arguments { dfd: AT_FDCWD, path: first, flags: u64::from(second as u32), mode: third as u32, resolve: 0 }
        }
        CREAT => Arguments { dfd: AT_FDCWD, path: first, flags: CREAT_FLAGS, mode: second as u32, resolve: 0 },
        OPENAT => Arguments {
            dfd: first as i32,
            path: second,
            flags: u64::from(third as u32),
            mode: call.register(regs::R10) as u32,
            resolve: 0,
        },
        _ => {
            let how: How = user(third);
            Arguments { dfd: first as i32, path: second, flags: how.flags, mode: how.mode as u32, resolve: how.resolve }
        }
    }
}

/// Records an open.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_open(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let Some(buffer) = OPEN_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Open, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let record = (&raw mut (*buffer).record).cast::<u8>();
        let strings = record.add(FIXED);
        let body = record.add(size_of::<Header>()).cast::<Open>();
        // Once, before the ways part: see the module [`crate::typed`].
        let (fs, table) = (who.thread.follow(offset!(task_fs)), table(who.thread));
        let place = begin(call, (fs, table), body, strings);
        // The length is read back from memory: so the verifier follows what comes now once, and not once for each way
        // in which the string can have come.
        let len = read_len(body);
        let mut total = FIXED as u64 + len;
        if place.dentry != 0 {
            let root = Place::of(fs, offset!(fs_root));
            let walked = walk(&raw mut (*buffer).path, place, root);
            let len = read_len(body);
            let path_len = walked.copy(&raw const (*buffer).path, strings.add(len as usize));
            (*body).flags |= walked.flags;
            (*body).texts[open_text::PATH] = Text { len: path_len as u32, state: walked.state, pad: 0 };
            total = FIXED as u64 + len + path_len;
        }
        emit::send_call(Kind::Open, who, call, record, total);
    }
    0
}

/// The length of the path asked for, as it stands in the record.
///
/// # Safety
///
/// `body` must be the body of a record in map memory.
#[inline(always)]
unsafe fn read_len(body: *const Open) -> u64 {
    // SAFETY: the caller's promise.
    u64::from(unsafe { (&raw const (*body).texts[open_text::REQUESTED].len).read_volatile() }) & (PATH_BYTES as u64 - 1)
}

/// Writes all of the body but the path, and gives the place whose path belongs there.
///
/// # Safety
///
/// `body` and `strings` must be those of a record in map memory.
#[inline(always)]
unsafe fn begin(call: Call, (fs, table): (Typed, Typed), body: *mut Open, strings: *mut u8) -> Place {
    let number = call.number();
    let asked = arguments(call, number);
    // SAFETY: the caller's promise.
    unsafe {
        let requested = requested(user_string(strings, PATH_BYTES as u32, asked.path), call.result);
        let relative = requested.len > 0 && *strings != b'/';
        let (place, flags) = place(fs, table, call.result, relative, asked.dfd);
        let mut state = TextState::NotAsked;
        if path::is_told() && place.dentry == 0 && (call.result >= 0 || relative) {
            state = TextState::Unreadable;
            emit::fault(Fault::StringUnreadable);
        }
        *body = Open {
            result: call.result,
            open_flags: asked.flags,
            mode: asked.mode,
            dfd: asked.dfd,
            syscall: number as u32,
            flags: flags | resolve_flags(asked.resolve),
            texts: [requested, Text { len: 0, state: state.number(), pad: 0 }],
        };
        place
    }
}

/// Describes the path asked for by what the read of it gave.
#[inline(always)]
pub(crate) fn requested(read: i64, result: i64) -> Text {
    if read <= 0 {
        emit::fault(Fault::StringUnreadable);
        return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
    }
    let mut state = TextState::Complete;
    if read == PATH_BYTES as i64 && result == -ENAMETOOLONG {
        emit::fault(Fault::StringCut);
        state = TextState::Cut;
    }
    Text { len: (read - 1) as u32, state: state.number(), pad: 0 }
}

/// Whose path belongs into the record, and the flag that says so.
#[inline(always)]
fn place(fs: Typed, table: Typed, result: i64, relative: bool, dfd: i32) -> (Place, u32) {
    if !path::is_told() {
        (Place::NONE, 0)
    } else if result >= 0 {
        (Place::of_file(file_in(table, result as u32)), 0)
    } else if !relative {
        (Place::NONE, 0)
    } else if dfd == AT_FDCWD {
        (Place::of(fs, offset!(fs_pwd)), path_flag::BASE)
    } else {
        (Place::of_file(file_in(table, dfd as u32)), path_flag::BASE)
    }
}
