//! The binary `agentsnoop`; all of it is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    agentsnoop::cli::main()
}
