//! stat, fstat, lstat, newfstatat, statx, access, faccessat, faccessat2.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::STAT`] |
//! | when | the call has returned |
//! | first | of (process, call, flags, folder, path, result): told at once |
//! | repeats | counted in the process's [`Repeats`], and told as `repeats` says |
//! | requested path | read from user memory at the exit, when its page is resident; see `probes::syscall` for the race |
//! | absolute path | of the folder that a relative path starts from; nothing is opened, so no link is followed |
//! | descriptors | fstat, and an empty path with `AT_EMPTY_PATH`: the path of the file; all of one call and result count as repeats |
//!
//! # Before a burst of sending
//!
//! A program that sees a process begin to send ends with [`flush_last`]: what the process has looked at before is then
//! told before what it sends next. The family's part can also be called by its place,
//! [`monitor_common::programs::family::STAT_FLUSH`].
//!
//! Blind spots: io_uring's statx. What a symbolic link leads to. A folder whose parent is renamed while a process works in
//! it: a repeat is then told with the path that the first had.

use aya_ebpf::{
    helpers::bpf_get_current_uid_gid,
    macros::{btf_tracepoint, socket_filter},
    programs::{BtfTracePointContext, SkBuffContext},
};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Stat, open_text, path_flag, stat_flag},
    counters::{Cause, Fault},
    limits::PATH_BYTES,
    programs::{exec_part, family},
    repeats::Repeats,
    siphash::SipHash,
    syscall::{ACCESS, AT_EMPTY_PATH, AT_FDCWD, FACCESSAT, FSTAT, LSTAT, NEWFSTATAT, NO_RESULT, STAT, STATX, regs},
};

use crate::{
    emit,
    globals::{offset, seed},
    maps::{CALL_PROGRAMS, REPEATS, STAT_BUFFERS},
    path::{self, PathBuffer, Place, walk},
    probes::{
        exec::continue_with,
        syscall::{Call, call_of_tracked},
    },
    read::Structure as _,
    read::{opaque, user_string},
    repeats::{self, Occasion},
    task::{Tracked, file, pid, tracked},
};

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Stat>();

/// Bytes of a word of the hash.
const WORD: usize = 8;

/// Words of the hash before those of the path.
const FIXED_WORDS: u64 = 7;

/// Words of a path that one program hashes. A verifier walks each of them, and hardly any path has more.
const PART: u64 = 32;

/// `ENAMETOOLONG` (asm-generic/errno.h): the path asked for is longer than what is carried.
const ENAMETOOLONG: i64 = 36;

/// Where a record is built.
#[repr(C, align(8))]
pub(crate) struct StatBuffer {
    record: [u8; FIXED + 2 * PATH_BYTES],
    path: PathBuffer,
    /// Whose path belongs into the record.
    place: Place,
    /// What tells the folder that the path starts from from others.
    folder: [u64; 4],
    /// The hash, as far as it has come, and how many words of the path are in it.
    hash: [u64; 4],
    hashed: u64,
    /// Where the words of a process begin, all of them 0.
    fresh: Repeats,
}

impl StatBuffer {
    /// The fixed body of the record.
    #[inline(always)]
    fn body(buffer: *mut Self) -> *mut Stat {
        // SAFETY: the body lies within the record.
        unsafe { (&raw mut (*buffer).record).cast::<u8>().add(size_of::<Header>()).cast() }
    }
}

/// The arguments of one call of the family.
#[derive(Clone, Copy)]
struct Arguments {
    dfd: i32,
    path: u64,
    flags: u32,
    mode: u32,
}

#[inline(always)]
fn arguments(call: Call, number: u64) -> Arguments {
    let first = call.register(regs::DI);
    let second = call.register(regs::SI);
    let third = call.register(regs::DX) as u32;
    let fourth = call.register(regs::R10) as u32;
    let below = Arguments { dfd: first as i32, path: second, flags: 0, mode: 0 };
    let alone = Arguments { dfd: AT_FDCWD, path: first, flags: 0, mode: 0 };
    match number {
        STAT | LSTAT => alone,
        ACCESS => Arguments { mode: second as u32, ..alone },
        FSTAT => Arguments { path: 0, ..below },
        NEWFSTATAT => Arguments { flags: fourth, ..below },
        STATX => Arguments { flags: third, ..below },
        FACCESSAT => Arguments { mode: third, ..below },
        _ => Arguments { mode: third, flags: fourth, ..below },
    }
}

