//! What each family of hooks costs: one call a round, bare, beside the observed and observed. And what is left of it where hooks
//! come on demand and no agent runs.

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use serde_json::{Map, Value};

use super::figures::{median, row};
use super::observed::Watcher;
use super::{Args, Programs, file_at, load, ratios};

/// A load, its name in the report, and how many times fewer rounds it makes than the row about opens: what takes long needs few.
const FAMILIES: [(&str, &str, u32); 12] = [
    ("getpids", "getpid, which is not recorded", 1),
    ("looks", "stat of one path", 2),
    ("firsts", "stat of another path each time", 2),
    ("links", "readlink", 2),
    ("modes", "chmod", 2),
    ("renames", "rename", 4),
    ("connects", "socket, connect to nobody, close", 4),
    ("unames", "uname", 2),
    ("getenvs", "getenv", 2),
    ("forks", "fork, exit, wait", 100),
    ("execs", "fork, exec of true, exit, wait", 300),
    ("opens", "open+close", 2),
];

/// Loads that are measured beside an idle `watch`.
const IDLE: [usize; 4] = [0, 1, 8, 11];

/// Measures all of them.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    file_at(folder, 1)?;
    for (what, name, fewer) in FAMILIES {
        ratios(report, &format!("family: {name}"), args, programs, folder, &words(what, args.opens / fewer, folder))?;
    }
    for (what, name, fewer) in IDLE.map(|at| FAMILIES[at]) {
        idle(report, &format!("no agent runs: {name}"), args, programs, &words(what, args.opens / fewer, folder))?;
    }
    Ok(())
}

fn words(what: &str, count: u32, folder: &Path) -> [String; 3] {
    let place = match what {
        "getenvs" => "HOME".to_owned(),
        "opens" => folder.join("file.txt").display().to_string(),
        _ => folder.display().to_string(),
    };
    [what.to_owned(), count.max(1).to_string(), place]
}

/// A load bare, beside a `watch` whose hooks are always there, and beside one whose hooks wait, in turn.
fn idle(report: &mut Map<String, Value>, name: &str, args: &Args, programs: &Programs, words: &[String]) -> Result<()> {
    if !args.wants(name) {
        return Ok(());
    }
    let (mut bare, mut always, mut on_demand) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..args.rounds {
        let once = || load(Command::new(&programs.workload).args(words));
        let without = once()?;
        for (hooks, ratios) in [("always", &mut always), ("on-demand", &mut on_demand)] {
            let watcher = Watcher::start(programs, hooks)?;
            ratios.push(once()? / without);
            watcher.end()?;
        }
        bare.push(without);
    }
    let figures = [("bare_ns", median(bare)), ("always_ratio", median(always)), ("on_demand_ratio", median(on_demand))];
    row(report, name, &figures);
    Ok(())
}
