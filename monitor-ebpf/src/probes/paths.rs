//! readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate and their like: calls that name one or two files.
//! The part that adds a file also does so for calls that deserve attention (`probes::attention`): the walk to a path is
//! most of what the verifier has to go through, and here it is once.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::PATHS`] |
//! | when | the call has returned |
//! | parts | the start here, then once for each file or string `exit_paths_file`, the last of which sends the record |
//! | requested paths | read from user memory at the exit; see `probes::syscall` for the race |
//! | absolute paths | of the file behind a descriptor, or of the folder that a relative path starts from, at the exit |
//! | target of a link | the bytes that the call has put into the caller's buffer |
//!
//! Which arguments name files is told by [`monitor_common::syscall::paths`].
//!
//! Blind spots: what the kernel resolved is gone when the call returns, so a link within a path that was asked for is not
//! seen through. Another thread can change the descriptor or the working directory meanwhile.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind, Text, TextState,
    body::call_text,
    counters::{Cause, Fault},
    limits::PATH_BYTES,
    programs::family,
    syscall::{
        ADDRESSES_OF, AT_FDCWD, KIND_OF, NUMBERS,
        paths::{FILES_OF, NONE, NOT_NAMED, Named, TARGET_OF},
        regs,
    },
};

use crate::{
    emit,
    files::{Files, FilesBuffer},
    maps::{CALL_PROGRAMS, PATHS_BUFFERS},
    probes::{
        host,
        open::{ENAMETOOLONG, requested},
        syscall::{Call, call_continued, call_of_tracked},
    },
    read::{Fetched, opaque, user_bytes, user_string},
};

/// Places in [`PathsBuffer::arguments`]; a power of two. Those behind the six arguments of a call are 0.
const ARGUMENTS: usize = 8;

/// Where the strings asked for go, by [`PathsBuffer::next`]: the third, beside which no path can be, where the path of the second
/// would.
const TEXTS_AT: [usize; 4] =
    [call_text::REQUESTED, call_text::SECOND_REQUESTED, call_text::SECOND_PATH, call_text::SECOND_PATH];

/// Where a record is built, and what its parts hand to each other.
#[repr(C, align(8))]
pub(crate) struct PathsBuffer {
    /// The arguments of the call.
    arguments: [u64; ARGUMENTS],
    /// The file or string that comes next: 0, 1 or 2.
    next: u64,
    /// See [`Call::flags`].
    flags: u64,
    files: FilesBuffer,
}

impl PathsBuffer {
    /// The record.
    ///
    /// # Safety
    ///
    /// `buffer` must be a value of the map that nothing else uses.
    #[inline(always)]
    pub(super) unsafe fn files(buffer: *mut Self) -> Files {
        // SAFETY: the caller's promise.
        unsafe { Files::new(&raw mut (*buffer).files) }
    }

    /// An argument of the call; 0 for one that there is not.
    ///
    /// # Safety
    ///
    /// `buffer` must be a value of the map.
    #[inline(always)]
    unsafe fn argument(buffer: *mut Self, place: u8) -> u64 {
        let place = opaque(u64::from(place)) as usize & (ARGUMENTS - 1);
        // SAFETY: the caller's promise, and the mask.
        unsafe { (&raw const (*buffer).arguments).cast::<u64>().add(place).read_volatile() }
    }

    /// Begins the record of a call, with its arguments.
    ///
    /// # Safety
    ///
    /// `buffer` must be a value of the map that nothing else uses.
    #[inline(always)]
    pub(super) unsafe fn begin(buffer: *mut Self, call: Call, number: usize) {
        // SAFETY: the caller's promise.
        unsafe {
            let arguments = [
                call.register(regs::DI),
                call.register(regs::SI),
                call.register(regs::DX),
                call.register(regs::R10),
                call.register(regs::R8),
                call.register(regs::R9),
            ];
            let files = Self::files(buffer);
            files.begin(number as u32, call.result, call.took);
            let addresses = opaque(u64::from(ADDRESSES_OF[number]));
            for (at, argument) in arguments.into_iter().enumerate() {
                (*buffer).arguments[at] = argument;
                // All bits or none, and no branch.
                (*files.body()).args[at] = argument & (addresses >> at & 1).wrapping_sub(1);
            }
            (*buffer).arguments[6] = 0;
            (*buffer).arguments[7] = 0;
            (*buffer).next = 0;
            (*buffer).flags = u64::from(call.flags);
        }
    }
}

/// The number of a call as an index; the verifier has to see the bound at each look-up.
#[inline(always)]
pub(super) fn index(call: Call) -> usize {
    opaque(call.number()) as usize & (NUMBERS - 1)
}

