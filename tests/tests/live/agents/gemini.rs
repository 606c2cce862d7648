//! Gemini CLI.

use anyhow::{Result, ensure};

use super::{
    Named,
    alike::{self, Editor},
    calls, facts,
    session::Script,
};

const NAME: &str = "gemini-cli";

pub(super) fn trials() -> Vec<Named> {
    vec![
        ("Gemini CLI, default: every scripted fact is seen, and the .env that it reads itself", default),
        ("Gemini CLI, daemon: every scripted fact is seen", daemon),
        ("Gemini CLI, heavy: every scripted fact is seen", heavy),
        ("Gemini CLI, edit: every scripted fact is seen, and its own file tools are no tool calls", || {
            alike::edit("gemini", NAME, Editor::Agent)
        }),
        ("Gemini CLI, text: every scripted fact is seen, and there is no tool call", || alike::text("gemini", NAME)),
        ("Gemini CLI, its TUI behind a proxy: every scripted fact is seen", || alike::tui("gemini", NAME)),
    ]
}

fn default() -> Result<()> {
    let (script, busy) = Script::new("gemini", "scripts/default.json")?;
    let session = script.run()?;
    facts::default_script(&session)?;
    facts::curl_connects(&session)?;
    calls::default(&session, NAME, &[])?;
    facts::late_child(&session, true)?;
    session.reads_the_zone()?;
    session.has_the_names_of_the_sinkhole()?;
    let relaunched = session.exec(&["/node", "--max-old-space-size"]).or_else(|_| {
        let relaunch = |exec: &&serde_json::Value| exec.to_string().contains("--max-old-space-size=");
        anyhow::Context::context(session.of("exec").find(relaunch), "it did not start itself again")
    })?;
    session.open_by(relaunched, "/project/.env", "read")?;
    let looked_up = session.by(relaunched, "getenv").count();
    ensure!(looked_up > 10, "node looks variables up through libc: {looked_up} records");
    for words in [&["sh", "-c", "lspci -vvv  2>/dev/null"][..], &["sh", "-c", "clinfo --raw"]] {
        session.exec(words)?;
    }
    calls::are_as_checked_in(&session, "gemini-default")?;
    session.is_sound(NAME, busy.path())
}

fn daemon() -> Result<()> {
    let (script, busy) = Script::new("gemini", "scripts/daemon.json")?;
    let session = script.run()?;
    facts::daemon_script(&session, true)?;
    calls::daemon(&session, NAME)?;
    calls::are_as_checked_in(&session, "gemini-daemon")?;
    session.is_sound(NAME, busy.path())
}

fn heavy() -> Result<()> {
    let (script, busy) = Script::new("gemini", "scripts/heavy.json")?;
    let session = script.run()?;
    // It refuses a command that substitutes a command, so the loop never runs.
    facts::heavy_script(&session, &["grep", "-r", "zzzqqq"], &["find", "/usr/lib"], 0)?;
    calls::of(&session, NAME, &[calls::HEAVY[0], calls::HEAVY[2], calls::HEAVY[3]], &[])?;
    calls::are_as_checked_in(&session, "gemini-heavy")?;
    session.is_sound(NAME, busy.path())
}
