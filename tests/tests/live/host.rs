//! Calls by which a process changes who it is, asks for facts about the host, or that deserve attention.

pub(crate) mod calls;

use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::harness::{Killed, Seen, expect, observe, release, trial, verify};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a process that changes who it is says what it asked for", identity),
        trial("facts about the host that are asked for are seen, other requests are not", metadata),
        trial("what is asked over netlink is seen, whichever call asks", netlink),
        trial("calls that reach into another process name it", processes),
        trial("calls that reach into the kernel are seen with what they ask for", kernel),
        trial("mounts are seen with source, type and the absolute path", mounts),
        trial("a signal is seen where it leaves the tree, and only there", signals),
        trial("a connection to somebody who works on request says where the observation ends, once", delegated),
        trial("a call for which a seccomp filter kills has no result, and opens nothing", killed),
        trial("32-bit calls are counted, and said at the end", compat),
        trial("a call that a seccomp filter answers is told from one that the kernel refuses", filtered),
    ]
}

/// Call, detail and error of the records of a kind, by the call alone where there is no more.
fn told(seen: &Seen, kind: &str) -> Vec<String> {
    let word = |body: &Value, name: &str| body[name].as_str().map(str::to_owned);
    let line = |record: &&Value| {
        let body = &record[kind];
        ["call", "detail", "from", "requested", "error"]
            .iter()
            .filter_map(|name| word(body, name))
            .collect::<Vec<_>>()
            .join(" ")
    };
    seen.kind(kind).iter().map(line).collect()
}

/// Fails unless the lines are these, in this order.
fn are(found: &[String], wanted: &[&str]) -> Result<()> {
    ensure!(found == wanted, "found {found:#?}, not {wanted:#?}");
    Ok(())
}

fn identity() -> Result<()> {
    let seen = observe(&["host", "identity"])?;
    are(
        &told(&seen, "identity"),
        &[
            "setpgid group 0",
            "setgroups 0 groups",
            "setresgid effective 0",
            "setresuid effective 0",
            "setuid user 0",
            "prctl PR_SET_NAME another-name",
            "prctl PR_SET_DUMPABLE 0",
            "prctl PR_SET_PDEATHSIG SIGTERM",
            "personality ADDR_NO_RANDOMIZE",
            "capset effective CAP_CHOWN|CAP_BPF, permitted CAP_CHOWN|CAP_BPF, inheritable none",
            "seccomp SECCOMP_GET_ACTION_AVAIL",
            // The leader of a group cannot begin a session (setsid(2)).
            "setsid EPERM",
        ],
    )?;
    seen.is_whole()
}

fn metadata() -> Result<()> {
    let seen = observe(&["host", "metadata"])?;
    let mut calls = told(&seen, "metadata");
    // The C library and the runtime may ask for the processors as well.
    calls.dedup();
    let at = calls.iter().position(|call| call == "uname").context("no uname")?;
    are(
        &calls[at..],
        &[
            "uname",
            "sysinfo",
            "sched_getaffinity",
            "syslog SYSLOG_ACTION_SIZE_BUFFER",
            "ioctl SIOCGIFFLAGS lo",
            "ioctl SIOCGIFHWADDR lo",
            "ioctl SIOCGIFCONF",
        ],
    )?;
    expect(seen.only("metadata", "/metadata/call", "uname")?, "/classes", json!(["host_identity"]))?;
    let typed = seen.only("attention", "/attention/detail", "TIOCSTI")?;
    expect(typed, "/attention/call", "ioctl")?;
    ensure!(typed["attention"]["error"].is_string(), "a socket was typed into: {typed:#}");
    seen.is_whole()
}

