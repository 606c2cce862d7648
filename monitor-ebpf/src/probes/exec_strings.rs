//! The parts of an exec record behind its start; see `probes::exec`.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind, Text, TextState,
    body::exec_text,
    counters::{Cause, Fault},
    limits::{ARGV_BYTES, ARGV_PART_BYTES, ENV_BYTES, ENV_NAME_BYTES, ENV_NAMES, PATH_BYTES},
    programs::exec_part,
};

use crate::{
    emit,
    globals::offset,
    maps::EXEC_PROGRAMS,
    path::{Place, walk},
    probes::exec::{BEFORE_ARGV, ExecBuffer, FIXED, PLACES, VARIABLE_BYTES, buffer, continue_with},
    read::Structure as _,
    read::{bytes_before, kernel_bytes, opaque, user_bytes, user_string},
    task::{current, tracked},
};

/// The words of a name that the search for `=` goes through.
const WORDS: usize = ENV_NAME_BYTES / 8;

/// Adds one path and calls itself for the next.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn exec_paths(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = buffer() else { return 0 };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let next = opaque((*buffer).next);
        let used = opaque((*buffer).used);
        if next < PLACES as u64 && used <= (BEFORE_ARGV - PATH_BYTES) as u64 {
            let place = (*buffer).places[next as usize & 7];
            if place.dentry != 0 {
                let root = Place::of(current().fetched().follow(offset!(task_fs)), offset!(fs_root));
                let walked = walk(&raw mut (*buffer).path, place, root);
                let to = (&raw mut (*buffer).record).cast::<u8>().add(FIXED + used as usize);
                let len = walked.copy(&raw const (*buffer).path, to);
                let texts = (&raw mut (*ExecBuffer::body(buffer)).texts).cast::<Text>();
                *texts.add(exec_text::EXE + (next as usize & 7)) =
                    Text { len: len as u32, state: walked.state, pad: 0 };
                (*buffer).used = used + len;
            }
            (*buffer).next = next + 1;
            if next + 1 < PLACES as u64 {
                EXEC_PROGRAMS.tail_call(&ctx, exec_part::PATHS);
            }
        }
    }
    continue_with(&ctx, exec_part::ARGV);
    0
}

/// Adds argv: whole, or its head and its tail.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn exec_argv(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = buffer() else { return 0 };
    let mm = current().fetched().follow(offset!(task_mm));
    let start: u64 = mm.load(offset!(mm_arg_start), 0);
    let end: u64 = mm.load(offset!(mm_arg_end), 0);
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let used = opaque((*buffer).used);
        if used <= BEFORE_ARGV as u64 {
            let to = (&raw mut (*buffer).record).cast::<u8>().add(FIXED + used as usize);
            let body = ExecBuffer::body(buffer);
            let size = opaque(end.wrapping_sub(start));
            (*body).argv_bytes = size as u32;
            let (head, tail) = if size <= ARGV_BYTES as u64 {
                let read = user_bytes(to, size as u32, start);
                (
                    text(read, size as u32, TextState::Complete),
                    Text { state: TextState::Complete.number(), ..Text::default() },
                )
            } else {
                let part = ARGV_PART_BYTES as u32;
                let head = user_bytes(to, part, start);
                let tail = user_bytes(to.add(ARGV_PART_BYTES), part, end - ARGV_PART_BYTES as u64);
                let read = head && tail;
                (text(read, part, TextState::Cut), text(read, part, TextState::Cut))
            };
            (*body).texts[exec_text::ARGV] = head;
            (*body).texts[exec_text::ARGV_TAIL] = tail;
            (*buffer).used = used + u64::from(head.len) + u64::from(tail.len);
        }
    }
    continue_with(&ctx, exec_part::ENV);
    0
}

/// Describes a string by whether it could be read.
#[inline(always)]
fn text(read: bool, len: u32, state: TextState) -> Text {
    if !read {
        emit::fault(Fault::StringUnreadable);
        return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
    }
    if state == TextState::Cut {
        emit::fault(Fault::StringCut);
    }
    Text { len, state: state.number(), pad: 0 }
}

/// Names that one program looks for; it calls itself for the next ones. A verifier walks each of them.
const PART: usize = 32;

/// How far the search for names has come, and what it knows.
#[repr(C)]
pub(crate) struct EnvSearch {
    /// Where the next variable begins.
    from: u64,
    /// Bytes and number of the names found.
    used: u64,
    count: u64,
    /// Parts that were looked at.
    parts: u64,
    /// One where what comes next begins a variable, else zero.
    whole_before: u64,
    /// One where a name was longer than is looked for: the list lacks it.
    longer: u64,
}

