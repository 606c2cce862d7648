//! Claude Code.

use anyhow::{Context, Result, ensure};

use super::{
    Named,
    alike::{self, Editor},
    calls, facts,
    session::{Script, Session},
};

const NAME: &str = "claude-code";

pub(super) fn trials() -> Vec<Named> {
    vec![
        ("Claude Code, default: every scripted fact is seen, and nothing of a second agent and a busy loop", default),
        ("Claude Code, daemon: every scripted fact is seen", daemon),
        ("Claude Code, heavy: every scripted fact is seen", heavy),
        ("Claude Code, edit: every scripted fact is seen, and its own file tools are no tool calls", || {
            alike::edit("claude", NAME, Editor::Agent)
        }),
        ("Claude Code, text: every scripted fact is seen, and there is no tool call", || alike::text("claude", NAME)),
        ("Claude Code, its TUI behind a proxy: every scripted fact is seen", || alike::tui("claude", NAME)),
    ]
}

fn default() -> Result<()> {
    // The second agent works on a copy of everything, which a mount namespace of its own puts in the same place.
    let second = "unshare -m bash -c 'run=$(realpath ..); cp -a .. \"$0\" && mount --bind \"$0\" \"$run\" && cd \"$run/project\" && exec \"$@\"' \
         \"$(dirname \"$0\")/second\" \"$@\" > /dev/null 2>&1 < /dev/null &";
    let (script, busy) = Script::new("claude", "scripts/default.json")?;
    let session = script.beside(second).run()?;
    ensure!(
        session.out.path().join("second/project/generated.txt").exists(),
        "the second agent did not work beside the first"
    );
    let cat = facts::default_script(&session)?;
    facts::curl_connects(&session)?;
    calls::default(&session, NAME, &[])?;
    facts::late_child(&session, true)?;
    start_up(&session)?;
    // The folder is looked at before the tool runs, without being read.
    let looks = session
        .opens("/.aws/credentials")
        .filter(|open| open["open"]["access"] == "path" && open["process"]["id"] != cat["process"]["id"]);
    let renamed = session
        .of("rename")
        .find(|rename| rename["rename"]["to"].as_str().is_some_and(|to| to.ends_with("/project/generated.txt")));
    let renamed = renamed.context("generated.txt was not renamed into its place")?;
    ensure!(renamed["rename"]["from"].as_str().is_some_and(|from| from.contains("generated.txt.tmp.")), "{renamed:#}");
    session.reads_the_zone()?;
    session.has_the_names_of_the_sinkhole()?;
    ensure!(looks.count() >= 1, "Claude Code looks at the credentials with O_PATH before the tool reads them");
    calls::are_as_checked_in(&session, "claude-default")?;
    session.is_sound(NAME, busy.path())
}

/// What it runs of itself before the first call.
fn start_up(session: &Session) -> Result<()> {
    session.exec(&["git", "--no-optional-locks", "status", "--short"])?;
    session.exec(&["git", "--no-optional-locks", "log", "--oneline"])?;
    session.exec(&["ps", "aux"])?;
    let search = session.exec(&["rg", "--version"])?;
    let itself = search["exec"]["path"].as_str().is_some_and(|path| path.ends_with("/claude.exe"));
    ensure!(itself, "rg is Claude Code's own program under another name: {search:#}");
    Ok(())
}

fn daemon() -> Result<()> {
    let (script, busy) = Script::new("claude", "scripts/daemon.json")?;
    let session = script.run()?;
    facts::daemon_script(&session, true)?;
    calls::daemon(&session, NAME)?;
    calls::are_as_checked_in(&session, "claude-daemon")?;
    session.is_sound(NAME, busy.path())
}

fn heavy() -> Result<()> {
    let (script, busy) = Script::new("claude", "scripts/heavy.json")?;
    let session = script.run()?;
    // grep and find are functions of its shell that execute its own program.
    facts::heavy_script(&session, &["ugrep"], &["bfs"], 500)?;
    calls::of(&session, NAME, &calls::HEAVY, &[])?;
    calls::are_as_checked_in(&session, "claude-heavy")?;
    session.is_sound(NAME, busy.path())
}
