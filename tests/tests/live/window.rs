//! `run --tui` where there is no tmux: the command and the screen in one window.

use std::time::Duration;

use agentsnoop_tests::terminal::Terminal;
use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{agentsnoop, once, text};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("run --tui shows the command and what it does in one window, and returns its code", beside),
        once("run --tui hangs its command up when its screen is ended twice, and says its code", hung_up),
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
