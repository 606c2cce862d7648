//! What the terminal UI costs with very many events in memory.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Map, Value};

use super::{Args, Programs, figures::row};

/// Events in memory, which is as many as the screen keeps.
const EVENTS: u64 = 1_000_000;

/// The name of the row.
const NAME: &str = "a screen of 300x100 with a million events";

/// Writes the row.
///
/// # Errors
///
/// The program fails.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs) -> Result<()> {
    if !args.wants(NAME) {
        return Ok(());
    }
    let output =
        Command::new(&programs.screen).args(["bench", &EVENTS.to_string()]).output().context("cannot start screen")?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "screen said {}", String::from_utf8_lossy(&output.stderr));
    let numbers = |behind: &str| -> Vec<f64> {
        said.split(behind).skip(1).filter_map(|rest| rest.split_whitespace().next()?.parse().ok()).collect()
    };
    let largest = |numbers: Vec<f64>| numbers.into_iter().fold(0.0, f64::max);
    row(
        report,
        NAME,
        &[
            ("taking_ns", largest(numbers("taken in "))),
            ("memory_mb", largest(numbers("kept, "))),
            ("slowest_view_frame_us", largest(numbers("a frame in "))),
            ("filter_ms", largest(numbers("found in "))),
        ],
    );
    Ok(())
}
