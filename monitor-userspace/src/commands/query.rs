//! `agentsnoop query`.

use std::{path::PathBuf, process::ExitCode};

use agentsnoop_pipeline::{Filter, input::Input};
use anyhow::{Context as _, Result};

use crate::{
    error::{Exit, fail},
    sink::standard,
    source::judged::Judged,
};

/// Arguments of `query`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop query out.rec --kind exec,connect
  agentsnoop query out.rec --kind open --path '*/.aws/*'
  agentsnoop query out.rec --path '**/.env' --json

All conditions must hold. As in find(1), * matches / too. A query without a match is a success and prints nothing. A \
damaged recording is searched as far as it can be read, and the exit code is 4.")]
pub struct Args {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Only these kinds, separated by commas: exec, open, connect, getenv, …; may be given more than once
    #[arg(long, value_name = "KIND")]
    kind: Vec<String>,
    /// Only records with a path that matches the glob
    #[arg(long, value_name = "GLOB")]
    path: Option<String>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Does `query`.
///
/// # Errors
///
/// The filter cannot be understood; the recording cannot be read, or not all of it; standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let filter = filter(args)?;
    let mut judged = Judged::open(&args.file)?;
    let mut out = standard::sink(args.json).context(standard::FAILED)?;
    let mut records = Vec::new();
    let mut goes_on = true;
    while goes_on {
        let input = judged.next(&mut records)?;
        if let Some(Input::Opened(opened)) = &input {
            out.opened(opened);
        }
        for record in records.drain(..).filter(|record| filter.matches(record)) {
            out.record(&record).context(standard::FAILED)?;
        }
        goes_on = input.is_some();
    }
    out.flush().context(standard::FAILED)?;
    judged.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn filter(args: &Args) -> Result<Filter> {
    let usage = |error| fail(Exit::Usage, format!("{error}"));
    let mut filter = Filter::default();
    for names in &args.kind {
        filter = filter.kinds(names).map_err(usage)?;
    }
    match &args.path {
        Some(glob) => filter.path(glob).map_err(usage),
        None => Ok(filter),
    }
}