fn netlink() -> Result<()> {
    let seen = observe(&["host", "netlink"])?;
    let mut asked = told(&seen, "metadata");
    // The runtime asks for the processors and, for `RUST_BACKTRACE`, nothing else of the host.
    asked.retain(|call| !call.starts_with("sched_getaffinity"));
    let storm = asked.iter().rev().take_while(|call| *call == "sendto RTM_GETLINK").count();
    are(
        &asked[..asked.len() - storm],
        &[
            "sendto RTM_GETLINK NLM_F_DUMP",
            "sendto RTM_GETADDR NLM_F_DUMP",
            "socket netlink raw NETLINK_KOBJECT_UEVENT",
            "socket netlink raw NETLINK_AUDIT",
            "socket netlink raw NETLINK_GENERIC",
            "sendmsg RTM_GETROUTE ipv4",
            "sendmsg RTM_GETLINK",
            "sendmsg RTM_GETRULE",
            "sendmmsg RTM_GETROUTE ipv4",
            "sendmmsg RTM_GETNEIGH ipv6 NLM_F_DUMP",
            "write RTM_GETQDISC",
        ],
    )?;
    let of_links = seen.only("metadata", "/metadata/detail", "RTM_GETLINK NLM_F_DUMP")?;
    expect(of_links, "/classes", json!(["host_identity"]))?;
    let of_addresses = seen.only("metadata", "/metadata/detail", "RTM_GETADDR NLM_F_DUMP")?;
    expect(of_addresses, "/classes", json!(["noise"]))?;
    // Of forty questions in one datagram some thirty are told, and that there were more is a loss.
    ensure!((28..=32).contains(&storm), "{storm} of a storm");
    let verdict = verify(&seen.file)?;
    ensure!(verdict["ok"] == true && verdict["lost"] == 1, "verify says {verdict:#}");
    Ok(())
}

/// A process that is in no tree that is observed.
fn outsider() -> Result<Killed> {
    let child = Command::new("sleep").arg("600").stdin(Stdio::null()).spawn().context("cannot start sleep")?;
    Ok(Killed(child))
}

fn processes() -> Result<()> {
    let outside = outsider()?;
    let pid = outside.0.id();
    let seen = observe(&["host", "processes", &pid.to_string()])?;
    let calls = seen.kind("attention");
    for (call, detail) in [
        ("ptrace", Some("PTRACE_PEEKDATA")),
        ("process_vm_readv", None),
        ("process_vm_writev", None),
        ("pidfd_getfd", Some("descriptor 0")),
    ] {
        let found = calls.iter().find(|record| record["attention"]["call"] == call);
        let found = found.with_context(|| format!("no {call} in {calls:#?}"))?;
        expect(found, "/attention/pid", pid)?;
        ensure!(found["attention"]["detail"].as_str() == detail, "{found:#}");
    }
    let memory = seen.only("attention", "/attention/call", "memfd_create")?;
    expect(memory, "/attention/requested", "a name of memory")?;
    expect(memory, "/attention/detail", "MFD_CLOEXEC")?;
    seen.is_whole()
}

fn kernel() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let module = folder.path().join("module.ko");
    std::fs::write(&module, "no module")?;
    let module = module.display().to_string();
    let seen = observe(&["host", "memory-and-kernel", &module])?;
    let calls = told(&seen, "attention");
    // Which error it is depends on what the kernel was built with.
    let begins = [
        "bpf BPF_PROG_GET_NEXT_ID",
        "perf_event_open PERF_TYPE_SOFTWARE of every process",
        "finit_module",
        "delete_module no_such_module",
        "keyctl KEYCTL_GET_KEYRING_ID",
        "add_key no-such-type a description",
        "reboot LINUX_REBOOT_CMD_POWER_OFF EINVAL",
        "userfaultfd E",
        "unshare CLONE_NEWUTS",
        "sethostname another-host",
    ];
    ensure!(calls.len() == begins.len(), "{calls:#?}");
    for (call, begin) in calls.iter().zip(begins) {
        ensure!(call.starts_with(begin), "{call} is not {begin}");
    }
    ensure!(!calls.iter().any(|call| call.contains("secret")), "what is behind the name was read: {calls:#?}");
    expect(seen.only("attention", "/attention/call", "finit_module")?, "/attention/path", module)?;
    seen.is_whole()
}

fn mounts() -> Result<()> {
    let seen = observe(&["host", "mounts"])?;
    are(
        &told(&seen, "attention"),
        &[
            "unshare CLONE_NEWNS",
            "mount MS_REC|MS_PRIVATE /",
            "mount type tmpfs, MS_NOSUID a-source target",
            "open_tree target",
            "umount2 MNT_DETACH target",
            "setns CLONE_NEWUTS",
            "chroot /",
        ],
    )?;
    for call in ["open_tree", "umount2"] {
        let path = seen.only("attention", "/attention/call", call)?["attention"]["path"].as_str().unwrap_or_default();
        ensure!(path.starts_with('/') && path.ends_with("/target"), "{path} is not absolute");
    }
    seen.is_whole()
}

