//! All tests, in the order in which they fail fastest.

use anyhow::Result;
use clap::ValueEnum;

use crate::project::Project;
use crate::setup::Purpose;
use crate::{check, live, setup, vm};

/// Which tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Scope {
    /// The checks, and the live tests on the running kernel.
    Host,
    /// The live tests on other kernels in QEMU.
    Vm,
    /// Both.
    All,
}

/// Sets up and runs the tests.
///
/// # Errors
/// Fails at the first part that fails.
pub(crate) fn run(project: &Project, scope: Scope) -> Result<()> {
    let (host, vm) = (scope != Scope::Vm, scope != Scope::Host);
    let purposes = if vm { &[Purpose::Build, Purpose::Vm][..] } else { &[Purpose::Build] };
    setup::install(project, purposes)?;
    if host {
        check::run_all(project)?;
    }
    let live = live::build(project)?;
    if host {
        live::run_on_host(project, &live)?;
    }
    if vm {
        vm::run(project, &live)?;
    }
    Ok(())
}
