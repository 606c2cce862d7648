//! The command line.

use std::io::Write;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::commands;
use crate::error::{Exit, exit_of, is_broken_pipe};
use crate::run::{monitor, start::MONITOR_COMMAND};

const AFTER_HELP: &str = "\
Exit codes: 0 success; 1 the answer is \"no\" (verify found something broken); 2 usage; 3 not permitted, or no hook could \
attach; 4 unreadable input; 5 data was lost, with --strict; 125 agentsnoop itself failed. `run` returns the command's own code, 128+n for a signal, \
125 when agentsnoop failed before the command started, 126 and 127 when the command cannot be executed or found.";

/// Shows what an AI coding agent really does: every program it runs, every file it opens or fails to open, every
/// endpoint it connects to and every environment variable it looks up.
#[derive(Debug, Parser)]
#[command(name = "agentsnoop", version, after_help = AFTER_HELP, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Run a command under observation, record it, and end with a summary
    Run(commands::run::Args),
    /// Show what agents on this machine do, as it happens
    Watch(commands::watch::Args),
    /// Show a recording again, as it was shown live
    Replay(commands::replay::Args),
    /// Select records of a recording
    Query(commands::query::Args),
    /// Write a recording as JSON lines or as an SQLite database
    Export(commands::export::Args),
    /// Check a recording: frames, chain, sequence and ledger
    Verify(commands::verify::Args),
    /// Say which agents are installed and run here, and how they are set up, without running any
    Agents(commands::agents::Args),
    /// Say what things are for, by which rules, and check files that extend them
    Rules(commands::rules::Args),
    /// Say what can be observed on this machine, and what cannot and why
    Doctor(commands::doctor::Args),
}

/// Parses the command line and does what it says.
#[must_use]
pub fn main() -> ExitCode {
    // The monitor is started by `run` alone and has no options, so it needs no place in the help.
    if std::env::args_os().nth(1).is_some_and(|argument| argument == MONITOR_COMMAND) {
        return exit_code(monitor::main().map(|()| ExitCode::SUCCESS));
    }
    match Cli::try_parse() {
        Ok(cli) => exit_code(cli.command.run()),
        Err(error) => {
            // Help and version go to standard output with 0, mistakes to standard error with 2; nothing can be done
            // about a terminal that is gone.
            let _ = error.print();
            if error.use_stderr() { Exit::Usage.into() } else { ExitCode::SUCCESS }
        }
    }
}

impl Verb {
    fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Run(args) => commands::run::run(&args),
            Self::Watch(args) => commands::watch::run(&args),
            Self::Replay(args) => commands::replay::run(&args),
            Self::Query(args) => commands::query::run(&args),
            Self::Export(args) => commands::export::run(&args),
            Self::Verify(args) => commands::verify::run(&args),
            Self::Agents(args) => commands::agents::run(&args),
            Self::Rules(args) => commands::rules::run(&args),
            Self::Doctor(args) => commands::doctor::run(&args),
        }
    }
}

/// The exit code of a result; an error is shown on standard error.
fn exit_code(result: anyhow::Result<ExitCode>) -> ExitCode {
    match result {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "agentsnoop: {error:#}");
            exit_of(&error).into()
        }
    }
}
