//! All tests, in the order in which they fail fastest.

use anyhow::Result;
use clap::ValueEnum;

use crate::project::Project;
use crate::setup::Purpose;
use crate::vm::boot::Tests;
use crate::{agents, check, fuzz, live, setup, vm};

/// Which tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// The checks, and the live tests on the running kernel.
    Host,
    /// A short run of each fuzz target.
    Fuzz,
    /// The live tests on other kernels in QEMU.
    Vm,
    /// Real agents in scripted sessions, on the running kernel. Makes the user `agentbench` for them.
    Agents,
    /// All of them; real agents only in CI or where the user `agentbench` is there already.
    All,
}

/// Sets up and runs the tests; in virtual machines on the kernel of that name alone, where one is named, and only tests whose name
/// has `only` in it.
///
/// # Errors
/// Fails at the first part that fails.
pub(crate) fn run(project: &Project, scope: Scope, kernel: Option<&str>, only: Option<&str>) -> Result<()> {
    let wants = |part| scope == part || scope == Scope::All;
    let agents = scope == Scope::Agents || scope == Scope::All && agents::are_welcome();
    let mut purposes = vec![Purpose::Build];
    purposes.extend(wants(Scope::Host).then_some(Purpose::Live));
    purposes.extend(wants(Scope::Fuzz).then_some(Purpose::Fuzz));
    purposes.extend(wants(Scope::Vm).then_some(Purpose::Vm));
    purposes.extend(agents.then_some(Purpose::Agents));
    setup::install(project, &purposes)?;
    if wants(Scope::Host) {
        check::run_all(project)?;
    }
    if wants(Scope::Fuzz) {
        fuzz::short(project)?;
        if scope == Scope::Fuzz {
            return Ok(());
        }
    }
    let live = live::build(project)?;
    if wants(Scope::Host) {
        live::run_on_host(project, &live)?;
    }
    if agents {
        agents::run(project, &live)?;
    } else if scope == Scope::All {
        eprintln!("xtask: skipped: real agents, since there is no user agentbench; `cargo xtask test agents` makes it");
    }
    if wants(Scope::Vm) {
        let tests = match (only, kernel) {
            (Some(name), _) => Tests::Only(name),
            (None, Some(_)) => Tests::OfAKernel,
            (None, None) => Tests::Essential,
        };
        vm::run(project, &live, kernel, tests)?;
    }
    Ok(())
}
