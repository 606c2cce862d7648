//! What the live tests share: running agentsnoop and reading what it recorded.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Failed, Trial};
use serde_json::Value;
use tempfile::TempDir;

/// How long anything that is waited for may take; emulated machines are slow.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// A test from its name and its body.
pub(crate) fn trial(name: &str, body: fn() -> Result<()>) -> Trial {
    Trial::test(name, move || body().map_err(|error| Failed::from(format!("{error:#}"))))
}

/// What the lists of tests say of those that do not differ from kernel to kernel.
pub(crate) const ONCE: &str = "once";

/// A test of what does not differ from kernel to kernel: no machine makes it again.
pub(crate) fn once(name: &str, body: fn() -> Result<()>) -> Trial {
    trial(name, body).with_kind(ONCE)
}

/// Whether this kernel takes the build that counts repeated calls; see `doctor`.
pub(crate) fn counts_repeats() -> Result<bool> {
    let output = agentsnoop().args(["doctor", "--json"]).output().context("cannot run doctor")?;
    let report: Value = serde_json::from_slice(&output.stdout).context("doctor printed no JSON")?;
    Ok(report["kernel_half"] != "before 5.12")
}

/// The agentsnoop under test.
pub(crate) fn agentsnoop() -> Command {
    Command::new(std::env::var_os("AGENTSNOOP_BIN").unwrap_or_else(|| "agentsnoop".into()))
}

/// This program, as the command that does what a test wants to see.
pub(crate) fn own_program() -> Result<PathBuf> {
    std::env::current_exe().context("cannot find the test program")
}

/// Copies a program that is to be executed, by another process: a child that another thread forks meanwhile would hold a
/// descriptor of ours to the file, which then is busy.
pub(crate) fn copy_program(from: &Path, to: &Path) -> Result<()> {
    let status = Command::new("cp").arg(from).arg(to).status().context("cannot run cp")?;
    ensure!(status.success(), "cp {} {} ended with {status}", from.display(), to.display());
    Ok(())
}

/// A recording and how it was made.
pub(crate) struct Seen {
    /// Its records, in order; none before the recording is closed.
    pub(crate) records: Vec<Value>,
    /// How `run` ended.
    pub(crate) output: Output,
    /// The recording.
    pub(crate) file: PathBuf,
    /// The folder that holds it; removed with this value.
    #[expect(dead_code, reason = "dropping it removes the folder")]
    folder: TempDir,
}

/// One observation.
pub(crate) struct Observation {
    options: Vec<String>,
    environment: Vec<(String, String)>,
    command: Vec<String>,
    input: Option<&'static str>,
}

/// Observes `trigger` of this program.
pub(crate) fn observe(trigger: &[&str]) -> Result<Seen> {
    Observation::trigger(trigger)?.run()
}

/// How often an observation is made again that lacks what the kernel skipped a program for. On an emulated processor every
/// other one does.
const AGAIN: usize = 7;

/// Observes `trigger` of this program, and judges what was seen.
///
/// From Linux 7 on a thread can be preempted in a program, and the kernel then skips the program for other threads of that
/// CPU, which `verify` tells (docs/kernels.md, Preemption). What is missing then is no fault of the program under
/// test: so where the kernel has skipped one, the observation is made again. Where it has skipped none, as all kernels before do,
/// the first judgement counts.
pub(crate) fn judge(trigger: &[&str], judgement: impl Fn(&Seen) -> Result<()>) -> Result<()> {
    judge_all(|| observe(trigger), judgement)
}

/// The same of any observation.
pub(crate) fn judge_all(observe: impl Fn() -> Result<Seen>, judgement: impl Fn(&Seen) -> Result<()>) -> Result<()> {
    for _ in 0..AGAIN {
        let seen = observe()?;
        let judged = judgement(&seen);
        if judged.is_ok() || seen.skipped()? == 0 {
            return judged;
        }
    }
    let seen = observe()?;
    inconclusive(judgement(&seen), seen.skipped()?)
}

