//! Requests to an io_uring, which raise no system call of their own.

use std::ffi::CString;
use std::fs;
use std::io::Error;
use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Seen, expect, observe, trial};

pub(crate) fn trials() -> Vec<Trial> {
    let refused = Ring::new(0).err().map(|error| format!(" (skipped: {error:#})"));
    let trial = |name: &str, body: fn() -> Result<()>| {
        let name = format!("{name}{}", refused.as_deref().unwrap_or_default());
        trial(&name, body).with_ignored_flag(refused.is_some())
    };
    vec![
        trial("requests to an io_uring show the files and the address that they name", plain),
        trial("requests that a thread of the kernel's takes from an io_uring are those of its process", polled),
    ]
}

fn plain() -> Result<()> {
    requests("plain").map(drop)
}

fn polled() -> Result<()> {
    let seen = requests("polled")?;
    let records = attention(&seen);
    let (process, thread) = (&records[0]["process"]["pid"], &records[0]["process"]["tid"]);
    ensure!(process != thread, "the requests were not taken by another thread: {:#}", records[0]);
    let exec = seen.kind("exec").into_iter().next_back().context("no exec")?;
    expect(records[0], "/process/pid", exec["process"]["pid"].clone())
}

fn attention(seen: &Seen) -> Vec<&Value> {
    seen.kind("attention").into_iter().filter(|record| record["attention"]["call"] == "io_uring").collect()
}

fn requests(mode: &str) -> Result<Seen> {
    let folder = tempfile::tempdir()?;
    let at = folder.path().display().to_string();
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    fs::write(folder.path().join("a"), "text")?;
    let seen = observe(&["io-uring", mode, &at, &port])?;
    ensure!(seen.output.status.success(), "the trigger said: {}", seen.stderr());
    seen.is_whole()?;
    let setup = seen.only("attention", "/attention/call", "io_uring_setup")?;
    ensure!(setup["attention"]["result"].as_i64().is_some_and(|fd| fd > 2), "{setup:#}");
    let records = attention(&seen);
    let of = |operation: &str| -> Result<&Value> {
        let mut found = records.iter().filter(|record| {
            record["attention"]["detail"].as_str().is_some_and(|detail| detail.split(' ').next() == Some(operation))
        });
        found.next().map(|record| &record["attention"]).with_context(|| format!("no {operation} in {records:#?}"))
    };
    let open = of("IORING_OP_OPENAT")?;
    expect(open, "/path", "/etc/hostname")?;
    expect(open, "/path_state", "unresolved")?;
    expect(open, "/detail", "IORING_OP_OPENAT read O_CLOEXEC")?;
    ensure!(open.get("result").is_none(), "what becomes of a request is not known: {open:#}");
    expect(of("IORING_OP_STATX")?, "/path", format!("{at}/a"))?;
    expect(of("IORING_OP_CONNECT")?, "/address", format!("127.0.0.1:{port}"))?;
    let connect = records.iter().find(|record| record["attention"]["address"].is_string()).context("no address")?;
    expect(connect, "/classes", vec!["local_endpoint"])?;
    let known = Ring::new(0)?.known()?;
    for (operation, name, field, value) in [
        (op::RENAMEAT, "IORING_OP_RENAMEAT", "/from", format!("{at}/a")),
        (op::RENAMEAT, "IORING_OP_RENAMEAT", "/path", format!("{at}/b")),
        (op::LINKAT, "IORING_OP_LINKAT", "/from", format!("{at}/b")),
        (op::LINKAT, "IORING_OP_LINKAT", "/path", format!("{at}/c")),
        (op::SYMLINKAT, "IORING_OP_SYMLINKAT", "/from", "../x".to_owned()),
        (op::SYMLINKAT, "IORING_OP_SYMLINKAT", "/path", format!("{at}/l")),
        (op::MKDIRAT, "IORING_OP_MKDIRAT", "/path", format!("{at}/d")),
        (op::UNLINKAT, "IORING_OP_UNLINKAT", "/path", format!("{at}/b")),
        (op::UNLINKAT, "IORING_OP_UNLINKAT", "/requested", "b".to_owned()),
    ] {
        if known.contains(&operation) {
            expect(of(name)?, field, value)?;
        }
    }
    // Of what names nothing there is no record, and of what the kernel does not know.
    let named = REQUESTED.iter().filter(|operation| **operation != op::NOP && known.contains(operation)).count();
    ensure!(records.len() == named, "{records:#?}");
    for (operation, name) in [(op::MKDIRAT, "d"), (op::LINKAT, "c"), (op::SYMLINKAT, "l")] {
        let is_made = fs::symlink_metadata(folder.path().join(name)).is_ok();
        ensure!(is_made == known.contains(&operation), "operation {operation}: {name} is {is_made}");
    }
    Ok(seen)
}

