//! What /proc tells of processes that existed before they were tracked, and of calls that are under way.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::input::Existing;
use anyhow::{Context, Result};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::sys::stat::fstatat;
use procfs::process::{Process, all_processes};

/// Bytes of /proc/PID/maps that are read, and mappings that are looked for in it: a process maps what it likes, and
/// the C library is among the first.
const MAPS_BYTES: u64 = 4 * 1024 * 1024;
const MAPPED: usize = 64;

/// Bytes of a command line that are kept of a process that existed before; its exec was not seen.
const ARGV_BYTES: usize = 64 * 1024;

/// A process that existed before, with its threads.
#[derive(Clone, Debug)]
pub struct Found {
    /// What /proc tells of it.
    pub process: Existing,
    /// Its threads, the leader (whose id is the process's) among them.
    pub threads: Vec<Thread>,
}

/// A thread, told from a later one with the same id by its start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thread {
    /// Its id.
    pub tid: u32,
    /// Its start in ticks since the boot.
    start: u64,
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
    // A thread that ends between the listing and the reading needs no tracking any more.
    let threads = process
        .tasks()
        .with_context(cannot)?
        .flatten()
        .filter_map(|task| Some(Thread { tid: u32::try_from(task.tid).ok()?, start: task.stat().ok()?.starttime }));
    let threads = threads.collect();
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

/// Those of the threads of a process that have ended since they were found.
///
/// A leader that has ended stays in /proc as long as its process, and is gone with the last other thread.
#[must_use]
pub fn gone(pid: u32, threads: &[Thread]) -> Vec<u32> {
    let Some(process) = i32::try_from(pid).ok().and_then(|pid| Process::new(pid).ok()) else {
        return threads.iter().map(|thread| thread.tid).collect();
    };
    let state = |thread: &Thread| {
        let stat = process.task_from_tid(i32::try_from(thread.tid).ok()?).ok()?.stat().ok()?;
        (stat.starttime == thread.start).then_some(stat.state)
    };
    let has_ended = |state: Option<char>| matches!(state, None | Some('Z' | 'X'));
    let mut gone: Vec<u32> = threads
        .iter()
        .filter(|thread| thread.tid != pid && has_ended(state(thread)))
        .map(|thread| thread.tid)
        .collect();
    let Some(leader) = threads.iter().find(|thread| thread.tid == pid) else { return gone };
    let state = state(leader);
    // Of a leader that has ended the other threads decide, those among them that were not found as well.
    let alone = || process.stat().map_or(true, |stat| stat.num_threads <= 1);
    if state.is_none() || has_ended(state) && alone() {
        gone.push(pid);
    }
    gone
}

/// A clock tick of /proc (`USER_HZ` 100 on x86-64), nanoseconds: how exact a start time is.
pub const TICK_NS: u64 = 10_000_000;

/// When the process of a thread began, nanoseconds of the boot clock in steps of [`TICK_NS`]; `None` when the process
/// has no such thread.
#[must_use]
pub fn start_of_thread(pid: u32, tid: u32) -> Option<u64> {
    if !Path::new(&format!("/proc/{pid}/task/{tid}")).exists() {
        return None;
    }
    let start = Process::new(i32::try_from(pid).ok()?).ok()?.stat().ok()?.starttime;
    Some(start.saturating_mul(TICK_NS))
}

/// The paths of the files that a process has mapped whose name, without the folder, `wanted` accepts; each once.
pub fn mapped(pid: u32, wanted: impl Fn(&[u8]) -> bool) -> BTreeSet<String> {
    let Ok(file) = File::open(format!("/proc/{pid}/maps")) else { return BTreeSet::new() };
    // proc(5): five fields, and the path behind any number of blanks; what it shows as a path begins with a slash.
    let lines = BufReader::new(file.take(MAPS_BYTES)).split(b'\n').map_while(Result::ok);
    let paths = lines.filter_map(|line| {
        let path = line.get(line.iter().position(|byte| *byte == b'/')?..)?;
        let name = path.rsplit(|byte| *byte == b'/').next()?;
        wanted(name).then(|| String::from_utf8_lossy(path).into_owned())
    });
    paths.take(MAPPED).collect()
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

/// The ancestors of a process, from the one furthest away to its parent; one that ends meanwhile ends the list.
#[must_use]
pub fn ancestors(pid: u32) -> Vec<Existing> {
    /// Generations that are followed; a longer lineage is cut at its head.
    const GENERATIONS: usize = 256;
    let parent = |of: &Existing| Some(of.parent).filter(|pid| *pid != 0);
    let found = |pid| process(pid, Existing::UNTRACKED).ok().map(|found| found.process);
    let Some(own) = found(pid) else { return Vec::new() };
    let above = std::iter::successors(parent(&own).and_then(found), |above| parent(above).and_then(found));
    let mut ancestors: Vec<Existing> = above.take(GENERATIONS).collect();
    ancestors.reverse();
    ancestors
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

/// The package that a script or a program belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: Option<String>,
    /// The folder of its package.json, links resolved.
    pub folder: PathBuf,
}

impl Package {
    /// Whether it lies where a package manager puts a package of its name. A package.json that anybody has written can hold
    /// any name.
    fn is_installed(&self) -> bool {
        self.folder.ends_with(Path::new("node_modules").join(&self.name))
    }
}

/// The name of the package that a script was installed with, its symbolic links resolved; `None` when there is none, and
/// where no package manager has put it.
#[must_use]
pub fn package_of(script: &Path) -> Option<String> {
    package_at(script).filter(Package::is_installed).map(|package| package.name)
}

/// The package of the nearest package.json with a name above a file, its symbolic links resolved: one without only says
/// how the files beside it are to be read (<https://nodejs.org/api/packages.html>).
#[must_use]
pub fn package_at(file: &Path) -> Option<Package> {
    let file = std::fs::canonicalize(file).ok()?;
    file.ancestors().skip(1).take(PACKAGE_DEPTH).find_map(package_in)
}

fn package_in(folder: &Path) -> Option<Package> {
    let content = open_package(&folder.join("package.json"))?;
    let package: serde_json::Value = serde_json::from_reader(BufReader::new(content.take(PACKAGE_BYTES))).ok()?;
    let field = |name: &str| package.get(name)?.as_str().map(str::to_owned);
    Some(Package { name: field("name")?, version: field("version"), folder: folder.to_owned() })
}

/// Opens a file that an observed process has named, or may have made: what is no regular file is not waited for.
fn open_package(path: &Path) -> Option<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    file.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= PACKAGE_BYTES).then_some(file)
}