impl EnvSearch {
    /// Nothing is known yet.
    pub(crate) const BEGIN: Self = Self { from: 0, used: 0, count: 0, parts: 0, whole_before: 1, longer: 0 };
}

/// Adds the names of the environment, a part of them at a time. A variable is read into scratch, and what stands before its
/// `=` goes on.
///
/// What has no `=` in its first [`ENV_NAME_BYTES`] is no variable or has a longer name; of a variable longer than
/// [`VARIABLE_BYTES`] the rest arrives as pieces, which could look like names and are dropped.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn exec_env(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = buffer() else { return 0 };
    let mm = current().fetched().follow(offset!(task_mm));
    let end: u64 = mm.load(offset!(mm_env_end), 0);
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let begun = opaque((*buffer).used);
        if begun > (BEFORE_ARGV + ARGV_BYTES) as u64 {
            emit::lost(Kind::Exec, Cause::NoBuffer);
            return 0;
        }
        let to = (&raw mut (*buffer).record).cast::<u8>().add(FIXED + begun as usize);
        let variable = (&raw mut (*buffer).variable).cast::<u8>();
        let search = &raw mut (*buffer).env;
        if (*search).parts == 0 {
            (*search).from = mm.load(offset!(mm_env_start), 0);
        }
        let EnvSearch { mut from, mut used, mut count, parts, mut whole_before, mut longer } = search.read_volatile();
        let mut state = TextState::Cut;
        let mut going = parts + 1 < (ENV_NAMES / PART) as u64;
        for _ in 0..PART {
            if from >= end {
                state = TextState::Complete;
                going = false;
                break;
            }
            let read = user_string(variable, VARIABLE_BYTES as u32, from);
            if read <= 0 {
                state = TextState::Unreadable;
                going = false;
                break;
            }
            let name = bytes_before::<WORDS>(variable.cast_const().cast(), b'=', 0);
            // One where this is a variable with a name, else zero; without a branch, which would double the states.
            let good =
                opaque(whole_before & below(name, ENV_NAME_BYTES as u64) & below(name, read as u64) & below(0, name))
                    & 1;
            let size = opaque(name & good.wrapping_neg()) & (ENV_NAME_BYTES as u64 - 1);
            used = opaque(used);
            if used > (ENV_BYTES - ENV_NAME_BYTES) as u64 {
                going = false;
                break;
            }
            // A mask that changes nothing: older verifiers forget the bound of what the compiler has put aside meanwhile.
            let to = to.add(opaque(used) as usize & (ENV_BYTES - 1));
            kernel_bytes(to, size as u32, variable as u64);
            *to.add(size as usize) = 0;
            used += size + good;
            count += good;
            longer |= whole_before & (name >> 6) & below(ENV_NAME_BYTES as u64, read as u64);
            // A piece that fills the scratch is not the last of its variable.
            whole_before = below(read as u64, VARIABLE_BYTES as u64);
            from += read as u64 - (1 - whole_before);
        }
        search.write_volatile(EnvSearch { from, used, count, parts: parts + 1, whole_before, longer });
        if going {
            EXEC_PROGRAMS.tail_call(&ctx, exec_part::ENV);
        }
        if longer != 0 && state == TextState::Complete {
            state = TextState::Cut;
        }
        let body = ExecBuffer::body(buffer);
        match state {
            TextState::Unreadable => emit::fault(Fault::StringUnreadable),
            TextState::Cut => emit::fault(Fault::StringCut),
            _ => {}
        }
        (*body).env_count = count as u32;
        (*body).texts[exec_text::ENV] = Text { len: used as u32, state: state.number(), pad: 0 };
        (*buffer).used = begun + used;
    }
    continue_with(&ctx, exec_part::SEND);
    0
}

/// One when `left` is below `right`, else zero, without a branch; both are below 2^63.
#[inline(always)]
fn below(left: u64, right: u64) -> u64 {
    opaque(left).wrapping_sub(right) >> 63
}

/// Sends the record.
#[btf_tracepoint(function = "sched_process_exec")]
pub(crate) fn exec_send(_ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = buffer() else { return 0 };
    let Some(who) = tracked() else { return 0 };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        let used = opaque((*buffer).used);
        if used > (BEFORE_ARGV + ARGV_BYTES + ENV_BYTES) as u64 {
            emit::lost(Kind::Exec, Cause::NoBuffer);
            return 0;
        }
        let record = (&raw mut (*buffer).record).cast::<u8>();
        emit::send(Kind::Exec, who.tid, who.task, record, FIXED as u64 + used);
    }
    0
}
