//! From what a real agent does to its rows on the terminal of `agentsnoop watch`, while the agent works.

use std::{
    collections::{HashMap, HashSet},
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use agentsnoop_tests::terminal::Terminal;
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::latency::OF_CARGO;

/// Columns and rows: what a large terminal has.
const SIZE: (u16, u16) = (200, 50);

/// How long the screen may take to begin and to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// How long is waited for news before the agent is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// What follows within this time belongs to the same frame.
const FRAME: Duration = Duration::from_millis(2);

/// Kinds whose rows are of one moment. Others, such as bytes on a socket, are added up for a time and told at its end.
const KINDS: [&str; 4] = ["exec", "exit", "open", "connect"];

/// A day in milliseconds.
const DAY_MS: u128 = 24 * 60 * 60 * 1000;

/// What was on the screen, and when it was there first.
#[derive(Default)]
struct Seen {
    /// Rows of the tree: the name of an agent or a tool call as far as it fits.
    tree: HashMap<String, Duration>,
    /// Rows of the events, without what may be cut where other rows need the room.
    rows: HashSet<String>,
    /// Milliseconds from the time in such a row to its appearance.
    late: Vec<u64>,
}

impl Seen {
    /// Takes in a screen at a time since the epoch.
    fn take(&mut self, screen: &str, now: Duration) {
        let mut kind = None;
        for line in screen.lines() {
            // Frame, tree, two frames, events.
            let mut cells = line.split('│').skip(1);
            let (Some(left), Some(right)) = (cells.next(), cells.find(|cell| cell.starts_with(' '))) else { continue };
            if let Some((_, name)) = left.split_once(['●', '✓', '✗']) {
                let name = name.trim().split("  ").next().unwrap_or_default();
                self.tree.entry(name.trim_end_matches('…').to_owned()).or_insert(now);
            }
            if kind.is_none() {
                kind = right.find(" kind ").map(|bytes| right.get(..bytes).unwrap_or_default().chars().count() + 1);
                continue;
            }
            let mut chars = right.chars();
            let who: String = chars.by_ref().take(kind.unwrap_or_default()).collect();
            let of_kind: String = chars.take_while(|c| *c != ' ').collect();
            if !KINDS.contains(&of_kind.as_str()) || right.contains(" more") {
                continue;
            }
            if let Some(at) = who.split_whitespace().next().and_then(milliseconds)
                && self.rows.insert(who.split_whitespace().chain([of_kind.as_str()]).collect())
            {
                let late = (now.as_millis() + DAY_MS - at) % DAY_MS;
                self.late.push(u64::try_from(late).unwrap_or(u64::MAX));
            }
        }
    }

    /// When an agent or a tool call was there first.
    fn of(&self, name: &str) -> Option<Duration> {
        let is_it = |shown: &str| shown.chars().count() > 7 && name.starts_with(shown);
        self.tree.iter().filter(|(shown, _)| is_it(shown)).map(|(_, time)| *time).min()
    }
}

/// Milliseconds of the day of `HH:MM:SS.mmm`.
fn milliseconds(time: &str) -> Option<u128> {
    let (rest, fraction) = time.split_once('.')?;
    let seconds = rest.split(':').try_fold(0, |sum: u128, part| Some(sum * 60 + part.parse::<u128>().ok()?))?;
    Some(seconds * 1000 + fraction.parse::<u128>().ok()?)
}

/// Runs a command that drives an agent, under `watch`, and prints how long agents, tool calls and events take until the terminal
/// shows them. What the screen never shows, since more comes than it has rows, is not in the figures.
pub(crate) fn measure(agentsnoop: &Path, words: &[&str]) -> Result<()> {
    let [program, arguments @ ..] = words else { bail!("no command was given") };
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let mut watch = Command::new(agentsnoop);
    watch.args(["watch", "--record"]).arg(folder.path()).env("TZ", "UTC").env_remove(OF_CARGO);
    let mut terminal = Terminal::run(&mut watch, SIZE, None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("agentsnoop live"))?;
    // Without the details there is room for milliseconds, and for the names of tool calls.
    terminal.press("d")?;
    let seen = follow(&mut terminal, Command::new(program).args(arguments).env_remove(OF_CARGO))?;
    terminal.press("qq")?;
    // The end of a terminal is an error of reading.
    while terminal.look(PATIENCE).unwrap_or(false) {}
    for (what, kind) in [("agent", "session"), ("call", "tool_call")] {
        let records = started(agentsnoop, folder.path(), kind)?;
        ensure!(!records.is_empty(), "the recording has no {kind}");
        let shown = |name: &str| seen.of(name).with_context(|| format!("{name} was never shown"));
        print(what, records.iter().map(|(at, name)| Ok(late(*at, shown(name)?))).collect::<Result<_>>()?)?;
    }
    print("row", seen.late)
}

/// What a terminal shows while a command runs.
fn follow(terminal: &mut Terminal, command: &mut Command) -> Result<Seen> {
    let program = command.get_program().to_string_lossy().into_owned();
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn();
    let mut child = child.with_context(|| format!("cannot run {program}"))?;
    let mut seen = Seen::default();
    loop {
        if terminal.look(LOOK)? {
            // Half a frame has rows of two times.
            while terminal.look(FRAME)? {}
            let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is wrong")?;
            seen.take(&terminal.screen(), now);
        } else if let Some(status) = child.try_wait().context("cannot wait for the command")? {
            ensure!(status.success(), "{program} ended with {status}");
            return Ok(seen);
        }
    }
}

/// Milliseconds from one time to another; of what seems to come before, since the clocks are read one after the other, none.
fn late(happened: Duration, shown: Duration) -> u64 {
    u64::try_from(shown.saturating_sub(happened).as_millis()).unwrap_or(u64::MAX)
}

/// When each agent or tool call began, and its name in the tree.
fn started(agentsnoop: &Path, folder: &Path, kind: &str) -> Result<Vec<(Duration, String)>> {
    let mut query = Command::new(agentsnoop);
    let output = query.args(["query", "--json"]).arg(folder).arg(format!("kind:{kind}")).output();
    let output = output.context("cannot start agentsnoop")?;
    ensure!(output.status.success(), "query said {}", String::from_utf8_lossy(&output.stderr));
    let mut records = Vec::new();
    for line in output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let record: Value = serde_json::from_slice(line).context("query printed no JSON")?;
        let of = |pointer: &str| record.pointer(pointer).and_then(Value::as_str);
        if of("/session/state").or_else(|| of("/tool/state")) != Some("started") {
            continue;
        }
        let name = match of("/tool/command") {
            Some(command) => command.to_owned(),
            None => format!(
                "{} {}",
                of("/agent/name").context("an agent has a name")?,
                record.pointer("/agent/root_pid").context("an agent has a process")?
            ),
        };
        let time: jiff::Timestamp = of("/time").context("a record has a time")?.parse().context("no time")?;
        records.push((Duration::from_nanos(u64::try_from(time.as_nanosecond()).context("no time")?), name));
    }
    Ok(records)
}

fn print(what: &str, mut late: Vec<u64>) -> Result<()> {
    late.sort_unstable();
    let (Some(median), Some(slowest)) = (late.get(late.len() / 2), late.last()) else { return Ok(()) };
    writeln!(std::io::stdout(), "{what}s {}\n{what}_ms {median}\nslowest_{what}_ms {slowest}", late.len())
        .context("cannot print")
}
