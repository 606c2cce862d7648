//! Each map of the kernel half when it is full: nothing is lost, and what it costs is counted exactly.

use anyhow::{Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, counts_repeats, judge_all, observe, trial, verify};

/// Entries of the map under test.
const ROOM: usize = 4;
/// Processes that each want one, all there at once.
const CHILDREN: usize = 9;
/// Calls that each of them makes.
const CALLS: usize = 25;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial(
            "processes that do not fit the map of repeats have each call told, counted exactly, and lose none",
            repeats,
        ),
        trial("bursts that do not fit their map are told call by call, counted exactly, and lose no byte", bursts),
    ]
}

/// Observes the children with a map of [`ROOM`] entries; the option that sets it, and what they do.
fn observe_full(option: &str, what: &str) -> Result<Seen> {
    let (room, children, calls) = (ROOM.to_string(), CHILDREN.to_string(), CALLS.to_string());
    let seen = Observation::trigger(&["full", what, &children, &calls])?.options(&["--strict", option, &room]).run()?;
    Ok(seen)
}

/// Nothing is lost, so nothing is held against the run.
fn is_clean(seen: &Seen) -> Result<()> {
    ensure!(seen.output.status.code() == Some(0), "run ended with {}: {}", seen.output.status, seen.stderr());
    seen.is_whole()
}

fn repeats() -> Result<()> {
    let calls = |seen: &Seen| -> Result<u64> {
        let verdict = verify(&seen.file)?;
        let calls = &verdict["ledger"]["stat_calls"];
        ensure!(calls["lost"] == 0 && calls["held"] == 0 && calls["seen"] == calls["recorded"], "{verdict:#}");
        Ok(calls["seen"].as_u64().unwrap_or_default())
    };
    let beside = observe(&["full", "stats", "0", "0"])?;
    let seen = observe_full("--repeats", "stats")?;
    is_clean(&seen)?;
    let made = (CHILDREN * CALLS) as u64;
    ensure!(calls(&seen)? == calls(&beside)? + made, "{} calls, not {made} and those of any start", calls(&seen)?);
    if !counts_repeats()? {
        // Where nothing is counted there is no map either, and each call is a record.
        return Ok(());
    }
    // The trigger itself has an entry, and so have as many children as fit.
    let without = (CHILDREN - (ROOM - 1)) * CALLS;
    let verdict = verify(&seen.file)?;
    ensure!(verdict["ledger"]["faults"]["repeats_map_full"] == without, "{verdict:#}");
    ensure!(verify(&beside.file)?["ledger"]["faults"].get("repeats_map_full").is_none(), "a map with room is full");
    let of_the_file = |record: &&&Value| record["stat"]["requested"] == FILE;
    let stats = seen.kind("stat");
    let told: u64 = stats.iter().filter(of_the_file).filter_map(|record| record["stat"]["count"].as_u64()).sum();
    ensure!(told == made + 1, "{told} calls of {FILE} are told, not {made} and the trigger's own");
    // A first call and its repeats are two records; without a place each call is one.
    let records = stats.iter().filter(of_the_file).count();
    ensure!(records == without + 2 * (ROOM - 1) + 1, "{records} records of {FILE}");
    Ok(())
}

fn bursts() -> Result<()> {
    judge_all(|| observe_full("--bursts", "bursts"), burst_by_call)
}

fn burst_by_call(seen: &Seen) -> Result<()> {
    is_clean(seen)?;
    let verdict = verify(&seen.file)?;
    let without = (CHILDREN - ROOM) * CALLS;
    ensure!(verdict["ledger"]["faults"]["burst_map_full"] == without, "{verdict:#}");
    let over: Vec<&Value> =
        seen.kind("traffic").into_iter().filter(|record| !record["traffic"]["ended"].is_null()).collect();
    let bytes: u64 = over.iter().filter_map(|record| record["traffic"]["bytes"].as_u64()).sum();
    ensure!(bytes == (CHILDREN * CALLS) as u64, "{bytes} bytes are told of {}", CHILDREN * CALLS);
    let alone = over.iter().filter(|record| record["traffic"]["bytes"] == 1).count();
    ensure!(alone >= without, "{alone} calls are told by themselves, of {without} without a place");
    ensure!(over.len() <= without + ROOM * CALLS / 2, "{} records: the bursts with a place are none", over.len());
    Ok(())
}

/// What is looked at.
const FILE: &str = "/etc/hostname";

/// `full stats|bursts CHILDREN CALLS`: children that are all there at once, each with so many calls of one kind.
pub(crate) fn trigger(what: &str, children: usize, calls: usize) -> Result<()> {
    use nix::unistd::{ForkResult, fork, pipe, read, write};
    if what == "stats" {
        stat(FILE)?;
    }
    let (done, tell) = pipe()?;
    let (hold, held) = pipe()?;
    for _ in 0..children {
        // SAFETY: this process has one thread, so the child may do whatever its parent may.
        if let ForkResult::Child = unsafe { fork() }? {
            drop(held);
            let made = match what {
                "stats" => (0..calls).try_for_each(|_| stat(FILE)),
                _ => send(calls),
            };
            let _ = write(&tell, &[u8::from(made.is_ok())]);
            let _ = read(&hold, &mut [0]);
            // SAFETY: _exit takes a number.
            unsafe { libc::_exit(0) };
        }
    }
    for _ in 0..children {
        let mut made = [0];
        ensure!(read(&done, &mut made)? == 1 && made == [1], "a child could not make its calls");
    }
    drop(held);
    for _ in 0..children {
        nix::sys::wait::wait()?;
    }
    Ok(())
}

fn stat(path: &str) -> Result<()> {
    Ok(nix::sys::stat::stat(path).map(drop)?)
}

/// Sends a byte a call, over a socket that stays open until the process ends.
fn send(calls: usize) -> Result<()> {
    use std::io::Write as _;
    let (mut one, other) = std::os::unix::net::UnixStream::pair()?;
    (0..calls).try_for_each(|_| one.write_all(b"x"))?;
    std::mem::forget((one, other));
    Ok(())
}
