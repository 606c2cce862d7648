//! Very many different paths and programs: what is kept of them stays within bounds, and all of them are counted.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use agentsnoop::source::kernel::{Entries, Kernel, Options};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use monitor_common::Kind;
use nix::poll::{PollFd, PollFlags, poll};

use crate::caller::monitor_of;
use crate::harness::{Killed, agentsnoop, observe, once, own_program, verify, wait_for};

/// Paths that are opened and looked at, each once.
const PATHS: u64 = 1_000_000;
/// Programs that are executed, each in a process of its own.
const EXECS: u64 = 100_000;
/// Entries that are found in a map at most while one process starts others one after the other: a few, since a walk through a
/// map begins again when the entry at which it stands has gone.
const AT_ONCE: usize = 64;

/// How long the ring is not looked at, whatever wakes the reader.
const LOOK: u8 = 10;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("a million different paths, opened and looked at, are counted exactly", paths),
        once("a hundred thousand programs leave no entry in the kernel's maps, and are counted exactly", execs),
    ]
}

/// Whether the monitor keeps up depends on the machine and on the build; whether it counts does not.
fn paths() -> Result<()> {
    let beside = verify(&observe(&["paths", "0"])?.file)?;
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("test.rec");
    let mut run = agentsnoop();
    run.arg("run").arg("--quiet").arg("--record").arg(&file).arg("--").arg(own_program()?);
    let run = run.args(["trigger", "paths", &PATHS.to_string()]).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = Killed(run.spawn()?);
    let mut line = String::new();
    BufReader::new(run.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let monitor = monitor_of(run.0.id())?;
    let status = run.0.wait()?;
    ensure!(line == "ready\n" && status.success(), "run ended with {status}, the command said {line:?}");
    let gone = std::path::PathBuf::from(format!("/proc/{monitor}"));
    wait_for("the monitor to end", || Ok(!gone.exists()))?;
    let verdict = verify(&file)?;
    ensure!(verdict["ok"] == true && verdict["ledger"]["balanced"] == true, "{verdict:#}");
    for pointer in ["/ledger/seen_by_kind/open", "/ledger/stat_calls/seen"] {
        let seen = |verdict: &serde_json::Value| verdict.pointer(pointer).and_then(serde_json::Value::as_u64);
        let (all, start) = (seen(&verdict).context(pointer)?, seen(&beside).context(pointer)?);
        ensure!(all == start + PATHS, "{pointer}: {all} seen, not {PATHS} and the {start} of any start");
    }
    let calls = &verdict["ledger"]["stat_calls"];
    let number = |field: &str| calls[field].as_u64().unwrap_or_default();
    ensure!(number("seen") == number("recorded") + number("lost") && number("held") == 0, "{calls:#}");
    // Each is the first of its kind, and takes over the slot of another.
    ensure!(number("seen") - verdict["ledger"]["seen_by_kind"]["stat"].as_u64().unwrap_or_default() < 100, "{calls:#}");
    Ok(())
}

/// The maps are looked at, so the kernel half is this test's own.
fn execs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("ends-at-once");
    std::fs::write(&program, smallest_program())?;
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755))?;
    let mut kernel = Kernel::open(&Options { libcs: Vec::new(), ..Options::default() })?;
    let mut starter = Command::new(own_program()?);
    starter.args(["trigger", "execs"]).arg(&program).arg(EXECS.to_string()).env_clear();
    let mut starter = Killed(starter.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?);
    let mut line = String::new();
    BufReader::new(starter.0.stdout.take().context("no output")?).read_line(&mut line)?;
    let pid = starter.0.id();
    kernel.track(pid, pid, pid, 0)?;
    // The end of its input lets it go.
    drop(starter.0.stdin.take());
    let mut received: BTreeMap<&str, u64> = BTreeMap::new();
    let mut most = Entries::default();
    let mut unknown = 0;
    loop {
        let mut ring = [PollFd::new(kernel.fd(), PollFlags::POLLIN)];
        poll(&mut ring, LOOK)?;
        let ended = starter.0.try_wait()?.is_some();
        let drained = kernel.drain(usize::MAX, |bytes| match monitor_common::decode::record(bytes) {
            Ok(record) => *received.entry(record.body.kind().name()).or_default() += 1,
            Err(_) => unknown += 1,
        });
        let now = kernel.entries();
        most.threads = most.threads.max(now.threads);
        most.repeats = most.repeats.max(now.repeats);
        most.bursts = most.bursts.max(now.bursts);
        // What was written before the end was seen has been drained by now.
        if ended && drained == 0 {
            break;
        }
    }
    let counters = kernel.counters()?;
    let sum = |kind: Kind, of: fn(&monitor_common::counters::Counters, usize) -> u64| -> u64 {
        counters.iter().map(|cpu| of(cpu, kind.index())).sum()
    };
    ensure!(kernel.entries() == Entries::default(), "the maps still have {:?}", kernel.entries());
    ensure!(
        most.threads <= AT_ONCE && (1..=AT_ONCE).contains(&most.repeats) && most.bursts == 0,
        "at most there were {most:?}"
    );
    ensure!(unknown == 0, "{unknown} records that nobody knows");
    for (kind, expected) in [(Kind::Fork, EXECS), (Kind::Exec, EXECS), (Kind::Stat, EXECS), (Kind::Exit, EXECS + 1)] {
        let (seen, stored) = (sum(kind, |cpu, at| cpu.seen[at]), sum(kind, |cpu, at| cpu.stored[at]));
        let lost = sum(kind, |cpu, at| cpu.lost[at].iter().sum());
        let came = received.get(kind.name()).copied().unwrap_or_default();
        let name = kind.name();
        ensure!(seen == expected, "{seen} of {expected} records of kind {name} seen");
        ensure!(
            seen == stored + lost && stored == came,
            "{name}: {seen} seen, {stored} stored, {lost} lost, {came} came"
        );
    }
    Ok(())
}