/// Counts a call that repeats another one; the first of its kind is for [`stat_first`].
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn exit_stat(ctx: BtfTracePointContext) -> i32 {
    let Some((call, who)) = call_of_tracked(&ctx) else { return 0 };
    let Some(buffer) = STAT_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Stat, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        begin(call, who, buffer);
        begin_hash(buffer);
        go_on(&ctx, who, buffer);
    }
    0
}

/// Goes on with a path that was too long for the program before.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn stat_long(ctx: BtfTracePointContext) -> i32 {
    let Some(who) = tracked() else { return 0 };
    let Some(buffer) = STAT_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Stat, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: as in `exit_stat`, which has begun the buffer.
    unsafe { go_on(&ctx, who, buffer) };
    0
}

/// Hashes on, and then counts the call or has it recorded as the first of its kind.
///
/// # Safety
///
/// `buffer` must be this CPU's, begun.
#[inline(always)]
unsafe fn go_on(ctx: &BtfTracePointContext, who: Tracked, buffer: *mut StatBuffer) {
    // SAFETY: the caller's promise; what is found is a value of the map; the context is that of the program.
    unsafe {
        if hash_part(buffer) {
            CALL_PROGRAMS.tail_call(ctx, family::STAT_LONG);
        } else {
            let hash = end_hash(buffer);
            if let Some(repeats) = repeats::find(who)
                && repeats::count(repeats, hash)
            {
                emit::seen_call();
                return;
            }
            CALL_PROGRAMS.tail_call(ctx, family::STAT_FIRST);
        }
    }
    emit::lost(Kind::Stat, Cause::NoProgram);
}

/// Records the first call of its kind, from what [`exit_stat`] has laid into the buffer.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn stat_first(_ctx: BtfTracePointContext) -> i32 {
    let Some(who) = tracked() else { return 0 };
    let Some(buffer) = STAT_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Stat, Cause::NoBuffer);
        return 0;
    };
    emit::seen_call();
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU. `fresh` begins as zeroes, and
    // nothing writes to its words.
    unsafe {
        let record = (&raw mut (*buffer).record).cast::<u8>();
        let strings = record.add(FIXED);
        let body = StatBuffer::body(buffer);
        let place = (&raw const (*buffer).place).read_volatile();
        if path::is_told() && place.dentry != 0 {
            let root = Place::of(who.thread.follow(offset!(task_fs)), offset!(fs_root));
            let walked = walk(&raw mut (*buffer).path, place, root);
            let len = read_len(body);
            let path_len = walked.copy(&raw const (*buffer).path, strings.add(len as usize));
            (*body).flags |= walked.flags;
            (*body).texts[open_text::PATH] = Text { len: path_len as u32, state: walked.state, pad: 0 };
        }
        let path_len = (&raw const (*body).texts[open_text::PATH].len).read_volatile();
        let path_len = if path_len > PATH_BYTES as u32 { 0 } else { u64::from(path_len) };
        let total = FIXED as u64 + read_len(body) + path_len;
        let hash = (&raw const (*body).hash).read_volatile();
        let uid = bpf_get_current_uid_gid() as u32;
        let Some(repeats) = repeats::make(who, uid, &raw mut (*buffer).fresh) else {
            emit::send_counted(Kind::Stat, who, record, total);
            return 0;
        };
        repeats::make_room(repeats, hash);
        // Of a first call that was lost the path is not known yet: the next one is a first one again.
        if emit::send_counted(Kind::Stat, who, record, total) {
            repeats::take_over(repeats, hash);
        }
    }
    0
}

/// The length of the path asked for, as it stands in the record.
///
/// # Safety
///
/// `body` must be the body of a record in map memory.
#[inline(always)]
unsafe fn read_len(body: *const Stat) -> u64 {
    // SAFETY: the caller's promise.
    u64::from(unsafe { (&raw const (*body).texts[open_text::REQUESTED].len).read_volatile() }) & (PATH_BYTES as u64 - 1)
}

