//! What an exec tells of a process beside its program: whose rights it has, its session, group and namespaces.

use std::ffi::CString;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt};
use std::path::Path;

use anyhow::{Context as _, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Observation, copy_program, expect, observe, own_program, trial};

/// A user that is not root (nobody, in every distribution).
const NOBODY: u32 = 65534;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an exec tells the session, the group and the namespaces that /proc tells", as_proc_tells),
        trial("an exec in namespaces of its own names those in which it is apart", own_namespaces),
        trial("an exec of a setuid program tells whose rights it gives", setuid),
        with_capabilities(),
    ]
}

/// The test of file capabilities. Where the folder for temporary files takes none, it is skipped under a name that says so.
fn with_capabilities() -> Trial {
    const NAME: &str = "an exec of a program with file capabilities tells them, of a user that is not root";
    let possible = tempfile::NamedTempFile::new().is_ok_and(|file| give_capability(file.path()).is_ok());
    let reason = if possible { "" } else { " (skipped: temporary files take no capabilities)" };
    trial(&format!("{NAME}{reason}"), capabilities).with_ignored_flag(!possible)
}

/// Gives a file the capability CAP_NET_RAW (13), permitted and effective: `struct vfs_cap_data` of version 2
/// (linux/capability.h).
fn give_capability(path: &Path) -> Result<()> {
    let data = [0x0200_0001u32, 1 << 13, 0, 0, 0];
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    let name = c"security.capability";
    // SAFETY: path and name end with NUL, and the data has the length that is told.
    let set = unsafe { libc::setxattr(path.as_ptr(), name.as_ptr(), data.as_ptr().cast(), size_of_val(&data), 0) };
    ensure!(set == 0, "cannot give a capability: {}", std::io::Error::last_os_error());
    Ok(())
}

/// The number in a link such as `pid:[4026531836]`.
fn namespace(name: &str) -> Result<u64> {
    let link = std::fs::read_link(format!("/proc/self/ns/{name}")).context("cannot read a namespace")?;
    let text = link.display().to_string();
    let number = text.split_once('[').and_then(|(_, rest)| rest.strip_suffix(']'));
    number.with_context(|| format!("{text} has no number"))?.parse().context("no number")
}

fn as_proc_tells() -> Result<()> {
    let seen = observe(&["in-a-session", "nothing"])?;
    let execs = seen.kind("exec");
    let [first, second] = execs.as_slice() else { bail!("{} execs, not 2", execs.len()) };
    for name in ["pid", "user", "mnt", "net"] {
        expect(first, &format!("/exec/namespaces/{name}"), namespace(name)?)?;
    }
    let pid = &second["process"]["pid"];
    ensure!(second["exec"]["sid"] == *pid && second["exec"]["pgid"] == *pid, "not its own leader: {second:#}");
    let own = nix::unistd::getsid(None)?.as_raw();
    expect(first, "/exec/sid", own)?;
    expect(first, "/exec/euid", 0)?;
    ensure!(first["exec"].get("apart").is_none(), "the first process is apart from itself: {first:#}");
    let cgroup = first["exec"]["cgroup"].as_u64();
    match std::fs::metadata(own_cgroup()?) {
        Ok(folder) => ensure!(cgroup == Some(folder.ino()), "the cgroup is {cgroup:?}, not {}", folder.ino()),
        // Without a mount of version 2 nobody can say which folder it is.
        Err(_) => ensure!(cgroup.is_some(), "no cgroup in {first:#}"),
    }
    Ok(())
}

/// The folder of this process's cgroup of version 2 (cgroups(7)); of a machine with both versions, where systemd mounts it.
fn own_cgroup() -> Result<String> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").context("cannot read the cgroup")?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::")).unwrap_or("/absent");
    let unified = Path::new("/sys/fs/cgroup/unified").exists();
    let unified = if unified { "/unified" } else { "" };
    let is_second = Path::new("/sys/fs/cgroup/cgroup.controllers").exists() || !unified.is_empty();
    Ok(if is_second { format!("/sys/fs/cgroup{unified}{path}") } else { "/absent".to_owned() })
}

fn own_namespaces() -> Result<()> {
    let seen = observe(&["apart", "nothing"])?;
    let Some(exec) = seen.kind("exec").last().copied() else { bail!("no exec") };
    expect(exec, "/exec/apart", json!(["mnt", "net"]))?;
    for name in ["mnt", "net"] {
        let number = exec["exec"]["namespaces"][name].as_u64();
        ensure!(number.is_some_and(|number| number != 0), "no number for {name} in {exec:#}");
        ensure!(number != Some(namespace(name)?), "{name} is that of the test");
    }
    expect(exec, "/exec/namespaces/pid", namespace("pid")?)
}

fn setuid() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = folder.path().join("given");
    copy_program(&own_program()?, &program)?;
    std::os::unix::fs::chown(&program, Some(NOBODY), Some(NOBODY))?;
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o6755))?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let program = program.display().to_string();
    let seen = Observation::command(&[&program, "trigger", "nothing"]).run()?;
    let exec = seen.only("exec", "/exec/path", &program)?;
    expect(exec, "/exec/privileges", json!(["setuid", "setgid"]))?;
    expect(exec, "/process/uid", 0)?;
    expect(exec, "/exec/gid", 0)?;
    expect(exec, "/exec/euid", NOBODY)?;
    expect(exec, "/exec/egid", Value::from(NOBODY))?;
    let attention = seen.only("attention", "/attention/call", "setuid exec")?;
    expect(attention, "/attention/path", program)?;
    expect(attention, "/attention/detail", format!("user {NOBODY} for 0, group {NOBODY} for 0"))
}

fn capabilities() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let (plain, capable) = (folder.path().join("plain"), folder.path().join("capable"));
    for program in [&plain, &capable] {
        copy_program(&own_program()?, program)?;
        std::fs::set_permissions(program, PermissionsExt::from_mode(0o755))?;
    }
    give_capability(&capable)?;
    let (plain, capable) = (plain.display().to_string(), capable.display().to_string());
    let seen = observe(&["as-nobody", &plain, "as-nobody", &capable, "nothing"])?;
    let exec = seen.only("exec", "/exec/path", &capable)?;
    expect(exec, "/exec/privileges", json!(["file capabilities"]))?;
    expect(exec, "/exec/euid", NOBODY)?;
    let attention = seen.only("attention", "/attention/call", "capability exec")?;
    expect(attention, "/attention/path", &*capable)?;
    expect(attention, "/attention/detail", "file capabilities")?;
    let before = seen.only("exec", "/exec/path", &plain)?;
    ensure!(before["exec"].get("privileges").is_none(), "a program without any gives none: {before:#}");
    // Root has all capabilities, whatever the file gives.
    let seen = Observation::command(&[&capable, "trigger", "nothing"]).run()?;
    let exec = seen.only("exec", "/exec/path", &capable)?;
    ensure!(exec["exec"].get("privileges").is_none(), "root gains nothing: {exec:#}");
    Ok(())
}
