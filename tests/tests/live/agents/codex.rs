//! Codex: plain, in its own sandbox, and as a terminal program whose work is done by a daemon.

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::{
    Named,
    alike::{self, Editor},
    calls, facts,
    session::{Script, Session, argv},
};

const NAME: &str = "codex";

pub(super) fn trials() -> Vec<Named> {
    vec![
        ("Codex, default: every scripted fact is seen, its own opens and the end of its 38 KB argv", default),
        ("Codex, daemon: every scripted fact is seen", daemon),
        ("Codex, heavy: every scripted fact is seen", heavy),
        ("Codex, its workspace-write sandbox: every scripted fact is seen, through namespaces and seccomp", sandbox),
        ("Codex, its TUI: every scripted fact is seen, though a daemon does the work", tui),
        ("Codex, edit: every scripted fact is seen, by the command that it runs in place of a tool", || {
            alike::edit("codex", NAME, Editor::Command)
        }),
        ("Codex, text: every scripted fact is seen, and there is no tool call", || alike::text("codex", NAME)),
    ]
}

fn default() -> Result<()> {
    let (script, busy) = Script::new("codex", "scripts/default.json")?;
    let session = script.run()?;
    facts::default_script(&session)?;
    facts::curl_connects(&session)?;
    calls::default(&session, NAME, &["cat > "])?;
    // Its process group is killed at the end of the call.
    facts::late_child(&session, false)?;
    three_images_in_one_process(&session)?;
    the_long_argv_is_whole(&session)?;
    let native = native(&session)?;
    let own = session.by(native, "open").count();
    ensure!(own > 100, "Codex itself, which is static, has {own} opens");
    session.exec(&["/lsb_release", "-a"]).or_else(|_| session.exec(&["sh", "/lsb_release", "-a"]))?;
    ensure!(session.execs(&["getconf", "LONG_BIT"]).count() >= 3, "getconf LONG_BIT runs three times");
    session.reads_the_zone()?;
    session.has_the_names_of_the_sinkhole()?;
    calls::are_as_checked_in(&session, "codex-default")?;
    session.is_sound(NAME, busy.path())
}

/// The helper, the shell with the long script and the shell with the command are one process.
fn three_images_in_one_process(session: &Session) -> Result<()> {
    let call = session
        .of("exec")
        .find(|exec| argv(exec).last().is_some_and(|last| last.starts_with("cat notes.txt; git status")))
        .context("the shell of the first call was not seen")?;
    let images: Vec<&Value> = session.by(call, "exec").collect();
    ensure!(images.len() >= 3, "{} images in the process of a call", images.len());
    let helper = images.iter().find(|exec| argv(exec)[0] == "/proc/self/exe").context("no helper /proc/self/exe")?;
    let path = helper["exec"]["path"].as_str().unwrap_or_default();
    ensure!(path.ends_with("/bin/codex"), "the helper is {path}");
    Ok(())
}

fn the_long_argv_is_whole(session: &Session) -> Result<()> {
    let long = session.of("exec").find(|exec| argv(exec).iter().map(|argument| argument.len()).sum::<usize>() > 30_000);
    let long = long.context("no exec has the 38 KB of argv")?;
    let state = long["exec"].get("argv_state");
    ensure!(state.is_none_or(|state| state == "masked"), "the long argv was cut: {state:?}");
    let end =
        argv(long).iter().any(|argument| argument.contains("aws/credentials") || argument.contains("env-of-tool"));
    ensure!(end, "the end of the long argv is not there");
    Ok(())
}

fn native(session: &Session) -> Result<&Value> {
    let is_native = |exec: &&Value| {
        exec["exec"]["path"].as_str().is_some_and(|path| path.ends_with("-linux-musl/bin/codex"))
            && argv(exec)[0].ends_with("/codex")
    };
    session.of("exec").find(is_native).context("the native codex was not seen")
}

fn daemon() -> Result<()> {
    let (script, busy) = Script::new("codex", "scripts/daemon.json")?;
    let session = script.run()?;
    facts::daemon_script(&session, false)?;
    calls::daemon(&session, NAME)?;
    calls::are_as_checked_in(&session, "codex-daemon")?;
    session.is_sound(NAME, busy.path())
}

fn heavy() -> Result<()> {
    let (script, busy) = Script::new("codex", "scripts/heavy.json")?;
    let session = script.run()?;
    facts::heavy_script(&session, &["grep", "-r", "zzzqqq"], &["find", "/usr/lib"], 500)?;
    calls::of(&session, NAME, &calls::HEAVY, &[])?;
    calls::are_as_checked_in(&session, "codex-heavy")?;
    session.is_sound(NAME, busy.path())
}

fn sandbox() -> Result<()> {
    let (script, busy) = Script::new("codex", "scripts/default.json")?;
    let session = script.variable("CODEX_SANDBOX_MODE", "workspace-write").run()?;
    facts::default_script(&session)?;
    calls::default(&session, NAME, &["cat > "])?;
    // The sandbox is executed by descriptor, by a program that bears another name.
    let bwrap = session.exec(&["bwrap", "--as-pid-1"])?;
    let asked = bwrap["exec"]["filename"].as_str().unwrap_or_default();
    ensure!(asked.starts_with("/proc/self/fd/"), "bwrap was executed as {asked}");
    let path = bwrap["exec"]["path"].as_str().unwrap_or_default();
    ensure!(path.ends_with("/bwrap"), "bwrap is {path}");
    let inner = session
        .exec(&["codex-linux-sandbox", "--sandbox-policy-cwd"])
        .or_else(|_| session.exec(&["codex-linux-sandbox"]))?;
    let command = session.exec(&["cat", "notes.txt"])?;
    ensure!(session.descends(command, inner), "the command does not run below the sandbox");
    // A filter denies it the network: curl asks for a socket, and the kernel never hears of it.
    let denied = session.of("attention").find(|attention| {
        attention["attention"]["call"] == "socket"
            && attention["seccomp"] == true
            && attention["process"]["comm"] == "curl"
    });
    let denied = denied.context("curl was not denied a socket")?;
    ensure!(denied["attention"]["error"] == "EPERM", "{denied:#}");
    calls::are_as_checked_in(&session, "codex-sandbox")?;
    session.is_sound(NAME, busy.path())
}

fn tui() -> Result<()> {
    let (script, busy) = Script::new("codex", "scripts/default.json")?;
    let session = script.options(&["--tty", "15"]).run()?;
    facts::default_script(&session)?;
    calls::default(&session, NAME, &["cat > "])?;
    let server = session
        .of("exec")
        .find(|exec| {
            argv(exec).contains(&"app-server")
                && argv(exec).contains(&"--managed-daemon")
                && !argv(exec).contains(&"--help")
        })
        .context("the daemon that does the work was not seen")?;
    let cat = session.exec(&["cat", "notes.txt"])?;
    ensure!(session.descends(cat, server), "the tool's shell is no child of the daemon");
    ensure!(cat["agent"]["name"] == NAME, "the daemon's work belongs to {}", cat["agent"]["name"]);
    calls::are_as_checked_in(&session, "codex-tui")?;
    session.is_sound(NAME, busy.path())
}
