//! `run --tui` where there is no tmux: the command and the screen in one window.

use std::{
    io::Write as _,
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use agentsnoop::source::recording::Recording;
use agentsnoop_pipeline::input::{Control, Input};
use agentsnoop_tests::terminal::Terminal;
use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{agentsnoop, once, text, wait_until_closed};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("run --tui shows the command and what it does in one window, and returns its code", beside),
        once("run --tui hangs its command up when its screen is ended twice, and says its code", hung_up),
        once("a mark that is made on the screen of run --tui is in the recording", marked),
        once("a mark that is made in another terminal that follows a run is in its recording", marked_elsewhere),
        once("run --tui without a terminal starts nothing and says why", no_terminal),
    ]
}

fn beside() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("out.rec");
    let script = "tty; read line; cat /nowhere/mark; exit 7";
    let mut run = agentsnoop();
    run.args(["run", "--tui", "--record"]).arg(&file).args(["--", "sh", "-c", script]);
    let mut terminal = Terminal::run(&mut run, (180, 40), None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("/dev/pts/") && screen.contains("1 Events"))?;
    terminal.press("\r")?;
    let is_seen =
        |screen: &str| screen.contains("No such file") && screen.contains("ENOENT") && screen.contains("ended with 7");
    terminal.wait(PATIENCE, is_seen)?;
    terminal.press("q")?;
    // The summary is on the terminal's own screen.
    terminal.wait(PATIENCE, |screen| screen.contains("recording") && !screen.contains("1 Events"))?;
    let status = terminal.child.wait().context("cannot wait for run")?;
    ensure!(status.code() == Some(7), "run ended with {status}");
    // The command is tracked from its first instruction, and nothing of what made its terminal is its own.
    let recorded = agentsnoop().args(["query", "--json"]).arg(&file).arg("path:/nowhere/mark").output()?;
    ensure!(text(&recorded.stdout).contains("/nowhere/mark"), "not recorded: {}", text(&recorded.stderr));
    let attention = agentsnoop().args(["query", "--json"]).arg(&file).arg("kind:attention").output()?;
    ensure!(attention.stdout.is_empty(), "recorded: {}", text(&attention.stdout));
    Ok(())
}

fn hung_up() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut run = agentsnoop();
    run.args(["run", "--tui", "--record"]).arg(folder.path().join("out.rec")).args([
        "--",
        "sh",
        "-c",
        "echo begins; read line",
    ]);
    let mut terminal = Terminal::run(&mut run, (100, 40), None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("begins"))?;
    terminal.press("\x1dq")?;
    terminal.wait(PATIENCE, |screen| screen.contains("the command still runs"))?;
    terminal.press("q")?;
    // The end of a terminal is an error of reading.
    while terminal.look(PATIENCE).unwrap_or(false) {}
    let status = terminal.child.wait().context("cannot wait for run")?;
    ensure!(status.code() == Some(129), "run ended with {status}");
    Ok(())
}

/// Selects an event, marks it, and waits until the screen says where the mark is.
fn mark(terminal: &mut Terminal, note: &str) -> Result<()> {
    // Whoever records takes marks from the moment on at which it knows of the screen.
    let until = Instant::now() + PATIENCE;
    loop {
        ensure!(Instant::now() < until, "no mark is recorded:\n{}", terminal.screen());
        terminal.press(&format!("m{note}\r"))?;
        let is_told = |screen: &str| screen.contains("is marked, ") || screen.contains("marks reached it");
        terminal.wait(PATIENCE, is_told)?;
        if terminal.screen().contains("is marked, in the recording too") {
            return Ok(());
        }
    }
}

/// The notes of the marks in a recording.
fn notes(file: &Path) -> Result<Vec<String>> {
    let inputs = Recording::open(file)?;
    Ok(inputs
        .filter_map(|input| match input {
            Input::Control(Control::Mark { note, .. }) => Some(note),
            _ => None,
        })
        .collect())
}

fn marked() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("out.rec");
    let mut run = agentsnoop();
    run.args(["run", "--tui", "--record"]).arg(&file).args(["--", "sh", "-c", "cat /nowhere/mark; read line"]);
    let mut terminal = Terminal::run(&mut run, (180, 40), None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("ENOENT"))?;
    terminal.press("\x1d")?;
    mark(&mut terminal, "look here")?;
    terminal.press("\x1d\r")?;
    terminal.wait(PATIENCE, |screen| screen.contains("ended with 0"))?;
    terminal.press("q")?;
    while terminal.look(PATIENCE).unwrap_or(false) {}
    wait_until_closed(&file)?;
    let notes = notes(&file)?;
    ensure!(notes.last().is_some_and(|note| note == "look here"), "it has the marks {notes:?}");
    Ok(())
}

fn marked_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("out.rec");
    let mut run = agentsnoop();
    run.args(["run", "--record"]).arg(&file).args(["--", "sh", "-c", "cat /nowhere/mark; read line"]);
    let mut run = run.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
    let mut follow = agentsnoop();
    let mut terminal = Terminal::run(follow.args(["replay", "--follow"]).arg(&file), (120, 40), None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("ENOENT"))?;
    mark(&mut terminal, "from elsewhere")?;
    run.stdin.take().context("the run has no standard input")?.write_all(b"\n")?;
    ensure!(run.wait()?.success(), "the run failed");
    terminal.wait(PATIENCE, |screen| screen.contains("ended"))?;
    terminal.press("q")?;
    wait_until_closed(&file)?;
    let notes = notes(&file)?;
    ensure!(notes.last().is_some_and(|note| note == "from elsewhere"), "it has the marks {notes:?}");
    Ok(())
}

fn no_terminal() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mark = folder.path().join("mark");
    let mut run = agentsnoop();
    run.args(["run", "--tui", "--record"]).arg(folder.path().join("out.rec")).args(["--", "touch"]).arg(&mark);
    let output = run.env_remove("TMUX").output()?;
    ensure!(output.status.code() == Some(2), "run ended with {}", output.status);
    ensure!(text(&output.stderr).contains("--tui wants a terminal"), "it said {}", text(&output.stderr));
    ensure!(!mark.exists() && !folder.path().join("out.rec").exists(), "something was started or recorded");
    Ok(())
}
