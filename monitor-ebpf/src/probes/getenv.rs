//! getenv and secure_getenv of the C libraries.
//!
//! | | |
//! |---|---|
//! | hook | uprobes `char *getenv(const char *name)` and `char *secure_getenv(const char *name)` at entry, in each libc file |
//! | when | at the call, in the thread that makes it, preemptible; so the record lives on the stack |
//! | name | read at the call; a constant whose page nobody has touched yet is fetched first, so the programs may sleep |
//! | before Linux 6.0 | such programs may not sleep; their twins take their place, and a name on such a page is unreadable |
//!
//! secure_getenv calls getenv in glibc and in musl; the second call, with the same pointer, is not recorded again. In a
//! process that runs set-user-id secure_getenv answers without it, and one later getenv with the same pointer goes
//! unrecorded.
//!
//! Blind spots: whoever walks `environ` (Go, Bun, Python at start), static programs, a libc that was not found, and
//! libc's own look-ups, which bypass the exported function. Every process that maps the libc pays for the breakpoint.

use core::mem::MaybeUninit;

use aya_ebpf::{macros::uprobe, programs::ProbeContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Getenv, getenv_flag},
    counters::Fault,
    limits::GETENV_NAME_BYTES,
    task::Task,
};

use crate::{
    emit,
    maps::TASKS,
    read::{clear, fault_in, opaque, user_string},
    task::tracked_copy,
};

/// Words of a name, and of the NUL behind it.
const NAME_WORDS: usize = GETENV_NAME_BYTES / 8 + 1;

/// Where a record is built; one byte more than a name has, so that a NUL behind the longest one is seen.
#[repr(C)]
struct Record {
    header: Header,
    body: Getenv,
    name: [u64; NAME_WORDS],
}

/// Records a call of getenv, unless it is secure_getenv's own.
#[uprobe(sleepable)]
pub(crate) fn getenv(ctx: ProbeContext) -> u32 {
    looked_up(&ctx, fault_in)
}

/// Records a call of secure_getenv.
#[uprobe(sleepable)]
pub(crate) fn secure_getenv(ctx: ProbeContext) -> u32 {
    looked_up_securely(&ctx, fault_in)
}

/// As [`getenv`], for kernels where it may not sleep.
#[uprobe]
pub(crate) fn getenv_resident(ctx: ProbeContext) -> u32 {
    looked_up(&ctx, |_| false)
}

/// As [`secure_getenv`], for kernels where it may not sleep.
#[uprobe]
pub(crate) fn secure_getenv_resident(ctx: ProbeContext) -> u32 {
    looked_up_securely(&ctx, |_| false)
}

/// `fetch` fetches a page that is not there, and says whether it did.
#[inline(always)]
fn looked_up(ctx: &ProbeContext, fetch: impl Fn(u64) -> bool) -> u32 {
    let Some((tid, mut task)) = tracked_copy() else { return 0 };
    let name: u64 = ctx.arg(0).unwrap_or(0);
    let announced = task.secure_name;
    if announced != 0 {
        task.secure_name = 0;
        keep(tid, &task);
    }
    if announced == 0 || announced != name {
        record(tid, &task, name, 0, fetch);
    }
    0
}

/// See [`looked_up`].
#[inline(always)]
fn looked_up_securely(ctx: &ProbeContext, fetch: impl Fn(u64) -> bool) -> u32 {
    let Some((tid, mut task)) = tracked_copy() else { return 0 };
    let name: u64 = ctx.arg(0).unwrap_or(0);
    task.secure_name = name;
    keep(tid, &task);
    record(tid, &task, name, getenv_flag::SECURE, fetch);
    0
}

/// Puts the changed copy in place of the thread's value.
///
/// By its key and not through a pointer: these programs can be preempted, and a value that was found may be another
/// thread's by the time it is written. A thread that userspace has stopped tracking meanwhile stays so.
#[inline(always)]
fn keep(tid: u32, task: &Task) {
    /// `BPF_EXIST` (linux/bpf.h).
    const EXISTS: u64 = 2;
    // Where there is no entry any more there is nothing to keep; where the kernel is at this bucket already, which it
    // says by EBUSY, the second call is recorded too.
    let _kept = TASKS.insert(tid, task, EXISTS);
}

#[inline(always)]
fn record(tid: u32, task: &Task, name: u64, flags: u32, fetch: impl Fn(u64) -> bool) {
    let mut record = MaybeUninit::<Record>::uninit();
    let record = record.as_mut_ptr();
    // SAFETY: the fields are within the record; the name has a room of some bytes more than is read. It is cleared since
    // kernels before 6.3 send no stack that was not written.
    let read = unsafe {
        clear::<NAME_WORDS>((&raw mut (*record).name).cast());
        let to = (&raw mut (*record).name).cast();
        let mut read = user_string(to, GETENV_NAME_BYTES as u32 + 1, name);
        if read <= 0 && fetch(name) {
            read = user_string(to, GETENV_NAME_BYTES as u32 + 1, name);
        }
        read
    };
    let mut state = TextState::Complete;
    let mut len = opaque((read - 1) as u64);
    if read <= 0 || len > GETENV_NAME_BYTES as u64 {
        emit::fault(Fault::StringUnreadable);
        state = TextState::Unreadable;
        len = 0;
    } else if len == GETENV_NAME_BYTES as u64 {
        // The helper ends what it cuts with a NUL too: a name of just this length is taken for a longer one.
        emit::fault(Fault::StringCut);
        state = TextState::Cut;
    }
    let fixed = (size_of::<Header>() + size_of::<Getenv>()) as u64;
    // SAFETY: the record is on the stack, and has `fixed` bytes and `len` of the name; the task is a copy.
    unsafe {
        (*record).body = Getenv { flags, pad: 0, texts: [Text { len: len as u32, state: state.number(), pad: 0 }] };
        emit::send(Kind::Getenv, tid, task, record.cast(), fixed + len);
    }
}
