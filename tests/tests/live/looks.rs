//! Calls that look at files, which are counted where they repeat: no call vanishes and none is told of another.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, judge_all, observe, trial, verify};

/// Paths that share the 64 slots of a process.
const PATHS: u64 = 200;
/// How often each of them is looked at.
const ROUNDS: u64 = 5;
/// More than a word counts (65,535).
const OFTEN: u64 = 70_000;
/// Threads, and how often each looks at the same path.
const THREADS: u64 = 4;
const EACH: u64 = 500;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("of paths that share slots each call is told with its own path", collisions),
        trial("a child counts its own calls, and its parent those before and behind", fork),
        trial("what was counted is told of the image that did it, before the next one's exec", exec),
        trial("threads of one process count together, and no call is told twice", threads),
        trial("a count that is full is told, and counted on", full_count),
        trial("of a storm through a tiny ring the calls that are told and those that are lost add up", overflow),
    ]
}

/// How many calls on each path below /nowhere are told, by process.
fn told(seen: &Seen) -> Result<BTreeMap<(String, u64), u64>> {
    let mut told = BTreeMap::new();
    for record in seen.kind("stat") {
        let stat = &record["stat"];
        ensure!(stat["requested"].is_string() || stat["descriptor"] == true || stat["path"].is_string(), "{record:#}");
        let path = stat["requested"].as_str().unwrap_or_default().to_owned();
        if path.starts_with("/nowhere/") {
            ensure!(stat["error"] == "ENOENT", "{record:#}");
            let pid = record["process"]["pid"].as_u64().unwrap_or_default();
            *told.entry((path, pid)).or_default() += stat["count"].as_u64().unwrap_or_default();
        }
    }
    Ok(told)
}

fn observe_looks(words: &[&str]) -> Result<Seen> {
    let seen = observe(&[&["looks"], words].concat())?;
    seen.is_whole()?;
    let calls = &verify(&seen.file)?["ledger"]["stat_calls"];
    ensure!(calls["seen"] == calls["recorded"] && calls["held"] == 0, "{calls:#}");
    Ok(seen)
}

fn collisions() -> Result<()> {
    let seen = observe_looks(&["paths", &PATHS.to_string(), &ROUNDS.to_string()])?;
    let told = told(&seen)?;
    ensure!(told.len() as u64 == PATHS, "{} of {PATHS} paths", told.len());
    let wrong: Vec<_> = told.iter().filter(|(_, count)| **count != ROUNDS).collect();
    ensure!(wrong.is_empty(), "not each was looked at {ROUNDS} times: {wrong:?}");
    Ok(())
}

fn fork() -> Result<()> {
    let seen = observe_looks(&["fork"])?;
    let counts: Vec<u64> = told(&seen)?.into_values().collect();
    let root = seen.kind("exec")[0]["process"]["pid"].clone();
    let mut of: Vec<(bool, u64)> = told(&seen)?.into_iter().map(|((_, pid), count)| (root == pid, count)).collect();
    of.sort_unstable();
    ensure!(of == [(false, 7), (true, 3 + 2)], "{counts:?} calls, by process {of:?}");
    Ok(())
}

fn exec() -> Result<()> {
    let seen = observe_looks(&["exec"])?;
    let execs: Vec<usize> = (0..seen.records.len()).filter(|at| seen.records[*at]["kind"] == "exec").collect();
    let [_, second] = execs.as_slice() else { anyhow::bail!("{} execs", execs.len()) };
    let count = |records: &[Value]| -> u64 {
        let looks = records.iter().filter(|record| record["stat"]["requested"] == "/nowhere/exec");
        looks.filter_map(|record| record["stat"]["count"].as_u64()).sum()
    };
    let (before, behind) = (count(&seen.records[..*second]), count(&seen.records[*second..]));
    ensure!((before, behind) == (9, 4), "{before} calls before the second exec and {behind} behind it, not 9 and 4");
    Ok(())
}

