//! Loads under observation.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use nix::time::{ClockId, clock_gettime};
use serde_json::Value;

use super::Programs;

/// How long a monitor may take to be gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// agentsnoop observing a command that does nothing, so that its hooks are there and nobody else is tracked.
pub(super) struct Observer {
    run: Child,
    monitor: u32,
}

impl Observer {
    /// Starts it and returns when the command runs, which is after the hooks are attached.
    pub(super) fn start(programs: &Programs, folder: &Path) -> Result<Self> {
        let mut run = Command::new(&programs.agentsnoop)
            .args(["run", "--quiet", "--overwrite", "--record"])
            .arg(folder.join("idle.rec"))
            .args(["--", "sh", "-c", "echo ready; read line"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start agentsnoop")?;
        let mut line = String::new();
        let output = run.stdout.take().context("the output of agentsnoop is not there")?;
        BufReader::new(output).read_line(&mut line).context("cannot read from the observed command")?;
        if line != "ready\n" {
            bail!("the observed command did not start; try `agentsnoop doctor`");
        }
        let monitor = monitor_of(run.id())?;
        Ok(Self { run, monitor })
    }

    /// Ends the command, and returns when the hooks are gone with the monitor.
    pub(super) fn end(mut self) -> Result<()> {
        drop(self.run.stdin.take());
        self.run.wait().context("cannot wait for agentsnoop")?;
        gone(self.monitor)
    }
}

/// The monitor of a run: its child that is named so by its second argument.
fn monitor_of(run: u32) -> Result<u32> {
    let children = fs::read_to_string(format!("/proc/{run}/task/{run}/children"));
    let children = children.context("cannot list the children of agentsnoop")?;
    let is_monitor = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"__monitor")
    };
    children.split_whitespace().filter_map(|pid| pid.parse().ok()).find(is_monitor).context("agentsnoop has no monitor")
}

