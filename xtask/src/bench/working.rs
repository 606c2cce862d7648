//! How soon the screen shows what real agents do while they work hard.

use std::ffi::OsString;
use std::path::Path;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::figures::row;
use super::sessions::{bench, home, is_installed};
use super::{Args, Programs, screen};
use crate::agents::AGENTS;

/// The script of tests/agents/scripts with the most events.
const SCRIPT: &str = "heavy.json";

/// Writes a row for each agent; one line on standard error for each that is not installed.
///
/// # Errors
///
/// A session cannot be driven, or the screen never shows a tool call of it.
pub(super) fn measure(report: &mut Map<String, Value>, args: &Args, programs: &Programs, folder: &Path) -> Result<()> {
    let (bench, home) = (bench(), home());
    for agent in AGENTS {
        let name = format!("the screen of watch while {agent} works");
        if !args.wants(&name) || !is_installed(agent, &home, &name) {
            continue;
        }
        let words: [OsString; 8] = [
            "while".into(),
            programs.agentsnoop.clone().into(),
            bench.join("run.sh").into(),
            agent.into(),
            "--script".into(),
            bench.join("scripts").join(SCRIPT).into(),
            "--out".into(),
            folder.join(format!("working-{agent}")).into(),
        ];
        row(report, &name, &screen::said(programs, &words).with_context(|| name.clone())?);
    }
    Ok(())
}
