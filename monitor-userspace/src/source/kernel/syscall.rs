//! What aya does not ask the kernel: the system call bpf(2) as it is.

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
};

/// `BPF_PROG_LOAD`, `BPF_OBJ_GET_INFO_BY_FD` and `BPF_PROG_TYPE_RAW_TRACEPOINT` (linux/bpf.h).
const PROG_LOAD: libc::c_long = 5;
/// `BPF_PROG_TEST_RUN`.
const TEST_RUN: libc::c_long = 10;
const GET_INFO: libc::c_long = 15;
const RAW_TRACEPOINT: u32 = 17;

/// The place of `recursion_misses` in `struct bpf_prog_info` (linux/bpf.h).
const MISSES: usize = 208;
const INFO: usize = MISSES + 8;

/// What `BPF_PROG_LOAD` takes, as far as every kernel knows it.
#[repr(C)]
struct Load {
    program_type: u32,
    count: u32,
    instructions: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

/// What `BPF_OBJ_GET_INFO_BY_FD` takes.
#[repr(C)]
struct Info {
    fd: u32,
    len: u32,
    info: u64,
}

/// Lets the kernel verify a program for a raw tracepoint, and drops it.
///
/// # Errors
///
/// It refuses the program, or does not let this process load any (`EPERM`).
pub(super) fn load(instructions: &[u64]) -> io::Result<()> {
    let license = c"GPL";
    let attributes = Load {
        program_type: RAW_TRACEPOINT,
        count: u32::try_from(instructions.len()).map_err(io::Error::other)?,
        instructions: instructions.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    // SAFETY: the attributes are those of the command; the instructions and the license outlive the call.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const attributes, size_of::<Load>()) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = RawFd::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel has just given this descriptor to nobody else.
    drop(unsafe { OwnedFd::from_raw_fd(fd) });
    Ok(())
}

/// Returns when every program that was under way on a CPU is done: what it changed is then to be seen.
pub(super) fn wait_for_programs() {
    /// `MEMBARRIER_CMD_GLOBAL` (linux/membarrier.h): waits until every CPU has been where no program of ours can be.
    const GLOBAL: libc::c_long = 1;
    // SAFETY: the command takes no address. Where the kernel has none of it (`ENOSYS`), programs are done sooner than this
    // call returns, as nearly always.
    unsafe { libc::syscall(libc::SYS_membarrier, GLOBAL, 0) };
}

/// What `BPF_PROG_TEST_RUN` takes, as far as every kernel knows it.
#[repr(C)]
struct Run {
    program: u32,
    answer: u32,
    data_len: u32,
    data_out_len: u32,
    data: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
}

/// Bytes of an Ethernet header, which the kernel takes off before it runs a program on a packet.
const ETHERNET: usize = 14;

/// Runs a program on a packet once, with a number in the first four bytes behind the Ethernet header.
///
/// # Errors
///
/// The kernel does not run it.
pub(super) fn run(program: BorrowedFd<'_>, number: u32) -> io::Result<()> {
    // Longer than any header that a kernel might look for.
    let mut packet = [0u8; 64];
    for (byte, from) in packet.iter_mut().skip(ETHERNET).zip(number.to_ne_bytes()) {
        *byte = from;
    }
    let mut attributes = Run {
        program: u32::try_from(program.as_raw_fd()).map_err(io::Error::other)?,
        answer: 0,
        data_len: u32::try_from(packet.len()).map_err(io::Error::other)?,
        data_out_len: 0,
        data: packet.as_ptr() as u64,
        data_out: 0,
        repeat: 1,
        duration: 0,
    };
    // SAFETY: the attributes are those of the command, and the packet outlives the call.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, TEST_RUN, &raw mut attributes, size_of::<Run>()) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// How often the kernel skipped a program since the same program already ran on the CPU; 0 where it does not tell.
///
/// # Errors
///
/// The kernel refuses to show the program's information.
pub(super) fn misses(program: BorrowedFd<'_>) -> io::Result<u64> {
    let mut info = [0u64; INFO / 8];
    let mut attributes = Info {
        fd: u32::try_from(program.as_raw_fd()).map_err(io::Error::other)?,
        len: u32::try_from(INFO).map_err(io::Error::other)?,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: the attributes are those of the command, and `info` has the length that they say; all its bytes are
    // zero, so that the kernel takes none of them for the address of a further buffer.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, GET_INFO, &raw mut attributes, size_of::<Info>()) };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(info[MISSES / 8])
}
