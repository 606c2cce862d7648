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
    source::{judged::note, recording::Recording},
    verify::{self, segments},
};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop verify out.rec
  agentsnoop verify out.rec out.0001.rec out.0002.rec
  agentsnoop verify /var/log/agentsnoop
  agentsnoop verify --json out.rec | jq 'select(.ok).head'
  agentsnoop verify --dump-inputs out.rec | grep -a -c hunter2

Checks every checksum, the chain of blocks, the sequence of records on each CPU, and that the counts of the kernel half \
equal what was stored, lost and filtered. The exit code is 0 for a recording that is sound and closed, 1 for one that \
is damaged, does not add up, was not closed (which a cut looks like), or of which a segment is missing, 4 for a file that is no recording. Whoever can \
write the file can also make a new chain: compare the chain's head with the one that was printed when the recording was \
made.")]
pub struct Args {
    /// The recording; a folder stands for all recordings in it, and of several files the links between segments are checked
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The report as one JSON object for each file
    #[arg(long)]
    json: bool,
    /// Write the inputs decompressed, as this build understands them, to search them for what should not be there
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
        return all(&args.files)?.iter().try_fold(ExitCode::SUCCESS, |_, file| dump(file));
    }
    let mut out = standard::output().context(standard::FAILED)?;
    let mut reports = Vec::new();
    let (files, mut is_unreadable) = (all(&args.files)?, false);
    for file in &files {
        let report = match verify::verify(file) {
            // One of several keeps nobody from what the others hold.
            Err(error) if files.len() > 1 => {
                note(format_args!("{error:#}"));
                is_unreadable = true;
                continue;
            }
            report => report?,
        };
        if !args.json {
            out.write_all(report.to_string().as_bytes()).context(standard::FAILED)?;
        }
        reports.push(report);
    }
    let mut ok = reports.iter().all(|report| report.ok);
    let links = segments::links(&reports, args.files.len() > 1 || args.files.iter().any(|path| path.is_dir()));
    for link in links {
        ok &= !link.is_broken();
        if link.is_broken() || !args.json {
            note(format_args!("{link}"));
        }
        if let Some(report) = reports.iter_mut().find(|report| report.file == link.file()) {
            report.links.push(link);
        }
    }
    for report in reports.iter().filter(|_| args.json) {
        writeln!(out, "{}", serde_json::to_string(report)?).context(standard::FAILED)?;
    }
    Ok(match (is_unreadable, ok) {
        (true, _) => Exit::Unreadable.into(),
        (false, true) => ExitCode::SUCCESS,
        (false, false) => Exit::No.into(),
    })
}

/// The files, and those of the folders among them, in the order of their names.
fn all(named: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in named {
        if path.is_dir() {
            files.extend(agentsnoop_store::segments::in_folder(path)?);
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

/// Writes the frames of all inputs (docs/recording.md).
fn dump(file: &Path) -> Result<ExitCode> {
    let mut recording = Recording::open(file)?;
    let mut out = BufWriter::new(standard::output().context(standard::FAILED)?);
    let mut frame = Vec::new();
    for input in recording.by_ref() {
        frame.clear();
        agentsnoop_store::frame::encode(&input, &mut frame)?;
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
