//! Calls that repeat an earlier one of their process: counted, and told later.
//!
//! The threads of a process count in the same words without a lock. A word is changed by compare and exchange, and what
//! it counts is taken by one atomic change, so that each call is told exactly once, whoever tells it: the process that
//! sends, its next image, its end, a call that takes the slot over, or userspace at each tick.
//!
//! Kernels before 5.12 have no such changes. There nothing is counted: each call is told by itself.

use core::mem::MaybeUninit;

use monitor_common::{
    Header, Text, TextState,
    body::{Stat, open_text, stat_flag},
    counters::Fault,
    repeats::{COUNT, Repeats, SLOTS, slot, tag},
};

use crate::{
    atomic::{exchange, keep},
    emit,
    maps::{FLUSH_BUFFERS, REPEATS},
    read::opaque,
    task::Tracked,
};

/// `BPF_NOEXIST` (linux/bpf.h): another thread of the process may be faster.
const NO_EXIST: u64 = 1;

/// How often a word is looked at that other CPUs change meanwhile. A call that loses each time is told by itself.
const TRIES: usize = 4;

/// Bytes of a record before its words.
const FIXED: usize = size_of::<Header>() + size_of::<Stat>();

/// Where a record that tells a process is built. Each [`Occasion`] has one on each CPU: a program is never started on a CPU
/// where it has begun, but another one may be.
#[repr(C, align(8))]
pub(crate) struct FlushBuffer {
    record: [u8; FIXED],
    words: [u64; SLOTS],
    used: u64,
    slots: u64,
    calls: u64,
}

/// Why a process is told; its place in the map of buffers.
#[derive(Clone, Copy)]
pub(crate) enum Occasion {
    /// It begins to send.
    Sends = 0,
    /// It becomes another program.
    Executes = 1,
    /// It has ended.
    Ends = 2,
    /// Userspace asks for it, one process at a time.
    Asked = 3,
}

/// How many occasions there are.
pub(crate) const OCCASIONS: u32 = 4;

/// The words of the current thread's process, where it has any.
#[inline(always)]
pub(crate) fn find(who: Tracked) -> Option<*mut Repeats> {
    if cfg!(feature = "plain-add") {
        return None;
    }
    // SAFETY: the task is a value of the map, as is what is found; their memory lives as long as the program.
    unsafe {
        let repeats = REPEATS.get_ptr_mut((*who.task).pid)?;
        let same = (*repeats).start == (*who.task).start && (*repeats).exec_seq == (*who.task).exec_seq;
        same.then_some(repeats)
    }
}

/// The words of the current thread's process, made where it has none. `fresh` is where they are made: the stack has no room.
///
/// # Safety
///
/// `fresh` must be in map memory that nothing else uses meanwhile; its words must be 0, and stay so.
#[inline(always)]
pub(crate) unsafe fn make(who: Tracked, uid: u32, fresh: *mut Repeats) -> Option<*mut Repeats> {
    if cfg!(feature = "plain-add") {
        return None;
    }
    if let Some(repeats) = find(who) {
        return Some(repeats);
    }
    // SAFETY: the task is a value of the map, and `fresh` is as the caller promises.
    unsafe {
        let pid = (*who.task).pid;
        (*fresh).start = (*who.task).start;
        (*fresh).pid = pid;
        (*fresh).root = (*who.task).root;
        (*fresh).exec_seq = (*who.task).exec_seq;
        (*fresh).uid = uid;
        (*fresh).flags = (*who.task).flags;
        // One that could not be made is not found either.
        let fresh: &Repeats = &*fresh;
        let _made = REPEATS.insert(pid, fresh, NO_EXIST);
    }
    let repeats = find(who);
    if repeats.is_none() {
        emit::fault(Fault::RepeatsMapFull);
    }
    repeats
}

/// Counts a call that repeats the one that its slot counts; whether it did.
///
/// # Safety
///
/// `repeats` must be a value of the map.
#[inline(always)]
pub(crate) unsafe fn count(repeats: *mut Repeats, hash: u64) -> bool {
    // SAFETY: the caller's promise; the slot lies within the words.
    unsafe {
        let word = place(repeats, hash);
        for _ in 0..TRIES {
            let old = word.read_volatile();
            // A count that is full makes room as a slot that is taken does.
            if old & !COUNT != tag(hash) || old & COUNT == COUNT {
                return false;
            }
            if exchange(word, old, old + 1) == old {
                (&raw mut (*repeats).held).write_volatile(1);
                return true;
            }
        }
    }
    false
}

