//! `agentsnoop watch`.

use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use agentsnoop_pipeline::input::{Control, HookState, Input, Why};
use anyhow::{Context, Result};
use monitor_common::limits::RING_BYTES;
use nix::sys::signal::Signal;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use super::segments;
use crate::error::{Exit, fail};
use crate::extensions::{Extensions, Folders, tell};
use crate::live::pump::Pump;
use crate::live::{Live, Options, Outputs, TICK_EVERY};
use crate::notes;
use crate::run::disposition::was_ignored;
use crate::run::identity::Identity;
use crate::scrubbing::{self, Scrubbing};
use crate::sink;
use crate::sink::recording::{PREFIX, Recording, Rotation};
use crate::sink::standard;
use crate::sink::unblocked::Unblocked;
use crate::tui::hub::Wish;
use crate::tui::screen::Screen;
use crate::tui::state::Source;
use crate::tui::terminal;
use agentsnoop_store::writer;

/// Arguments of `watch`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo agentsnoop watch                            on a terminal: agents, tool calls, events; ? shows the keys
  sudo agentsnoop watch --pid 4711
  sudo agentsnoop watch --lines                    event by event, for a pipe or a file
  sudo agentsnoop watch --record /var/log/agentsnoop --keep-size 5G
  sudo agentsnoop watch --json | jq 'select(.kind == \"connect\")'

Without --pid, agents are recognised when they start, and those that run already are found. q or ^C ends it. SIGHUP has it read the \
files again with which users extend agents, classes and delegates (docs/classes.md). Over a pipe, and where TERM is dumb, lines are \
shown in the place of the screen; docs/tui.md says more of it.

A recording goes on in another file after 64 MB or a day, and the oldest files are removed when all in the folder have \
more than 1 GB, unless --segment-size, --segment-age, --keep-size or --keep-age say otherwise.")]
pub struct Args {
    /// Show each event as a line, on a terminal too
    #[arg(long)]
    lines: bool,
    /// Like --lines, one JSON object a line
    #[arg(long)]
    json: bool,
    /// Record into this folder, which is made if it is not there
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    #[command(flatten)]
    segments: segments::Segmented,
    /// Watch this process and its descendants, whatever it is; may be given several times
    #[arg(long, value_name = "PID")]
    pid: Vec<u32>,
    /// Return 5 in place of 0 when anything was lost
    #[arg(long)]
    strict: bool,
    /// Bytes of the ring between kernel and agentsnoop: a power of two, from 4096
    #[arg(long, value_name = "BYTES", default_value_t = RING_BYTES, value_parser = super::ring_bytes)]
    ring_bytes: u32,
    #[command(flatten)]
    scrubbing: scrubbing::Args,
    /// When the hooks on system calls and libraries are attached: always misses nothing; on-demand costs the machine
    /// nothing while no agent runs, and misses its first milliseconds, which are told as a gap
    #[arg(long, value_enum, default_value_t = Hooks::Always)]
    hooks: Hooks,
}

/// What a folder of recordings is bounded by unless something else is asked for.
const DEFAULT: Rotation = Rotation {
    bytes: Some(64_000_000),
    seconds: Some(24 * 60 * 60),
    keep_bytes: Some(1_000_000_000),
    keep_seconds: None,
    whole_folder: true,
};

/// When hooks are attached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Hooks {
    /// From the start to the end
    Always,
    /// While a process is tracked
    OnDemand,
}

/// Does `watch`, until a signal ends it or the last of the named processes has ended.
///
/// # Errors
///
/// No hook can attach, or a named process does not exist.
pub fn run(args: &Args) -> Result<ExitCode> {
    for pid in &args.pid {
        if !Path::new("/proc").join(pid.to_string()).exists() {
            return Err(fail(
                Exit::Usage,
                format!("cannot watch process {pid}: there is none; `pgrep -a NAME` finds pids"),
            ));
        }
    }
    let identity = Identity::find(None)?;
    let folders = Folders::find(&identity);
    let options = Options {
        ring_bytes: args.ring_bytes,
        agents: args.pid.is_empty(),
        on_demand: args.hooks == Hooks::OnDemand,
        scrub: Scrubbing::find(&args.scrubbing, &identity)?.read()?,
        extensions: folders.read(&Extensions::default()),
        ..Options::default()
    };
    tell(&options.extensions);
    let mut file = None;
    let mut screen = None;
    let live = Live::open(&options, || {
        let outputs = outputs(args, &mut file)?;
        if args.lines || args.json || !terminal::is_there() {
            return Ok(outputs);
        }
        let (mouth, shown) = Screen::new();
        screen = Some(shown);
        Ok(outputs.with_shown(Box::new(mouth), None))
    })?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let files = (folders, options.extensions);
    let lost = runtime.block_on(serve(live, args, file.as_deref(), files, screen))?;
    Ok(if lost && args.strict { Exit::Lost.into() } else { ExitCode::SUCCESS })
}

/// A recording, if one is asked for; and lines or JSON, unless there is a recording and nobody asks for them.
fn outputs(args: &Args, file: &mut Option<PathBuf>) -> Result<Outputs> {
    let outputs = match &args.record {
        Some(folder) => {
            let (recording, path) = record(folder, args.segments.or(DEFAULT))?;
            *file = Some(path.clone());
            Outputs::default().with_recording(recording, path)
        }
        None => Outputs::default(),
    };
    let has_lines = args.lines || args.json || (args.record.is_none() && !terminal::is_there());
    if has_lines { shown(outputs, args.json) } else { Ok(outputs) }
}