/// Writes all of the body but the path, whose path belongs there, and what the hash is made of beside the path.
///
/// # Safety
///
/// `buffer` must be in map memory that nothing else uses meanwhile.
#[inline(always)]
unsafe fn begin(call: Call, who: Tracked, buffer: *mut StatBuffer) {
    let number = call.number();
    let asked = arguments(call, number);
    // SAFETY: the caller's promise.
    unsafe {
        let strings = (&raw mut (*buffer).record).cast::<u8>().add(FIXED);
        let text = requested(strings, asked, number, call.result);
        let empty = text.len == 0 && (number == FSTAT || asked.flags & AT_EMPTY_PATH != 0);
        let (place, flags, folder);
        if empty && asked.dfd != AT_FDCWD {
            place = Place::of_file(file(who.thread, asked.dfd as u32));
            flags = stat_flag::DESCRIPTOR;
            folder = [0; 4];
        } else if empty || (text.len > 0 && strings.read_volatile() != b'/') {
            place = base(who, asked.dfd);
            flags = path_flag::BASE;
            folder = place.identity();
        } else {
            // The root of a process can change as its working directory can; it is where the path starts.
            let root = Place::of(who.thread.follow(offset!(task_fs)), offset!(fs_root));
            place = Place::NONE;
            flags = 0;
            folder = [root.dentry, root.mnt, 0, 0];
        }
        let mut state = TextState::NotAsked;
        if path::is_told() && place.dentry == 0 && flags != 0 {
            state = TextState::Unreadable;
        }
        (&raw mut (*buffer).place).write_volatile(place);
        (&raw mut (*buffer).folder).write_volatile(folder);
        // None of these calls returns more than 0, but a filter that traps or kills leaves the number.
        let result = if call.result > 0 { -NO_RESULT } else { call.result };
        *StatBuffer::body(buffer) = Stat {
            result,
            hash: 0,
            count: 1,
            syscall: number as u32,
            dfd: asked.dfd,
            asked: asked.flags,
            flags,
            mode: asked.mode,
            texts: [text, Text { len: 0, state: state.number(), pad: 0 }],
        };
    }
}

/// Begins the hash of a call with all but its path. Everything is read back from memory: there the verifier takes
/// addresses for numbers, and follows what comes once and not once for each way that led here.
///
/// # Safety
///
/// As for [`begin`], which has run.
#[inline(always)]
unsafe fn begin_hash(buffer: *mut StatBuffer) {
    // SAFETY: the caller's promise.
    unsafe {
        let body = StatBuffer::body(buffer);
        let read = |word: *const u32| u64::from(word.read_volatile());
        let mut hash = SipHash::new(seed());
        hash.word(read(&raw const (*body).syscall) << 32 | read(&raw const (*body).asked));
        hash.word((&raw const (*body).result).read_volatile() as u64);
        for word in (&raw const (*buffer).folder).read_volatile() {
            hash.word(word);
        }
        // The state tells a path that could not be read from an empty one.
        let state = u64::from((&raw const (*body).texts[open_text::REQUESTED].state).read_volatile());
        hash.word(read(&raw const (*body).mode) << 32 | read_len(body) << 16 | state);
        (&raw mut (*buffer).hash).write_volatile(hash.aside());
        (&raw mut (*buffer).hashed).write_volatile(0);
    }
}

/// Takes the next words of the path into the hash; whether there are more.
///
/// # Safety
///
/// As for [`begin_hash`], which has run.
#[inline(always)]
unsafe fn hash_part(buffer: *mut StatBuffer) -> bool {
    // SAFETY: the caller's promise; the record has room for as many words behind the path as one part has.
    unsafe {
        let words = (read_len(StatBuffer::body(buffer)) + WORD as u64 - 1) >> WORD.trailing_zeros();
        let from = opaque((&raw const (*buffer).hashed).read_volatile()) & ((PATH_BYTES / WORD) as u64 - 1);
        let path = (&raw const (*buffer).record).cast::<u8>().add(FIXED).cast::<u64>().add(from as usize);
        let left = words.wrapping_sub(from);
        let mut hash = SipHash::resumed((&raw const (*buffer).hash).read_volatile());
        for step in 0..PART {
            if step >= left {
                break;
            }
            hash.word(path.add(step as usize).read_volatile());
        }
        (&raw mut (*buffer).hash).write_volatile(hash.aside());
        (&raw mut (*buffer).hashed).write_volatile(from + PART);
        left > PART
    }
}