fn signals() -> Result<()> {
    let outside = outsider()?;
    let pid = outside.0.id();
    let seen = observe(&["host", "signals", &pid.to_string()])?;
    ensure!(seen.output.status.success(), "the trigger said: {}", seen.stderr());
    are(&told(&seen, "attention"), &["kill 0", "tgkill SIGCONT", "pidfd_send_signal SIGCONT"])?;
    for record in seen.kind("attention") {
        expect(record, "/attention/pid", pid)?;
    }
    seen.is_whole()
}

fn delegated() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let socket = folder.path().join("S.gpg-agent").display().to_string();
    let _listener = std::os::unix::net::UnixListener::bind(&socket)?;
    let seen = observe(&["connect", "unix", &socket, "twice"])?;
    ensure!(seen.kind("connect").len() == 2, "{:#?}", seen.kind("connect"));
    let attention = seen.only("attention", "/attention/path", &socket)?;
    expect(attention, "/attention/call", "connect")?;
    let coverage = seen.only("coverage", "/coverage/feature", "delegated")?;
    expect(coverage, "/coverage/name", format!("gpg-agent {socket}"))?;
    expect(coverage, "/process/pid", attention["process"]["pid"].clone())?;
    ensure!(
        seen.told("not").is_some_and(|said| said.contains("gpg-agent")),
        "the summary does not say it: {}",
        seen.stderr()
    );
    seen.is_whole()
}

/// From here on a seccomp filter kills by a signal, which comes when the call has returned (`force_sig_seccomp`); before, the
/// thread ended in it.
const KILLS_BY_SIGNAL: (u32, u32) = (5, 16);

fn killed() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("never").display().to_string();
    let seen = observe(&["killed-by-a-filter", &file])?;
    let exit = seen.kind("exit").last().copied().context("no exit")?;
    expect(exit, "/exit/signal", "SIGSYS")?;
    if release()? < KILLS_BY_SIGNAL {
        // The thread ends before its call has any result.
        let opens = seen.kind("open");
        ensure!(!opens.iter().any(|record| record["open"]["requested"] == *file), "{opens:#?}");
        return Ok(());
    }
    let open = seen.only("open", "/open/requested", &file)?;
    expect(open, "/open/error", "SECCOMP")?;
    expect(open, "/seccomp", true)?;
    // The number of the call stands where its result would be, and could name a descriptor.
    expect(open, "/open/path", file.as_str())?;
    expect(open, "/open/path_state", "unresolved")?;
    ensure!(!std::path::Path::new(&file).exists(), "the kernel opened it");
    Ok(())
}

fn compat() -> Result<()> {
    let seen = observe(&["compat"])?;
    ensure!(seen.output.status.success(), "no 32-bit calls here (CONFIG_IA32_EMULATION): {}", seen.stderr());
    ensure!(seen.stderr().contains("3 32-bit system calls were not recorded"), "{}", seen.stderr());
    Ok(())
}

fn filtered() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o755))?;
    let file = folder.path().join("locked");
    std::fs::write(&file, "")?;
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o600))?;
    let file = file.display().to_string();
    let seen = observe(&["host", "filtered", &file])?;
    let opens: Vec<_> = seen.kind("open").into_iter().filter(|record| record["open"]["requested"] == *file).collect();
    ensure!(opens.len() == 2, "{opens:#?}");
    expect(opens[0], "/open/error", "EACCES")?;
    ensure!(opens[0].get("seccomp").is_none(), "the kernel refused it, no filter did: {:#}", opens[0]);
    expect(opens[1], "/open/error", "EPERM")?;
    expect(opens[1], "/seccomp", true)?;
    let Some(connect) = seen.kind("connect").last().copied() else { anyhow::bail!("no connect") };
    expect(connect, "/seccomp", true)?;
    for (kind, call) in [("attention", "ptrace"), ("metadata", "uname"), ("identity", "setsid")] {
        let record = seen.only(kind, &format!("/{kind}/call"), call)?;
        expect(record, "/seccomp", true)?;
        expect(record, &format!("/{kind}/error"), "EPERM")?;
    }
    let before = seen.kind("identity").iter().find(|record| record["identity"]["call"] == "seccomp").copied();
    ensure!(before.is_some_and(|record| record.get("seccomp").is_none()), "the filter answered its own installation");
    seen.is_whole()
}
