//! `agentsnoop replay`.

mod pace;
mod step;

use std::{path::PathBuf, process::ExitCode};

use agentsnoop_pipeline::{Lines, Record, filter::Span, input::Input};
use anyhow::{Context as _, Result};

use super::selection::Wish;
use crate::{
    sink::{Sink, standard},
    source::judged::{Judged, note},
};
use pace::{Pace, Wall};
use step::{Next, Steps};

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop replay out.rec
  agentsnoop replay --speed 1 out.rec              at the pace at which it happened
  agentsnoop replay --from 14:02 --to 14:10 out.rec
  agentsnoop replay --from -5m out.rec             the last five minutes; +30s is from the beginning
  agentsnoop replay --step --where 'class:credential' out.rec
  agentsnoop replay --json out.rec | jq 'select(.kind == \"exec\").exec.argv'

The lines are those of the live run, byte for byte, when the same build replays; speed and steps change none of them. What precedes \
--from is taken in and not shown, so that what follows is attributed as it was. Standard error says when the recording \
is incomplete, and when another build or other rules judge it again. A damaged recording is shown as far as it can be \
read, and the exit code is 4. docs/replay.md says more.")]
pub struct Args {
    /// The recording, or a folder of recordings, which are read in the order of their names
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Times real time: 1, 10, 0.5; `max` is as fast as possible
    #[arg(long, value_name = "N", value_parser = speed, default_value = "max")]
    speed: Speed,
    /// Show nothing before this time, such as 14:02, 2026-11-21T14:02:11Z, +30s or -5m
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<String>,
    /// Show nothing after this time; of 14:02 that minute is still shown
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<String>,
    /// Show only what matches, in the grammar of `query`
    #[arg(long = "where", value_name = "FILTER")]
    filter: Option<String>,
    /// Show one event at each press of a key: space for the next, q to quit
    #[arg(long, conflicts_with = "speed")]
    step: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// How fast a recording is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Speed {
    /// As fast as possible.
    Max,
    /// So many times real time.
    Times(f64),
}

fn speed(text: &str) -> Result<Speed, String> {
    if text == "max" {
        return Ok(Speed::Max);
    }
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    let number = number.ok_or_else(|| "a speed is a number above 0, such as 0.5, 1 or 10, or `max`".to_owned())?;
    Ok(Speed::Times(number))
}

/// What holds a record back.
enum Hold {
    Nothing,
    Pace(Pace<Wall>),
    Steps(Box<Steps>),
}

/// Does `replay`.
///
/// # Errors
///
/// An option cannot be understood; the recording cannot be read, or not all of it; standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let Args { from, to, filter, .. } = args;
    let wish = Wish { filter: filter.as_deref(), from: from.as_deref(), to: to.as_deref() };
    // A mistake is told before anything of the file. Where the beginning of a recording is damaged, its times count from 1970.
    let mut selection = wish.of(&Span::default())?;
    let mut judged = Judged::open(&args.file)?;
    let mut out = standard::sink(args.json).context(standard::FAILED)?;
    let mut hold = match args.speed {
        _ if args.step => Hold::Steps(Box::new(Steps::new()?)),
        Speed::Max => Hold::Nothing,
        Speed::Times(speed) => Hold::Pace(Pace::new(Wall::new(standard::output().context(standard::FAILED)?), speed)),
    };
    let mut records = Vec::new();
    let mut begun = false;
    let mut shown = 0u64;
    let mut goes_on = true;
    while goes_on {
        let input = judged.next(&mut records)?;
        if let Some(Input::Opened(opened)) = &input {
            out.opened(opened);
            if !begun {
                selection = wish.of_recording(opened, judged.files())?;
                begun = true;
            }
        }
        for record in records.drain(..).filter(|record| selection.takes(record)) {
            if (args.json || Lines::has(&record)) && hold.wait(&record, out.as_mut())? == Next::Quit {
                // What was not looked at is not judged either.
                return Ok(ExitCode::SUCCESS);
            }
            out.record(&record).context(standard::FAILED)?;
            shown += 1;
        }
        goes_on = input.is_some();
    }
    out.flush().context(standard::FAILED)?;
    drop(hold);
    if shown == 0 && (from.is_some() || to.is_some()) {
        note(format_args!("{}: nothing to show; {}", args.file.display(), selection.lasted()));
    }
    judged.finish()?;
    Ok(ExitCode::SUCCESS)
}

impl Hold {
    /// Returns when a record may be shown, with everything before it written.
    fn wait(&mut self, record: &Record, out: &mut dyn Sink) -> Result<Next> {
        match self {
            Self::Nothing => {}
            Self::Pace(pace) => pace.wait(record.boot_ns, || out.flush()).context(standard::FAILED)?,
            Self::Steps(steps) => {
                out.flush().context(standard::FAILED)?;
                return steps.next();
            }
        }
        Ok(Next::Show)
    }
}
