//! strace as a second observer of the same run: nothing missing, nothing extra (`docs/oracle.md`).

pub(crate) mod calls;
mod workloads;

use std::path::{Path, PathBuf};

use agentsnoop_tests::oracle::compare::{Report, compare};
use agentsnoop_tests::oracle::families::traced_calls;
use agentsnoop_tests::oracle::trace::{OPTIONS, Trace};
use agentsnoop_tests::oracle::{recorded, traced};
use anyhow::{Context, Result, ensure};
use libtest_mimic::{Failed, Trial};

use crate::harness::Observation;
use workloads::{WORKLOADS, Workload};

pub(crate) fn trials() -> Vec<Trial> {
    WORKLOADS.iter().map(trial).collect()
}

/// The test of a workload. Where a program that it needs is not here, it is skipped under a name that says so; CI has
/// set up everything, so there it fails.
fn trial(workload: &'static Workload) -> Trial {
    let missing = ["strace"].iter().chain(workload.programs).find(|name| find_program(name).is_none());
    let skipped = missing.map(|name| format!(" (skipped: there is no {name})")).unwrap_or_default();
    let name = format!("strace and agentsnoop see the same of {}{skipped}", workload.name);
    Trial::test(name, move || check(workload).map_err(|error| Failed::from(format!("{error:#}"))))
        .with_ignored_flag(missing.is_some() && std::env::var_os("CI").is_none())
}

/// A program on PATH.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.is_file())
}

fn check(workload: &Workload) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let work = folder.path().join("work");
    std::fs::create_dir(&work)?;
    let command = (workload.prepare)(&work).context("cannot prepare the workload")?;
    let report = observe(&command, folder.path(), workload.foreign_root)?;
    eprintln!("{}: {}", workload.name, report.to_string().lines().next().unwrap_or_default());
    ensure!(report.differences.is_empty(), "strace and agentsnoop differ; {report}");
    for (kind, least) in workload.at_least {
        let same = report.same.get(kind).copied().unwrap_or_default();
        ensure!(same >= *least, "only {same} of {kind} were compared, where there are {least} at least; {report}");
    }
    Ok(())
}

/// Runs a command under both observers and compares what they saw.
fn observe(command: &[String], folder: &Path, foreign_root: bool) -> Result<Report> {
    let traces = folder.join("traces");
    std::fs::create_dir(&traces)?;
    let (output, calls) = (traces.join("of").display().to_string(), traced_calls());
    let mut words = vec!["strace"];
    words.extend(OPTIONS);
    words.extend(["-o", &output, "-e", &calls, "--"]);
    words.extend(command.iter().map(String::as_str));
    let seen = Observation::command(&words).options(&["--quiet"]).run()?;
    ensure!(seen.output.status.success(), "{command:?} ended with {}: {}", seen.output.status, seen.stderr());
    seen.is_whole()?;
    let trace = Trace::read(&traces, "of").context("what strace wrote is not understood")?;
    let recorded = recorded::events(&seen.records, &trace)?;
    Ok(compare(&traced::events(&trace, foreign_root), &recorded))
}
