//! What the terminal UI costs with very many events in memory, and how fast it is while more come.

use std::{ffi::OsStr, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use super::{Args, Programs, figures::row};

/// Events in memory, which is as many as the screen keeps.
const EVENTS: &str = "1000000";

/// Events that come each second, and for how many seconds.
const RATE: [&str; 2] = ["50000", "10"];

/// Events of each sort that are waited for on a screen: opens, programs, tool calls.
const TIMES: &str = "50";

/// Writes the rows.
///
/// # Errors
///
/// A program fails.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs) -> Result<()> {
    let agentsnoop = programs.agentsnoop.to_str().context("the path of agentsnoop is no text")?;
    let rows: [(&str, &[&str]); 5] = [
        ("a screen of 300x100 with a million events", &["bench", EVENTS]),
        ("the same screen while 50,000 events a second come", &["pace", EVENTS, RATE[0], RATE[1]]),
        ("the screen of watch, from the event to its row", &["watch", agentsnoop, TIMES]),
        ("the screen of run --tui, from the event to its row", &["run", agentsnoop, TIMES]),
        ("the screen of run --tui in tmux, from the event to its row", &["pane", agentsnoop, TIMES]),
    ];
    for (name, words) in rows.iter().filter(|(name, _)| args.wants(name)) {
        row(report, name, &said(programs, words)?);
    }
    Ok(())
}

/// The figures that `screen` prints.
///
/// # Errors
///
/// It fails, or prints something else.
pub(super) fn said<S: AsRef<OsStr>>(programs: &Programs, words: &[S]) -> Result<Vec<(String, f64)>> {
    let output = Command::new(&programs.screen).args(words).output().context("cannot start screen")?;
    ensure!(output.status.success(), "screen said {}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8_lossy(&output.stdout);
    let figure = |line: &str| {
        let (name, value) = line.split_once(' ')?;
        Some((name.to_owned(), value.parse().ok()?))
    };
    said.lines().map(figure).collect::<Option<_>>().with_context(|| format!("screen said {said:?}"))
}
