//! The foreground process of `run`: starts the monitor and the command, waits, shows the summary.

use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};

use super::identity::{Identity, Switch};
use super::link::{Link, Order, ToForeground, ToMonitor};
use crate::error::{Exit, fail};

/// `si_code` of a signal that the kernel itself sent, such as the terminal's ^C (asm-generic/siginfo.h).
const SI_KERNEL: i32 = 0x80;

/// The hidden subcommand by which agentsnoop executes itself as the monitor; standard input is the link.
pub const MONITOR_COMMAND: &str = "__monitor";

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The code to exit with.
    pub code: u8,
    /// What to show on standard error.
    pub report: String,
}

/// Runs `command` as `identity` under a monitor that follows `order`.
///
/// # Errors
///
/// Nothing was started; the error carries [`Exit::NotStarted`] or the code of a command that cannot be executed.
pub fn run(command: &[OsString], identity: &Identity, order: &Order, strict: bool) -> Result<Outcome> {
    let Some(name) = command.first() else {
        return Err(fail(Exit::Usage, "no command was given: agentsnoop run -- COMMAND [ARGUMENT…]"));
    };
    let program = identity.resolve(name)?;
    let (link, mut monitor) = start_monitor(order)?;
    // Only now, since the monitor would inherit what is blocked.
    let watched = watched_signals();
    let own_mask = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK).context("cannot block signals")?;
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC).context("cannot listen to signals")?;
    let spawned = spawn(&program, command, identity, own_mask, link.fd().as_raw_fd());
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) => {
            // Without an answer the monitor is gone, and then it is the reason why nothing was started.
            link.send(&ToMonitor::NotStarted).ok();
            monitor.wait().ok();
            let exit = match error.kind() {
                std::io::ErrorKind::NotFound => Exit::NotFound,
                std::io::ErrorKind::PermissionDenied => Exit::NotExecutable,
                _ if error.raw_os_error() == Some(libc::ENOEXEC) => Exit::NotExecutable,
                _ => Exit::NotStarted,
            };
            return Err(fail(exit, format!("cannot run {}: {error}", program.display())));
        }
    };
    wait(&mut child, &link, &signals, strict)
}

/// The signals that this process waits for.
fn watched_signals() -> SigSet {
    let mut set = SigSet::empty();
    for signal in [Signal::SIGCHLD, Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        set.add(signal);
    }
    set
}

fn start_monitor(order: &Order) -> Result<(Link, Child)> {
    let (link, theirs) = Link::pair()?;
    let executable = std::env::current_exe().context("cannot find the agentsnoop executable to start the monitor")?;
    let monitor = Command::new(&executable)
        .arg0("agentsnoop")
        .arg(MONITOR_COMMAND)
        .stdin(Stdio::from(theirs.into_fd()))
        .stdout(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start the monitor {}", executable.display()))?;
    link.send(order)?;
    match link.receive()? {
        Some(ToForeground::Ready) => Ok((link, monitor)),
        Some(ToForeground::Failed { message }) => Err(fail(Exit::NotStarted, message)),
        other => Err(fail(
            Exit::NotStarted,
            format!("the monitor ended before it was ready ({other:?}); the command was not started"),
        )),
    }
}

/// Starts the command in a process that the monitor tracks before it executes the program.
fn spawn(
    program: &std::path::Path,
    command: &[OsString],
    identity: &Identity,
    mask: SigSet,
    link: RawFd,
) -> std::io::Result<Child> {
    let mut child = Command::new(program);
    child.arg0(&command[0]).args(&command[1..]).env_clear().envs(&identity.environment);
    let switch = identity.switch.clone();
    // SAFETY: the closure runs between fork and exec. It allocates nothing and only makes system calls on values
    // that were prepared before the fork.
    unsafe {
        child.pre_exec(move || {
            introduce(link)?;
            // A blocked signal stays blocked across exec, and a shell that never hears of its children hangs.
            mask.thread_set_mask()?;
            switch.as_ref().map_or(Ok(()), become_user)
        });
    }
    child.spawn()
}

/// Tells the monitor this process's pid and waits until it is tracked. Runs between fork and exec: no allocation.
fn introduce(link: RawFd) -> std::io::Result<()> {
    // SAFETY: the parent keeps the link open while it waits for this process to exec.
    let link = unsafe { BorrowedFd::borrow_raw(link) };
    let mut message = [0u8; 40];
    let mut rest = &mut message[..];
    std::io::Write::write_fmt(&mut rest, format_args!("{{\"Track\":{{\"pid\":{}}}}}", std::process::id()))?;
    let left = rest.len();
    let used = message.len() - left;
    nix::sys::socket::send(link.as_raw_fd(), &message[..used], nix::sys::socket::MsgFlags::MSG_NOSIGNAL)?;
    let mut answer = [0u8; 64];
    let count = nix::sys::socket::recv(link.as_raw_fd(), &mut answer, nix::sys::socket::MsgFlags::empty())?;
    if &answer[..count] == b"\"Tracked\"" { Ok(()) } else { Err(std::io::ErrorKind::ConnectionAborted.into()) }
}

/// Groups first, then the group, then the user: after that the right to change them is gone (credentials(7)).
fn become_user(switch: &Switch) -> std::io::Result<()> {
    nix::unistd::setgroups(&switch.groups)?;
    nix::unistd::setresgid(switch.gid, switch.gid, switch.gid)?;
    nix::unistd::setresuid(switch.uid, switch.uid, switch.uid)?;
    Ok(())
}

/// Waits for the command or for a reason to stop, then for the monitor's summary.
fn wait(child: &mut Child, link: &Link, signals: &SignalFd, strict: bool) -> Result<Outcome> {
    let mut monitor_alive = true;
    loop {
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        if monitor_alive {
            fds.push(PollFd::new(link.fd().as_fd(), PollFlags::POLLIN));
        }
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the command"),
        }
        let readable = |fd: &PollFd| fd.any().unwrap_or(true);
        if fds.get(1).is_some_and(readable) && link.receive::<ToForeground>().ok().flatten().is_none() {
            monitor_alive = false;
            eprintln!("agentsnoop: the monitor has ended; the command goes on and is no longer observed");
        }
        if !readable(&fds[0]) {
            continue;
        }
        let Some(info) = signals.read_signal().context("cannot read a signal")? else { continue };
        match i32::try_from(info.ssi_signo).map(Signal::try_from) {
            Ok(Ok(Signal::SIGCHLD)) => {
                if let Some(status) = child.try_wait().context("cannot wait for the command")? {
                    return Ok(finish(child.id(), status, link, monitor_alive, strict));
                }
            }
            // The terminal sends ^C and ^\ to the command as well; the command decides what they mean.
            Ok(Ok(Signal::SIGINT | Signal::SIGQUIT)) if info.ssi_code == SI_KERNEL => {}
            Ok(Ok(signal)) => return Ok(stop(signal, link, monitor_alive)),
            _ => {}
        }
    }
}

