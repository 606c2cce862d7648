//! readlink, rename, link, symlink, unlink, mkdir, chmod, chown, truncate and their like: calls that name one or two files.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::PATHS`] |
//! | when | the call has returned |
//! | parts | the start here, then once for each file `exit_paths_file`, the last of which sends the record |
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
    Header, Text, TextState,
    body::{Call as Body, SECOND_PATH_SHIFT, call_text, path_flag},
    counters::{Cause, Fault},
    limits::PATH_BYTES,
    programs::family,
    syscall::{
        AT_FDCWD, KIND_OF, NUMBERS,
        paths::{FILES_OF, NONE, NOT_NAMED, Named, TARGET_OF},
        regs,
    },
};

use crate::{
    emit,
    globals::offset,
    maps::{CALL_PROGRAMS, PATHS_BUFFERS},
    path::{PathBuffer, Place, walk},
    probes::{
        open::requested,
        syscall::{Call, call_continued, call_of_tracked},
    },
    read::{Typed, opaque, user_bytes, user_string},
    task::file,
};

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Body>();

/// Room for all strings of a record, each at its bound; a power of two.
const STRINGS: usize = call_text::COUNT * PATH_BYTES;

/// Places in [`PathsBuffer::arguments`]; a power of two. Those behind the six arguments of a call are 0.
const ARGUMENTS: usize = 8;

/// Where a record is built, and what its parts hand to each other.
#[repr(C, align(8))]
pub(crate) struct PathsBuffer {
    /// The arguments of the call.
    arguments: [u64; ARGUMENTS],
    /// Bytes of strings so far.
    used: u64,
    /// The file that comes next: 0 or 1.
    next: u64,
    /// See [`Call::flags`].
    flags: u64,
    /// Where the file that is being added is.
    place: Place,
    path: PathBuffer,
    /// The record; the room behind its strings is what the verifier demands for the last of them.
    record: [u8; FIXED + STRINGS + PATH_BYTES],
}

impl PathsBuffer {
    /// The fixed body of the record.
    #[inline(always)]
    fn body(buffer: *mut Self) -> *mut Body {
        // SAFETY: the body lies within the record.
        unsafe { (&raw mut (*buffer).record).cast::<u8>().add(size_of::<Header>()).cast() }
    }

    /// Where the next string goes: it has room for [`PATH_BYTES`] bytes.
    ///
    /// # Safety
    ///
    /// `buffer` must be a value of the map.
    #[inline(always)]
    unsafe fn end(buffer: *mut Self) -> *mut u8 {
        // SAFETY: the caller's promise, and the mask.
        unsafe {
            let used = opaque((&raw const (*buffer).used).read_volatile()) as usize & (STRINGS - 1);
            (&raw mut (*buffer).record).cast::<u8>().add(FIXED + used)
        }
    }

