//! What is full, in flight, left behind, on demand, or many at once.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use agentsnoop::live::sweep::Sweep;
use agentsnoop::source::kernel::{Kernel, Options};
use anyhow::{Context, Result, anyhow, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{
    DEADLINE, Killed, Observation, PREEMPTIBLE, Seen, agentsnoop, copy_program, inconclusive, judge, observe,
    own_program, release, trial, verify, wait_for,
};

/// The exit code of `--strict` where anything was lost.
const LOST: i32 = 5;

/// Processes at once; the machines that tests run on have little memory. docs/benchmarks.md has 10,000.
const PROCESSES: usize = 1_000;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("threads that do not fit the map are counted exactly, and are a loss under --strict", full_of_threads),
        trial("a thousand processes at once are recorded from fork to exit", many_at_once),
        trial("two observers of two commands at once both see everything", two_observers),
        trial("processes that die while they are being attached to do no harm", dying),
        trial("an entry whose thread is gone is swept, and no other", stale_entries),
        trial(
            "hooks on demand come with an agent and go after the last, and each span without them is a gap",
            on_demand,
        ),
    ]
}

fn full_of_threads() -> Result<()> {
    const ROOM: usize = 8;
    const CHILDREN: usize = 20;
    let options = ["--strict", "--tasks", &ROOM.to_string()].map(str::to_owned);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let seen = Observation::trigger(&["children", &CHILDREN.to_string()])?.options(&options).run()?;
    let verdict = verify(&seen.file)?;
    // The process itself has a place, and of its children as many as are left.
    ensure!(verdict["ledger"]["faults"]["task_map_full"] == CHILDREN - (ROOM - 1), "{verdict:#}");
    ensure!(verdict["ledger"]["balanced"] == true, "{verdict:#}");
    ensure!(seen.kind("fork").len() == CHILDREN, "{} forks", seen.kind("fork").len());
    ensure!(seen.kind("exit").len() == ROOM, "{} exits", seen.kind("exit").len());
    ensure!(seen.output.status.code() == Some(5), "run ended with {}", seen.output.status);
    ensure!(seen.stderr().contains("13 threads were not tracked"), "{}", seen.stderr());
    Ok(())
}

fn many_at_once() -> Result<()> {
    judge(&["children", &PROCESSES.to_string()], thousand)
}

fn thousand(seen: &Seen) -> Result<()> {
    let counts = (seen.kind("fork").len(), seen.kind("exit").len());
    ensure!(counts == (PROCESSES, PROCESSES + 1), "forks and exits: {counts:?}");
    let mut ended: Vec<&str> = seen.kind("exit").iter().filter_map(|exit| exit["process"]["id"].as_str()).collect();
    ended.sort_unstable();
    ended.dedup();
    ensure!(ended.len() == PROCESSES + 1, "{} processes have ended", ended.len());
    seen.is_whole()
}

/// Lines of a stream, as they come.
fn lines(stream: impl std::io::Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    // It ends with the stream, or when nobody listens any more.
    std::thread::spawn(move || {
        BufReader::new(stream).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
    });
    told
}

/// The first line that is what is waited for.
fn line(lines: &Receiver<String>, what: &str, wanted: impl Fn(&str) -> bool) -> Result<String> {
    loop {
        let line = lines.recv_timeout(DEADLINE).with_context(|| format!("no line came: {what}"))?;
        if wanted(&line) {
            return Ok(line);
        }
    }
}

fn two_observers() -> Result<()> {
    const OPENS: usize = 5_000;
    let one = || -> Result<()> {
        let seen = observe(&["opens", &OPENS.to_string(), "/etc/hostname"])?;
        let opens = seen.kind("open").into_iter().filter(|open| open["open"]["requested"] == "/etc/hostname").count();
        ensure!(opens == OPENS, "{opens} of {OPENS} opens");
        seen.is_whole()
    };
    let other = std::thread::spawn(one);
    one()?;
    other.join().map_err(|_| anyhow::anyhow!("the other observer's thread panicked"))?
}

/// `watch` with these options, what it shows and what it says.
fn watch(options: &[&str]) -> Result<(Killed, ChildStdout, ChildStderr)> {
    let mut watch: Child =
        agentsnoop().arg("watch").args(options).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let (out, err) = (watch.stdout.take().context("no output")?, watch.stderr.take().context("no messages")?);
    Ok((Killed(watch), out, err))
}

