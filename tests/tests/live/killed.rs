//! A recording whose writer is killed with `kill -9` at a random moment of a busy time.
//!
//! Some trials are made in each run; `cargo xtask trials kill` makes two hundred.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use agentsnoop_tests::random;
use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::harness::{Killed, agentsnoop, once, own_program, verify, wait_for};
use crate::numbered::{Lost, boot_ns, judge};

/// Sets how often it is tried.
const TRIALS_VARIABLE: &str = "AGENTSNOOP_TRIALS";
/// How often it is tried where nothing is set.
const TRIALS: u32 = 3;
/// Events in a row of the two loads, in turn: of one each block is full before a second has passed, of the other none.
const BATCHES: [u64; 2] = [20, 1];
/// The load goes on for at most so many batches before the kill, some five seconds of them.
const MOST: u64 = 2000;
/// What docs/recording.md says can be lost.
const AT_RISK: Duration = Duration::from_secs(1);

pub(crate) fn trials() -> Vec<Trial> {
    vec![once(
        "a recording whose writer is killed holds all that is older than a second, and says that it is cut",
        killed,
    )]
}

fn killed() -> Result<()> {
    let count = std::env::var(TRIALS_VARIABLE).ok().and_then(|text| text.parse().ok()).unwrap_or(TRIALS);
    let (mut random, seed) = random::seeded();
    let (mut worst, mut events) = (Lost::default(), 0);
    for trial in 1..=count {
        let batch = BATCHES[trial as usize % BATCHES.len()];
        let after = random.u64(1..=MOST) * batch;
        let lost = one(batch, after);
        let lost = lost.with_context(|| format!("trial {trial} of seed {seed}, killed after {after} events"))?;
        events += after;
        if count > TRIALS {
            eprintln!("killed after {after} events: {lost}");
        }
        worst = worst.max(lost);
    }
    eprintln!("{count} recordings killed during {events} events, seed {seed}; the worst: {worst}");
    Ok(())
}

/// Kills the writer once the load has made so many events, so many in a row.
fn one(batch: u64, after: u64) -> Result<Lost> {
    let folder = tempfile::tempdir()?;
    let (recording, times) = (folder.path().join("test.rec"), folder.path().join("times"));
    let prefix = folder.path().join("n").display().to_string();
    let mut command = agentsnoop();
    command.arg("run").arg("--record").arg(&recording).arg("--").arg(own_program()?);
    command.args(["trigger", "numbered", &batch.to_string(), &prefix]).arg(&times);
    let mut run = Killed(command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?);
    wait_for("the load", || Ok(fs::metadata(&times).is_ok_and(|times| times.len() / 8 >= after)))?;
    let writer = writer_of(&recording)?;
    let killed_ns = boot_ns();
    kill(writer, Signal::SIGKILL).with_context(|| format!("cannot kill {writer}"))?;
    // The load ends with its input, and the run with the load.
    drop(run.0.stdin.take());
    wait_for("the run to end", || Ok(run.0.try_wait()?.is_some()))?;
    ensure!(!Path::new(&format!("/proc/{writer}/exe")).exists(), "the writer is still there");

    let lost = judge(&recording, &prefix, &read_times(&times)?, killed_ns)?;
    ensure!(lost.oldest <= AT_RISK, "{lost}");
    let verdict = verify(&recording)?;
    ensure!(verdict["complete"] == false && verdict["ok"] == false && verdict["damaged"] == 0, "{verdict:#}");
    let end = verdict["end"].as_str().unwrap_or_default();
    ensure!(end.starts_with("incomplete: it was not closed; readable up to byte "), "{end}");
    Ok(lost)
}

/// The one process that holds the file.
fn writer_of(file: &Path) -> Result<Pid> {
    let file = file.canonicalize()?;
    let holds = |pid: i32| {
        let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        descriptors.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file))
    };
    let pids = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let writers: Vec<i32> = pids.filter(|pid| holds(*pid)).collect();
    ensure!(writers.len() == 1, "{} is held by {writers:?}", file.display());
    Ok(Pid::from_raw(writers[0]))
}

/// When each event was begun.
fn read_times(file: &Path) -> Result<Vec<u64>> {
    let bytes = fs::read(file)?;
    Ok(bytes.as_chunks().0.iter().map(|time| u64::from_le_bytes(*time)).collect())
}

/// Where a load notes when each of its events is begun.
pub(crate) struct Times(File);

impl Times {
    pub(crate) fn create(path: &str) -> Result<Self> {
        Ok(Self(File::create(path)?))
    }

    pub(crate) fn note(&self, number: u64) -> Result<()> {
        Ok(self.0.write_all_at(&boot_ns().to_le_bytes(), number * 8)?)
    }
}