/// Begins the record of a call on paths.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_paths(ctx: BtfTracePointContext) -> i32 {
    let Some((call, _)) = call_of_tracked(&ctx) else { return 0 };
    let number = index(call);
    let Some(buffer) = PATHS_BUFFERS.get_ptr_mut(0) else {
        emit::lost_number(u64::from(KIND_OF[number]), Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        PathsBuffer::begin(buffer, call, number);
        CALL_PROGRAMS.tail_call(&ctx, family::PATHS_FILE);
    }
    // A tail call comes back only when there is no such program.
    emit::lost_number(u64::from(KIND_OF[number]), Cause::NoProgram);
    0
}

/// Adds one of the files or strings and calls itself for the next; after the last it sends the record.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_paths_file(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = PATHS_BUFFERS.get_ptr_mut(0) else { return 0 };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    let (files, took, flags) = unsafe {
        let files = PathsBuffer::files(buffer);
        (files, (*files.body()).took, (*buffer).flags as u32)
    };
    let Some((call, who)) = call_continued(&ctx, took, flags) else { return 0 };
    let number = index(call);
    // SAFETY: as above.
    unsafe {
        let next = opaque((&raw const (*buffer).next).read_volatile()) as usize & 3;
        asked(buffer, who.thread.fetched(), call.result, number, next);
        files.walk(who.thread.fetched(), next & 1);
        let next = opaque((&raw const (*buffer).next).read_volatile() + 1) as usize & 3;
        (&raw mut (*buffer).next).write_volatile(next as u64);
        if FILES_OF[number][next] != NOT_NAMED {
            CALL_PROGRAMS.tail_call(&ctx, family::PATHS_FILE);
        }
        target(buffer, call.result, TARGET_OF[number]);
        files.send_call(u64::from(KIND_OF[number]), who, call);
    }
    0
}

/// Adds the path or the string that was asked for, and finds the place whose path belongs beside it.
///
/// # Safety
///
/// `buffer` must be a value of the map, `number` below [`NUMBERS`], and `next` below 4.
#[inline(always)]
unsafe fn asked(buffer: *mut PathsBuffer, thread: Fetched, result: i64, number: usize, next: usize) {
    let named = Named::unpacked(FILES_OF[number][next]);
    // SAFETY: the caller's promise.
    unsafe {
        let files = PathsBuffer::files(buffer);
        let mut wanted = true;
        if named.path != NONE {
            let to = files.end();
            let from = PathsBuffer::argument(buffer, named.path);
            let read = user_string(to, PATH_BYTES as u32, from);
            let text = if KIND_OF[number] != Kind::Attention.index() as u8 {
                requested(read, result)
            } else if from == 0 {
                // What may be left out: the source and the type of a mount.
                host::NONE
            } else {
                // Not all of these are paths, and each has a bound and an error of its own: what fills the room may go on.
                requested(read, -ENAMETOOLONG)
            };
            // The verifier has to see the bound.
            files.added(opaque(TEXTS_AT[next] as u64) as usize & (call_text::COUNT - 1), text);
            // The path asked for says it all where it is absolute, and nothing where there is none.
            let is_there = text.state == TextState::Complete.number() || text.state == TextState::Cut.number();
            wanted = is_there && *to != b'/';
        }
        if !wanted || named.folder == Named::NOWHERE {
            return files.find_none();
        }
        let folder = if named.folder == NONE { AT_FDCWD } else { PathsBuffer::argument(buffer, named.folder) as i32 };
        files.find(thread, folder, named.path != NONE, next & 1);
    }
}

/// Adds what a link says, of the calls that ask for it.
///
/// # Safety
///
/// `buffer` must be a value of the map.
#[inline(always)]
unsafe fn target(buffer: *mut PathsBuffer, result: i64, place: u8) {
    if place == NONE || result <= 0 {
        return;
    }
    let mut len = opaque(result as u64);
    let mut state = TextState::Complete;
    if len > PATH_BYTES as u64 {
        len = PATH_BYTES as u64;
        state = TextState::Cut;
        emit::fault(Fault::StringCut);
    }
    // SAFETY: the caller's promise; `len` is at most the room.
    unsafe {
        let files = PathsBuffer::files(buffer);
        if !user_bytes(files.end(), len as u32, PathsBuffer::argument(buffer, place)) {
            emit::fault(Fault::StringUnreadable);
            state = TextState::Unreadable;
            len = 0;
        }
        files.added(call_text::SECOND_REQUESTED, Text { len: len as u32, state: state.number(), pad: 0 });
    }
}