/// A recording in a folder, which is made where it is not there.
fn record(folder: &Path, rotation: Rotation) -> Result<(Recording, PathBuf)> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.with_context(|| format!("cannot make the folder {} for recordings", folder.display()))?;
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let path = folder.join(format!("{PREFIX}{time}-{}.rec", std::process::id()));
    let recording = Recording::create(&path, writer::Options::default())?.in_segments(rotation, None)?;
    Ok((recording, path))
}

/// Lines or JSON on standard output, whose reader may be slow.
fn shown(outputs: Outputs, json: bool) -> Result<Outputs> {
    let out = standard::output()?;
    let paint = sink::paint(&out);
    let out = Unblocked::new(out).context("cannot start the thread that writes lines")?;
    let fate = out.fate();
    Ok(outputs.with_shown(sink::to(out, json, paint), Some(fate)))
}

async fn serve(
    mut live: Live,
    args: &Args,
    file: Option<&Path>,
    (folders, mut extensions): (Folders, Extensions),
    mut screen: Option<Screen>,
) -> Result<bool> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to SIGINT")?;
    let mut hangup = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
    // Under nohup(1) the end of the terminal ends nothing.
    let had_terminal = has_terminal() && !was_ignored(Signal::SIGHUP);
    for pid in &args.pid {
        live.track_running(*pid, Why::Pid)?;
    }
    let found = if args.pid.is_empty() { live.track_running_agents()? } else { args.pid.clone() };
    match &mut screen {
        Some(screen) => screen.start(source(args, file))?,
        None => {
            note(&ready(&live, args, &found));
            if let Some(file) = file {
                note(&format!("recording to {}", file.display()));
            }
        }
    }
    let mut pump = Pump::new(live.ring()?)?;
    let mut second = interval(TICK_EVERY);
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let reason = loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break "ended by SIGTERM",
            _ = interrupt.recv() => break "ended by SIGINT",
            _ = hangup.recv() => {
                if had_terminal && !has_terminal() {
                    break "ended by SIGHUP";
                }
                extensions = reload(&mut live, &folders, &extensions);
            }
            _ = second.tick() => {
                live.tick();
                pump.look_again();
                if live.is_unread() {
                    break "nobody reads the lines any more";
                }
                if !args.pid.is_empty() && !live.is_tracking() {
                    break "the last watched process has ended";
                }
            }
            wish = Screen::wish(&mut screen) => match wish {
                Wish::Quit => break "ended by the user",
                // Only a recording can be read again.
                Wish::Reread | Wish::Seek { .. } | Wish::Older(_) | Wish::Newer(_) => {}
                Wish::Mark(mark) => live.feed(Input::Control(Control::Mark { boot_ns: mark.boot_ns, note: mark.note })),
            },
            waited = pump.wait() => {
                waited?;
                let drained = live.drain();
                pump.drained(drained.records, drained.at_limit);
            }
        }
    };
    live.close(reason)?;
    let (report, totals) = (live.report(0), live.totals());
    // The hooks go down while the last screen is still looked at.
    drop(live);
    if let Some(screen) = screen {
        screen.finish(reason, reason.starts_with("ended by")).await?;
    }
    // What went wrong is said where no summary is.
    let _ = std::io::stderr().write_all(report.notes.as_bytes());
    note(&format!("{reason}; {totals}"));
    Ok(report.lost)
}

/// Reads the data files of users again. A file that cannot be used leaves what it said before in force.
fn reload(live: &mut Live, folders: &Folders, before: &Extensions) -> Extensions {
    let extensions = folders.read(before);
    note(&format!("read the data files again; {} in force", counted(&extensions)));
    tell(&extensions);
    if let Err(error) = live.reload(extensions.clone()) {
        note(&format!("{error:#}"));
    }
    extensions
}

/// How many files are in force, in words.
fn counted(extensions: &Extensions) -> String {
    let count = extensions.data().iter().filter(|data| data.file.is_some()).count();
    match count {
        0 => "only what is built in is".to_owned(),
        1 => "1 file of a user is".to_owned(),
        _ => format!("{count} files of users are"),
    }
}

/// Whether there is a terminal that this process belongs to (tty(4)).
fn has_terminal() -> bool {
    std::fs::File::open("/dev/tty").is_ok()
}

/// What the screen says that it shows.
fn source(args: &Args, file: Option<&Path>) -> Source {
    let pids = args.pid.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let name = if pids.is_empty() { "agents on this machine".to_owned() } else { format!("process {pids}") };
    Source { name, is_live: true, recording: file.map(|file| file.display().to_string()) }
}

/// One line on standard error that says what is watched, and one for each hook that is missing.
fn ready(live: &Live, args: &Args, found: &[u32]) -> String {
    let pids = found.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
    let mut text = match (args.pid.is_empty(), found.is_empty()) {
        (false, _) => format!("watching process {pids} and its descendants; ^C ends it"),
        (true, true) => "watching for agents; none runs yet; ^C ends it".to_owned(),
        (true, false) => format!("watching for agents; found running: {pids}; ^C ends it"),
    };
    for hook in live.hooks() {
        if let HookState::Unavailable { reason } = &hook.state
            && !live.is_waiting()
        {
            text.push_str(&format!("\nagentsnoop: no {} events: {}: {reason}", hook.feature, hook.name));
        }
        if let HookState::Degraded { reason } = &hook.state {
            text.push_str(&format!("\nagentsnoop: {} events: {}: {reason}", hook.feature, hook.name));
        }
    }
    text
}

fn note(text: &str) {
    notes::say(format_args!("{text}"));
}
