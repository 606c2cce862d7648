//! `agentsnoop replay`.

use std::{
    path::PathBuf,
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use agentsnoop_pipeline::input::Input;
use anyhow::{Context as _, Result};

use crate::{
    sink::{Sink, standard},
    source::judged::Judged,
    store::frame,
};

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop replay out.rec
  agentsnoop replay --speed 1 out.rec       at the pace at which it happened
  agentsnoop replay --json out.rec | jq 'select(.kind == \"exec\").exec.argv'

The lines are those of the live run, byte for byte, when the same build replays. Standard error says when the recording \
is incomplete, and when another build or other rules judge it again. A damaged recording is shown as far as it can be \
read, and the exit code is 4.")]
pub struct Args {
    /// The recording
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Times real time, such as 1 or 10; without it as fast as possible
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<f64>,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

/// Does `replay`.
///
/// # Errors
///
/// The recording cannot be read, or not all of it; standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let mut judged = Judged::open(&args.file)?;
    let mut out = standard::sink(args.json).context(standard::FAILED)?;
    let mut pace = args.speed.map(Pace::new);
    let mut records = Vec::new();
    let mut goes_on = true;
    while goes_on {
        let input = judged.next(&mut records)?;
        if let Some(Input::Opened(opened)) = &input {
            out.opened(opened);
        }
        if let (Some(pace), Some(input)) = (&mut pace, &input)
            && !records.is_empty()
        {
            pace.wait(frame::time(input), out.as_mut())?;
        }
        for record in records.drain(..) {
            out.record(&record).context(standard::FAILED)?;
        }
        goes_on = input.is_some();
    }
    out.flush().context(standard::FAILED)?;
    judged.finish()?;
    Ok(ExitCode::SUCCESS)
}

fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite() && *number > 0.0);
    number.ok_or_else(|| "a speed is a number above 0, such as 1 or 10".to_owned())
}

/// Holds records back until their time has come.
struct Pace {
    speed: f64,
    /// The boot time of the first record, nanoseconds, and when it was shown.
    start: Option<(u64, Instant)>,
}

impl Pace {
    const fn new(speed: f64) -> Self {
        Self { speed, start: None }
    }

    /// Waits for the moment of a boot time; what was shown before is flushed.
    fn wait(&mut self, boot_ns: Option<u64>, out: &mut dyn Sink) -> Result<()> {
        let Some(boot_ns) = boot_ns else { return Ok(()) };
        let (first, began) = *self.start.get_or_insert_with(|| (boot_ns, Instant::now()));
        let after = Duration::from_nanos(boot_ns.saturating_sub(first)).as_secs_f64() / self.speed;
        // A time that no duration can hold is one that nobody waits for.
        let after = Duration::try_from_secs_f64(after).unwrap_or(Duration::MAX);
        let wait = after.saturating_sub(began.elapsed());
        if !wait.is_zero() {
            out.flush().context(standard::FAILED)?;
            thread::sleep(wait);
        }
        Ok(())
    }
}
