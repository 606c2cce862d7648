//! A hook that is lost while something is observed: told, held against the run, and no reason to stop.

use std::io::{BufRead as _, BufReader};
use std::os::fd::RawFd;
use std::process::{Command, Stdio};

use agentsnoop::live::{Live, Options, Outputs};
use agentsnoop::sink::recording::Recording;
use agentsnoop_store::writer;
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{Killed, expect, own_program, query, trial, verify, wait_for};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("a hook that is lost on the way is told with its time, and the rest is observed on", lost_hook)]
}

/// The kernel half is this test's own, so that its descriptors can be closed behind its back.
fn lost_hook() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (file, marker) = (folder.path().join("test.rec"), folder.path().join("marker").display().to_string());
    let outputs = || {
        let recording = Recording::create(&file, writer::Options::default())?;
        Ok(Outputs::default().with_recording(recording, file.clone()).with_summary())
    };
    let mut live = Live::open(&Options::default(), outputs)?;
    let mut child = Command::new(own_program()?);
    child.args(["trigger", "wait-then-open", &marker]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = Killed(child.spawn()?);
    // It stays open until the end: the command says there that it is done.
    let mut said = BufReader::new(child.0.stdout.take().context("no output")?);
    said.read_line(&mut String::new())?;
    live.track_new(child.0.id())?;
    live.tick();
    ensure!(!live.report(100).lost, "a hook is taken for lost that is there: {:?}", live.report(100));

    replace(link_of("sys_exit")?)?;
    drop(child.0.stdin.take());
    wait_for("the command to end", || Ok(child.0.try_wait()?.is_some()))?;
    live.tick();
    let told = live.report(100);
    ensure!(told.lost && told.notes.contains("1 hook was lost while it was observed: sys_exit"), "{told:?}");
    live.tick();
    ensure!(live.report(100).notes == told.notes, "it is told again: {:?}", live.report(100).notes);
    live.close("the test is over")?;

    let verdict = verify(&file)?;
    ensure!(verdict["ok"] == true && verdict["ledger"]["balanced"] == true && verdict["lost"] == 0, "{verdict:#}");
    // The entry of the open was seen, its return was not.
    ensure!(verdict["ledger"]["unfinished_by_kind"] == serde_json::json!({ "open": 1 }), "{verdict:#}");
    ensure!(verdict["ledger"]["faults"]["call_unfinished"] == 1, "{verdict:#}");
    let records = query(&file, &[])?;
    ensure!(
        !records.iter().any(|record| record["open"]["requested"] == marker.as_str()),
        "the open was seen all the same"
    );
    let ended = |record: &&serde_json::Value| record["kind"] == "exit" && record["process"]["pid"] == child.0.id();
    ensure!(records.iter().filter(ended).count() == 1, "the end of the process was not observed: {records:#?}");
    let of_the_hook: Vec<_> = records.iter().filter(|record| record["coverage"]["name"] == "sys_exit").collect();
    let [first, second] = of_the_hook.as_slice() else { anyhow::bail!("{of_the_hook:#?}") };
    expect(first, "/coverage/state", "attached")?;
    expect(second, "/coverage/state", "unavailable")?;
    expect(second, "/coverage/reason", "it was attached and is no longer: something closed it")?;
    ensure!(second["boot_ns"].as_u64() > first["boot_ns"].as_u64(), "{of_the_hook:#?}");
    Ok(())
}

/// The descriptor by which this process holds the hook on a tracepoint (proc_pid_fdinfo(5)).
fn link_of(tracepoint: &str) -> Result<RawFd> {
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let name = entry?.file_name();
        let number: RawFd = name.to_str().context("an odd descriptor")?.parse()?;
        let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}")).unwrap_or_default();
        let is_link = info.lines().any(|line| line.starts_with("link_type:"));
        if is_link && info.lines().any(|line| line.strip_prefix("tp_name:").map(str::trim) == Some(tracepoint)) {
            return Ok(number);
        }
    }
    anyhow::bail!("no descriptor holds the hook on {tracepoint}")
}

/// Puts another file in the place of a descriptor, which closes what was there; its owner can still close it once.
fn replace(descriptor: RawFd) -> Result<()> {
    use std::os::fd::AsRawFd as _;
    let other = std::fs::File::open("/dev/null")?;
    // SAFETY: both are open descriptors; whoever owns the other number notices nothing but that it is another file.
    let answer = unsafe { libc::dup3(other.as_raw_fd(), descriptor, libc::O_CLOEXEC) };
    ensure!(answer == descriptor, "cannot replace a descriptor: {}", std::io::Error::last_os_error());
    Ok(())
}
