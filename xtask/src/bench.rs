//! `cargo xtask bench`: what observation costs, as ratios of one interleaved run, since machines are noisy.
//!
//! Each round measures the bare loop, the loop in an untracked process and the loop in a tracked one, in turn. The
//! figure of a ratio is the median over the rounds.

mod families;
mod figures;
mod observed;
mod recordings;
mod screen;
mod seeking;
mod sessions;
mod working;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use figures::{median, row};
use observed::Observer;

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Rounds; the figure is their median
    #[arg(long, default_value_t = 7)]
    rounds: u32,
    /// Opens of one measurement
    #[arg(long, default_value_t = 300_000)]
    opens: u32,
    /// Only the rows whose name holds this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Print the figures as one JSON object
    #[arg(long)]
    json: bool,
}

/// Paths of the row about many of them.
const PATHS: u32 = 1_000_000;
/// Processes of the row about many of them.
const PROCESSES: u32 = 10_000;

/// The programs that are measured.
pub(crate) struct Programs {
    pub(crate) agentsnoop: PathBuf,
    pub(crate) workload: PathBuf,
    pub(crate) recorder: PathBuf,
    pub(crate) screen: PathBuf,
}

/// What one round measured, nanoseconds a round of the loop.
struct Round {
    bare: f64,
    untracked: f64,
    tracked: f64,
}

/// Measures and prints.
///
/// # Errors
///
/// Not root, a program fails, or its output is not what it should be.
pub(crate) fn run(args: &Args, programs: &Programs) -> Result<()> {
    let folder = std::env::temp_dir().join(format!("agentsnoop-bench-{}", std::process::id()));
    std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    // The user of the agents has to reach what is below.
    std::fs::set_permissions(&folder, PermissionsExt::from_mode(0o755))
        .context("cannot open the folder of the bench")?;
    let result = measure(args, programs, &folder);
    std::fs::remove_dir_all(&folder).with_context(|| format!("cannot remove {}", folder.display()))?;
    result
}

fn measure(args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    let mut report = serde_json::Map::new();
    families::measure(&mut report, args, programs, folder)?;
    recordings::measure(&mut report, args, programs, folder)?;
    screen::measure(&mut report, args, programs)?;
    seeking::measure(&mut report, args, programs, folder)?;
    sessions::measure(&mut report, args, programs, folder)?;
    working::measure(&mut report, args, programs, folder)?;
    for (name, depth) in [("path of 3 components", 1), ("path of 8 components", 6)] {
        let file = file_at(folder, depth)?;
        ratios(&mut report, &format!("open+close, {name}"), args, programs, folder, &opening(&file, args.opens))?;
    }
    for (what, name) in [
        ("file", "write to a file"),
        ("pipe", "write or read of a pipe"),
        ("socket", "write or read of a socket"),
        ("turns", "write or read of a socket, direction turning each time"),
    ] {
        let words = ["moves".to_owned(), args.opens.to_string(), what.to_owned()];
        ratios(&mut report, name, args, programs, folder, &words)?;
    }
    let file = file_at(folder, 1)?;
    let paths = ["paths".to_owned(), PATHS.to_string(), "/nowhere".to_owned()];
    let crowd = ["crowd".to_owned(), PROCESSES.to_string()];
    at_full_speed(&mut report, "run at full speed", args, programs, folder, &opening(&file, args.opens))?;
    at_full_speed(&mut report, "a million different paths, opened and looked at", args, programs, folder, &paths)?;
    at_full_speed(&mut report, "ten thousand processes at once", args, programs, folder, &crowd)?;
    if !args.wants("start and end of run") {
        return finish(args, &report);
    }
    let start = (0..args.rounds).map(|_| observed::start_and_end(programs, folder)).collect::<Result<Vec<_>>>()?;
    let of = |pick: fn(&observed::Ends) -> f64| median(start.iter().map(pick).collect());
    row(
        &mut report,
        "start and end of run",
        &[("first_event_ms", of(|ends| ends.first_event_ms)), ("prompt_back_ms", of(|ends| ends.prompt_back_ms))],
    );
    finish(args, &report)
}

/// Prints the report.
fn finish(args: &Args, report: &serde_json::Map<String, serde_json::Value>) -> Result<()> {
    if args.json {
        println!("{}", serde_json::to_string(report).context("cannot print the figures")?);
    } else {
        figures::print(report);
    }
    Ok(())
}

impl Args {
    /// Whether a row is asked for.
    fn wants(&self, name: &str) -> bool {
        name.contains(&self.only)
    }
}

/// Runs a load once and writes the row of what it left.
fn at_full_speed(
    report: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
    args: &Args,
    programs: &Programs,
    folder: &Path,
    words: &[String],
) -> Result<()> {
    if !args.wants(name) {
        return Ok(());
    }
    let run = observed::full_speed(programs, folder, words)?;
    let figures = [
        ("events", run.events),
        ("lost", run.lost),
        ("monitor_rss_anon_mib", run.rss_anon),
        ("monitor_rss_anon_peak_mib", run.rss_anon_peak),
        ("recording_bytes_per_event", run.bytes_per_event),
    ];
    row(report, name, &figures);
    Ok(())
}

/// A file whose absolute path has `depth` components below the bench's folder.
fn file_at(folder: &Path, depth: u32) -> Result<PathBuf> {
    let parent = (1..depth).fold(folder.to_path_buf(), |path, level| path.join(format!("level-{level}")));
    std::fs::create_dir_all(&parent).with_context(|| format!("cannot make {}", parent.display()))?;
    let file = parent.join("file.txt");
    std::fs::write(&file, "x").with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The words of the load that opens a file so often.
fn opening(file: &Path, opens: u32) -> [String; 3] {
    ["opens".to_owned(), opens.to_string(), file.display().to_string()]
}

/// Measures a load bare, untracked and tracked in turn, and writes the row of its medians.
fn ratios(
    report: &mut serde_json::Map<String, serde_json::Value>,
    name: &str,
    args: &Args,
    programs: &Programs,
    folder: &Path,
    words: &[String],
) -> Result<()> {
    if !args.wants(name) {
        return Ok(());
    }
    let rounds = (0..args.rounds).map(|_| round(programs, folder, words)).collect::<Result<Vec<_>>>()?;
    let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick).collect());
    let figures = [
        ("bare_ns", of(|round| round.bare)),
        ("untracked_ratio", of(|round| round.untracked / round.bare)),
        ("tracked_ratio", of(|round| round.tracked / round.bare)),
    ];
    row(report, name, &figures);
    Ok(())
}

fn round(programs: &Programs, folder: &Path, words: &[String]) -> Result<Round> {
    let loop_once = || load(Command::new(&programs.workload).args(words));
    let bare = loop_once()?;
    let observer = Observer::start(programs, folder)?;
    let untracked = loop_once()?;
    observer.end()?;
    let (tracked, _) = observed::tracked(programs, folder, words)?;
    Ok(Round { bare, untracked, tracked })
}

/// Runs a load and reads its figure.
fn load(command: &mut Command) -> Result<f64> {
    let output = command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot run {command:?}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() {
        bail!("{command:?} ended with {}", output.status);
    }
    text.trim().parse().with_context(|| format!("{command:?} printed no figure: {text:?}"))
}
