//! Calls that deserve attention: they reach into other processes, into the kernel, or change what the machine looks like.
//!
//! | | |
//! |---|---|
//! | hook | tail call from `sys_exit`, family [`monitor_common::programs::family::ATTENTION`] |
//! | when | the call has returned |
//! | parts | the whole record here, or for a call that names files or has strings its start, then `exit_paths_file` as in `probes::paths` |
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
    Kind, Text, TextState,
    body::call_text,
    counters::{Cause, Fault},
    limits::HOST_NAME_BYTES,
    programs::family,
    syscall::{
        PERF_EVENT_OPEN, SETDOMAINNAME, SETHOSTNAME,
        paths::{FILES_OF, NOT_NAMED},
        regs,
    },
};

use crate::{
    emit,
    files::Files,
    maps::{CALL_PROGRAMS, PATHS_BUFFERS},
    probes::{
        host::foreign,
        paths::{PathsBuffer, index},
        signal,
        syscall::{Call, call_of_tracked},
    },
    read::{opaque, user, user_bytes},
};

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
    let Some(buffer) = PATHS_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::Attention, Cause::NoBuffer);
        return 0;
    };
    // SAFETY: the buffer is this CPU's, and no program that uses it starts twice on a CPU.
    unsafe {
        PathsBuffer::begin(buffer, call, index(call));
        let files = PathsBuffer::files(buffer);
        (*files.body()).object = u64::from(object);
        (*files.body()).flags = foreign(who);
        if FILES_OF[index(call)][0] == NOT_NAMED {
            if number == SETHOSTNAME || number == SETDOMAINNAME {
                host_name(files, call);
            }
            files.send_call(Kind::Attention.index() as u64, who, call);
            return 0;
        }
        CALL_PROGRAMS.tail_call(&ctx, family::PATHS_FILE);
    }
    // A tail call comes back only when there is no such program.
    emit::lost(Kind::Attention, Cause::NoProgram);
    0
}

/// Adds the name that the machine shall have, which has as many bytes as the second argument says.
///
/// # Safety
///
/// The record must be begun, and nothing else use it.
#[inline(always)]
unsafe fn host_name(files: Files, call: Call) {
    // An int, as the calls take it.
    let asked = opaque(u64::from(call.register(regs::SI) as u32));
    let mut len = if asked > HOST_NAME_BYTES as u64 { HOST_NAME_BYTES as u64 } else { asked };
    // SAFETY: the caller's promise; the name is shorter than the room.
    unsafe {
        let mut state = TextState::Complete;
        if !user_bytes(files.end(), len as u32, call.register(regs::DI)) {
            emit::fault(Fault::StringUnreadable);
            state = TextState::Unreadable;
            len = 0;
        } else if asked > HOST_NAME_BYTES as u64 {
            emit::fault(Fault::StringCut);
            state = TextState::Cut;
        }
        files.added(call_text::REQUESTED, Text { len: len as u32, state: state.number(), pad: 0 });
    }
}
