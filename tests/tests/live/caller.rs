//! What whoever calls `run` gets back, and what the command finds: as if agentsnoop were not there.

use std::fs;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, getsid};

use crate::harness::{Observation, agentsnoop, once, output_in_time, own_program, text};
use crate::run::{goes_on, interrupted};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("a caller that reads standard error to its end has it when the command ends, whatever lives on", let_go),
        once("a FIFO with the name of a libc holds nothing up", fifo_named_libc),
        once("in a pid namespace of its own nothing is started, and the error says so", pid_namespace),
        once("the monitor has a session of its own, which no terminal ends", own_session),
        once("the command finds SIGPIPE ignored where its caller ignores it, and only there", sigpipe),
        once("the command has the descriptors that it would have without agentsnoop", descriptors),
    ]
}

/// Kills a process of which only the pid is known when it goes out of scope.
struct KilledPid(Pid);

impl Drop for KilledPid {
    fn drop(&mut self) {
        // It may be gone, and then there is nothing to do.
        let _ = kill(self.0, Signal::SIGKILL);
    }
}

/// The command's child reads a FIFO that nobody closes, and holds none of the command's streams.
fn let_go() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).context("cannot make a FIFO")?;
    let held = fs::OpenOptions::new().read(true).write(true).open(&fifo)?;
    let script = format!("cat {} >/dev/null 2>&1 & echo $!", fifo.display());
    let started = Instant::now();
    let run = Observation::command(&["sh", "-c", &script]).options(&["--linger", "60"]).start()?;
    let elapsed = started.elapsed();
    let background = KilledPid(Pid::from_raw(run.stdout().trim().parse().context("the command named no process")?));
    ensure!(elapsed < Duration::from_secs(20), "the caller had to wait {elapsed:?}");
    ensure!(run.told("lost").is_some(), "there is no summary: {}", run.stderr());
    // It may not even have opened the FIFO yet, so the end of the input would not be sure to reach it.
    drop(background);
    run.closed()?.is_whole()?;
    drop(held);
    Ok(())
}

fn fifo_named_libc() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("libc.so.6");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).context("cannot make a FIFO")?;
    let path = fifo.display().to_string();
    // Open at both ends for the command alone; whoever else opens it waits for a writer.
    let seen = Observation::command(&["sh", "-c", &format!("exec 3<>{path}; exec 3>&-; cat /etc/hostname")]).run()?;
    seen.only("open", "/open/path", &path)?;
    seen.only("open", "/open/path", "/etc/hostname")?;
    seen.is_whole()
}

fn pid_namespace() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("never.rec");
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc"]).arg(agentsnoop().get_program());
    let output = command.arg("run").arg("--record").arg(&file).args(["--", "echo", "started"]).output()?;
    let said = text(&output.stderr);
    ensure!(output.status.code() == Some(125) && said.contains("pid namespace"), "{} {said}", output.status);
    ensure!(output.stdout.is_empty() && !file.exists(), "something was started: {}", text(&output.stdout));
    Ok(())
}

fn own_session() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (child, input, output) = interrupted(folder.path())?;
    let monitor = monitor_of(child.0.id())?;
    let own = getsid(None)?;
    ensure!(getsid(Some(monitor))? == monitor, "the monitor does not lead a session");
    ensure!(getsid(Some(Pid::from_raw(i32::try_from(child.0.id())?)))? == own, "the run left its session");
    goes_on(input, output)
}

/// The monitor among the children of a run.
pub(crate) fn monitor_of(run: u32) -> Result<Pid> {
    let children = fs::read_to_string(format!("/proc/{run}/task/{run}/children"))?;
    let is_monitor = |child: &&str| {
        let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"__monitor")
    };
    let monitor = children.split_whitespace().find(is_monitor).context("there is no monitor")?;
    Ok(Pid::from_raw(monitor.parse()?))
}

fn sigpipe() -> Result<()> {
    let folder = tempfile::tempdir()?;
    for (before, ignored) in [("trap '' PIPE;", true), ("", false)] {
        let file = folder.path().join(format!("{ignored}.rec"));
        let program = agentsnoop().get_program().to_owned();
        let script = format!("{before} exec \"$0\" run --quiet --record \"$1\" -- cat /proc/self/status");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).arg(program).arg(&file);
        // SAFETY: between fork and exec a signal gets its default, which is async-signal-safe.
        unsafe {
            shell.pre_exec(|| {
                nix::sys::signal::signal(Signal::SIGPIPE, nix::sys::signal::SigHandler::SigDfl)?;
                Ok(())
            });
        }
        let child = shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
        let output = output_in_time(child)?;
        let status = text(&output.stdout);
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).context("no SigIgn")?;
        let mask = u64::from_str_radix(mask.trim(), 16)?;
        let found = mask >> (Signal::SIGPIPE as u32 - 1) & 1 == 1;
        ensure!(found == ignored, "the caller has SIGPIPE ignored: {ignored}, the command: {found} ({mask:x})");
    }
    Ok(())
}

fn descriptors() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = own_program()?.display().to_string();
    let run = format!("{} run --quiet --record {}", agentsnoop().get_program().display(), folder.path().display());
    // Descriptor 5 is what a caller may hand down on purpose.
    let listed = |before: &str| -> Result<String> {
        let script = format!("exec 5</etc/hostname; exec {before} {own} trigger descriptors");
        let mut shell = Command::new("sh");
        shell.args(["-c", &script]).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let output = output_in_time(shell.spawn()?)?;
        ensure!(output.status.success(), "{} {}", output.status, text(&output.stderr));
        Ok(text(&output.stdout))
    };
    let (bare, observed) = (listed("")?, listed(&format!("{run}/test.rec --"))?);
    ensure!(bare.lines().any(|line| line == "5"), "the shell did not hand down descriptor 5: {bare:?}");
    ensure!(bare == observed, "without agentsnoop {bare:?}, with it {observed:?}");
    Ok(())
}
