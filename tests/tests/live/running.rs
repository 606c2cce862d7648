//! Trees that run already when the observation begins.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use agentsnoop::live::{Live, Options, Outputs};
use agentsnoop::sink::recording::Recording;
use agentsnoop_pipeline::input::{Existing, Input, Observed, Why};
use agentsnoop_store::{Item, Reader, writer};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Killed, own_program, query, trial, verify, wait_for};

/// Generations of a tree.
const GENERATIONS: usize = 3;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("a tree that runs already is known with its ancestors and nobody else, and marked as such", tree)]
}

fn tree() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (own, other, file) = (folder.path().join("own"), folder.path().join("other"), folder.path().join("test.rec"));
    let outputs = || {
        let recording = Recording::create(&file, writer::Options::default())?;
        Ok(Outputs::default().with_recording(recording, file.clone()))
    };
    let mut live = Live::open(&Options::default(), outputs)?;
    let (mut watched, mut bystander) = (lineage(&own)?, lineage(&other)?);
    let root = watched.0.id();
    live.track_running(root, Why::Pid)?;
    ensure!(live.tracked_processes() == GENERATIONS, "{} processes are tracked", live.tracked_processes());
    for tree in [&mut watched, &mut bystander] {
        drop(tree.0.stdin.take());
        wait_for("a tree to end", || Ok(tree.0.try_wait()?.is_some()))?;
    }
    live.drain_all();
    live.close("the test is over")?;

    let found: Vec<Existing> = Reader::open(&file)?
        .filter_map(|item| match item {
            Item::Input(_, Input::Observed(Observed::Process(existing))) => Some(*existing),
            _ => None,
        })
        .collect();
    let (tracked, above): (Vec<_>, Vec<_>) = found.into_iter().partition(|process| process.root == root);
    ensure!(tracked.len() == GENERATIONS && tracked[0].pid == root, "{tracked:#?}");
    ensure!(tracked.windows(2).all(|pair| pair[1].parent == pair[0].pid), "{tracked:#?}");
    ensure!(above.iter().all(|process| process.root == Existing::UNTRACKED), "{above:#?}");
    let pids: Vec<u32> = above.iter().map(|process| process.pid).collect();
    ensure!(pids == ancestors(root)?, "the ancestors are {:?}, told are {pids:?}", ancestors(root)?);

    ensure!(verify(&file)?["ok"] == true, "{:#}", verify(&file)?);
    let records = query(&file, &[])?;
    let of = |folder: &Path| -> Vec<&Value> {
        let below = |record: &&Value| {
            let asked = record["open"]["requested"].as_str().unwrap_or_default();
            asked.starts_with(folder.to_str().unwrap_or("?"))
        };
        records.iter().filter(below).collect()
    };
    ensure!(of(&other).is_empty(), "a bystander was observed: {:#?}", of(&other));
    let opens = of(&own);
    ensure!(opens.len() == GENERATIONS + 1, "{opens:#?}");
    let tids: BTreeSet<_> = opens.iter().filter_map(|open| open["process"]["pid"].as_u64()).collect();
    ensure!(tids == tracked.iter().map(|process| u64::from(process.pid)).collect(), "{tids:?} have opened files");
    for open in opens {
        // The last of them executes the program again, and from there on its exec tells what it is.
        let is_new = open["open"]["requested"].as_str().is_some_and(|asked| asked.ends_with("/behind"));
        let expected = if is_new { Value::Null } else { Value::Bool(true) };
        ensure!(open["process"]["from_proc"] == expected, "{open:#}");
        ensure!(open["process"]["exe"] == own_program()?.display().to_string(), "{open:#}");
        ensure!(open["process"]["ppid"].is_u64(), "{open:#}");
    }
    Ok(())
}

/// A tree that waits for the end of its input, with files below a folder to open then.
fn lineage(folder: &Path) -> Result<Killed> {
    let mut tree = Command::new(own_program()?);
    tree.args(["trigger", "lineage"]).arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut tree = Killed(tree.spawn()?);
    let mut line = String::new();
    BufReader::new(tree.0.stdout.take().context("no output")?).read_line(&mut line)?;
    ensure!(line == "ready\n", "the tree said {line:?}");
    Ok(tree)
}

/// The ancestors of a process, the first of all first, as proc_pid_stat(5) tells them.
fn ancestors(pid: u32) -> Result<Vec<u32>> {
    let (mut pid, mut found) = (pid, Vec::new());
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
        // A tree that has ended is asked about its ancestors by way of this process, its parent.
        let parent = match stat {
            Ok(stat) => {
                stat.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(1)).context("no parent")?.parse()?
            }
            Err(_) => std::process::id(),
        };
        if parent == 0 {
            found.reverse();
            return Ok(found);
        }
        found.push(parent);
        pid = parent;
    }
}

/// `lineage FOLDER`: a process with a child and a grandchild; once standard input has ended each opens a file, and the last
/// executes the program again, which opens one more.
pub(crate) fn trigger(folder: &str) -> Result<()> {
    use nix::unistd::{ForkResult, fork};
    let mut generation = 0;
    while generation + 1 < GENERATIONS {
        // SAFETY: this process has one thread, so the child may do whatever its parent may.
        match unsafe { fork() }? {
            ForkResult::Child => generation += 1,
            ForkResult::Parent { .. } => break,
        }
    }
    let is_last = generation + 1 == GENERATIONS;
    if is_last {
        std::io::stdout().write_all(b"ready\n")?;
    }
    std::io::stdin().read_to_string(&mut String::new())?;
    // It need not be there to be asked for.
    let _missing = std::fs::File::open(format!("{folder}/{generation}"));
    if is_last {
        let behind = format!("{folder}/behind");
        return Err(Command::new(std::env::current_exe()?).args(["trigger", "open", "openat", &behind]).exec().into());
    }
    nix::sys::wait::wait().map(drop).context("there is no child")
}
