//! `agentsnoop replay`.

mod pace;
mod step;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use agentsnoop_pipeline::{Lines, Record, filter::Span, input::Input};
use anyhow::{Context as _, Result};

use super::selection::Wish;
use crate::{
    error::{Exit, fail},
    run::onlooker::Onlooker,
    sink::{Sink, standard},
    source::judged::{Judged, note},
    tui::{
        hub::{self, News},
        player, screen,
        state::Source,
        terminal,
    },
};
use pace::{Pace, Wall};
use step::{Next, Steps};

/// Arguments of `replay`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  agentsnoop replay out.rec                        on a terminal: the screen of `watch`, with a time line; ? shows the keys
  agentsnoop replay --lines out.rec                every event as a line
  agentsnoop replay --speed 1 out.rec              at the pace at which it happened
  agentsnoop replay --from 14:02 --to 14:10 out.rec
  agentsnoop replay --from -5m out.rec             the last five minutes; +30s is from the beginning
  agentsnoop replay --step --where 'class:credential' out.rec
  agentsnoop replay --json out.rec | jq 'select(.kind == \"exec\").exec.argv'

On a terminal a screen is shown, unless --lines, --json, --step, --speed, --from or --to ask for lines; over a pipe lines are shown \
always. The lines are those of the live run, byte for byte, when the same build replays; speed and steps change none of them. What precedes \
--from is taken in and not shown, so that what follows is attributed as it was. Standard error says when the recording \
is incomplete, and when another build or other rules judge it again. A damaged recording is shown as far as it can be \
read, and the exit code is 4. docs/replay.md says more.")]
pub struct Args {
    /// The recording, or a folder of recordings, which are read in the order of their names
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Go on with what is recorded until the recording is closed; wants the screen, and waits for a file that is not there yet
    #[arg(long, conflicts_with_all = ["lines", "json", "step", "speed", "from", "to"])]
    follow: bool,
    /// Show every event as a line, on a terminal too
    #[arg(long)]
    lines: bool,
    /// Times real time: 1, 10, 0.5; `max` is as fast as possible, and the default
    #[arg(long, value_name = "N", value_parser = speed)]
    speed: Option<Speed>,
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
    if args.follow {
        if !terminal::is_there() {
            let why = "cannot follow: that wants a terminal for its screen; `agentsnoop query --follow` gives lines";
            return Err(fail(Exit::Usage, why));
        }
        wait_for(&args.file);
    }
    let mut judged = Judged::open(&args.file)?;
    if args.wants_screen() && terminal::is_there() {
        return show(judged, args);
    }
    let mut out = standard::sink(args.json).context(standard::FAILED)?;
    let mut hold = match args.speed.unwrap_or(Speed::Max) {
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

impl Args {
    /// Whether nothing asks for lines.
    const fn wants_screen(&self) -> bool {
        let asks = self.lines || self.json || self.step;
        !asks && self.speed.is_none() && self.from.is_none() && self.to.is_none()
    }
}

/// Waits for the file that a run is about to make. Of one that does not come, opening says so.
fn wait_for(file: &Path) {
    let until = Instant::now() + PATIENCE;
    while !file.exists() && Instant::now() < until {
        std::thread::sleep(LOOKED_FOR_EVERY);
    }
}

/// How long a run may take until its recording is there: its hooks are attached before.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(50);

/// Shows the screen.
fn show(judged: Judged, args: &Args) -> Result<ExitCode> {
    let (mouth, ear, mut wishes) = hub::pair();
    let name = args.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let source = Source { name, is_live: args.follow, recording: None };
    let thread = screen::start(source, args.filter.clone(), ear)?;
    let news = mouth.sender();
    let played = if args.follow {
        let mut recorder = Onlooker::of(&judged.recording().id());
        player::follow(&args.file, judged, &mut recorder, &news, &mut wishes)
    } else {
        player::play(&args.file, judged, &news, &mut wishes)
    };
    drop(news);
    if let Err(error) = &played {
        // What was read until then is shown as long as somebody looks at it.
        let _ = mouth.sender().blocking_send(News::Ended(format!("{error:#}")));
    }
    drop(mouth);
    thread.join().unwrap_or_else(|_| anyhow::bail!("the thread that draws has failed"))?;
    played?.finish()?;
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