    /// Says how the string that was put to [`Self::end`] came.
    ///
    /// # Safety
    ///
    /// `buffer` must be a value of the map, and `at` be below [`call_text::COUNT`].
    #[inline(always)]
    unsafe fn added(buffer: *mut Self, at: usize, text: Text) {
        // SAFETY: the caller's promise.
        unsafe {
            let texts = (&raw mut (*Self::body(buffer)).texts).cast::<Text>();
            *texts.add(at) = text;
            let used = (&raw const (*buffer).used).read_volatile();
            (&raw mut (*buffer).used).write_volatile(used + u64::from(text.len));
        }
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
}

/// The number of a call as an index; the verifier has to see the bound at each look-up.
#[inline(always)]
fn index(call: Call) -> usize {
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
    // SAFETY: the buffer is this CPU's, and the programs that use it run with preemption off.
    unsafe {
        let arguments = [
            call.register(regs::DI),
            call.register(regs::SI),
            call.register(regs::DX),
            call.register(regs::R10),
            call.register(regs::R8),
            call.register(regs::R9),
        ];
        let addresses = addresses(number);
        let body = PathsBuffer::body(buffer);
        for (at, argument) in arguments.into_iter().enumerate() {
            (*buffer).arguments[at] = argument;
            // All bits or none, and no branch.
            (*body).args[at] = argument & (addresses >> at & 1).wrapping_sub(1);
        }
        (*buffer).arguments[6] = 0;
        (*buffer).arguments[7] = 0;
        (*buffer).used = 0;
        (*buffer).next = 0;
        (*buffer).flags = u64::from(call.flags);
        (*body).result = call.result;
        (*body).took = call.took;
        (*body).object = 0;
        (*body).syscall = number as u32;
        (*body).flags = 0;
        (*body).socket_type = 0;
        (*body).protocol = 0;
        (*body).pad = 0;
        for at in 0..call_text::COUNT {
            (*body).texts[at] = Text { len: 0, state: TextState::NotAsked.number(), pad: 0 };
        }
        CALL_PROGRAMS.tail_call(&ctx, family::PATHS_FILE);
    }
    // A tail call comes back only when there is no such program.
    emit::lost_number(u64::from(KIND_OF[number]), Cause::NoProgram);
    0
}

/// One bit for each argument that is an address, and bits of no meaning above the six of them.
#[inline(always)]
fn addresses(number: usize) -> u64 {
    let [first, second] = FILES_OF[number].map(|file| opaque(u64::from(Named::unpacked(file).path)) & 7);
    let target = opaque(u64::from(TARGET_OF[number])) & 7;
    1 << first | 1 << second | 1 << target
}

/// Adds one of the files and calls itself for the next; after the last it sends the record.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_paths_file(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = PATHS_BUFFERS.get_ptr_mut(0) else { return 0 };
    // SAFETY: the buffer is this CPU's, and the programs that use it run with preemption off.
    let parts = unsafe { ((*PathsBuffer::body(buffer)).took, (*buffer).flags as u32) };
    let Some((call, who)) = call_continued(&ctx, parts.0, parts.1) else { return 0 };
    let number = index(call);
    // SAFETY: as above.
    unsafe {
        let next = opaque((&raw const (*buffer).next).read_volatile()) as usize & 1;
        let file = Named::unpacked(FILES_OF[number][next]);
        let text = next * call_text::SECOND_REQUESTED;
        let body = PathsBuffer::body(buffer);
        begin(buffer, who.thread, call.result, file, next, text);
        let place = (&raw const (*buffer).place).read_volatile();
        if place.dentry != 0 {
            let root = Place::typed(who.thread.follow(offset!(task_fs)), offset!(fs_root));
            let walked = walk(&raw mut (*buffer).path, place, root);
            let len = walked.copy(&raw const (*buffer).path, PathsBuffer::end(buffer));
            (*body).flags |= walked.flags << (next as u32 * SECOND_PATH_SHIFT);
            PathsBuffer::added(buffer, text + call_text::PATH, Text { len: len as u32, state: walked.state, pad: 0 });
        }
        (&raw mut (*buffer).next).write_volatile(1);
        if next == 0 && FILES_OF[number][1] != NOT_NAMED {
            CALL_PROGRAMS.tail_call(&ctx, family::PATHS_FILE);
        }
        target(buffer, call.result, TARGET_OF[number]);
        let used = opaque((&raw const (*buffer).used).read_volatile()) & (STRINGS as u64 - 1);
        let record = (&raw mut (*buffer).record).cast();
        emit::send_call_number(u64::from(KIND_OF[number]), who, call, record, FIXED as u64 + used);
    }
    0
}

/// Adds the path that was asked for, and finds the place whose path belongs beside it.
///
/// # Safety
///
/// `buffer` must be a value of the map, `next` 0 or 1 and `text` the place of the file's first string.
#[inline(always)]
unsafe fn begin(buffer: *mut PathsBuffer, thread: Typed, result: i64, named: Named, next: usize, text: usize) {
    // SAFETY: the caller's promise.
    unsafe {
        let mut base = false;
        let mut wanted = true;
        if named.path != NONE {
            let to = PathsBuffer::end(buffer);
            let read = user_string(to, PATH_BYTES as u32, PathsBuffer::argument(buffer, named.path));
            let asked = requested(read, result);
            PathsBuffer::added(buffer, text, asked);
            base = true;
            // The path asked for says it all where it is absolute, and nothing where it could not be read.
            wanted = asked.state != TextState::Unreadable.number() && *to != b'/';
        }
        if named.folder == Named::CONTENT.folder {
            wanted = false;
        }
        let mut place = Place::NONE;
        if wanted {
            let folder = PathsBuffer::argument(buffer, named.folder) as i32;
            place = if named.folder == NONE || base && folder == AT_FDCWD {
                Place::typed(thread.follow(offset!(task_fs)), offset!(fs_pwd))
            } else {
                Place::of_file(file(thread, folder as u32))
            };
            let body = PathsBuffer::body(buffer);
            if place.dentry == 0 {
                emit::fault(Fault::StringUnreadable);
                let texts = (&raw mut (*body).texts).cast::<Text>();
                *texts.add(text + call_text::PATH) = Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
            }
            if base {
                (*body).flags |= path_flag::BASE << (next as u32 * SECOND_PATH_SHIFT);
            }
        }
        (&raw mut (*buffer).place).write_volatile(place);
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
        let address = PathsBuffer::argument(buffer, place);
        if !user_bytes(PathsBuffer::end(buffer), len as u32, address) {
            emit::fault(Fault::StringUnreadable);
            state = TextState::Unreadable;
            len = 0;
        }
        PathsBuffer::added(
            buffer,
            call_text::SECOND_REQUESTED,
            Text { len: len as u32, state: state.number(), pad: 0 },
        );
    }
}
