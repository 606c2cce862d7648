//! The tool calls of a session are those of its script, whichever agent carries them out.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::session::Session;

/// The shell calls of `default.json`.
pub(super) const DEFAULT: [&str; 2] = [
    "cat notes.txt; git status; curl -s http://127.0.0.1:8399/ping; cat ~/.aws/credentials",
    "env | sort > env-of-tool.txt; date; (sleep 1; echo late > late.txt) & cat .env",
];

/// Those of `daemon.json`.
pub(super) const DAEMON: [&str; 3] = [
    "setsid nohup bash -c 'sleep 1.5; echo daemon > daemon.txt; sleep 20' >/dev/null 2>&1 & (nohup bash -c 'sleep 1.5; echo orphan > orphan.txt; sleep 20' >/dev/null 2>&1 &) ; echo started",
    "echo A1; sleep 0.3; cat notes.txt",
    "echo B1; sleep 0.3; cat README.md",
];

/// Those of `heavy.json`.
pub(super) const HEAVY: [&str; 4] = [
    "grep -r zzzqqq /usr/include >/dev/null 2>&1; echo g",
    "for i in $(seq 500); do /bin/true; done; echo f",
    "find /usr/lib /usr/share -name zzzqqq; echo d",
    "python3 -c 'import json,urllib.request,asyncio'; node -e 0; npm --version; echo p",
];

/// A tool call as its records tell it.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) id: &'a str,
    pub(super) command: &'a str,
    pub(super) ended: &'a Value,
}

impl Call<'_> {
    /// Whether a list of its effects has something that ends so.
    pub(super) fn has(&self, list: &str, end: &str) -> bool {
        let listed = self.ended[list].as_array().into_iter().flatten().filter_map(Value::as_str);
        listed.into_iter().any(|what| what.ends_with(end))
    }
}

/// The calls of a session: those with the expected commands, each once and ended, and no other. `more` says how the
/// further calls begin that the agent makes in place of a tool that it does not have.
pub(super) fn of<'a>(
    session: &'a Session,
    agent: &str,
    expected: &[&str],
    more: &[&str],
) -> Result<BTreeMap<String, Call<'a>>> {
    let mut calls = BTreeMap::new();
    let started = session.of("tool_call").filter(|record| record["tool"]["state"] == "started");
    for record in started {
        let command = record["tool"]["command"].as_str().with_context(|| format!("no command: {record:#}"))?;
        let id = record["tool_call"].as_str().with_context(|| format!("no id: {record:#}"))?;
        ensure!(record["agent"]["name"] == agent, "{record:#}");
        let is_end = |end: &&Value| end["tool_call"] == id && end["tool"]["state"] == "ended";
        let ended = session.of("tool_call").find(is_end).with_context(|| format!("`{command}` has no end"))?;
        ensure!(ended["tool"]["command"] == command, "{ended:#}");
        let known = calls.insert(command.to_owned(), Call { id, command, ended: &ended["tool"] });
        ensure!(known.is_none(), "`{command}` is there twice");
    }
    for command in expected {
        ensure!(calls.contains_key(*command), "`{command}` is no tool call; there are {:#?}", calls.keys());
    }
    let strange = calls
        .keys()
        .find(|command| !expected.contains(&command.as_str()) && !more.iter().any(|more| command.starts_with(more)));
    ensure!(strange.is_none(), "nobody asked for the tool call {strange:?}");
    // Whatever has an id is of a call that was told.
    let stray = session
        .records
        .iter()
        .find(|record| record["tool_call"].as_str().is_some_and(|id| !calls.values().any(|call| call.id == id)));
    ensure!(stray.is_none(), "{stray:#?} belongs to a call that nobody told of");
    Ok(calls)
}

/// The calls of `default.json` with what came of each, and nothing in the wrong one.
pub(super) fn default(session: &Session, agent: &str, more: &[&str]) -> Result<()> {
    let calls = of(session, agent, &DEFAULT, more)?;
    let (first, second) = (&calls[DEFAULT[0]], &calls[DEFAULT[1]]);
    for program in ["cat", "git", "curl"] {
        ensure!(first.has("programs", program), "{program} is no program of {first:#?}");
    }
    // Whether `sleep` was executed before the call ended is a matter of luck.
    for program in ["env", "sort", "date", "cat"] {
        ensure!(second.has("programs", program), "{program} is no program of {second:#?}");
    }
    ensure!(first.ended["code"] == 0 && second.ended["code"] == 0, "{first:#?} {second:#?}");
    ensure!(second.has("written", "/project/env-of-tool.txt"), "{second:#?}");
    ensure!(!first.has("written", "/project/env-of-tool.txt"), "{first:#?}");
    for (end, call) in [
        ("/.aws/credentials", first),
        ("/project/notes.txt", first),
        ("/project/.env", second),
        ("/project/env-of-tool.txt", second),
    ] {
        let by_tool =
            session.opens(end).filter(|open| open["process"]["comm"] == "cat" || open["open"]["access"] == "write");
        for open in by_tool {
            ensure!(open["tool_call"] == call.id, "{end} belongs to `{}`, and not to {open:#}", call.command);
        }
    }
    // The agent's own look-ups, model calls and chores are in none.
    let root = |record: &&Value| record["process"]["pid"] == record["agent"]["root_pid"];
    let own = session.records.iter().filter(root).find(|record| record["tool_call"].is_string());
    ensure!(own.is_none(), "the agent itself is in a tool call: {own:#?}");
    Ok(())
}