fn gone(pid: u32) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{pid}")).exists() {
        if Instant::now() > deadline {
            bail!("the monitor {pid} is still there after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// The loop in a tracked process, fully recorded; returns its figure and the recording.
pub(super) fn tracked(programs: &Programs, folder: &Path, words: &[String]) -> Result<(f64, PathBuf)> {
    let (run, record) = start_tracked(programs, folder, words)?;
    let monitor = monitor_of(run.id());
    let output = run.wait_with_output().context("cannot wait for agentsnoop")?;
    if let Ok(monitor) = monitor {
        gone(monitor)?;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let figure = text.trim().parse().with_context(|| format!("the tracked loop printed no figure: {text:?}"))?;
    Ok((figure, record))
}

fn start_tracked(programs: &Programs, folder: &Path, words: &[String]) -> Result<(Child, PathBuf)> {
    let record = folder.join("tracked.rec");
    let run = Command::new(&programs.agentsnoop)
        .args(["run", "--quiet", "--overwrite", "--record"])
        .arg(&record)
        .arg("--")
        .arg(&programs.workload)
        .args(words)
        .stdout(Stdio::piped())
        .spawn()
        .context("cannot start agentsnoop")?;
    Ok((run, record))
}

/// What a run at full speed left.
pub(super) struct FullSpeed {
    pub(super) events: f64,
    pub(super) lost: f64,
    /// MiB at the start, while the kernel's types are read.
    pub(super) rss_anon_peak: f64,
    /// MiB at the end of the load.
    pub(super) rss_anon: f64,
    pub(super) bytes_per_event: f64,
}

/// A load in a tracked process, with a look at the monitor's memory and at the ledger, which must balance.
pub(super) fn full_speed(programs: &Programs, folder: &Path, words: &[String]) -> Result<FullSpeed> {
    let (mut run, record) = start_tracked(programs, folder, words)?;
    let mut monitor = None;
    let (mut peak, mut last) = (0, 0);
    while run.try_wait().context("cannot wait for agentsnoop")?.is_none() {
        monitor = monitor.or_else(|| monitor_of(run.id()).ok());
        last = monitor.map_or(0, rss_anon_kb);
        peak = peak.max(last);
        std::thread::sleep(Duration::from_millis(2));
    }
    if let Some(monitor) = monitor {
        gone(monitor)?;
    }
    let verdict = json(Command::new(&programs.agentsnoop).args(["verify", "--json"]).arg(&record))?;
    let number = |pointer: &str| {
        verdict
            .pointer(pointer)
            .and_then(Value::as_f64)
            .with_context(|| format!("verify gives no {pointer}: {verdict}"))
    };
    if verdict["ok"] != true || verdict["ledger"]["balanced"] != true {
        bail!("the ledger does not balance: {verdict:#}");
    }
    let (lost, inputs) = (number("/lost")?, number("/inputs")?);
    let bytes = fs::metadata(&record).context("cannot measure the recording")?.len();
    #[expect(clippy::cast_precision_loss, reason = "a recording of the bench is far below 2^52 bytes")]
    Ok(FullSpeed {
        events: inputs,
        lost,
        rss_anon_peak: peak as f64 / 1024.0,
        rss_anon: last as f64 / 1024.0,
        bytes_per_event: bytes as f64 / inputs,
    })
}

/// `RssAnon` of /proc/PID/status in KiB; 0 of a process that is gone.
fn rss_anon_kb(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// How long a run takes to begin, and to give the prompt back.
pub(super) struct Ends {
    pub(super) first_event_ms: f64,
    pub(super) prompt_back_ms: f64,
}

/// Runs `true` and compares the boot clock around it with that of its first and last events.
pub(super) fn start_and_end(programs: &Programs, folder: &Path) -> Result<Ends> {
    let record = folder.join("short.rec");
    let started = boot_ns()?;
    let mut run = Command::new(&programs.agentsnoop)
        .args(["run", "--quiet", "--overwrite", "--record"])
        .arg(&record)
        .args(["--", "true"])
        .spawn()
        .context("cannot start agentsnoop")?;
    run.wait().context("cannot wait for agentsnoop")?;
    let ended = boot_ns()?;
    let output =
        Command::new(&programs.agentsnoop).args(["query", "--json"]).arg(&record).output().context("cannot query")?;
    let records: Vec<Value> =
        output.stdout.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let at = |kind: &str| {
        let found = records.iter().find(|record| record["kind"] == kind).and_then(|record| record["boot_ns"].as_f64());
        found.with_context(|| format!("the recording of `true` has no {kind}"))
    };
    Ok(Ends { first_event_ms: (at("exec")? - started) / 1e6, prompt_back_ms: (ended - at("exit")?) / 1e6 })
}

/// The boot clock in nanoseconds.
fn boot_ns() -> Result<f64> {
    let time = clock_gettime(ClockId::CLOCK_BOOTTIME).context("cannot read the boot clock")?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a machine is up for less than 2^52 ns, which is 52 days, in a bench"
    )]
    Ok(time.tv_sec() as f64 * 1e9 + time.tv_nsec() as f64)
}

/// The JSON that a command prints, whatever its exit code.
pub(super) fn json(command: &mut Command) -> Result<Value> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("{command:?} printed no JSON"))
}

/// `agentsnoop watch` on a machine on which no agent runs.
pub(super) struct Watcher(Child);

impl Watcher {
    /// Starts it and returns when it watches.
    pub(super) fn start(programs: &Programs, hooks: &str) -> Result<Self> {
        let mut watch = Command::new(&programs.agentsnoop)
            .args(["watch", "--json", "--hooks", hooks])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start agentsnoop watch")?;
        let messages = watch.stderr.take().context("the messages of agentsnoop are not there")?;
        let mut line = String::new();
        BufReader::new(messages).read_line(&mut line).context("cannot read what agentsnoop says")?;
        let watcher = Self(watch);
        if !line.contains("none runs yet") {
            watcher.end()?;
            bail!("agentsnoop does not watch a machine without agents: {line:?}");
        }
        Ok(watcher)
    }

    /// Ends it, and returns when its hooks are gone.
    pub(super) fn end(mut self) -> Result<()> {
        let pid = nix::unistd::Pid::from_raw(i32::try_from(self.0.id()).context("an odd pid")?);
        nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).context("cannot end agentsnoop watch")?;
        self.0.wait().map(drop).context("cannot wait for agentsnoop watch")
    }
}
