//! Builds and runs the program itself.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Error, Result};

use crate::project::{Profile, Project, as_root, is_root, show};

/// The name of the package and of its program.
const NAME: &str = "agentsnoop";

/// Commands that load programs into the kernel. The others read files, for which their user's rights are the right ones.
const PRIVILEGED: [&str; 3] = ["run", "watch", "doctor"];

/// Builds agentsnoop, with the kernel half in it, and returns the path of the program.
///
/// # Errors
/// Fails where it does not compile; the messages are on standard error.
pub(crate) fn build(project: &Project, profile: Profile) -> Result<PathBuf> {
    let mut command = project.cargo("build");
    command.args(["--package", NAME]);
    if profile == Profile::Release {
        command.arg("--release");
    }
    eprintln!("xtask: {}", show(&command));
    project.executable(&mut command, NAME)
}

/// Builds a program of the tests that the bench measures with, optimized, and returns its path.
///
/// # Errors
/// Fails where it does not compile; the messages are on standard error.
pub(crate) fn build_of_tests(project: &Project, program: &str) -> Result<PathBuf> {
    let mut command = project.cargo("build");
    command.args(["--release", "--package", "agentsnoop-tests", "--bin", program]);
    eprintln!("xtask: {}", show(&command));
    project.executable(&mut command, program)
}

/// Replaces this process with the program, so that its signals and its exit code are its own.
///
/// # Errors
/// Returns only where the program could not be started.
pub(crate) fn replace_with(program: &Path, arguments: &[OsString]) -> Result<()> {
    let privileged = arguments.first().is_some_and(|name| PRIVILEGED.iter().any(|privileged| name == privileged));
    let mut command = if privileged { as_root(program, &[]) } else { std::process::Command::new(program) };
    command.args(arguments);
    if privileged && !is_root() {
        eprintln!("xtask: `{}` needs root: sudo {}", arguments[0].display(), program.display());
    }
    let error = command.exec();
    Err(Error::new(error).context(format!("cannot start `{}`", show(&command))))
}
