//! A pane of tmux beside the command, with a screen that follows its recording.

use std::{ffi::OsString, path::Path, process::Command};

use anyhow::{Context as _, Result};

use crate::{
    error::{Exit, fail},
    run::identity::Identity,
};

/// Opens the pane, where this is tmux, and says whether it is. It belongs to the user of the tmux server, and so does what runs in it.
///
/// # Errors
///
/// [`Exit::Usage`]: tmux refuses.
pub(super) fn split(identity: &Identity, record: &Path) -> Result<bool> {
    // sudo takes these away; the environment of the user still has them.
    let variable = |name: &str| {
        let own = std::env::var_os(name).or_else(|| identity.environment.get(&OsString::from(name)).cloned());
        own.filter(|value| !value.is_empty())
    };
    let Some(tmux) = variable("TMUX") else { return Ok(false) };
    // `socket,pid,session` (tmux(1)).
    let tmux = tmux.to_string_lossy().into_owned();
    let socket = tmux.split(',').next().unwrap_or_default();
    let executable = std::env::current_exe().context("cannot find the agentsnoop executable for the screen")?;
    let mut split = Command::new("tmux");
    split.args(["-S", socket, "split-window", "-d", "-h"]);
    if let Some(pane) = variable("TMUX_PANE") {
        split.arg("-t").arg(pane);
    }
    split.arg(executable).args(["replay", "--follow"]).arg(record);
    let output = split.output().map_err(|error| fail(Exit::Usage, format!("cannot run tmux: {error}")))?;
    if output.status.success() {
        return Ok(true);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(fail(Exit::Usage, format!("tmux opens no pane for the screen: {said}")))
}
