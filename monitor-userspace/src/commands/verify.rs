//! `agentsnoop verify`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Result;

use crate::{error::Exit, store::verify};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop verify out.rec
  agentsnoop verify --json out.rec | jq .head

Checks every checksum, the chain of blocks, the sequence of records on each CPU, and that the counts of the kernel half \
equal what was stored, lost and filtered. The exit code is 0 for a recording that is sound and closed, 1 for one that \
is damaged, does not add up, or was not closed (which a cut looks like), 4 for a file that is no recording. Whoever can \
write the file can also make a new chain: compare the chain's head with the one that was printed when the recording was \
made.")]
pub struct Args {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The report as one JSON object
    #[arg(long)]
    json: bool,
}

/// Does `verify`.
///
/// # Errors
///
/// The file is no recording, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let report = verify::verify(&args.file)?;
    let mut out = io::stdout().lock();
    if args.json {
        serde_json::to_writer(&mut out, &report)?;
        writeln!(out)?;
    } else {
        write!(out, "{report}")?;
    }
    out.flush()?;
    Ok(if report.ok { ExitCode::SUCCESS } else { Exit::No.into() })
}