/// The folder with `.git` that is nearest to a working directory, itself or above it, in the file system of that directory, as
/// git looks for its repository (git(1), GIT_DISCOVERY_ACROSS_FILESYSTEM); `None` when there is none. Paths are those of the
/// process that works there. Nothing is mounted by looking (`AT_NO_AUTOMOUNT`), and no link is followed.
#[must_use]
pub fn project_of(pid: u32, cwd: &str) -> Option<String> {
    let look = |path: &Path| {
        let flags = AtFlags::AT_SYMLINK_NOFOLLOW | AtFlags::AT_NO_AUTOMOUNT;
        fstatat(AT_FDCWD, path, flags).ok()
    };
    let seen = |path: &Path| {
        let inside = PathBuf::from(format!("/proc/{pid}/root/{}", path.strip_prefix("/").unwrap_or(path).display()));
        // A process that has ended shows no root any more.
        look(&inside).or_else(|| look(path))
    };
    let cwd = Path::new(cwd);
    let device = seen(cwd)?.st_dev;
    let within = |folder: &&Path| seen(folder).is_some_and(|found| found.st_dev == device);
    let root = cwd.ancestors().take_while(within).find(|folder| seen(&folder.join(".git")).is_some())?;
    root.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_the_nearest_folder_with_a_repository() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let below = root.join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        let own = std::process::id();
        let found = |pid: u32| project_of(pid, below.to_str().unwrap());
        let before = found(own);
        std::fs::create_dir(root.join(".git")).unwrap();
        assert_eq!(found(own).as_deref(), root.to_str());
        // A worktree and a submodule have a file of that name.
        std::fs::write(root.join("a/.git"), "gitdir: elsewhere").unwrap();
        assert_eq!(found(own), Some(root.join("a").display().to_string()));
        assert_eq!(found(u32::MAX), found(own), "of a process that is gone");
        assert_eq!(project_of(own, root.join("missing").to_str().unwrap()), None);
        assert!(
            before.is_none_or(|above| root.starts_with(above)),
            "a repository around the folder for temporary files"
        );
    }

    #[test]
    fn a_package_is_told_where_a_package_manager_has_put_it() {
        let folder = tempfile::tempdir().unwrap();
        let file = |path: &str, content: &str| {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, content).unwrap();
            path
        };
        let script = file("lib/node_modules/@some/agent/dist/cli.js", "");
        file("lib/node_modules/@some/agent/package.json", r#"{"name": "@some/agent"}"#);
        // It only says how the scripts beside it are to be read.
        file("lib/node_modules/@some/agent/dist/package.json", r#"{"type": "module"}"#);
        let link = folder.path().join("agent");
        std::os::unix::fs::symlink(&script, &link).unwrap();
        assert_eq!(package_of(&script).as_deref(), Some("@some/agent"));
        assert_eq!(package_of(&link).as_deref(), Some("@some/agent"));
        let copied = file("work/cli.js", "");
        file("work/package.json", r#"{"name": "@some/agent", "version": "1.0"}"#);
        assert_eq!(package_of(&copied), None, "anybody can write a package.json");
        assert_eq!(package_at(&copied).and_then(|package| package.version).as_deref(), Some("1.0"));
        let other = file("lib/node_modules/other/cli.js", "");
        file("lib/node_modules/other/package.json", r#"{"name": "@some/agent"}"#);
        assert_eq!(package_of(&other), None, "its place has another name");
    }

    #[test]
    fn a_child_is_in_the_tree_of_its_parent() {
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let found = tree(std::process::id());
        let seen = process(child.id(), 1);
        let threads = seen.as_ref().map(|found| found.threads.clone()).unwrap_or_default();
        let before = gone(child.id(), &threads);
        child.kill().unwrap();
        // Killed and not waited for, it is a zombie; both that and nothing at all count as gone.
        while gone(child.id(), &threads).is_empty() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert_eq!(gone(child.id(), &threads), [child.id()]);
        assert!(before.is_empty(), "{before:?}");
        assert!(found.unwrap().contains(&child.id()));
        let seen = seen.unwrap();
        assert_eq!(seen.process.parent, std::process::id());
        assert_eq!(seen.threads.iter().map(|thread| thread.tid).collect::<Vec<_>>(), [child.id()]);
        assert!(seen.process.start_ticks_ns > 0);
    }

    #[test]
    fn this_process_has_mapped_its_own_program() {
        let program = std::env::current_exe().unwrap();
        let name = program.file_name().unwrap().to_owned();
        let found = mapped(std::process::id(), |path| path == name.as_bytes());
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [program.to_string_lossy()]);
    }

    #[test]
    fn a_process_that_does_not_exist_is_an_error_that_names_it() {
        let error = process(u32::MAX / 1024, 1).unwrap_err();
        assert!(format!("{error:#}").contains("from /proc"), "{error:#}");
    }
}
