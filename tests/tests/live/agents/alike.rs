//! Scripts that every agent is judged alike for: its file tools, a plain answer, and its terminal program.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{calls, facts, session::Script};

/// Who changes the file of `edit.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Editor {
    /// The agent itself, so that no tool call has it.
    Agent,
    /// A command, which the bench's model asks for where an agent has no such tool.
    Command,
}

/// `edit.json`: the file is read and changed.
pub(super) fn edit(bench: &'static str, agent: &str, by: Editor) -> Result<()> {
    let (script, busy) = Script::new(bench, "scripts/edit.json")?;
    let session = script.run()?;
    let is_notes = |path: &Value| path.as_str().is_some_and(|path| path.ends_with("/project/notes.txt"));
    let change = session.records.iter().find(|record| {
        is_notes(&record["rename"]["to"])
            || (is_notes(&record["open"]["path"])
                && record["open"]["access"].as_str().is_some_and(|access| access.contains("write"))
                && record["open"]["result"].as_i64() >= Some(0))
    });
    let change = change.context("notes.txt was not changed")?;
    ensure!(change["agent"]["name"] == agent, "{change:#}");
    ensure!(change["tool_call"].is_string() == (by == Editor::Command), "{by:?} changes it: {change:#}");
    calls::are_as_checked_in(&session, &format!("{bench}-edit"))?;
    session.is_sound(agent, busy.path())
}

/// `text.json`: there is no tool call, and no record claims to be of one.
pub(super) fn text(bench: &'static str, agent: &str) -> Result<()> {
    let (script, busy) = Script::new(bench, "scripts/text.json")?;
    let session = script.run()?;
    calls::of(&session, agent, &[], &[])?;
    calls::are_as_checked_in(&session, &format!("{bench}-text"))?;
    session.is_sound(agent, busy.path())
}

/// `default.json` on a pseudo terminal, with the proxy variables set.
pub(super) fn tui(bench: &'static str, agent: &str) -> Result<()> {
    let (script, busy) = Script::new(bench, "scripts/default.json")?;
    let session = script.options(&["--tty", "15", "--proxy"]).run()?;
    facts::default_script(&session)?;
    calls::default(&session, agent, &[])?;
    calls::are_as_checked_in(&session, &format!("{bench}-tui"))?;
    session.is_sound(agent, busy.path())
}
