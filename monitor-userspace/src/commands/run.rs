//! `agentsnoop run`.

mod beside;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use monitor_common::limits::RING_BYTES;

use super::segments;
use crate::error::{Exit, fail};
use crate::extensions::{self, Extensions, Folders};
use crate::run::foreground::{self, Outcome};
use crate::run::identity::Identity;
use crate::run::link::{Lines, Order};
use crate::run::window::Window;
use crate::scrubbing::{self, Scrubbing};
use crate::sink::recording::Rotation;
use crate::source::kernel::Bounds;
use crate::tui::terminal;

/// Columns of a summary that does not go to a terminal.
const COLUMNS: u16 = 100;

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  sudo agentsnoop run -- claude -p \"explain this repository\"
  sudo agentsnoop run --lines --record /tmp/out.rec -- git status
  sudo agentsnoop run --segment-size 64M --keep-size 1G -- codex
  sudo agentsnoop run --tui -- claude                 with the screen of `watch` beside it; ^] gives it the keys
  sudo agentsnoop run --json=events.jsonl -- codex exec \"fix the tests\"

The command keeps the terminal and its own exit code. Under sudo it runs as the user who called sudo, with that \
user's environment. Processes that outlive it are recorded for --linger seconds, in the background.

Keys, tokens and passwords are masked before anything is shown or written (docs/security.md).")]
pub struct Args {
    /// Where the recording goes [default: a new file in the agentsnoop folder of the user's state directory]
    #[arg(long, value_name = "FILE")]
    record: Option<PathBuf>,
    #[command(flatten)]
    segments: segments::Segmented,
    /// Replace the files of --record, --lines and --json if they exist
    #[arg(long)]
    overwrite: bool,
    /// Show each event as a line while the command runs, on standard error or in FILE
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    lines: Option<Option<PathBuf>>,
    /// Like --lines, one JSON object a line
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true, conflicts_with = "lines")]
    json: Option<Option<PathBuf>>,
    /// Show what it does on a screen beside it: in tmux in a new pane, elsewhere both in this window
    #[arg(long)]
    tui: bool,
    /// Run the command as this user [default: who called sudo]
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// Show no summary at the end, only what went wrong
    #[arg(long)]
    quiet: bool,
    /// Return 5 in place of 0 when anything was lost
    #[arg(long)]
    strict: bool,
    /// Seconds to go on recording processes that outlive the command
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    linger: u64,
    /// Bytes of the ring between kernel and agentsnoop: a power of two, from 4096
    #[arg(long, value_name = "BYTES", default_value_t = RING_BYTES, value_parser = super::ring_bytes)]
    ring_bytes: u32,
    #[command(flatten)]
    bounds: Bounds,
    #[command(flatten)]
    scrubbing: scrubbing::Args,
    /// The types (BTF) of just this kernel, where it does not tell them itself
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
    /// The command and its arguments
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

/// Does `run`.
///
/// # Errors
///
/// Nothing was started; see [`foreground::run`].
pub fn run(args: &Args) -> Result<ExitCode> {
    let outcome = start(args).map_err(not_started)?;
    let summary = if args.quiet { "" } else { &outcome.summary };
    // The command's code matters more than a summary that nobody can read any more.
    let _ = std::io::stderr().write_all(format!("{summary}{}", outcome.notes).as_bytes());
    Ok(outcome.code.into())
}

