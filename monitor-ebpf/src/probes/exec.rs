//! A new image.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `sched_process_exec(struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)` |
//! | when | the new image is in place, before its first instruction; failed execs never get here |
//! | parts | one program each, chained by tail calls: start here, then `exec_strings`: paths, argv, names of the environment, send |
//!
//! A part that the kernel refused is skipped, and its strings say that they were not asked for.
//!
//! Blind spots: a file that is executed by descriptor has the name `/dev/fd/N` or `/proc/self/fd/N` as its FILENAME;
//! EXE is the truth. The interpreter of a script is EXE, the script is in argv.

use core::mem::MaybeUninit;

use aya_ebpf::{
    helpers::{
        bpf_get_current_uid_gid, bpf_get_smp_processor_id,
        generated::{bpf_get_current_cgroup_id, bpf_get_current_comm},
    },
    macros::btf_tracepoint,
    programs::BtfTracePointContext,
};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Exec, FileId, exec_flag, exec_text},
    counters::{Cause, Fault},
    header::flag,
    limits::{ARGV_BYTES, ENV_BYTES, PATH_BYTES},
    programs::exec_part,
    task::{Candidate, Task},
};

use crate::{
    emit,
    globals::offset,
    maps::{CANDIDATES, EXEC_BUFFERS, EXEC_PROGRAMS, TASKS},
    namespace,
    path::{PathBuffer, Place},
    probes::{exec_strings::EnvSearch, traffic::burst},
    read::{Fetched, Structure as _, Typed, kernel, kernel_string},
    task::{Tracked, current, file, start_of, tid, tracked},
};

/// Bytes of a record before its strings.
pub(crate) const FIXED: usize = size_of::<Header>() + size_of::<Exec>();

/// The paths that the walk is asked for: the image, the working directory, descriptors 0 to 2.
pub(crate) const PLACES: usize = 5;

/// Bytes of all strings before argv, at most.
pub(crate) const BEFORE_ARGV: usize = (1 + PLACES) * PATH_BYTES;

/// Bytes of one variable that are looked at in one round of the search for names.
pub(crate) const VARIABLE_BYTES: usize = 32 * 1024;

/// Where a record is built, and what its parts hand to each other.
#[repr(C, align(8))]
pub(crate) struct ExecBuffer {
    /// Bytes of strings so far.
    pub(crate) used: u64,
    /// The places whose paths are still to come, by their index from `next`.
    pub(crate) places: [Place; 8],
    /// The next place.
    pub(crate) next: u64,
    /// Scratch of the walk.
    pub(crate) path: PathBuffer,
    /// The search for the names of the environment.
    pub(crate) env: EnvSearch,
    /// Scratch of the search for names; values come no further than here.
    pub(crate) variable: [u8; VARIABLE_BYTES],
    /// The record; room for every string at its bound, and for the slack of the last.
    pub(crate) record: [u8; FIXED + BEFORE_ARGV + ARGV_BYTES + ENV_BYTES + PATH_BYTES],
}

impl ExecBuffer {
    /// The fixed body of the record.
    #[inline(always)]
    pub(crate) fn body(buffer: *mut Self) -> *mut Exec {
        // SAFETY: the body lies within the record.
        unsafe { (&raw mut (*buffer).record).cast::<u8>().add(size_of::<Header>()).cast() }
    }
}

/// This CPU's buffer.
#[inline(always)]
pub(crate) fn buffer() -> Option<*mut ExecBuffer> {
    // SAFETY: the helper has no precondition.
    EXEC_BUFFERS.get_ptr_mut(unsafe { bpf_get_smp_processor_id() })
}

/// Continues with a part or, where the kernel refused it, with one behind it; a tail call that succeeds never
/// returns.
#[inline(always)]
pub(crate) fn continue_with(ctx: &BtfTracePointContext, first: u32) {
    for part in first..=exec_part::SEND {
        // SAFETY: the context is that of this program, and the map lives as long as it.
        unsafe { EXEC_PROGRAMS.tail_call(ctx, part) };
    }
    emit::lost(Kind::Exec, Cause::NoProgram);
}

