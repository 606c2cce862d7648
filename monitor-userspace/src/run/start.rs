//! Starting the monitor, and the command under it.

use std::ffi::OsString;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};
use nix::sys::signal::{SigHandler, SigSet, Signal};

use super::disposition;
use super::identity::{Identity, Switch};
use super::link::{Link, Order, ToForeground};
use crate::error::{Exit, fail};
use crate::tui::guest::pty;

/// The hidden subcommand by which agentsnoop executes itself as the monitor; standard input is the link.
pub const MONITOR_COMMAND: &str = "__monitor";

/// Starts the monitor and returns when its hooks are attached and its files are open.
///
/// # Errors
///
/// The monitor cannot start, or says why it cannot observe; nothing is left behind.
pub fn monitor(order: &Order) -> Result<(Link, Child)> {
    let (link, theirs) = Link::pair()?;
    let executable = std::env::current_exe().context("cannot find the agentsnoop executable to start the monitor")?;
    let mut monitor = Command::new(&executable)
        .arg0("agentsnoop")
        .arg(MONITOR_COMMAND)
        .stdin(Stdio::from(theirs.into_fd()))
        .stdout(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start the monitor {}", executable.display()))?;
    link.send(order)?;
    match link.receive()? {
        Some(ToForeground::Ready) => Ok((link, monitor)),
        Some(ToForeground::Failed { message }) => Err(fail(Exit::NotStarted, message)),
        _ => {
            let status = monitor.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
            let message = format!("the monitor ended before it was ready ({status}); the command was not started");
            Err(fail(Exit::NotStarted, message))
        }
    }
}

/// Starts the command in a process that the monitor tracks before it executes the program. `mask` is the signal mask that
/// it gets; `terminal` becomes its own, in the place of that of this process.
///
/// # Errors
///
/// What `fork(2)` or `execve(2)` refuse; `ConnectionAborted` where the monitor does not track it.
pub fn command(
    program: &Path,
    words: &[OsString],
    identity: &Identity,
    mask: SigSet,
    link: RawFd,
    terminal: Option<BorrowedFd<'_>>,
) -> std::io::Result<Child> {
    let mut child = Command::new(program);
    child.arg0(&words[0]).args(&words[1..]);
    // Without a switch the environment is inherited as it stands, order and all.
    if identity.switch.is_some() {
        child.env_clear().envs(&identity.environment);
    }
    if let Some(terminal) = terminal {
        let end = || terminal.try_clone_to_owned().map(Stdio::from);
        // What the emulator behind this terminal understands, whatever the one outside is.
        child.stdin(end()?).stdout(end()?).stderr(end()?).env("TERM", "xterm-256color");
    }
    let has_terminal = terminal.is_some();
    let switch = identity.switch.clone();
    let sigpipe_ignored = disposition::was_ignored(Signal::SIGPIPE);
    // SAFETY: the closure runs between fork and exec. It allocates nothing and only makes system calls on values
    // that were prepared before the fork.
    unsafe {
        child.pre_exec(move || {
            if has_terminal {
                pty::take_over()?;
            }
            introduce(link)?;
            restore_sigpipe(sigpipe_ignored)?;
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
    // Looked at and left there for the parent, which ignores it: this process is tracked now, and what it received would be
    // recorded as traffic of the command.
    let count = nix::sys::socket::recv(link.as_raw_fd(), &mut answer, nix::sys::socket::MsgFlags::MSG_PEEK)?;
    if &answer[..count] == b"\"Tracked\"" {
        return Ok(());
    }
    nix::sys::socket::recv(link.as_raw_fd(), &mut answer, nix::sys::socket::MsgFlags::empty())?;
    Err(std::io::ErrorKind::ConnectionAborted.into())
}

/// Ignores SIGPIPE where agentsnoop was started so; the standard library has set it to its default.
fn restore_sigpipe(ignored: bool) -> std::io::Result<()> {
    if ignored {
        // SAFETY: ignoring a signal runs no handler, and sigaction(2) is async-signal-safe.
        unsafe { nix::sys::signal::signal(Signal::SIGPIPE, SigHandler::SigIgn) }?;
    }
    Ok(())
}

/// Groups first, then the group, then the user: after that the right to change them is gone (credentials(7)).
fn become_user(switch: &Switch) -> std::io::Result<()> {
    nix::unistd::setgroups(&switch.groups)?;
    nix::unistd::setresgid(switch.gid, switch.gid, switch.gid)?;
    nix::unistd::setresuid(switch.uid, switch.uid, switch.uid)?;
    Ok(())
}
