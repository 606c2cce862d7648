//! A disk that is full for a while: a small file system of this test's own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use agentsnoop_pipeline::input::{Gap, Input};
use agentsnoop_store::{Item, Reader};
use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use serde_json::Value;

use crate::harness::{
    Killed, agentsnoop, once, output_in_time, own_program, query, text, verify, wait_for, wait_until_closed,
};

/// The whole disk: room for the beginning of a recording and for what it keeps for its end.
const SIZE: &str = "size=4m";

pub(crate) fn trials() -> Vec<Trial> {
    vec![once(
        "on a full disk the observation goes on and recording pauses, and with room it resumes behind a gap of exact count",
        full,
    )]
}

/// The test in a process of its own, since the file system is for nobody else.
fn full() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut child = Command::new(own_program()?);
    child.args(["trigger", "on-a-small-disk"]).arg(folder.path());
    let output = output_in_time(child.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)?;
    ensure!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    Ok(())
}

/// `on-a-small-disk FOLDER`: mounts one there, for this process and its children alone, and records on it.
pub(crate) fn trigger(folder: &str) -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNS).context("cannot leave the mount namespace")?;
    // What is mounted from here on must not reach the namespace that this one is a copy of.
    mount(None::<&str>, "/", None::<&str>, MsFlags::MS_REC | MsFlags::MS_PRIVATE, None::<&str>)
        .context("cannot make the mounts private")?;
    mount(Some("tmpfs"), folder, Some("tmpfs"), MsFlags::empty(), Some(SIZE)).context("cannot mount a tmpfs")?;
    // The file system ends with the last process in the namespace.
    record(Path::new(folder))
}

fn record(disk: &Path) -> Result<()> {
    let (recording, ballast) = (disk.join("test.rec"), disk.join("ballast"));
    let beside = tempfile::tempdir()?;
    let (times, shown) = (beside.path().join("times").display().to_string(), beside.path().join("shown"));
    let mut command = agentsnoop();
    command
        .arg("run")
        .arg(format!("--json={}", shown.display()))
        .arg("--record")
        .arg(&recording)
        .arg("--")
        .arg(own_program()?);
    let prefix = beside.path().join("n").display().to_string();
    command.args(["trigger", "numbered", "20", &prefix, &times]);
    let mut run = Killed(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?);
    let events = || fs::metadata(&times).map_or(0, |times| times.len() / 8);
    let length = || fs::metadata(&recording).map_or(0, |recording| recording.len());
    let ends_with_inputs = |than: usize| Ok(inputs_of(&recording)?.len() > than);

    wait_for("something to be recorded", || Ok(length() > 2000 && events() > 100))?;
    fill(&ballast)?;
    // What the file takes no more is missed from here on, though the load goes on.
    let stopped = {
        let mut before = (length(), events());
        wait_for("the recording to stop", || {
            let now = (length(), events());
            let stopped = now.0 == before.0 && now.1 > before.1 + 30_000;
            if now.0 != before.0 {
                before = now;
            }
            Ok(stopped)
        })?;
        inputs_of(&recording)?.len()
    };
    let seen_while_full = events();
    fs::remove_file(&ballast)?;
    wait_for("the recording to go on", || ends_with_inputs(stopped + 1))?;
    let resumed = events();
    wait_for("more to be recorded", || Ok(events() > resumed + 1000))?;
    drop(run.0.stdin.take());
    let said = run.0.stderr.take();
    wait_for("the run to end", || Ok(run.0.try_wait()?.is_some()))?;
    let mut summary = String::new();
    std::io::Read::read_to_string(&mut said.context("no standard error")?, &mut summary)?;
    wait_until_closed(&recording)?;

    let gaps: Vec<Gap> = inputs_of(&recording)?
        .into_iter()
        .filter_map(|input| if let Input::Gap(gap) = input { Some(gap) } else { None })
        .collect();
    ensure!(!gaps.is_empty(), "the recording has no gap");
    ensure!(gaps.iter().all(|gap| gap.cause.contains("No space left on device")), "{gaps:#?}");
    let missed: u64 = gaps.iter().filter_map(|gap| gap.inputs).sum();
    ensure!(missed > 1000, "{missed} inputs were missed of {seen_while_full} events");

    // Every event was shown, and each is in the recording or counted by a gap.
    let verdict = verify(&recording)?;
    ensure!(verdict["ok"] == true && verdict["ledger"]["balanced"] == true, "{verdict:#}");
    ensure!(verdict["ledger"]["unstored"] == missed && verdict["lost"] == 0, "{missed} were missed: {verdict:#}");
    let of_the_load =
        |record: &&Value| record["open"]["requested"].as_str().is_some_and(|asked| asked.starts_with(&prefix));
    let shown = fs::read_to_string(&shown)?;
    let shown = shown.lines().map(serde_json::from_str).collect::<Result<Vec<Value>, _>>()?;
    ensure!(shown.iter().filter(of_the_load).count() as u64 == events(), "not all of {} events were shown", events());
    let stored = query(&recording, &["--kind", "open"])?.iter().filter(of_the_load).count() as u64;
    let absent = events() - stored;
    ensure!(absent <= missed && missed <= absent + 100, "{absent} events of {} are absent, {missed} missed", events());
    let told = query(&recording, &["--kind", "gap"])?;
    ensure!(told.len() == gaps.len(), "{told:#?}");
    ensure!(summary.contains("No space left on device"), "the run did not say so: {summary}");
    Ok(())
}

/// Takes all the room that is left.
fn fill(path: &Path) -> Result<()> {
    let mut file = File::create(path)?;
    let piece = [7; 4096];
    loop {
        match file.write_all(&piece) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error).context("cannot fill the disk"),
        }
    }
}

/// What the recording has by now.
fn inputs_of(recording: &Path) -> Result<Vec<Input>> {
    let items = Reader::open(recording)?.map(|item| match item {
        Item::Input(_, input) => Ok(input),
        Item::Damage(damage) => anyhow::bail!("{damage}"),
    });
    items.collect()
}
