//! Set-up, build, check and test of agentsnoop: `cargo xtask --help`.

mod agents;
#[expect(clippy::print_stdout, reason = "the figures are the output of the command")]
mod bench;
mod check;
mod fuzz;
mod kernels;
mod live;
mod picture;
mod product;
mod project;
mod setup;
mod test;
mod trials;
mod vm;

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::project::{Profile, Project};
use crate::setup::Purpose;

/// Set-up, build, check and test of agentsnoop.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Finds the tools that the build needs and installs the missing ones (as root; else prints the command).
    Setup,
    /// Sets up and builds agentsnoop.
    Build {
        /// Builds with optimisation.
        #[arg(long)]
        release: bool,
    },
    /// Sets up, builds, and runs agentsnoop with the arguments, under sudo where it needs root.
    Run {
        /// Builds without optimisation.
        #[arg(long)]
        debug: bool,
        /// Builds with optimisation, which is the default.
        #[arg(long, conflicts_with = "debug")]
        release: bool,
        /// Arguments of agentsnoop, after `--`.
        #[arg(last = true)]
        arguments: Vec<OsString>,
    },
    /// Checks format, lints, documentation, file lengths, and runs the tests that need no privileges.
    Check,
    /// Measures what observation costs, as ratios to the same work unobserved; needs root.
    Bench(bench::Args),
    /// Runs all tests: those of `check`, the live tests as root, and the live tests on other kernels in QEMU.
    Test {
        /// Runs a part only.
        #[arg(value_enum, default_value_t = test::Scope::All)]
        scope: test::Scope,
        /// Runs the tests in virtual machines on this kernel alone: 5.10, 6.1, 6.12 or newest.
        #[arg(long, value_name = "NAME")]
        kernel: Option<String>,
        /// Runs only the tests with this in their name there: cargo xtask test vm --kernel 6.1 --only 'a burst ends'.
        #[arg(long, value_name = "TEXT", requires = "kernel")]
        only: Option<String>,
    },
    /// Makes inputs for what takes bytes that anybody may have made: recordings, ring records, filters, texts.
    Fuzz(fuzz::Args),
    /// Kills recordings and resets machines while they record, and judges what is left; needs root.
    Trials(trials::Args),
    /// Writes the tables of docs/kernels.md from the reports in docs/kernels/.
    Kernels(kernels::Args),
    /// Draws the README's pictures: lines from the session in docs/, the screen from a stored recording.
    Picture {
        /// Only checks that the picture shows the session.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> ExitCode {
    match perform(Cli::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn perform(task: Task) -> Result<()> {
    let project = Project::find()?;
    match task {
        Task::Setup => setup::install(&project, &[Purpose::Build, Purpose::Live, Purpose::Vm]),
        Task::Build { release } => {
            setup::install(&project, &[Purpose::Build])?;
            let binary = product::build(&project, if release { Profile::Release } else { Profile::Dev })?;
            eprintln!("xtask: built {}", binary.display());
            Ok(())
        }
        Task::Run { debug, release: _, arguments } => {
            setup::install(&project, &[Purpose::Build])?;
            let binary = product::build(&project, if debug { Profile::Dev } else { Profile::Release })?;
            product::replace_with(&binary, &arguments)
        }
        Task::Check => {
            setup::install(&project, &[Purpose::Build])?;
            check::run_all(&project)
        }
        Task::Bench(arguments) => {
            setup::install(&project, &[Purpose::Build])?;
            let agentsnoop = product::build(&project, Profile::Release)?;
            let workload = product::build_of_tests(&project, "workload")?;
            let recorder = product::build_of_tests(&project, "recorder")?;
            let screen = product::build_of_tests(&project, "screen")?;
            bench::run(&arguments, &bench::Programs { agentsnoop, workload, recorder, screen })
        }
        Task::Test { scope, kernel, only } => test::run(&project, scope, kernel.as_deref(), only.as_deref()),
        Task::Fuzz(arguments) => fuzz::perform(&project, &arguments),
        Task::Trials(arguments) => trials::run_all(&project, &arguments),
        Task::Kernels(arguments) => kernels::run(&project, &arguments),
        Task::Picture { check } => picture::run(&project, check),
    }
}
