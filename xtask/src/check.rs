//! The checks that need no privileges: format, lints, documentation, lengths, offline tests.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::project::{Project, output, run};
use crate::{kernels, live, picture};

/// A source file beyond this length holds more than one thing.
const MAXIMUM_LINES: usize = 600;

/// The kernel half has no standard library to run tests with.
const KERNEL_HALF: &str = "monitor-ebpf";

/// Runs all checks, the quick ones first.
///
/// # Errors
/// Fails at the first check that fails.
pub(crate) fn run_all(project: &Project) -> Result<()> {
    run(project.cargo("fmt").args(["--all", "--check"]))?;
    lengths(project)?;
    picture::run(project, true)?;
    kernels::check(project)?;
    run(project.cargo("clippy").args(["--workspace", "--all-targets", "--", "-D", "warnings"]))?;
    let other_kernels = ["--package", KERNEL_HALF, "--features", "untyped,plain-add"];
    run(project.cargo("clippy").args(other_kernels).args(["--", "-D", "warnings"]))?;
    let mut documentation = project.cargo("doc");
    run(documentation.args(["--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"))?;
    offline_tests(project)
}

/// Runs unit, integration and documentation tests, but for the live ones.
fn offline_tests(project: &Project) -> Result<()> {
    let selection = ["--workspace", "--exclude", KERNEL_HALF];
    let mut tests = project.cargo("test");
    tests.args(selection).args(["--lib", "--bins"]);
    for name in project.integration_tests.iter().filter(|name| *name != live::TARGET) {
        tests.args(["--test", name]);
    }
    run(&mut tests)?;
    run(project.cargo("test").args(selection).arg("--doc"))
}

/// Refuses source files that have grown too long.
fn lengths(project: &Project) -> Result<()> {
    let mut git = std::process::Command::new("git");
    let files = output(git.current_dir(&project.root).args(["ls-files", "-z", "--", "*.rs"]))?;
    let mut long = Vec::new();
    for file in files.split_terminator('\0') {
        let path = project.root.join(file);
        // A file that is deleted but not yet committed is still listed.
        if path.is_file()
            && let Some(lines) = beyond_maximum(&path)?
        {
            long.push(format!("{file} has {lines} lines"));
        }
    }
    if !long.is_empty() {
        bail!("source files have at most {MAXIMUM_LINES} lines, split these: {}", long.join(", "));
    }
    Ok(())
}

/// The number of lines where it is too high.
fn beyond_maximum(path: &Path) -> Result<Option<usize>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let lines = text.lines().count();
    Ok((lines > MAXIMUM_LINES).then_some(lines))
}
