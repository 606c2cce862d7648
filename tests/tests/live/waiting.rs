//! Calls that wait: whose process is killed in them, and which have not returned when the observation ends.

use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{ForkResult, Pid, fork};
use serde_json::{Value, json};

use crate::harness::{Killed, Observation, agentsnoop, own_program, text, trial, verify, wait_for};

/// How many processes wait in which call, which is of the kind of that name.
const CALLS: [(&str, i64, usize); 3] =
    [("open", libc::SYS_openat, 3), ("connect", libc::SYS_connect, 2), ("accept", libc::SYS_accept4, 1)];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("calls in which their process is killed are recorded, each with what interrupted it", killed),
        trial("calls that wait when the observation ends are counted as in flight, by kind", in_flight),
    ]
}

fn killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().display().to_string();
    let seen = Observation::trigger(&["waiting", &place])?.run()?;
    seen.is_whole()?;
    let verdict = verify(&seen.file)?;
    ensure!(verdict["ledger"]["in_flight"] == 0, "{verdict:#}");
    ensure!(verdict["ledger"]["faults"].get("call_unfinished").is_none(), "a call did not return: {verdict:#}");
    for (kind, _, count) in CALLS {
        // ERESTARTSYS is the kernel's own answer to a call that a signal interrupted.
        let interrupted: Vec<&Value> =
            seen.kind(kind).into_iter().filter(|record| record[kind]["error"] == "ERESTARTSYS").collect();
        ensure!(interrupted.len() == count, "{} of {count} calls of kind {kind}: {interrupted:#?}", interrupted.len());
        let mut processes: Vec<u64> =
            interrupted.iter().filter_map(|record| record["process"]["pid"].as_u64()).collect();
        processes.sort_unstable();
        processes.dedup();
        let ended = |pid: &u64| {
            let of = |exit: &&&Value| exit["process"]["pid"] == *pid && exit["exit"]["signal"] == "SIGKILL";
            seen.kind("exit").iter().filter(of).count() == 1
        };
        ensure!(processes.len() == count && processes.iter().all(ended), "{kind}: {processes:?}");
    }
    Ok(())
}

fn in_flight() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("test.rec");
    let mut run = agentsnoop();
    run.arg("run").arg("--record").arg(&file).arg("--").arg(own_program()?).args(["trigger", "waiting"]);
    run.arg(folder.path()).arg("stay").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut run = Killed(run.spawn()?);
    let mut ready = [0; 6];
    run.0.stdout.take().context("no output")?.read_exact(&mut ready)?;
    kill(Pid::from_raw(i32::try_from(run.0.id())?), Signal::SIGTERM)?;
    wait_for("the recording to be closed", || Ok(verify(&file)?["complete"] == true))?;
    // The end of its input ends the command, and with it those who wait.
    drop(run.0.stdin.take());
    let verdict = verify(&file)?;
    ensure!(verdict["ok"] == true && verdict["ledger"]["in_flight"] == 6, "{verdict:#}");
    let kinds = json!({ "open": 3, "connect": 2, "accept": 1 });
    ensure!(verdict["ledger"]["in_flight_by_kind"] == kinds, "{verdict:#}");
    let told = text(&agentsnoop().arg("verify").arg(&file).output()?.stdout);
    ensure!(told.contains("6 calls had not returned at the end: accept 1, connect 2, open 3"), "{told}");
    Ok(())
}

/// `waiting FOLDER [stay]`: processes that wait in calls; once all do, and, with `stay`, standard input has ended, they are
/// killed.
pub(crate) fn trigger(folder: &str, stay: bool) -> Result<()> {
    let folder = Path::new(folder);
    let mut waiting = Vec::new();
    for (kind, number, count) in CALLS {
        for at in 0..count {
            let place = folder.join(format!("{kind}-{at}"));
            // SAFETY: this process has one thread, so the child may do whatever its parent may.
            match unsafe { fork() }? {
                ForkResult::Child => {
                    let _never = wait_in(kind, &place);
                    std::process::exit(98)
                }
                ForkResult::Parent { child } => waiting.push((child, number)),
            }
        }
    }
    for (pid, number) in &waiting {
        // The number of the call in which a process sleeps comes first (proc(5)).
        let is_there =
            || Ok(std::fs::read_to_string(format!("/proc/{pid}/syscall"))?.starts_with(&format!("{number} ")));
        wait_for("a process to wait in its call", is_there)?;
    }
    if stay {
        std::io::stdout().write_all(b"ready\n")?;
        std::io::stdin().read_to_string(&mut String::new())?;
    }
    for (pid, _) in &waiting {
        kill(*pid, Signal::SIGKILL)?;
    }
    for _ in &waiting {
        nix::sys::wait::wait()?;
    }
    Ok(())
}

/// Makes a call that waits for somebody who never comes.
fn wait_in(kind: &str, place: &Path) -> Result<()> {
    if kind == "open" {
        nix::unistd::mkfifo(place, nix::sys::stat::Mode::S_IRWXU)?;
        return Ok(std::fs::File::open(place).map(drop)?);
    }
    let listener = UnixListener::bind(place)?;
    if kind == "accept" {
        return Ok(listener.accept().map(drop)?);
    }
    // One connection may wait to be accepted where none may be in line (unix(7)); the next one waits to be in line.
    nix::sys::socket::listen(&listener, nix::sys::socket::Backlog::new(0)?)?;
    let _first = UnixStream::connect(place)?;
    Ok(UnixStream::connect(place).map(drop)?)
}
