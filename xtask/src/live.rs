//! The live tests: one program that needs root and a kernel, run here and in virtual machines.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::product;
use crate::project::{Profile, Project, as_root, is_root, run, show};

/// The name of the test target.
pub(crate) const TARGET: &str = "live";
/// The variable that tells the live tests where the program under test is.
pub(crate) const BINARY_VARIABLE: &str = "AGENTSNOOP_BIN";

/// The programs of a live test run.
pub(crate) struct Live {
    /// The tests.
    pub(crate) tests: PathBuf,
    /// The program under test, as it is shipped.
    pub(crate) agentsnoop: PathBuf,
}

/// Builds the program under test and the live tests.
///
/// # Errors
/// Fails where one of them does not compile.
pub(crate) fn build(project: &Project) -> Result<Live> {
    let agentsnoop = product::build(project, Profile::Release)?;
    // The same selection of packages as for the offline tests gives the same features, so nothing is built twice.
    let mut command = project.cargo("test");
    command.args(["--workspace", "--exclude", "monitor-ebpf", "--test", TARGET, "--no-run"]);
    eprintln!("xtask: {}", show(&command));
    let tests = project.executable(&mut command, TARGET)?;
    Ok(Live { tests, agentsnoop })
}

/// Runs the live tests on the running kernel, under sudo where this process is not root.
///
/// # Errors
/// Fails where a test fails.
pub(crate) fn run_on_host(project: &Project, live: &Live) -> Result<()> {
    if !is_root() {
        eprintln!("xtask: the live tests load programs into the kernel: running them under sudo");
    }
    let mut command = as_root(&live.tests, &[(BINARY_VARIABLE, &live.agentsnoop)]);
    run(command.current_dir(project.root.join("tests"))).context("live tests on the running kernel")
}