/// The command has ended: asks for the summary.
fn finish(pid: u32, status: ExitStatus, link: &Link, monitor_alive: bool, strict: bool) -> Outcome {
    let own = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    // A code is at most 255 and a signal at most 64 (wait(2)), so the number fits.
    let own = u8::try_from(own).unwrap_or(u8::MAX);
    let done = if monitor_alive {
        link.send(&ToMonitor::Ended { pid, status: status.into_raw() }).ok();
        summary(link)
    } else {
        None
    };
    let lost = done.as_ref().is_none_or(|(_, lost)| *lost);
    let report = done.map_or_else(
        || String::from("agentsnoop: the monitor ended before the command did; the recording holds what was written until then\n"),
        |(summary, _)| summary,
    );
    Outcome { code: if strict && lost && own == 0 { Exit::Lost as u8 } else { own }, report }
}

/// agentsnoop itself is asked to end: the command goes on, unobserved.
fn stop(signal: Signal, link: &Link, monitor_alive: bool) -> Outcome {
    let number = signal as i32;
    let summary =
        if monitor_alive && link.send(&ToMonitor::Stop { signal: number }).is_ok() { summary(link) } else { None };
    let report = format!(
        "{}agentsnoop: ended by {}; the command goes on and is no longer observed\n",
        summary.map(|(summary, _)| summary).unwrap_or_default(),
        signal.as_str()
    );
    Outcome { code: u8::try_from(128 + number).unwrap_or(u8::MAX), report }
}

/// Waits for the monitor's last word; `None` when it is gone.
fn summary(link: &Link) -> Option<(String, bool)> {
    loop {
        match link.receive().ok()?? {
            ToForeground::Done { summary, lost } => return Some((summary, lost)),
            ToForeground::Failed { message } => return Some((format!("agentsnoop: {message}\n"), true)),
            ToForeground::Ready | ToForeground::Tracked => {}
        }
    }
}

/// The command line for an [`Order`], cut to [`super::link::COMMAND_BYTES`].
#[must_use]
pub fn shown(command: &[OsString]) -> Vec<String> {
    let mut left = super::link::COMMAND_BYTES;
    let text = |argument: &OsString| OsStr::to_string_lossy(argument).into_owned();
    command
        .iter()
        .map(text)
        .take_while(|argument| {
            let fits = argument.len() <= left;
            left = left.saturating_sub(argument.len());
            fits
        })
        .collect()
}