fn dying() -> Result<()> {
    let mut target = Command::new(own_program()?);
    target.args(["trigger", "dying", "200"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut target = Killed(target.spawn()?);
    let said = lines(target.0.stdout.take().context("no output")?);
    line(&said, "the processes to begin to die", |line| line == "ready")?;
    let pid = target.0.id().to_string();
    let (mut watch, out, err) = watch(&["--json", "--strict", "--pid", &pid])?;
    let (shown, messages) = (lines(out), lines(err));
    line(&messages, "watch to be ready", |line| line.contains("watching process"))?;
    drop(target.0.stdin.take());
    line(&said, "the processes to be over", |line| line == "over")?;
    // Watch ends by itself with the last process: nothing that has died is taken for alive.
    wait_for("watch to end", || Ok(watch.0.try_wait()?.is_some()))?;
    let ended = line(&messages, "the reason", |line| line.contains("the last watched process has ended"))?;
    ensure!(ended.contains("nothing lost"), "{ended}");
    let seen: Vec<Value> = shown.iter().filter_map(|line| serde_json::from_str(&line).ok()).collect();
    ensure!(seen.iter().any(|record| record["kind"] == "exit"), "no end of a process was seen");
    let code = watch.0.wait()?.code();
    // It keeps no recording that would tell what the kernel has skipped; only there it may skip anything.
    let skipped = u64::from(code == Some(LOST) && release()? >= PREEMPTIBLE);
    let clean = if code == Some(0) { Ok(()) } else { Err(anyhow!("watch ended with {code:?}")) };
    inconclusive(clean, skipped)
}

fn stale_entries() -> Result<()> {
    let mut kernel = Kernel::open(&Options { libcs: Vec::new(), ..Options::default() })?;
    let child = Killed(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?);
    let alive = child.0.id();
    kernel.track(alive, alive, alive, 0)?;
    // Above the largest pid there can be (PID_MAX_LIMIT, linux/threads.h).
    let gone = 4 * 1024 * 1024 + 1;
    kernel.track(gone, gone, gone, 0)?;
    let mut sweep = Sweep::default();
    ensure!(sweep.step(&mut kernel) == 0, "an entry was swept at first sight");
    ensure!(sweep.step(&mut kernel) == 1, "the entry of a thread that is gone was not swept");
    ensure!(sweep.step(&mut kernel) == 0, "something was swept that is alive");
    let left: Vec<u32> = kernel.tasks().map(|(tid, _)| tid).collect();
    ensure!(left == [alive], "left are {left:?}, not {alive}");
    Ok(())
}

fn on_demand() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // What the catalogue of agents knows by its place.
    let program = folder.path().join("node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex");
    std::fs::create_dir_all(program.parent().context("no folder")?)?;
    copy_program(&own_program()?, &program)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let (_watch, out, err) = watch(&["--json", "--hooks", "on-demand"])?;
    let (shown, messages) = (lines(out), lines(err));
    line(&messages, "watch to be ready", |line| line.contains("watching for agents"))?;
    let waits = hook(&shown, "unavailable")?;
    ensure!(waits["coverage"]["reason"].as_str().is_some_and(|reason| reason.contains("on-demand")), "{waits:#}");
    let first = one_agent(&shown, &program, &folder.path().join("first").display().to_string())?;
    // Ten seconds after the last agent the hooks go, and come again with the next.
    let gone = hook(&shown, "unavailable")?;
    ensure!(gone["boot_ns"].as_u64() >= first["gap"]["to_ns"].as_u64().map(|came| came + 10_000_000_000), "{gone:#}");
    ensure!(gone["coverage"]["reason"] == waits["coverage"]["reason"], "{gone:#}");
    let second = one_agent(&shown, &program, &folder.path().join("second").display().to_string())?;
    ensure!(second["gap"]["from_ns"].as_u64() > gone["boot_ns"].as_u64(), "{second:#} begins before {gone:#}");
    Ok(())
}

fn json(line: &str) -> Value {
    serde_json::from_str(line).unwrap_or_default()
}

/// The next record that says that the hook on calls has this state.
fn hook(shown: &Receiver<String>, state: &str) -> Result<Value> {
    let of_the_hook =
        |line: &str| json(line)["coverage"]["name"] == "sys_exit" && json(line)["coverage"]["state"] == state;
    line(shown, &format!("the hook on calls to be {state}"), of_the_hook).map(|line| json(&line))
}

/// One life of an agent that opens a file; the gap that precedes the open.
fn one_agent(shown: &Receiver<String>, program: &std::path::Path, marker: &str) -> Result<Value> {
    let mut agent = Command::new(program);
    agent.args(["trigger", "wait-then-open", marker]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut agent = Killed(agent.spawn()?);
    let pid = agent.0.id();
    line(shown, "the exec of the agent", |line| json(line)["kind"] == "exec" && json(line)["process"]["pid"] == pid)?;
    hook(shown, "attached")?;
    let gap = json(&line(shown, "the gap", |line| json(line)["kind"] == "gap")?);
    let took = |gap: &Value| gap["gap"]["to_ns"].as_u64()?.checked_sub(gap["gap"]["from_ns"].as_u64()?);
    ensure!(took(&gap).is_some_and(|took| took < 5_000_000_000), "{gap:#}");
    ensure!(gap["gap"]["cause"] == "hooks came on demand: calls were not observed before", "{gap:#}");
    if let Some(mut input) = agent.0.stdin.take() {
        input.write_all(b"go\n")?;
    }
    line(shown, "the open behind the gap", |line| json(line)["open"]["requested"] == marker)?;
    line(shown, "the end of the agent", |line| json(line)["kind"] == "exit" && json(line)["process"]["pid"] == pid)?;
    Ok(gap)
}