/// Tells what the slot of a hash counts, before the first call of another kind takes it over.
///
/// # Safety
///
/// As for [`count`].
#[inline(always)]
pub(crate) unsafe fn make_room(repeats: *mut Repeats, hash: u64) {
    #[repr(C)]
    struct Record {
        header: Header,
        body: Stat,
        word: u64,
    }
    // SAFETY: the caller's promise; the slot lies within the words. The record is on the stack, and is written whole.
    unsafe {
        let word = place(repeats, hash);
        if word.read_volatile() & COUNT == 0 {
            return;
        }
        let held = keep(word, !COUNT);
        let calls = held & COUNT;
        if calls == 0 {
            return;
        }
        let mut record = MaybeUninit::<Record>::uninit();
        let record = record.as_mut_ptr();
        (&raw mut (*record).body).write(body(1 << slot(hash), calls, 1));
        (*record).word = held;
        emit::send_repeats(repeats, record.cast(), size_of::<Record>() as u64, calls);
    }
}

/// Gives the slot of a hash to it, once the first call was told. Where another CPU was faster the next call is a first
/// one again.
///
/// # Safety
///
/// As for [`count`].
#[inline(always)]
pub(crate) unsafe fn take_over(repeats: *mut Repeats, hash: u64) {
    // SAFETY: the caller's promise; the slot lies within the words.
    unsafe {
        let word = place(repeats, hash);
        let old = word.read_volatile();
        if old & COUNT == 0 {
            exchange(word, old, tag(hash));
        }
    }
}

/// Tells everything that was counted of a process; calls of the same kinds are counted on.
///
/// What a thread that runs at the same time counts may be told the next time.
#[inline(always)]
pub(crate) fn flush(pid: u32, occasion: Occasion) {
    let Some(repeats) = REPEATS.get_ptr_mut(pid) else { return };
    // SAFETY: a value of the map, whose memory lives as long as the program.
    unsafe {
        if (&raw const (*repeats).held).read_volatile() == 0 {
            return;
        }
    }
    // Without a buffer, which each CPU has, the calls stay counted.
    let Some(buffer) = FLUSH_BUFFERS.get_ptr_mut(occasion as u32) else { return };
    // SAFETY: as above; the buffer is this CPU's and this program's. The number of words is read from memory, so that the
    // verifier follows each round once.
    unsafe {
        (&raw mut (*repeats).held).write_volatile(0);
        (&raw mut (*buffer).used).write_volatile(0);
        (&raw mut (*buffer).slots).write_volatile(0);
        (&raw mut (*buffer).calls).write_volatile(0);
        for slot in 0..SLOTS {
            let word = (&raw mut (*repeats).slots).cast::<u64>().add(slot);
            if word.read_volatile() & COUNT == 0 {
                continue;
            }
            let held = keep(word, !COUNT);
            let used = (&raw const (*buffer).used).read_volatile();
            let at = opaque(used) as usize & (SLOTS - 1);
            (&raw mut (*buffer).words).cast::<u64>().add(at).write_volatile(held);
            (&raw mut (*buffer).used).write_volatile(used + 1);
            let slots = (&raw const (*buffer).slots).read_volatile();
            (&raw mut (*buffer).slots).write_volatile(slots | 1 << slot);
            let calls = (&raw const (*buffer).calls).read_volatile();
            (&raw mut (*buffer).calls).write_volatile(calls + (held & COUNT));
        }
        let used = (&raw const (*buffer).used).read_volatile();
        let calls = (&raw const (*buffer).calls).read_volatile();
        if calls == 0 {
            return;
        }
        let record = (&raw mut (*buffer).record).cast::<u8>();
        let slots = (&raw const (*buffer).slots).read_volatile();
        record.add(size_of::<Header>()).cast::<Stat>().write(body(slots, calls, used));
        let used = opaque(used) & (2 * SLOTS as u64 - 1);
        let used = if used > SLOTS as u64 { SLOTS as u64 } else { used };
        emit::send_repeats(repeats, record, FIXED as u64 + 8 * used, calls);
    }
}

/// Tells everything that was counted of a process that has ended or becomes another program, and forgets it.
#[inline(always)]
pub(crate) fn end(pid: u32, occasion: Occasion) {
    if REPEATS.get_ptr(pid).is_some() {
        flush(pid, occasion);
        // It was there a moment ago, and only userspace can have been faster.
        let _gone = REPEATS.remove(pid);
    }
}

/// The word of a hash.
///
/// # Safety
///
/// As for [`count`].
#[inline(always)]
unsafe fn place(repeats: *mut Repeats, hash: u64) -> *mut u64 {
    // SAFETY: the verifier sees that the slot lies within the words.
    unsafe { (&raw mut (*repeats).slots).cast::<u64>().add(slot(opaque(hash))) }
}

/// The body of a record that tells `calls` calls by `words` words.
#[inline(always)]
fn body(slots: u64, calls: u64, words: u64) -> Stat {
    let mut texts = [Text { len: 0, state: TextState::NotAsked.number(), pad: 0 }; open_text::COUNT];
    texts[open_text::REQUESTED] = Text { len: 8 * words as u32, state: TextState::Complete.number(), pad: 0 };
    Stat {
        result: 0,
        hash: slots,
        count: calls as u32,
        syscall: 0,
        dfd: 0,
        asked: 0,
        flags: stat_flag::REPEATS,
        mode: 0,
        texts,
    }
}
