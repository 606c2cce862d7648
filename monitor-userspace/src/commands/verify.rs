//! `agentsnoop verify`.

use std::{
    io::{BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context as _, Result};

use crate::{
    error::{Exit, fail},
    sink::standard,
    source::recording::Recording,
    store::{frame, verify},
};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop verify out.rec
  agentsnoop verify --json out.rec | jq .head
  agentsnoop verify --dump-inputs out.rec | grep -a -c hunter2

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
    /// Write the inputs as they are stored, decompressed, to search them for what should not be there
    #[arg(long, conflicts_with = "json")]
    dump_inputs: bool,
}

/// Does `verify`.
///
/// # Errors
///
/// The file is no recording, or standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    if args.dump_inputs {
        return dump(&args.file);
    }
    let report = verify::verify(&args.file)?;
    let text = if args.json { serde_json::to_string(&report)? + "\n" } else { report.to_string() };
    let written = standard::output().and_then(|mut out| out.write_all(text.as_bytes()));
    written.context(standard::FAILED)?;
    Ok(if report.ok { ExitCode::SUCCESS } else { Exit::No.into() })
}

/// Writes the frames of all inputs (docs/recording.md).
fn dump(file: &Path) -> Result<ExitCode> {
    let mut recording = Recording::open(file)?;
    let mut out = BufWriter::new(standard::output().context(standard::FAILED)?);
    let mut frame = Vec::new();
    for input in recording.by_ref() {
        frame.clear();
        frame::encode(&input, &mut frame)?;
        out.write_all(&frame).context(standard::FAILED)?;
    }
    out.flush().context(standard::FAILED)?;
    match recording.damaged() + recording.progress().unknown {
        0 => Ok(ExitCode::SUCCESS),
        _ => Err(fail(
            Exit::Unreadable,
            format!("not all of {} can be read; `agentsnoop verify` says more", file.display()),
        )),
    }
}
