//! Requests to an io_uring that name a file or an address. They raise no system call of their own.
//!
//! | | |
//! |---|---|
//! | hook | BTF tracepoint `io_uring_submit_req(struct io_kiocb *req)`; before Linux 6.3 `io_uring_submit_sqe`, whose request is its first or, before 6.0, its second argument: the kernel's types tell |
//! | when | the kernel has taken the request, with the names in it, and has not begun with it |
//! | who | the thread that submits: that which called io_uring_enter, or with `IORING_SETUP_SQPOLL` the thread `iou-sqp-PID` of the process that made the ring |
//! | names | from the kernel's own copy, so that no other thread can have changed them; of a statx before Linux 5.18 the caller's memory |
//! | absolute paths | of the folder that a relative path starts from |
//! | addresses | of a bind the kernel's own copy, of a connect the caller's memory |
//! | parts | the start here, then once for each file `io_uring_file`, the last of which sends the record |
//!
//! Blind spots: what becomes of a request. Requests that name nothing (reading, writing, receiving, closing, polling), those that send, even
//! where they name an address, and extended attributes. A request that the kernel refuses before it takes it, which does nothing. A thread `iou-sqp-PID`
//! that serves the rings of several processes (`IORING_SETUP_ATTACH_WQ`) is that of the first.

use aya_ebpf::{macros::btf_tracepoint, programs::BtfTracePointContext};
use monitor_common::{
    Kind, Text, TextState,
    body::call_text,
    counters::{Cause, Fault},
    io_uring::{self as op, request},
    limits::{PATH_BYTES, SOCKADDR_BYTES},
    offsets::ABSENT,
    programs::io_uring_part,
};

use crate::{
    emit,
    files::{Files, FilesBuffer},
    globals::offset,
    maps::{IO_URING_BUFFERS, IO_URING_PROGRAMS},
    read::{kernel, kernel_bytes, kernel_string, opaque, user_string, within},
    socket::address,
    task::tracked,
};

/// A file of a request.
#[repr(C)]
#[derive(Clone, Copy)]
struct Named {
    /// The `struct filename`; 0 where there is none.
    name: u64,
    /// The descriptor of the folder, sign-extended; [`NOWHERE`] for what a symbolic link says.
    folder: i64,
}

/// No descriptor of any folder.
const NOWHERE: i64 = i64::MIN;

impl Named {
    const NOT: Self = Self { name: 0, folder: NOWHERE };

    /// The file whose descriptor and name stand at these offsets of the request's own part.
    #[inline(always)]
    fn read(own: u64, folder: u32, name: u32) -> Self {
        Self { name: kernel(own, name, 0), folder: i64::from(kernel(own, folder, 0i32)) }
    }
}

/// Where a record is built, and what its parts hand to each other.
#[repr(C, align(8))]
pub(crate) struct IoUringBuffer {
    named: [Named; 2],
    /// The file that comes next: 0 or 1.
    next: u64,
    files: FilesBuffer,
}

/// Begins the record of a request that names a file, and makes that of one that names an address.
#[btf_tracepoint(function = "io_uring_submit_req")]
pub(crate) fn io_uring_submit(ctx: BtfTracePointContext) -> i32 {
    let Some(who) = tracked() else { return 0 };
    // Each argument is loaded for itself: the compiler would else choose the address of one of them first, and kernels
    // before 5.12 load through the context at fixed places only.
    let request = if offset!(submit_request) == 0 { opaque(ctx.arg(0)) } else { opaque(ctx.arg(1)) };
    let code: u8 = kernel(request, offset!(request_opcode), 0);
    let code = opaque(u64::from(code)) as u32;
    if !op::names(code) {
        return 0;
    }
    let Some(buffer) = IO_URING_BUFFERS.get_ptr_mut(0) else {
        emit::lost(Kind::IoUring, Cause::NoBuffer);
        return 0;
    };
    // Each operation has a part of the request as its own, which begins where the request does.
    let own = request.wrapping_add(u64::from(offset!(request_file)));
    // SAFETY: the buffer is this CPU's, and only this program and its part use it, of which one instance runs on a CPU.
    unsafe {
        let files = Files::new(&raw mut (*buffer).files);
        files.begin(code, 0, 0);
        for at in 0..6 {
            (*files.body()).args[at] = 0;
        }
        if code == op::CONNECT || code == op::BIND {
            files.added(call_text::REQUESTED, address(files.end(), request, own, code));
            files.send(Kind::IoUring, who);
            return 0;
        }
        (&raw mut (*buffer).next).write_volatile(0);
        let (first, second, asked) = arguments(own, code);
        (&raw mut (*buffer).named[0]).write_volatile(first);
        (&raw mut (*buffer).named[1]).write_volatile(second);
        (&raw mut (*files.body()).args[request::FIRST_FOLDER]).write_volatile(first.folder as u64);
        (&raw mut (*files.body()).args[request::SECOND_FOLDER]).write_volatile(second.folder as u64);
        (&raw mut (*files.body()).args[request::FLAGS]).write_volatile(asked);
        IO_URING_PROGRAMS.tail_call(&ctx, io_uring_part::FILE);
    }
    // A tail call comes back only when there is no such program.
    emit::lost(Kind::IoUring, Cause::NoProgram);
    0
}

