//! `watch` and `doctor`.

use std::io::{BufRead, BufReader};
use std::process::{ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;

use crate::harness::{Killed, agentsnoop, own_program, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("watch --pid shows what a process that runs already does next", watch_pid),
        trial(
            "watch on a terminal shows what a process does, records it, and its replay draws the same frame",
            watch_screen,
        ),
        trial("watch of a pid that does not exist says so", watch_nobody),
        trial(
            "watch reads the data files again at SIGHUP, and a broken one leaves what it said in force",
            watch_reload,
        ),
        trial("doctor lists every hook as attached here, in text and in JSON", doctor),
    ]
}

/// A process that opens a file, which is not there, when its input is closed.
struct Waiting {
    folder: tempfile::TempDir,
    /// The file.
    marker: String,
    pid: String,
    input: Option<ChildStdin>,
    _target: Killed,
}

fn waiting() -> Result<Waiting> {
    let folder = tempfile::tempdir()?;
    let marker = folder.path().join("marker").display().to_string();
    let mut target = Command::new(own_program()?)
        .args(["trigger", "wait-then-open", &marker])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let (input, pid) = (target.stdin.take(), target.id().to_string());
    Ok(Waiting { folder, marker, pid, input, _target: Killed(target) })
}

fn watch_pid() -> Result<()> {
    let Waiting { folder: _folder, marker, pid, input, _target } = waiting()?;
    let mut watch =
        agentsnoop().args(["watch", "--lines", "--pid", &pid]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let lines = watch.stdout.take().context("no output")?;
    let messages = watch.stderr.take().context("no messages")?;
    let _watch = Killed(watch);
    // The first message says that the hooks are attached and the process is tracked.
    let mut ready = String::new();
    BufReader::new(messages).read_line(&mut ready)?;
    ensure!(ready.contains(&pid), "watch said {ready:?}");
    drop(input);
    let found = BufReader::new(lines)
        .lines()
        .map_while(Result::ok)
        .any(|line| line.contains(&marker) && line.contains("ENOENT"));
    ensure!(found, "watch ended without a line about {marker}");
    Ok(())
}

/// How long the screen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

fn watch_screen() -> Result<()> {
    if Command::new("tmux").arg("-V").output().is_err() {
        eprintln!("skipped: tmux is not installed");
        return Ok(());
    }
    let Waiting { folder, marker, pid, input, _target } = waiting()?;
    let (server, recordings) = (format!("agentsnoop-live-{pid}"), folder.path().join("recordings"));
    let tmux = |words: &[&str]| -> Result<String> {
        let mut tmux = Command::new("tmux");
        tmux.args(["-L", &server, "-f", "/dev/null"]).args(words).env("LC_ALL", "C.UTF-8").env_remove("TMUX");
        Ok(text(&tmux.output()?.stdout))
    };
    let program = agentsnoop().get_program().to_string_lossy().into_owned();
    let line =
        format!("'{program}' watch --pid {pid} --record '{}'; echo ended with $?; exec cat", recordings.display());
    tmux(&["new-session", "-d", "-x", "160", "-y", "40", "sh", "-c", &line])?;
    let shows = |wanted: &str| -> Result<()> {
        let until = Instant::now() + PATIENCE;
        while Instant::now() < until {
            if tmux(&["capture-pane", "-p"])?.contains(wanted) {
                return Ok(());
            }
            std::thread::yield_now();
        }
        bail!("the screen has no {wanted:?}: {}", tmux(&["capture-pane", "-p"])?)
    };
    // All but the name of what is shown, and the last rows. Without the details, which say why some frames later.
    let frame = || -> Result<Vec<String>> {
        let screen = tmux(&["capture-pane", "-p"])?;
        let rows: Vec<&str> = screen
            .lines()
            .filter(|row| !["everything:", "no agent yet:"].iter().any(|name| row.contains(name)))
            .collect();
        Ok(rows.iter().take(rows.len().saturating_sub(2)).map(|row| (*row).to_owned()).collect())
    };
    let seen = (|| {
        shows("agentsnoop live")?;
        tmux(&["send-keys", "d"])?;
        drop(input);
        shows("/marker")?;
        shows("the last watched process has ended")?;
        let live = frame()?;
        ensure!(live.iter().any(|row| row.contains("/marker")), "no event is shown: {live:#?}");
        tmux(&["send-keys", "q"])?;
        shows("ended with 0")?;
        let replay = format!("'{program}' replay '{}'; echo ended with $?; exec cat", recordings.display());
        tmux(&["new-window", "sh", "-c", &replay])?;
        shows("agentsnoop ended")?;
        tmux(&["send-keys", "d"])?;
        let until = Instant::now() + PATIENCE;
        while frame()? != live {
            ensure!(Instant::now() < until, "live {live:#?}\nand its replay {:#?}", frame()?);
            std::thread::yield_now();
        }
        tmux(&["send-keys", "q"])?;
        shows("ended with 0")
    })();
    tmux(&["kill-server"])?;
    seen?;
    let recorded = agentsnoop().args(["query", "--json"]).arg(&recordings).arg("path:marker").output()?;
    ensure!(text(&recorded.stdout).contains(&marker), "the recording has no {marker}: {}", text(&recorded.stderr));
    Ok(())
}

fn watch_reload() -> Result<()> {
    let Waiting { folder, marker, pid, input, _target } = waiting()?;
    let own = folder.path().join(".config/agentsnoop");
    std::fs::create_dir_all(&own)?;
    let mut watch = agentsnoop()
        .args(["watch", "--lines", "--pid", &pid])
        .env("HOME", folder.path())
        .envs([("SUDO_UID", ""), ("XDG_CONFIG_HOME", "")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let lines = watch.stdout.take().context("no output")?;
    let mut messages = BufReader::new(watch.stderr.take().context("no messages")?).lines().map_while(Result::ok);
    let hang_up = Pid::from_raw(watch.id().cast_signed());
    let _watch = Killed(watch);
    let mut until = |text: &str| messages.find(|line| line.contains(text)).with_context(|| format!("no `{text}`"));
    until("watching process")?;
    std::fs::write(own.join("classes.toml"), format!("[[off_limits]]\npaths = ['{}']\n", folder.path().display()))?;
    kill(hang_up, Signal::SIGHUP)?;
    until("1 file of a user is in force")?;
    std::fs::write(own.join("classes.toml"), "[[off_limits]]\npath = ['/x']\n")?;
    kill(hang_up, Signal::SIGHUP)?;
    let said = until("classes.toml: line 2: unknown field `path`")?;
    ensure!(said.contains("did you mean `paths`?") && said.ends_with("what it said before stays in force"), "{said}");
    drop(input);
    let mut shown = BufReader::new(lines).lines().map_while(Result::ok);
    let refused = shown.find(|line| line.contains("classes.toml")).context("no record of the file that is broken")?;
    ensure!(refused.contains("coverage") && refused.contains("unavailable"), "{refused}");
    let found = shown.find(|line| line.contains(&marker)).context("no line about the marker")?;
    ensure!(found.contains("off_limits"), "{found}");
    Ok(())
}

fn watch_nobody() -> Result<()> {
    let output = agentsnoop().args(["watch", "--lines", "--pid", "4194303"]).output()?;
    let said = text(&output.stderr);
    ensure!(output.status.code() == Some(2) && said.contains("4194303"), "{} {said}", output.status);
    Ok(())
}

fn doctor() -> Result<()> {
    let output = agentsnoop().args(["doctor", "--json"]).output()?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| text(&output.stderr))?;
    let hooks = report["hooks"].as_array().map(Vec::as_slice).unwrap_or_default();
    for name in ["sys_exit", "task_newtask", "sched_process_exec", "sched_process_exit"] {
        let hook = hooks.iter().find(|hook| hook["name"].as_str().is_some_and(|found| found.contains(name)));
        ensure!(hook.is_some_and(|hook| hook["state"] == "attached"), "{name} is not attached: {report:#}");
    }
    ensure!(
        hooks.iter().any(|hook| hook["feature"] == "getenv" && hook["state"] == "attached"),
        "no libc is probed: {report:#}"
    );
    // From Linux 7 on a program is skipped where it was preempted on its CPU, so even one open can be missed, which is told.
    let ledger = &report["ledger"];
    if ledger["skipped"] == serde_json::json!({}) {
        ensure!(ledger["balanced"] == true && ledger["seen"].as_u64() >= Some(1), "{ledger:#}");
    }
    ensure!(ledger["received"] == ledger["seen"] && ledger["lost"] == 0 && ledger["in_flight"] == 0, "{ledger:#}");
    let output = agentsnoop().arg("doctor").output()?;
    ensure!(text(&output.stdout).contains(": of one open "), "{}", text(&output.stdout));
    ensure!(output.status.success() && text(&output.stdout).contains("sched_process_exec"), "{}", text(&output.stdout));
    Ok(())
}