fn start(args: &Args) -> Result<Outcome> {
    let identity = Identity::find(args.user.as_deref())?;
    let owner = identity.caller.as_ref().map(|caller| (caller.uid.as_raw(), caller.gid.as_raw()));
    let record = match &args.record {
        Some(file) => std::path::absolute(file).with_context(|| format!("cannot find {}", file.display()))?,
        None => default_recording(&identity, &args.command)?,
    };
    let lines = lines(args)?;
    if lines.as_ref().and_then(|lines| lines.file.as_ref()).is_some_and(|file| Path::new(file) == record) {
        let message = format!("the recording and the events cannot both go to {}", record.display());
        return Err(fail(Exit::Usage, message));
    }
    let order = Order {
        command: foreground::shown(&args.command),
        record: record.into(),
        overwrite: args.overwrite,
        owner,
        lines,
        linger_seconds: args.linger,
        ring_bytes: args.ring_bytes,
        bounds: args.bounds,
        columns: terminal_columns(),
        btf: args.btf.clone().map(OsString::from),
        scrubbing: Scrubbing::find(&args.scrubbing, &identity)?,
        folders: Folders::find(&identity),
        rotation: args.segments.or(Rotation::default()),
    };
    // The monitor has no standard error of its own.
    extensions::tell(&order.folders.read(&Extensions::default()));
    let window = window(args, &identity, Path::new(&order.record))?;
    foreground::run(&args.command, &identity, &order, args.strict, window)
}

/// The window that is asked for; none in tmux, which has a pane for it.
fn window(args: &Args, identity: &Identity, record: &Path) -> Result<Option<Window>> {
    if !args.tui || beside::split(identity, record)? {
        return Ok(None);
    }
    if !terminal::is_there() {
        return Err(fail(
            Exit::Usage,
            "cannot show a screen: --tui wants a terminal; --lines=FILE and --json=FILE do not",
        ));
    }
    if matches!(args.lines, Some(None)) || matches!(args.json, Some(None)) {
        let why =
            "lines on the terminal would be written over the screen of --tui; --lines=FILE and --json=FILE name a file";
        return Err(fail(Exit::Usage, why));
    }
    Window::open(&args.command, identity, record).map(Some)
}

/// An error without a code of its own happened before the command started.
fn not_started(error: anyhow::Error) -> anyhow::Error {
    if error.downcast_ref::<crate::error::Failure>().is_some() {
        error
    } else {
        fail(Exit::NotStarted, format!("{error:#}"))
    }
}

fn lines(args: &Args) -> Result<Option<Lines>> {
    let (file, json) = match (&args.lines, &args.json) {
        (Some(file), _) => (file, false),
        (None, Some(file)) => (file, true),
        (None, None) => return Ok(None),
    };
    let file = file.as_ref().map(std::path::absolute).transpose().context("cannot find the file for the events")?;
    Ok(Some(Lines { file: file.map(OsString::from), json }))
}

/// `agentsnoop/<time>-<command>-<pid>.rec` in the state directory of who asked for the run (XDG Base Directory).
fn default_recording(identity: &Identity, command: &[OsString]) -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let state = match &identity.caller {
        // sudo has replaced the variables of the caller by root's.
        Some(caller) => Some(caller.home.join(".local/state")),
        None => variable("XDG_STATE_HOME")
            .filter(|path| path.is_absolute())
            .or_else(|| variable("HOME").map(|home| home.join(".local/state"))),
    };
    let Some(state) = state else {
        return Err(fail(
            Exit::NotStarted,
            "cannot choose a place for the recording: HOME is not set; name one with --record FILE",
        ));
    };
    let program = command.first().and_then(|name| Path::new(name).file_name()).unwrap_or_default().to_string_lossy();
    let program: String =
        program.chars().filter(|c| c.is_ascii_alphanumeric() || "._-".contains(*c)).take(40).collect();
    let time = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    Ok(state.join("agentsnoop").join(format!("{time}-{program}-{}.rec", std::process::id())))
}

/// The width of the terminal at standard error, where the summary goes.
fn terminal_columns() -> u16 {
    if !std::io::stderr().is_terminal() {
        return COLUMNS;
    }
    let mut size = libc::winsize { ws_row: 0, ws_col: 0, ws_xpixel: 0, ws_ypixel: 0 };
    // SAFETY: TIOCGWINSZ writes one `winsize` through the pointer, which points to one (ioctl_tty(2)).
    let answer = unsafe { libc::ioctl(libc::STDERR_FILENO, libc::TIOCGWINSZ, &raw mut size) };
    if answer == 0 && size.ws_col > 0 { size.ws_col } else { COLUMNS }
}
