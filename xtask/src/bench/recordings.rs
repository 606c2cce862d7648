//! Writing, judging and searching a recording of very many events.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use super::{Args, Programs, figures::row};

/// Events of the recording.
const EVENTS: u64 = 10_000_000;

/// What a selective query looks for: some twenty records of them.
const NEEDLE: &str = "path:*/.aws/credentials";

/// The name of the row.
const NAME: &str = "a recording of ten million events";

/// A command that has ended.
struct Ended {
    seconds: f64,
    /// The most memory that it held at any time.
    peak_mib: f64,
}

/// Writes the row.
///
/// # Errors
///
/// A program fails.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    if !args.wants(NAME) {
        return Ok(());
    }
    let file = folder.join("heavy.rec");
    let made = Command::new(&programs.recorder).arg("heavy").arg(&file).arg(EVENTS.to_string()).output();
    let made = made.context("cannot make a recording")?;
    let said = String::from_utf8_lossy(&made.stderr).into_owned();
    ensure!(made.status.success(), "recorder said {said}");
    let number = |behind: &str| {
        let word = said.split(behind).nth(1).and_then(|rest| rest.split_whitespace().next());
        word.and_then(|word| word.parse::<f64>().ok()).with_context(|| format!("no number behind `{behind}`: {said}"))
    };
    let query = |words: &[&str]| {
        let mut command = Command::new(&programs.agentsnoop);
        command.arg("query").arg(&file).args(words).env("XDG_CACHE_HOME", folder.join("cache")).stdout(Stdio::null());
        ended(command)
    };
    let all = query(&["kind:loss", "--no-index"])?;
    let without = query(&[NEEDLE, "--no-index"])?;
    let making = query(&[NEEDLE])?;
    let with = query(&[NEEDLE])?;
    let index: u64 = std::fs::read_dir(folder.join("cache/agentsnoop"))
        .context("no index was made")?
        .filter_map(|entry| entry.ok()?.metadata().ok().map(|about| about.len()))
        .sum();
    let events = EVENTS as f64;
    row(
        report,
        NAME,
        &[
            ("writing_ns", number("writing ")?),
            ("bytes_per_event", number("an event: ")?),
            ("replayed_per_second", events / all.seconds),
            ("query_seconds_without_index", without.seconds),
            ("query_seconds_making_it", making.seconds),
            ("query_seconds_with_index", with.seconds),
            ("index_bytes_per_event", index as f64 / events),
            ("replay_peak_mib", all.peak_mib),
            ("query_peak_mib_making_it", making.peak_mib),
            ("query_peak_mib_with_index", with.peak_mib),
        ],
    );
    Ok(())
}

fn ended(mut command: Command) -> Result<Ended> {
    let began = Instant::now();
    let mut child = command.spawn().context("cannot start agentsnoop")?;
    let mut peak_kib = 0;
    let status = loop {
        // The highest that the kernel has seen, so that nothing between two looks is missed.
        let about = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = about.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let now: u64 = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0);
        peak_kib = peak_kib.max(now);
        if let Some(status) = child.try_wait().context("cannot wait for agentsnoop")? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    ensure!(status.success(), "agentsnoop ended with {status}");
    Ok(Ended { seconds: began.elapsed().as_secs_f64(), peak_mib: peak_kib as f64 / 1024.0 })
}
