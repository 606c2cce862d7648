//! What recordings of real agents take, and what it costs to judge them: each agent with each script of tests/agents/scripts, against a model server on loopback.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Map, Value};

use super::figures::{median, row};
use super::observed::json;
use super::{Args, Programs};
use crate::agents::{AGENTS, HOME_VARIABLE};

/// Where tests/agents/install.sh puts agents unless it is told otherwise.
const DEFAULT_HOME: &str = "/opt/agentbench";

/// How long a recording may take to be closed once its agent has ended.
const PATIENCE: Duration = Duration::from_secs(60);

/// A recording of one session.
struct Recorded {
    bytes: f64,
    events: f64,
    /// Events that are decoded, attributed and classified in a second, on one core.
    judged: f64,
}

/// Writes a row for each agent and script; one line on standard error for each agent that is not installed.
///
/// # Errors
///
/// A session cannot be driven, or its recording is not sound.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    let bench = bench();
    let home = home();
    for agent in AGENTS {
        for script in scripts(&bench.join("scripts"))? {
            let what = script.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("session of {agent}, {what}");
            if !args.wants(&name) {
                continue;
            }
            if !is_installed(agent, &home, &name) {
                continue;
            }
            let one = |round| {
                session(programs, &bench, &home, agent, &script, &folder.join(format!("{agent}-{what}-{round}")))
            };
            let rounds = (0..args.rounds).map(one).collect::<Result<Vec<_>>>().with_context(|| name.clone())?;
            let of = |pick: fn(&Recorded) -> f64| rounds.iter().map(pick).collect::<Vec<_>>();
            let worst = |values: Vec<f64>| values.into_iter().fold(0.0, f64::max);
            let each = |recorded: &Recorded| recorded.bytes / recorded.events;
            row(
                report,
                &name,
                &[
                    ("events", median(of(|recorded| recorded.events))),
                    ("recording_bytes", median(of(|recorded| recorded.bytes))),
                    ("recording_bytes_worst", worst(of(|recorded| recorded.bytes))),
                    ("bytes_per_event", median(of(each))),
                    ("bytes_per_event_worst", worst(of(each))),
                    ("judged_per_second", median(of(|recorded| recorded.judged))),
                ],
            );
        }
    }
    Ok(())
}

/// The folder with what drives agents.
pub(super) fn bench() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).with_file_name("tests").join("agents")
}

/// Where agents are installed.
pub(super) fn home() -> PathBuf {
    std::env::var_os(HOME_VARIABLE).map_or_else(|| PathBuf::from(DEFAULT_HOME), PathBuf::from)
}

/// Whether an agent is there to be measured; one line on standard error where it is not.
pub(super) fn is_installed(agent: &str, home: &Path, row: &str) -> bool {
    let is_there = home.join(agent).join("node_modules/.bin").join(agent).exists();
    if !is_there {
        eprintln!("xtask: skipped: {row}: it is not in {}; tests/agents/install.sh puts it there", home.display());
    }
    is_there
}

/// The scripts, in the order of their names.
fn scripts(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut scripts: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    scripts.sort();
    Ok(scripts)
}

/// One session, recorded.
fn session(programs: &Programs, bench: &Path, home: &Path, agent: &str, script: &Path, out: &Path) -> Result<Recorded> {
    fs::create_dir(out).with_context(|| format!("cannot make {}", out.display()))?;
    let (file, wrap) = (out.join("session.rec"), out.join("wrap.sh"));
    let observed = format!(
        "#!/bin/sh\nexec '{}' run --quiet --record '{}' -- \"$@\"\n",
        programs.agentsnoop.display(),
        file.display()
    );
    fs::write(&wrap, observed).with_context(|| format!("cannot write {}", wrap.display()))?;
    fs::set_permissions(&wrap, PermissionsExt::from_mode(0o755)).context("cannot make a script of it")?;
    let run = Command::new(bench.join("run.sh"))
        .arg(agent)
        .args(["--script".as_ref(), script.as_os_str(), "--wrap".as_ref(), wrap.as_os_str()])
        .args(["--out".as_ref(), out.as_os_str()])
        .env(HOME_VARIABLE, home)
        .stdin(Stdio::null())
        .output()
        .context("cannot start tests/agents/run.sh")?;
    let said = String::from_utf8_lossy(&run.stderr);
    let code = fs::read_to_string(out.join("rc")).unwrap_or_default();
    ensure!(
        run.status.success() && code.trim() == "0",
        "run.sh ended with {}, the agent with {code}: {said}",
        run.status
    );
    let verdict = closed(programs, &file)?;
    ensure!(verdict["ok"] == true, "the recording is not sound: {verdict:#}");
    let kinds =
        verdict.pointer("/ledger/recorded_by_kind").and_then(Value::as_object).context("verify gives no counts")?;
    let events = kinds.values().filter_map(Value::as_f64).sum();
    let bytes = fs::metadata(&file).context("cannot measure the recording")?.len() as f64;
    Ok(Recorded { bytes, events, judged: judged(programs, &file)? })
}

/// How many events of a recording are judged in a second.
fn judged(programs: &Programs, file: &Path) -> Result<f64> {
    let judged = Command::new(&programs.recorder).arg("judge").arg(file).output().context("cannot start recorder")?;
    let said = String::from_utf8_lossy(&judged.stderr);
    ensure!(judged.status.success(), "recorder said {said}");
    let each = said.split(": ").nth(1).and_then(|rest| rest.split_whitespace().next());
    let each: f64 = each.and_then(|word| word.parse().ok()).with_context(|| format!("no nanoseconds in: {said}"))?;
    Ok(1e9 / each)
}

/// What `verify` says of a recording once it is closed.
fn closed(programs: &Programs, file: &Path) -> Result<Value> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let verdict = json(Command::new(&programs.agentsnoop).args(["verify", "--json"]).arg(file))?;
        if verdict["complete"] == true {
            return Ok(verdict);
        }
        if Instant::now() > deadline {
            bail!("the recording is not closed after {PATIENCE:?}: {verdict:#}");
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}
