//! What it takes to show a recording of very many events on the screen, and to go to places of it.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use super::{Args, Programs, figures::row};

/// Events of the recording.
const EVENTS: u64 = 10_000_000;

/// The name of the row.
const NAME: &str = "the screen on a recording of ten million events";

/// Writes the row.
///
/// # Errors
///
/// A program fails.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    if !args.wants(NAME) {
        return Ok(());
    }
    let file = folder.join("screen.rec");
    let mut make = Command::new(&programs.recorder);
    make.arg("heavy").arg(&file).arg(EVENTS.to_string());
    said(make)?;
    let show = || {
        let mut show = Command::new(&programs.screen);
        show.arg("seek").arg(&file).env("XDG_CACHE_HOME", folder.join("screens"));
        said(show)
    };
    let (first, then) = (show()?, show()?);
    row(
        report,
        NAME,
        &[
            ("first_opening_ms", number(&first, "read in ")?),
            ("index_bytes_per_event", number(&first, "the index takes ")? / EVENTS as f64),
            ("first_opening_peak_mib", number(&first, "peak ")?),
            ("opening_ms", number(&then, "opened in ")?),
            ("seek_median_ms", number(&then, "sought in ")?),
            ("seek_worst_ms", number(&then, "at worst in ")?),
            ("peak_mib", number(&then, "peak ")?),
        ],
    );
    std::fs::remove_file(&file).with_context(|| format!("cannot remove {}", file.display()))
}

fn said(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{command:?} said {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn number(said: &str, behind: &str) -> Result<f64> {
    let word = said.split(behind).nth(1).and_then(|rest| rest.split_whitespace().next());
    word.and_then(|word| word.parse().ok()).with_context(|| format!("no number behind `{behind}`: {said}"))
}
