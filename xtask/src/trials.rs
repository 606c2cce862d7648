//! `cargo xtask trials`: what is left of a recording whose writer or whose machine stops at once.

mod reset;

use anyhow::{Context as _, Result};
use clap::ValueEnum;

use crate::live::{self, BINARY_VARIABLE};
use crate::project::{Project, as_root, run};
use crate::setup::{self, Purpose};

/// Sets how often the live test kills a recording.
const COUNT_VARIABLE: &str = "AGENTSNOOP_TRIALS";
/// Words of the name of that test.
const KILLED: &str = "whose writer is killed";
/// Sets the seed of everything random in the live tests.
const SEED_VARIABLE: &str = "AGENTSNOOP_SEED";

/// How to use it, below the options.
const HELP: &str = "\
Examples:
  cargo xtask trials                          200 recordings killed with kill -9, then 20 machines reset
  cargo xtask trials kill --count 20
  cargo xtask trials reset --count 1 --seed 7

A load opens files with numbers in their names as fast as it can without filling the ring, and notes when. A recording \
must open, must be whole and in order up to its end, and must have each event that is older than a second (kill) or five \
(reset, on ext4). The figures of each trial are printed, and at last the worst.";

/// What stops at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// The process that writes: kill -9, on the running kernel.
    Kill,
    /// The machine: a virtual one with a disk of its own, ended from outside.
    Reset,
}

/// Arguments of `trials`.
#[derive(Debug, clap::Args)]
#[command(after_help = HELP)]
pub(crate) struct Args {
    /// One kind; both where none is named.
    #[arg(value_enum)]
    kind: Option<Kind>,
    /// How often [default: 200 kills, 20 resets].
    #[arg(long, value_name = "N")]
    count: Option<u32>,
    /// Begins with this seed, which each run prints, instead of a random one.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

/// Sets up, builds, and makes the trials.
///
/// # Errors
/// Fails at the first recording that lacks more than it may.
pub(crate) fn run_all(project: &Project, args: &Args) -> Result<()> {
    let wants = |kind| args.kind.is_none_or(|only| only == kind);
    let mut purposes = vec![Purpose::Build];
    purposes.extend(wants(Kind::Reset).then_some(Purpose::Vm));
    setup::install(project, &purposes)?;
    let live = live::build(project)?;
    if wants(Kind::Kill) {
        let count = args.count.unwrap_or(200).to_string();
        let seed = args.seed.map(|seed| seed.to_string());
        let mut variables = vec![(BINARY_VARIABLE, live.agentsnoop.as_path()), (COUNT_VARIABLE, count.as_ref())];
        variables.extend(seed.as_ref().map(|seed| (SEED_VARIABLE, seed.as_ref())));
        let mut command = as_root(&live.tests, &variables);
        run(command.current_dir(project.root.join("tests")).arg(KILLED)).context("recordings that were killed")?;
    }
    if wants(Kind::Reset) {
        reset::run(project, &live, args.count.unwrap_or(20), args.seed)?;
    }
    Ok(())
}