/// A judgement that counts only where the kernel has skipped no program: else what was seen says nothing about the program
/// under test, and the test is skipped by name.
pub(crate) fn inconclusive(judged: Result<()>, skipped: u64) -> Result<()> {
    match judged {
        Err(error) if skipped > 0 => {
            eprintln!(
                "skipped: the kernel has skipped programs {skipped} times (docs/kernels.md, Preemption): {error}"
            );
            Ok(())
        }
        judged => judged,
    }
}

/// From here on a thread can be preempted in a program of a tracepoint (docs/kernels.md, Preemption).
pub(crate) const PREEMPTIBLE: (u32, u32) = (7, 0);

/// The release of the running kernel.
pub(crate) fn release() -> Result<(u32, u32)> {
    let uname = nix::sys::utsname::uname()?;
    let release = uname.release().to_string_lossy().into_owned();
    let mut numbers = release.split(|char: char| !char.is_ascii_digit()).map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => Ok((major, minor)),
        _ => anyhow::bail!("the kernel's release is {release}"),
    }
}

impl Observation {
    /// Of `trigger` of this program.
    pub(crate) fn trigger(trigger: &[&str]) -> Result<Self> {
        let mut command = vec![own_program()?.display().to_string(), "trigger".to_owned()];
        command.extend(trigger.iter().map(|&word| word.to_owned()));
        Ok(Self { options: Vec::new(), environment: Vec::new(), command, input: None })
    }

    /// Of any command.
    pub(crate) fn command(command: &[&str]) -> Self {
        let command = command.iter().map(|&word| word.to_owned()).collect();
        Self { options: Vec::new(), environment: Vec::new(), command, input: None }
    }

    /// With options of `run`.
    pub(crate) fn options(mut self, options: &[&str]) -> Self {
        self.options.extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// With a variable in the environment of agentsnoop and so of the command.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With text on standard input.
    pub(crate) fn input(mut self, text: &'static str) -> Self {
        self.input = Some(text);
        self
    }

    /// Runs it and reads the recording, once that is closed.
    pub(crate) fn run(self) -> Result<Seen> {
        self.start()?.closed()
    }

    /// Runs it; the recording may go on.
    pub(crate) fn start(self) -> Result<Seen> {
        let folder = tempfile::tempdir().context("cannot make a folder")?;
        let file = folder.path().join("test.rec");
        let mut child = agentsnoop()
            .arg("run")
            .args(&self.options)
            .arg("--record")
            .arg(&file)
            .arg("--")
            .args(&self.command)
            .envs(self.environment)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start agentsnoop; AGENTSNOOP_BIN names it")?;
        if let Some(mut input) = child.stdin.take() {
            // A command that reads nothing may be gone before it is written to.
            let _ = input.write_all(self.input.unwrap_or_default().as_bytes());
        }
        let output = output_in_time(child)?;
        Ok(Seen { records: Vec::new(), output, file, folder })
    }
}

/// What a child printed and how it ended; one that does not end in time is killed, which is an error.
pub(crate) fn output_in_time(mut child: Child) -> Result<Output> {
    fn collect(stream: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            // What was read before an error is still worth showing.
            let _ = stream.map(|mut stream| stream.read_to_end(&mut bytes));
            bytes
        })
    }
    let (stdout, stderr) = (collect(child.stdout.take()), collect(child.stderr.take()));
    let mut status = None;
    let ended = wait_for("the command to end", || {
        status = child.try_wait().context("cannot wait for agentsnoop")?;
        Ok(status.is_some())
    });
    if ended.is_err() {
        child.kill().and_then(|()| child.wait()).context("cannot end agentsnoop")?;
    }
    ended?;
    let joined = |thread: JoinHandle<Vec<u8>>| thread.join().unwrap_or_default();
    Ok(Output { status: status.context("no status")?, stdout: joined(stdout), stderr: joined(stderr) })
}

/// Waits until the recording is closed, so that nothing is still to come.
pub(crate) fn wait_until_closed(file: &Path) -> Result<()> {
    wait_for("the recording to be closed", || Ok(verify(file)?["complete"] == true))
}

