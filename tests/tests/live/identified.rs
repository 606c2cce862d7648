//! What an agent runs: digest and version of the file, found out while it runs.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{Observation, copy_program, once, own_program, verify};

pub(crate) fn trials() -> Vec<Trial> {
    vec![once("what an agent runs is told with its version and the digest of the file", identified)]
}

/// A copy of this program where the installer of Claude Code would put it, and its digest.
fn install(folder: &std::path::Path) -> Result<(String, String, u64)> {
    let program = folder.join(".local/share/claude/versions/9.8.7");
    std::fs::create_dir_all(program.parent().context("no folder")?)?;
    copy_program(&own_program()?, &program)?;
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755))?;
    let content = std::fs::read(&program)?;
    let path = program.to_str().context("a path that is UTF-8")?.to_owned();
    Ok((path, blake3::hash(&content).to_hex().to_string(), content.len() as u64))
}

fn identified() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (path, digest, bytes) = install(folder.path())?;
    let seen = Observation::command(&[&path, "trigger", "open", "openat", "/etc/hostname"]).run()?;
    let sessions = seen.kind("session").into_iter();
    let identified: Vec<_> = sessions.filter(|record| record["session"]["state"] == "identified").collect();
    ensure!(identified.len() == 1, "one file is identified: {identified:#?}");
    let record = identified[0];
    let expected = serde_json::json!({"path": path, "version": "9.8.7", "digest": digest, "bytes": bytes});
    ensure!(record["session"]["binary"] == expected, "{record:#} instead of {expected:#}");
    ensure!(record["agent"]["name"] == "claude-code" && record["process"]["exe"] == path, "{record:#}");
    ensure!(verify(&seen.file)?["ok"] == true, "the recording is sound");
    Ok(())
}
