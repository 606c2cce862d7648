//! What /proc tells of processes that existed before they were tracked, and of calls that are under way.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use agentsnoop_pipeline::input::Existing;
use anyhow::{Context, Result};
use monitor_common::syscall::{INTEREST, NUMBERS};
use procfs::process::{Process, all_processes};

/// Bytes of a command line that are kept of a process that existed before; its exec was not seen.
const ARGV_BYTES: usize = 64 * 1024;

/// A process that existed before, with its threads.
#[derive(Clone, Debug)]
pub struct Found {
    /// What /proc tells of it.
    pub process: Existing,
    /// The ids of its threads, its own among them.
    pub threads: Vec<u32>,
}

/// One process.
///
/// # Errors
///
/// There is no such process, or /proc does not show it.
pub fn process(pid: u32, root: u32) -> Result<Found> {
    let cannot = || format!("cannot read process {pid} from /proc; it may have ended");
    let process = Process::new(i32::try_from(pid).context("a pid is at most 4194304")?).with_context(cannot)?;
    let stat = process.stat().with_context(cannot)?;
    let threads =
        process.tasks().with_context(cannot)?.flatten().filter_map(|task| u32::try_from(task.tid).ok()).collect();
    let tick = 1_000_000_000 / procfs::ticks_per_second().max(1);
    let text = |bytes: &OsStr| String::from_utf8_lossy(bytes.as_bytes()).into_owned();
    let mut argv = process.cmdline().unwrap_or_default();
    let mut left = ARGV_BYTES;
    argv.retain(|argument| {
        let fits = argument.len() <= left;
        left = left.saturating_sub(argument.len());
        fits
    });
    Ok(Found {
        process: Existing {
            pid,
            parent: u32::try_from(stat.ppid).unwrap_or(0),
            root,
            start_ticks_ns: stat.starttime.saturating_mul(tick),
            uid: process.status().map_or(u32::MAX, |status| status.ruid),
            comm: stat.comm,
            exe: process.exe().ok().map(|path| text(path.as_os_str())),
            argv,
            cwd: process.cwd().ok().map(|path| text(path.as_os_str())),
        },
        threads,
    })
}

/// The pids of a process and of its descendants, ancestors first.
///
/// # Errors
///
/// /proc cannot be listed.
pub fn tree(root: u32) -> Result<Vec<u32>> {
    let mut children: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for process in all_processes().context("cannot list /proc")?.flatten() {
        // A process that ends between the listing and the reading has no descendants left in the tree.
        let Ok(stat) = process.stat() else { continue };
        if let (Ok(parent), Ok(pid)) = (u32::try_from(stat.ppid), u32::try_from(stat.pid)) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let (mut found, mut seen) = (vec![root], BTreeSet::from([root]));
    let mut at = 0;
    while let Some(pid) = found.get(at) {
        found.extend(
            children.get(pid).into_iter().flatten().copied().filter(|child| seen.insert(*child)).collect::<Vec<_>>(),
        );
        at += 1;
    }
    Ok(found)
}

/// Every process of this machine that /proc shows, for the search for agents that run already.
///
/// # Errors
///
/// /proc cannot be listed.
pub fn all() -> Result<impl Iterator<Item = Found>> {
    let processes = all_processes().context("cannot list /proc")?;
    Ok(processes.flatten().filter_map(|found| {
        let pid = u32::try_from(found.pid).ok()?;
        process(pid, pid).ok()
    }))
}

/// Folders above a script that are looked at for its package.json; packages nest no deeper in practice.
const PACKAGE_DEPTH: usize = 16;

/// Bytes of a package.json that is read; its `name` is in the first lines.
const PACKAGE_BYTES: u64 = 1024 * 1024;

/// The `name` of the package.json nearest to a script, its symbolic links resolved; `None` when there is none.
#[must_use]
pub fn package_of(script: &Path) -> Option<String> {
    let script = std::fs::canonicalize(script).ok()?;
    let file = script
        .ancestors()
        .skip(1)
        .take(PACKAGE_DEPTH)
        .find_map(|folder| std::fs::File::open(folder.join("package.json")).ok())?;
    let package: serde_json::Value = serde_json::from_reader(std::io::Read::take(file, PACKAGE_BYTES)).ok()?;
    Some(package.get("name")?.as_str()?.to_owned())
}

/// Whether a thread is in a call that is recorded when it returns (`/proc/TID/syscall`, proc(5)).
#[must_use]
pub fn in_recorded_call(tid: u32) -> bool {
    let Ok(text) = std::fs::read_to_string(format!("/proc/{tid}/syscall")) else { return false };
    let number = text.split(' ').next().and_then(|number| number.parse::<usize>().ok());
    number.filter(|number| *number < NUMBERS).is_some_and(|number| INTEREST[number / 64] >> (number % 64) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_is_in_the_tree_of_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        let seen = process(child.id(), 1);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found.unwrap().contains(&child.id()));
        let seen = seen.unwrap();
        assert_eq!(seen.process.parent, std::process::id());
        assert_eq!(seen.threads, [child.id()]);
        assert!(seen.process.start_ticks_ns > 0);
    }

    #[test]
    fn a_process_that_does_not_exist_is_an_error_that_names_it() {
        let error = process(u32::MAX / 1024, 1).unwrap_err();
        assert!(format!("{error:#}").contains("from /proc"), "{error:#}");
    }
}