/// The operations that are tried (linux/io_uring.h).
mod op {
    pub(super) const NOP: u8 = 0;
    pub(super) const CONNECT: u8 = 16;
    pub(super) const OPENAT: u8 = 18;
    pub(super) const STATX: u8 = 21;
    /// RENAMEAT and UNLINKAT since 5.11, and in 5.10 since 5.10.162.
    pub(super) const RENAMEAT: u8 = 35;
    pub(super) const UNLINKAT: u8 = 36;
    /// These since 5.15.
    pub(super) const MKDIRAT: u8 = 37;
    pub(super) const SYMLINKAT: u8 = 38;
    pub(super) const LINKAT: u8 = 39;
}

/// The operations in the order in which they are submitted, where the kernel knows them.
const REQUESTED: [u8; 9] =
    [op::NOP, op::OPENAT, op::STATX, op::RENAMEAT, op::LINKAT, op::SYMLINKAT, op::MKDIRAT, op::UNLINKAT, op::CONNECT];

/// Submits a request of each kind, one after the other: `io-uring plain|polled FOLDER PORT`.
pub(crate) fn trigger(mode: &str, folder: &str, port: &str) -> Result<()> {
    /// `IORING_SETUP_SQPOLL` (linux/io_uring.h).
    const SQPOLL: u32 = 2;
    let mut ring = Ring::new(if mode == "polled" { SQPOLL } else { 0 })?;
    let folder = fs::File::open(folder)?;
    let at = std::os::fd::AsRawFd::as_raw_fd(&folder);
    // SAFETY: the call takes numbers.
    let socket = unsafe { libc::socket(libc::AF_INET, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    let texts = ["/etc/hostname", "a", "b", "d", "../x", "l", "c"].map(|text| CString::new(text).unwrap_or_default());
    let [hostname, a, b, d, x, l, c] = texts.each_ref().map(|text| text.as_ptr() as u64);
    let room = [0u64; 64];
    let mut address = [0u8; 16];
    address[..2].copy_from_slice(&2u16.to_ne_bytes());
    address[2..4].copy_from_slice(&port.parse::<u16>()?.to_be_bytes());
    address[4..8].copy_from_slice(&[127, 0, 0, 1]);
    let cloexec = u64::from(libc::O_CLOEXEC.cast_unsigned());
    let known = ring.known()?;
    for operation in REQUESTED.into_iter().filter(|operation| known.contains(operation)) {
        let here = u64::from(at.cast_unsigned());
        // Descriptor, the second address, the first, length, flags: struct io_uring_sqe.
        let (fd, second, first, len, flags) = match operation {
            op::OPENAT => (libc::AT_FDCWD, 0, hostname, 0, cloexec),
            op::STATX => (at, room.as_ptr() as u64, a, 0x7ff, 0),
            op::RENAMEAT => (at, b, a, here, 0),
            op::LINKAT => (at, c, b, here, 0),
            op::SYMLINKAT => (at, l, x, 0, 0),
            op::MKDIRAT => (at, 0, d, 0o755, 0),
            op::UNLINKAT => (at, 0, b, 0, 0),
            op::CONNECT => (socket, 16, address.as_ptr() as u64, 0, 0),
            _ => (-1, 0, 0, 0, 0),
        };
        let word = u64::from(operation) | u64::from(fd.cast_unsigned()) << 32;
        let result = ring.submit([word, second, first, len | flags << 32, 0, 0, 0, 0])?;
        ensure!(result >= 0, "operation {operation}: {}", Error::from_raw_os_error(-result));
    }
    Ok(())
}

/// An io_uring with room for one request at a time (io_uring(7)).
struct Ring {
    fd: i32,
    sq: *mut u8,
    cq: *mut u8,
    requests: *mut [u64; 8],
    /// `struct io_uring_params`: 10 words, then the offsets in the ring of requests and in that of answers, 10 each.
    layout: [u32; 30],
}

/// Where the offsets of the two rings begin in [`Ring::layout`].
const SQ: usize = 10;
const CQ: usize = 20;

impl Ring {
    fn new(flags: u32) -> Result<Self> {
        let mut layout = [0u32; 30];
        layout[2] = flags;
        // SAFETY: the structure has the size that the call writes.
        let fd = unsafe { libc::syscall(libc::SYS_io_uring_setup, 4, layout.as_mut_ptr()) };
        ensure!(fd >= 0, "this kernel makes no io_uring: {}", Error::last_os_error());
        let fd = i32::try_from(fd)?;
        let map = |offset: i64, bytes: usize| -> Result<*mut u8> {
            let protection = libc::PROT_READ | libc::PROT_WRITE;
            // SAFETY: a new mapping, of what the kernel has made room for.
            let at = unsafe { libc::mmap(std::ptr::null_mut(), bytes, protection, libc::MAP_SHARED, fd, offset) };
            ensure!(at != libc::MAP_FAILED, "cannot map the ring: {}", Error::last_os_error());
            Ok(at.cast())
        };
        // IORING_OFF_SQ_RING, IORING_OFF_CQ_RING, IORING_OFF_SQES; both rings are smaller than a page.
        let (sq, cq) = (map(0, 4096)?, map(0x800_0000, 4096)?);
        Ok(Self { fd, sq, cq, requests: map(0x1000_0000, 4096)?.cast(), layout })
    }

    /// The operations that this kernel knows.
    fn known(&self) -> Result<Vec<u8>> {
        /// `IORING_REGISTER_PROBE` and `IO_URING_OP_SUPPORTED` (linux/io_uring.h).
        const PROBE: u32 = 8;
        const SUPPORTED: u8 = 1;
        /// Operations asked for; the kernel fills in those that it has.
        const ROOM: usize = 64;
        // `struct io_uring_probe`: 16 bytes, then 8 for each operation, whose number comes first and whose flags third.
        let mut probe = [[0u8; 8]; 2 + ROOM];
        // SAFETY: the structure has room for as many operations as the call is told.
        let answer = unsafe { libc::syscall(libc::SYS_io_uring_register, self.fd, PROBE, probe.as_mut_ptr(), ROOM) };
        ensure!(answer >= 0, "cannot ask which operations there are: {}", Error::last_os_error());
        let all = probe[2..].iter().take(usize::from(probe[0][1]));
        Ok(all.filter(|operation| operation[2] & SUPPORTED != 0).map(|operation| operation[0]).collect())
    }

    /// A word of a ring.
    fn word(&self, ring: *mut u8, at: usize) -> &AtomicU32 {
        // SAFETY: the kernel says where in the mapping the word is, which lives as long as the process.
        unsafe { &*ring.add(self.layout[at] as usize).cast::<AtomicU32>() }
    }

    /// Submits a request, waits for its answer and gives its result.
    fn submit(&mut self, request: [u64; 8]) -> Result<i32> {
        /// `IORING_ENTER_GETEVENTS | IORING_ENTER_SQ_WAKEUP` (linux/io_uring.h).
        const WAIT: u32 = 3;
        let (tail, mask) = (self.word(self.sq, SQ + 1), self.word(self.sq, SQ + 2).load(Ordering::Relaxed));
        let next = tail.load(Ordering::Relaxed);
        // SAFETY: the place is within the mapping, and the kernel reads it only once the tail has moved.
        unsafe {
            self.requests.add((next & mask) as usize).write(request);
            let array = self.sq.add(self.layout[SQ + 6] as usize).cast::<u32>();
            array.add((next & mask) as usize).write(next & mask);
        }
        tail.store(next.wrapping_add(1), Ordering::Release);
        // SAFETY: the call takes numbers.
        let entered = unsafe { libc::syscall(libc::SYS_io_uring_enter, self.fd, 1, 1, WAIT, 0, 0) };
        ensure!(entered >= 0, "cannot submit a request: {}", Error::last_os_error());
        let (head, mask) = (self.word(self.cq, CQ), self.word(self.cq, CQ + 2).load(Ordering::Relaxed));
        let first = head.load(Ordering::Acquire);
        ensure!(self.word(self.cq, CQ + 1).load(Ordering::Acquire) != first, "there is no answer");
        // SAFETY: the answer is complete once the tail is behind it. Its result follows 8 bytes of the request's own.
        let result = unsafe {
            let answers = self.cq.add(self.layout[CQ + 5] as usize);
            answers.add((first & mask) as usize * 16 + 8).cast::<i32>().read()
        };
        head.store(first.wrapping_add(1), Ordering::Release);
        Ok(result)
    }
}