/// Writes the hash of a call into its body and gives it.
///
/// # Safety
///
/// As for [`begin_hash`], which has run.
#[inline(always)]
unsafe fn end_hash(buffer: *mut StatBuffer) -> u64 {
    // SAFETY: the caller's promise.
    unsafe {
        // The number of words is in the hash with the length; here it would be another one for each end of the loop.
        let hash = SipHash::resumed((&raw const (*buffer).hash).read_volatile()).finish(FIXED_WORDS);
        let body = StatBuffer::body(buffer);
        (&raw mut (*body).hash).write_volatile(hash);
        (&raw const (*body).hash).read_volatile()
    }
}

/// The folder that a relative path starts from.
#[inline(always)]
fn base(who: Tracked, dfd: i32) -> Place {
    if dfd == AT_FDCWD {
        Place::of(who.thread.follow(offset!(task_fs)), offset!(fs_pwd))
    } else {
        Place::of_file(file(who.thread, dfd as u32))
    }
}

/// Reads the path asked for, with zeroes behind it up to a whole word, and describes it.
///
/// # Safety
///
/// `strings` must have room for [`PATH_BYTES`] and a word.
#[inline(always)]
unsafe fn requested(strings: *mut u8, asked: Arguments, number: u64, result: i64) -> Text {
    let mut read = 1;
    if number != FSTAT {
        // SAFETY: the caller's promise.
        read = unsafe { user_string(strings, PATH_BYTES as u32, asked.path) };
    }
    // A null pointer means an empty path to newer kernels (statx(2)).
    if read <= 0 && asked.path == 0 && asked.flags & AT_EMPTY_PATH != 0 {
        read = 1;
    }
    let mut state = TextState::Complete;
    if read <= 0 {
        emit::fault(Fault::StringUnreadable);
        state = TextState::Unreadable;
        read = 1;
    } else if read == PATH_BYTES as i64 && result == -ENAMETOOLONG {
        emit::fault(Fault::StringCut);
        state = TextState::Cut;
    }
    let len = (read - 1) as u64 & (PATH_BYTES as u64 - 1);
    // SAFETY: the caller's promise.
    unsafe {
        for at in 0..WORD {
            strings.add(len as usize + at).write_volatile(0);
        }
    }
    Text { len: len as u32, state: state.number(), pad: 0 }
}

/// Ends a program on `sys_exit` by telling what was counted of the process; nothing behind it runs, unless nothing was
/// counted.
#[inline(always)]
pub(crate) fn flush_last(ctx: &BtfTracePointContext) {
    let Some(repeats) = REPEATS.get_ptr(pid()) else { return };
    // SAFETY: a value of the map, whose memory lives as long as the program; the context is that of this program.
    unsafe {
        if (&raw const (*repeats).held).read_volatile() != 0 {
            CALL_PROGRAMS.tail_call(ctx, family::STAT_FLUSH);
        }
    }
}

/// Tells what was counted of the current process.
#[btf_tracepoint(function = "sys_exit")]
pub(crate) fn flush_stat(_ctx: BtfTracePointContext) -> i32 {
    repeats::flush(pid(), Occasion::Sends);
    0
}

/// Tells what was counted of the image before, which the new one must not be held to have done.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn exec_repeats(ctx: BtfTracePointContext) -> i32 {
    repeats::end(pid(), Occasion::Executes);
    continue_with(&ctx, exec_part::PATHS);
    0
}

/// Tells what was counted of the process that userspace names, in the first four bytes behind an Ethernet header. It is
/// attached to nothing: `BPF_PROG_TEST_RUN` runs it, which this sort of program has known since Linux 4.12.
#[socket_filter]
pub(crate) fn flush_repeats(ctx: SkBuffContext) -> i64 {
    if let Ok(pid) = ctx.load::<u32>(0) {
        repeats::flush(pid, Occasion::Asked);
    }
    0
}