/// Waits until `done`, with the deadline of all tests.
pub(crate) fn wait_for(what: &str, mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    let started = Instant::now();
    while !done()? {
        ensure!(started.elapsed() < DEADLINE, "waited {DEADLINE:?} for {what}");
        // A short wait between two looks leaves the CPU to what is waited for.
        std::thread::sleep(Duration::from_millis(2));
    }
    Ok(())
}

/// What `verify --json` says.
pub(crate) fn verify(file: &Path) -> Result<Value> {
    let output = agentsnoop().args(["verify", "--json"]).arg(file).output().context("cannot run verify")?;
    serde_json::from_slice(&output.stdout).with_context(|| format!("verify said: {}", text(&output.stderr)))
}

/// The records that `query --json` selects.
pub(crate) fn query(file: &Path, options: &[&str]) -> Result<Vec<Value>> {
    let output = agentsnoop().args(["query", "--json"]).args(options).arg(file).output().context("cannot run query")?;
    ensure!(output.status.success(), "query ended with {} and said: {}", output.status, text(&output.stderr));
    let lines = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).with_context(|| format!("no JSON: {}", text(line)))).collect()
}

impl Seen {
    /// With the records, once the recording is closed.
    pub(crate) fn closed(mut self) -> Result<Self> {
        wait_until_closed(&self.file)
            .with_context(|| format!("run ended with {} and said: {}", self.output.status, self.stderr()))?;
        self.records = query(&self.file, &[])?;
        Ok(self)
    }

    /// The records of a kind.
    pub(crate) fn kind(&self, kind: &str) -> Vec<&Value> {
        self.records.iter().filter(|record| record["kind"] == kind).collect()
    }

    /// The only record of a kind whose `field` (a JSON pointer) is `value`.
    pub(crate) fn only(&self, kind: &str, field: &str, value: &str) -> Result<&Value> {
        let found: Vec<_> = self
            .kind(kind)
            .into_iter()
            .filter(|record| record.pointer(field).and_then(Value::as_str) == Some(value))
            .collect();
        match found.as_slice() {
            [one] => Ok(one),
            other => {
                bail!("{} records of kind {kind} with {field} = {value}; there are {:#?}", other.len(), self.kind(kind))
            }
        }
    }

    /// What the command printed.
    pub(crate) fn stdout(&self) -> String {
        text(&self.output.stdout)
    }

    /// The summary and whatever the command said on standard error.
    pub(crate) fn stderr(&self) -> String {
        text(&self.output.stderr)
    }

    /// What the rows of the summary with this name say.
    pub(crate) fn told(&self, name: &str) -> Option<String> {
        let summary = self.stderr();
        let rows = summary.lines().filter_map(|line| line.trim_start().split_once(char::is_whitespace));
        let said: Vec<&str> = rows.filter(|(found, _)| *found == name).map(|(_, said)| said.trim()).collect();
        (!said.is_empty()).then(|| said.join("\n"))
    }

    /// How often the kernel skipped a program of ours, for whichever thread.
    pub(crate) fn skipped(&self) -> Result<u64> {
        let verdict = verify(&self.file)?;
        let skipped = verdict.pointer("/ledger/skipped").and_then(Value::as_object);
        let skipped = skipped.with_context(|| format!("verify tells no skipped programs: {verdict:#}"))?;
        Ok(skipped.values().filter_map(Value::as_u64).sum())
    }

    /// Fails unless the ledger balances and nothing was lost.
    pub(crate) fn is_whole(&self) -> Result<()> {
        let verdict = verify(&self.file)?;
        ensure!(verdict["ok"] == true && verdict["lost"] == 0, "verify says {verdict:#}");
        Ok(())
    }
}

/// Bytes as text.
pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Fails unless a field (a JSON pointer) of a record has a value.
pub(crate) fn expect(record: &Value, field: &str, value: impl Into<Value>) -> Result<()> {
    let (value, found) = (value.into(), record.pointer(field));
    ensure!(found == Some(&value), "{field} is {found:?}, not {value}, in {record:#}");
    Ok(())
}

/// A child that is killed and reaped when it goes out of scope.
pub(crate) struct Killed(pub(crate) Child);

impl Drop for Killed {
    fn drop(&mut self) {
        // It may have ended by itself; then there is nothing to do.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
