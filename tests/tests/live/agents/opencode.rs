//! opencode.

use anyhow::{Result, ensure};

use super::{
    Named,
    alike::{self, Editor},
    calls, facts,
    session::Script,
};

const NAME: &str = "opencode";

pub(super) fn trials() -> Vec<Named> {
    vec![
        ("opencode, default: every scripted fact is seen, and its hundred calls of git", default),
        ("opencode, daemon: every scripted fact is seen", daemon),
        ("opencode, heavy: every scripted fact is seen", heavy),
        ("opencode, edit: every scripted fact is seen, and its own file tools are no tool calls", || {
            alike::edit("opencode", NAME, Editor::Agent)
        }),
        ("opencode, text: every scripted fact is seen, and there is no tool call", || alike::text("opencode", NAME)),
    ]
}

fn default() -> Result<()> {
    let (script, busy) = Script::new("opencode", "scripts/default.json")?;
    let session = script.run()?;
    facts::default_script(&session)?;
    facts::curl_connects(&session)?;
    calls::default(&session, NAME, &[])?;
    facts::late_child(&session, true)?;
    session.reads_the_zone()?;
    session.has_the_names_of_the_sinkhole()?;
    let git = session.execs(&["git"]).count();
    ensure!(git >= 50, "{git} calls of git");
    let snapshot = session.of("exec").any(|exec| exec.to_string().contains("/.local/share/opencode/snapshot"));
    ensure!(snapshot, "its snapshot repository is not among them");
    calls::are_as_checked_in(&session, "opencode-default")?;
    session.is_sound(NAME, busy.path())
}

fn daemon() -> Result<()> {
    let (script, busy) = Script::new("opencode", "scripts/daemon.json")?;
    let session = script.run()?;
    facts::daemon_script(&session, true)?;
    calls::daemon(&session, NAME)?;
    calls::are_as_checked_in(&session, "opencode-daemon")?;
    session.is_sound(NAME, busy.path())
}

fn heavy() -> Result<()> {
    let (script, busy) = Script::new("opencode", "scripts/heavy.json")?;
    let session = script.run()?;
    facts::heavy_script(&session, &["grep", "-r", "zzzqqq"], &["find", "/usr/lib"], 500)?;
    calls::of(&session, NAME, &calls::HEAVY, &[])?;
    calls::are_as_checked_in(&session, "opencode-heavy")?;
    session.is_sound(NAME, busy.path())
}