/// The calls of `daemon.json`: what outlives its call is told, and still belongs to it.
pub(super) fn daemon(session: &Session, agent: &str) -> Result<()> {
    let calls = of(session, agent, &DAEMON, &[])?;
    let first = &calls[DAEMON[0]];
    let left = first.ended["background"].as_array().map_or(0, Vec::len);
    ensure!(left > 0, "nothing is left running by {first:#?}");
    let late = session.opens("/project/daemon.txt").next().context("daemon.txt was not written")?;
    ensure!(late["tool_call"] == first.id, "the daemon's file is of another call: {late:#}");
    for (command, file) in [(DAEMON[1], "/project/notes.txt"), (DAEMON[2], "/project/README.md")] {
        let call = &calls[command];
        let mut opens = session.opens(file).filter(|open| open["process"]["comm"] == "cat");
        ensure!(opens.all(|open| open["tool_call"] == call.id), "{file} is in the wrong call");
    }
    Ok(())
}

/// The sessions and tool calls as text, without what differs from run to run: the folder of the run, what git does to its
/// index, and of programs and files the order.
pub(super) fn as_text(session: &Session) -> String {
    let mut out = String::new();
    for record in session.of("session").filter(|record| record["session"]["state"] == "started") {
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(out, "session {} by {}", record["agent"]["name"], record["session"]["known_by"]);
    }
    let mut calls = Vec::new();
    for record in session.of("tool_call").filter(|record| record["tool"]["state"] == "started") {
        let of_it = |last: &&Value| last["tool_call"] == record["tool_call"];
        let ended = session.of("tool_call").filter(of_it).find(|last| last["tool"]["state"] == "ended");
        let Some(last) = session.of("tool_call").filter(of_it).last() else { continue };
        let command = record["tool"]["command"].as_str().unwrap_or_default();
        let command = plain(command, session).replace('\n', "\\n");
        let mut text = format!("\ncall of {}: {command}\n", record["agent"]["name"]);
        if let Some(ended) = ended {
            let end = &ended["tool"];
            let end = if end["signal"].is_string() { &end["signal"] } else { &end["code"] };
            let _ = writeln!(text, "  ended     {end}");
        }
        for list in ["programs", "written", "removed", "endpoints"] {
            let names = last["tool"][list].as_array().into_iter().flatten().filter_map(Value::as_str);
            let names: BTreeSet<String> =
                names.filter(|name| !is_passing(name, &command)).map(|name| plain(name, session)).collect();
            let names: Vec<String> = names.into_iter().collect();
            if !names.is_empty() {
                let _ = writeln!(text, "  {list:<9} {}", names.join(" "));
            }
        }
        calls.push(text);
    }
    // Those at the same time begin in any order.
    calls.sort_unstable();
    out + &calls.concat()
}

/// Whether it is there in some runs only: a file that is there for a moment under a name of its own; `id`, which a login
/// shell's profile executes, since Codex takes such a shell for a call that comes before its snapshot of one is made; and
/// `sleep` in the background of `default.json`, since some agents kill what a call leaves, before it is executed or after.
fn is_passing(effect: &str, command: &str) -> bool {
    let name = effect.rsplit('/').next().unwrap_or_default();
    effect == "id"
        || (name == "sleep" && command == DEFAULT[1])
        || effect.contains("/.git/")
        || (name.starts_with("sed") && name.len() == "sed123456".len())
}

/// A text without the particulars of the run.
fn plain(text: &str, session: &Session) -> String {
    let run = session.folder().unwrap_or_default();
    let text = if run.is_empty() { text.to_owned() } else { text.replace(&run, "RUN") };
    // On the bench every name leads to loopback, so an address has the name that was asked for last.
    match text.rsplit_once(":8399") {
        Some((_, "")) => "bench:8399".to_owned(),
        _ => text,
    }
}

/// The text is the one that is checked in; `AGENTSNOOP_BLESS` writes it anew, to be reviewed.
pub(super) fn are_as_checked_in(session: &Session, name: &str) -> Result<()> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/agents").join(format!("{name}.txt"));
    let text = as_text(session);
    if std::env::var_os("AGENTSNOOP_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().context("no folder")?)?;
        std::fs::write(&path, &text)?;
        return Ok(());
    }
    let expected = std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    ensure!(text == expected, "{name} is:\n{text}\nbut as checked in:\n{expected}");
    Ok(())
}