/// An executable that looks at one path and ends: one segment, with the header in it.
fn smallest_program() -> Vec<u8> {
    const AT: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    // mov edi, path; xor esi, esi; mov eax, 21 (access); syscall; xor edi, edi; mov eax, 60 (exit); syscall; path: "/"
    let mut code = vec![0xbf, 0, 0, 0, 0, 0x31, 0xf6, 0xb8, 21, 0, 0, 0, 0x0f, 0x05];
    code.extend([0x31, 0xff, 0xb8, 60, 0, 0, 0, 0x0f, 0x05]);
    let path = (AT + HEADERS) as u32 + code.len() as u32;
    code.splice(1..5, path.to_le_bytes());
    code.extend(b"/\0");
    let mut program = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // ET_EXEC, EM_X86_64, EV_CURRENT (elf(5)).
    program.extend([2, 0, 62, 0, 1, 0, 0, 0]);
    program.extend([AT + HEADERS, 64, 0].map(u64::to_le_bytes).concat());
    program.extend([0, 0, 0, 0]);
    program.extend([64u16, 56, 1, 0, 0, 0].map(u16::to_le_bytes).concat());
    // PT_LOAD, readable and executable.
    program.extend([1u32, 5].map(u32::to_le_bytes).concat());
    let size = HEADERS + code.len() as u64;
    program.extend([0, AT, AT, size, size, 0x1000].map(u64::to_le_bytes).concat());
    program.extend(code);
    program
}

/// `paths COUNT`: opens and looks at as many paths, of which none is there.
pub(crate) fn open_paths(count: u64) -> Result<()> {
    std::io::stdout().write_all(b"ready\n")?;
    let mut room = std::mem::MaybeUninit::<libc::stat>::uninit();
    for at in 0..count {
        let path = CString::new(format!("/nowhere/{at}"))?;
        // SAFETY: the path is a C string and the buffer a `struct stat`; both outlive the calls, of which none opens anything.
        unsafe {
            libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path.as_ptr(), libc::O_RDONLY, 0);
            libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path.as_ptr(), room.as_mut_ptr(), 0);
        }
    }
    Ok(())
}

/// `execs PROGRAM COUNT`: starts it as often, one after the other, once standard input has ended.
pub(crate) fn execute(program: &str, count: u64) -> Result<()> {
    std::io::stdout().write_all(b"ready\n")?;
    std::io::stdin().read_line(&mut String::new())?;
    for _ in 0..count {
        let status = Command::new(program).stdin(Stdio::inherit()).status()?;
        ensure!(status.success(), "{program} ended with {status}");
    }
    Ok(())
}