/// The files of a request, and its flags or its mode.
#[inline(always)]
fn arguments(own: u64, code: u32) -> (Named, Named, u64) {
    let flags = |at: u32| u64::from(kernel(own, at, 0u32));
    match code {
        op::OPENAT | op::OPENAT2 => {
            let how = within(offset!(io_open_how), offset!(open_how_flags));
            (Named::read(own, offset!(io_open_folder), offset!(io_open_name)), Named::NOT, kernel(own, how, 0))
        }
        op::STATX => {
            let named = Named::read(own, offset!(io_statx_folder), offset!(io_statx_name));
            (named, Named::NOT, flags(offset!(io_statx_flags)))
        }
        op::UNLINKAT => {
            let named = Named::read(own, offset!(io_unlink_folder), offset!(io_unlink_name));
            (named, Named::NOT, flags(offset!(io_unlink_flags)))
        }
        op::MKDIRAT => {
            let named = Named::read(own, offset!(io_mkdir_folder), offset!(io_mkdir_name));
            (named, Named::NOT, u64::from(kernel(own, offset!(io_mkdir_mode), 0u16)))
        }
        op::RENAMEAT => (
            Named::read(own, offset!(io_rename_from_folder), offset!(io_rename_from)),
            Named::read(own, offset!(io_rename_to_folder), offset!(io_rename_to)),
            flags(offset!(io_rename_flags)),
        ),
        // What a symbolic link says starts from nowhere yet.
        op::SYMLINKAT => (
            Named { name: kernel(own, offset!(io_link_from), 0), folder: NOWHERE },
            Named::read(own, offset!(io_link_to_folder), offset!(io_link_to)),
            0,
        ),
        _ => (
            Named::read(own, offset!(io_link_from_folder), offset!(io_link_from)),
            Named::read(own, offset!(io_link_to_folder), offset!(io_link_to)),
            flags(offset!(io_link_flags)),
        ),
    }
}

/// Reads the address of a connect or of a bind.
///
/// # Safety
///
/// `to` must have room for [`PATH_BYTES`] bytes, and the verifier must see it.
#[inline(always)]
unsafe fn address(to: *mut u8, request: u64, own: u64, code: u32) -> Text {
    // SAFETY: the caller's promise.
    unsafe {
        if code == op::CONNECT {
            let len: u32 = kernel(own, offset!(io_connect_len), 0);
            return address::given(to.cast(), kernel(own, offset!(io_connect_address), 0), len);
        }
        let len: u32 = kernel(own, offset!(io_bind_len), 0);
        let len = opaque(u64::from(len));
        let at = offset!(async_address);
        let copy: u64 = kernel(request, offset!(request_async), 0);
        let fits = len <= SOCKADDR_BYTES as u64 && copy != 0 && at != ABSENT;
        if !fits || !kernel_bytes(to, len as u32, copy.wrapping_add(u64::from(at))) {
            emit::fault(Fault::StringUnreadable);
            return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
        }
        Text { len: address::meaningful(to.cast(), len) as u32, state: TextState::Complete.number(), pad: 0 }
    }
}

/// Adds one of the files and calls itself for the next; after the last it sends the record.
#[btf_tracepoint(function = "io_uring_submit_req")]
pub(crate) fn io_uring_file(ctx: BtfTracePointContext) -> i32 {
    let Some(buffer) = IO_URING_BUFFERS.get_ptr_mut(0) else { return 0 };
    let Some(who) = tracked() else { return 0 };
    // SAFETY: the buffer is this CPU's, and only this program and its part use it, of which one instance runs on a CPU.
    unsafe {
        let files = Files::new(&raw mut (*buffer).files);
        let next = opaque((&raw const (*buffer).next).read_volatile()) as usize & 1;
        let named = (&raw const (*buffer).named).cast::<Named>().add(next).read_volatile();
        let to = files.end();
        let text = name(to, named.name);
        files.added(next * call_text::SECOND_REQUESTED, text);
        let relative = text.state == TextState::Complete.number() && *to != b'/';
        if relative && named.folder != NOWHERE {
            files.find(who.thread.fetched(), named.folder as i32, true, next);
        } else {
            files.find_none();
        }
        files.walk(who.thread.fetched(), next);
        (&raw mut (*buffer).next).write_volatile(1);
        if next == 0 && (&raw const (*buffer).named[1].name).read_volatile() != 0 {
            IO_URING_PROGRAMS.tail_call(&ctx, io_uring_part::FILE);
        }
        files.send(Kind::IoUring, who);
    }
    0
}

/// Reads a name from a `struct filename`, or where there is none yet from the caller's memory: before Linux 5.18 (`io_statx_prep`)
/// a statx was taken with the caller's own pointer. Which of them it is, its highest bit tells.
///
/// # Safety
///
/// `to` must have room for [`PATH_BYTES`] bytes, and the verifier must see it.
#[inline(always)]
unsafe fn name(to: *mut u8, filename: u64) -> Text {
    // SAFETY: the caller's promise.
    let read = unsafe {
        if filename >> 63 == 0 {
            user_string(to, PATH_BYTES as u32, filename)
        } else {
            kernel_string(to, PATH_BYTES as u32, kernel(filename, offset!(filename_name), 0))
        }
    };
    if read <= 0 {
        emit::fault(Fault::StringUnreadable);
        return Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
    }
    Text { len: (read - 1) as u32, state: TextState::Complete.number(), pad: 0 }
}
