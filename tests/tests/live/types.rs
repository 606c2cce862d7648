//! Kernels whose types (BTF) do not tell all fields.

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, agentsnoop, expect, observe, text, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial(
        "without a field of the way to a path what was asked for is kept, unresolved, and doctor names it",
        walk,
    )]
}

/// This kernel's types, in which a member has another name of the same length.
fn without(member: &str) -> Result<Vec<u8>> {
    let mut types = std::fs::read("/sys/kernel/btf/vmlinux").context("cannot read the kernel's types")?;
    let name = [b"\0", member.as_bytes(), b"\0"].concat();
    let at = types.windows(name.len()).position(|bytes| bytes == name);
    let at = at.with_context(|| format!("these types have no {member}"))?;
    types[at + 1] = b'-';
    Ok(types)
}

/// The only record of a kind that asks for `requested`.
fn asked<'a>(seen: &'a Seen, kind: &str, requested: &str) -> Result<&'a Value> {
    seen.only(kind, &format!("/{kind}/requested"), requested)
}

fn walk() -> Result<()> {
    const REASON: &str = "paths unresolved: this kernel's BTF has no field mount.mnt_mountpoint";
    let folder = tempfile::tempdir()?;
    let types = folder.path().join("types");
    std::fs::write(&types, without("mnt_mountpoint")?)?;
    let types = types.display().to_string();
    let script = "cd \"$0\" && : > made && cat made no-such-file; mkdir inner; test -e here; cat /etc/hostname";
    let work = folder.path().display().to_string();
    let seen = Observation::command(&["sh", "-c", script, &work]).options(&["--btf", &types]).run()?;
    // A path that is absolute as it was asked for, and one in a folder that nobody tells.
    let absolute = asked(&seen, "open", "/etc/hostname")?;
    expect(absolute, "/open/path", "/etc/hostname")?;
    expect(absolute, "/open/path_state", "unresolved")?;
    for (kind, requested) in [("open", "no-such-file"), ("mkdir", "inner"), ("stat", "here")] {
        let record = asked(&seen, kind, requested)?;
        expect(record, &format!("/{kind}/path_state"), "unresolved")?;
        ensure!(record[kind].get("path").is_none(), "a folder that is not known was told: {record:#}");
    }
    let exec = seen.only("exec", "/process/comm", "sh")?;
    let filename = exec["exec"]["filename"].clone();
    expect(exec, "/exec/path", filename)?;
    expect(exec, "/exec/path_state", "unresolved")?;
    let input = exec["exec"]["stdio"][0].as_str().unwrap_or_default();
    ensure!(input.starts_with("pipe:["), "a pipe is known by its mode: {exec:#}");
    seen.is_whole()?;
    for hook in ["exit_open", "exit_paths", "exit_stat", "sched_process_exec"] {
        let coverage = seen.only("coverage", "/coverage/name", hook)?;
        expect(coverage, "/coverage/state", "degraded")?;
        expect(coverage, "/coverage/reason", REASON)?;
    }
    let output = agentsnoop().args(["doctor", "--btf", &types]).output()?;
    ensure!(output.status.success() && text(&output.stdout).contains(REASON), "{}", text(&output.stdout));
    // With the kernel's own types all of it is told.
    let whole = observe(&["open", "openat", "/etc/hostname"])?;
    ensure!(asked(&whole, "open", "/etc/hostname")?["open"].get("path_state").is_none(), "not resolved");
    Ok(())
}