/// Begins the record of an exec by a tracked process, or by one that its new name makes a candidate.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn sched_process_exec(ctx: BtfTracePointContext) -> i32 {
    let old_tid: u32 = ctx.arg(1);
    let Some((who, flags)) = executing(old_tid) else { return 0 };
    let Some(buffer) = buffer() else {
        emit::lost(Kind::Exec, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
    unsafe {
        burst::end_all(who.tid, (*who.task).bursts);
        (*who.task).bursts = 0;
        (*who.task).exec_seq += 1;
        (*who.task).secure_name = 0;
    }
    let thread = who.thread.fetched();
    let fs = thread.follow(offset!(task_fs));
    let exe = thread.follow(offset!(task_mm)).follow(offset!(mm_exe_file));
    let files = [file(thread, 0), file(thread, 1), file(thread, 2)];
    // SAFETY: the verifier knows the type of the tracepoint's third argument.
    let program = unsafe { Typed::new(ctx.arg(2)) }.fetched();
    let name: u64 = program.load(offset!(binprm_filename), 0);
    let parent = thread.follow(offset!(task_real_parent)).load(offset!(task_tgid), 0);
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        (*buffer).places[0] = Place::of_file(exe.address());
        (*buffer).places[1] = Place::of(fs, offset!(fs_pwd));
        (*buffer).places[2] = Place::of_file(files[0]);
        (*buffer).places[3] = Place::of_file(files[1]);
        (*buffer).places[4] = Place::of_file(files[2]);
        (*buffer).next = 0;
        (*buffer).env = EnvSearch::BEGIN;
        let strings = (&raw mut (*buffer).record).cast::<u8>().add(FIXED);
        let filename = filename(strings, name);
        (*buffer).used = u64::from(filename.len);
        // Field by field: a whole value would be made on the stack, which has no room for it.
        let body = ExecBuffer::body(buffer);
        (*body).exe = identity(exe.address());
        for (at, file) in files.into_iter().enumerate() {
            (*body).stdio[at] = identity(file);
        }
        comm(&raw mut (*body).comm);
        (*body).old_tid = old_tid;
        (*body).parent = parent;
        (*body).argv_bytes = 0;
        (*body).env_count = 0;
        (*body).gid = (bpf_get_current_uid_gid() >> 32) as u32;
        let cred = thread.follow(offset!(task_cred));
        (*body).flags = flags | capable(cred);
        (*body).euid = cred.load(offset!(cred_euid), Exec::NO_ID);
        (*body).egid = cred.load(offset!(cred_egid), Exec::NO_ID);
        (*body).sid = namespace::session_of(thread);
        (*body).pgid = namespace::group_of(thread);
        (*body).namespaces.pid = namespace::pid(thread);
        (*body).namespaces.user = namespace::user(cred);
        (*body).namespaces.mnt = namespace::mount(thread);
        (*body).namespaces.net = namespace::network(thread);
        (*body).cgroup = bpf_get_current_cgroup_id();
        for at in 1..exec_text::COUNT {
            (*body).texts[at] = Text { len: 0, state: TextState::NotAsked.number(), pad: 0 };
        }
        (*body).texts[exec_text::FILENAME] = filename;
    }
    continue_with(&ctx, exec_part::REPEATS);
    0
}

/// The thread that executes, tracked, and the bits of [`exec_flag`]. A thread that is not the leader takes over the
/// leader's id, and its entry moves with it.
#[inline(always)]
fn executing(old_tid: u32) -> Option<(Tracked, u32)> {
    let tid = tid();
    if old_tid != tid
        && let Some(old) = TASKS.get_ptr(old_tid)
    {
        // SAFETY: the pointer is to a value of the map, whose memory lives as long as the program.
        let mut task: Task = unsafe { *old };
        burst::end_all(old_tid, task.bursts);
        task.bursts = 0;
        if TASKS.insert(tid, task, 0).is_err() {
            emit::fault(Fault::TaskMapFull);
        }
        // The entry was there a moment ago, and its thread is this one.
        let _gone = TASKS.remove(old_tid);
    }
    if let Some(who) = tracked() {
        return Some((who, 0));
    }
    let mut name = MaybeUninit::<Candidate>::uninit();
    // SAFETY: the helper initialises all of it.
    let name = unsafe {
        comm(&raw mut (*name.as_mut_ptr()).comm);
        end(&mut (*name.as_mut_ptr()).comm);
        name.assume_init_ref()
    };
    CANDIDATES.get_ptr(name)?;
    let task =
        Task { start: start_of(current().fetched()), pid: tid, root: tid, flags: flag::PROVISIONAL, ..Task::default() };
    if TASKS.insert(tid, task, 0).is_err() {
        emit::fault(Fault::TaskMapFull);
    }
    Some((tracked()?, exec_flag::CANDIDATE))
}

/// The bit that says that capabilities were gained; none where this kernel's BTF does not tell the sets. A set is two words
/// of 32 bits, or since Linux 6.3 one of 64.
#[inline(always)]
fn capable(cred: Fetched) -> u32 {
    let permitted: u64 = cred.load(offset!(cred_permitted), 0);
    let ambient: u64 = cred.load(offset!(cred_ambient), u64::MAX);
    if permitted & !ambient == 0 { 0 } else { exec_flag::CAPABLE }
}

/// Makes NULs of what is behind the first one. Some kernels leave there what was part of an earlier, longer name.
#[inline(always)]
fn end(comm: &mut [u8; 16]) {
    let mut keep = 0xff;
    for byte in comm {
        *byte &= keep;
        // Without a branch, each of which would double the ways that the verifier goes.
        keep &= u8::from(*byte == 0).wrapping_sub(1);
    }
}

/// Writes the thread's name, padded with NULs.
///
/// # Safety
///
/// The verifier must see the room.
#[inline(always)]
unsafe fn comm(to: *mut [u8; 16]) {
    // SAFETY: the caller's promise; the helper writes all 16 bytes.
    unsafe { bpf_get_current_comm(to.cast(), 16) };
}

/// Reads the name that the caller gave, from the kernel's own copy.
///
/// # Safety
///
/// `to` must have room for [`PATH_BYTES`] bytes, and the verifier must see it.
#[inline(always)]
unsafe fn filename(to: *mut u8, name: u64) -> Text {
    // SAFETY: the caller's promise.
    let read = unsafe { kernel_string(to, PATH_BYTES as u32, name) };
    if read <= 0 {
        emit::fault(Fault::StringUnreadable);
        return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
    }
    Text { len: (read - 1) as u32, state: TextState::Complete.number(), pad: 0 }
}

/// What a file is, as its inode tells it; zeroes where there is none.
#[inline(always)]
fn identity(file: u64) -> FileId {
    let inode: u64 = kernel(file, offset!(file_inode), 0);
    let superblock: u64 = kernel(inode, offset!(inode_superblock), 0);
    FileId {
        inode: kernel(inode, offset!(inode_number), 0),
        device: kernel(superblock, offset!(superblock_device), 0),
        rdev: kernel(inode, offset!(inode_rdev), 0),
        mode: u32::from(kernel(inode, offset!(inode_mode), 0u16)),
        pad: 0,
    }
}