fn threads() -> Result<()> {
    let all = |seen: &Seen| {
        let told: Vec<u64> = told(seen)?.into_values().collect();
        ensure!(told == [THREADS * EACH], "{told:?} calls, not {THREADS} times {EACH}");
        Ok(())
    };
    judge_all(|| observe_looks(&["threads", &THREADS.to_string(), &EACH.to_string()]), all)
}

fn full_count() -> Result<()> {
    let seen = observe_looks(&["paths", "1", &OFTEN.to_string()])?;
    let told: Vec<u64> = told(&seen)?.into_values().collect();
    ensure!(told == [OFTEN], "{told:?} calls, not {OFTEN}");
    let most = seen.kind("stat").iter().filter_map(|record| record["stat"]["count"].as_u64()).max();
    ensure!(most <= Some(0xffff), "a record tells {most:?} calls of one word");
    Ok(())
}

fn overflow() -> Result<()> {
    const STORM: u64 = 30_000;
    let start = verify(&observe(&["looks", "paths", "0", "0"])?.file)?["ledger"]["stat_calls"]["seen"].clone();
    let options = ["--strict", "--ring-bytes", "4096"];
    let seen = Observation::trigger(&["looks", "paths", &STORM.to_string(), "1"])?.options(&options).run()?;
    ensure!(seen.output.status.code() == Some(5), "run ended with {}", seen.output.status);
    let verdict = verify(&seen.file)?;
    ensure!(verdict["ok"] == true && verdict["ledger"]["balanced"] == true, "{verdict:#}");
    let number = |field: &str| verdict["ledger"]["stat_calls"][field].as_u64().unwrap_or_default();
    ensure!(Some(number("seen")) == start.as_u64().map(|start| start + STORM), "{verdict:#}");
    ensure!(number("lost") > 0 && number("seen") == number("told") + number("lost"), "{verdict:#}");
    ensure!(number("told") == number("recorded"), "{verdict:#}");
    ensure!(verdict["ledger"]["lost_by_kind"]["stat"].as_u64() > Some(0), "{verdict:#}");
    // A call whose record was lost is not known, so its next one is told by itself; here none has a next one.
    let told: u64 = told(&seen)?.into_values().sum();
    ensure!(told <= number("recorded") && told > 0, "{told} of {} calls", number("recorded"));
    Ok(())
}

/// `looks …`: looks at paths below a folder that is not there.
pub(crate) fn trigger(words: &[&str]) -> Result<()> {
    match words {
        ["paths", paths, rounds] => {
            let paths: u64 = paths.parse()?;
            (0..rounds.parse()?).try_for_each(|_: u64| (0..paths).try_for_each(|at| look(&format!("/nowhere/{at}"))))
        }
        ["fork"] => {
            times(3, "/nowhere/fork")?;
            // SAFETY: this process has one thread, so the child may do whatever its parent may.
            if let nix::unistd::ForkResult::Child = unsafe { nix::unistd::fork() }? {
                times(7, "/nowhere/fork")?;
                std::process::exit(0);
            }
            nix::sys::wait::wait()?;
            times(2, "/nowhere/fork")
        }
        ["exec"] => {
            times(9, "/nowhere/exec")?;
            Err(Command::new(std::env::current_exe()?).args(["trigger", "looks", "exec", "second"]).exec().into())
        }
        ["exec", "second"] => times(4, "/nowhere/exec"),
        ["threads", threads, each] => {
            let each: u64 = each.parse()?;
            let threads: Vec<_> = (0..threads.parse()?)
                .map(|_: u64| std::thread::spawn(move || times(each, "/nowhere/threads")))
                .collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| anyhow::anyhow!("a thread panicked"))?)
        }
        _ => anyhow::bail!("no such look: {words:?}"),
    }
}

fn times(count: u64, path: &str) -> Result<()> {
    (0..count).try_for_each(|_| look(path))
}

fn look(path: &str) -> Result<()> {
    let path = CString::new(path)?;
    let mut room = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the path is a C string and the buffer a `struct stat`; both outlive the call.
    unsafe { libc::syscall(libc::SYS_newfstatat, libc::AT_FDCWD, path.as_ptr(), room.as_mut_ptr(), 0) };
    Ok(())
}
