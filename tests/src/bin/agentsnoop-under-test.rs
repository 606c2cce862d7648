//! The command line of agentsnoop, built with the tests, so that they never run an older one.

use std::process::ExitCode;

fn main() -> ExitCode {
    agentsnoop::cli::main()
}
