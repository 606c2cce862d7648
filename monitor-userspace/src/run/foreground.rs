//! The foreground process of `run`: waits for the command and shows the summary.

use std::ffi::OsString;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

use agentsnoop_pipeline::scrub::CUT;
use anyhow::{Context, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, raise};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use nix::unistd::Pid;

use super::identity::Identity;
use super::link::{Link, Order, ToForeground, ToMonitor, is_empty};
use super::window::{Shown, Window};
use super::{disposition, start};
use crate::error::{Exit, fail};
use crate::live::Report;
use crate::notes;

/// How long anyone waits for a word of the monitor. It answers within milliseconds, unless its disk or the kernel does not.
const PATIENCE: Duration = Duration::from_secs(10);

/// Milliseconds after which it is asked again whether the window is still there.
const WINDOW_CHECK: u16 = 200;

/// `si_code` of a signal that the kernel itself sent, such as the terminal's ^C (asm-generic/siginfo.h).
const SI_KERNEL: i32 = 0x80;

/// How a run ended.
#[derive(Debug)]
pub struct Outcome {
    /// The code to exit with.
    pub code: u8,
    /// The summary.
    pub summary: String,
    /// What went wrong, one line each; to be shown even to those who want no summary.
    pub notes: String,
}

/// Runs `command` as `identity` under a monitor that follows `order`.
///
/// # Errors
///
/// Nothing was started; the error carries [`Exit::NotStarted`] or the code of a command that cannot be executed.
pub fn run(
    command: &[OsString],
    identity: &Identity,
    order: &Order,
    strict: bool,
    window: Option<Window>,
) -> Result<Outcome> {
    let Some(name) = command.first() else {
        return Err(fail(Exit::Usage, "no command was given: agentsnoop run -- COMMAND [ARGUMENT…]"));
    };
    let program = identity.resolve(name)?;
    let (link, mut monitor) = start::monitor(order)?;
    link.set_patience(PATIENCE)?;
    // Only now, since the monitor would inherit what is blocked.
    let watched = watched_signals();
    let own_mask = watched.thread_swap_mask(SigmaskHow::SIG_BLOCK).context("cannot block signals")?;
    let signals = SignalFd::with_flags(&watched, SfdFlags::SFD_CLOEXEC).context("cannot listen to signals")?;
    let terminal = window.as_ref().map(|window| window.theirs.as_fd());
    let mut child = match start::command(&program, command, identity, own_mask, link.fd().as_raw_fd(), terminal) {
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
            // The file was found before, so what is not there is what it names in its first line.
            let missing = exit == Exit::NotFound;
            let why = if missing { "its interpreter does not exist".to_owned() } else { error.to_string() };
            return Err(fail(exit, format!("cannot run {}: {why}", program.display())));
        }
    };
    let shown = window.map(Window::show).transpose();
    let outcome = shown.and_then(|shown| {
        let (outcome, is_asked_to_end) = wait(&child, &link, &signals, strict, shown.as_ref())?;
        match shown.map(|shown| shown.finish(&how(outcome.code), is_asked_to_end, &signals)) {
            Some(Err(error)) => {
                let notes = format!("{}agentsnoop: {error:#}\n", outcome.notes);
                Ok(Outcome { notes, ..outcome })
            }
            _ => Ok(outcome),
        }
    });
    match outcome {
        Ok(outcome) => Ok(outcome),
        // The command runs, so its code is what counts, whatever went wrong here.
        Err(error) => {
            let status = child.wait().context("cannot wait for the command")?;
            Ok(Outcome { code: code_of(status), summary: String::new(), notes: format!("agentsnoop: {error:#}\n") })
        }
    }
}

/// How a command ended that ended with a code.
fn how(code: u8) -> String {
    match Signal::try_from(i32::from(code) - 128) {
        Ok(signal) => format!("ended with {code} ({})", signal.as_str()),
        Err(_) => format!("ended with {code}"),
    }
}

/// The signals that this process waits for. One that was ignored at the start stays so: blocked, it would be delivered.
fn watched_signals() -> SigSet {
    let mut set = SigSet::empty();
    set.add(Signal::SIGCHLD);
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP, Signal::SIGQUIT] {
        if !disposition::was_ignored(signal) {
            set.add(signal);
        }
    }
    set
}

/// The monitor, as far as it is known here.
struct Monitor<'a> {
    link: &'a Link,
    signals: &'a SignalFd,
    alive: bool,
    /// Its last word, when it came before it was asked for.
    report: Option<Report>,
}

impl Monitor<'_> {
    /// Takes a message that is there.
    fn listen(&mut self) {
        match self.link.try_receive() {
            Ok(Some(ToForeground::Done(report))) => self.report = Some(report),
            Ok(Some(ToForeground::Failed { message })) => {
                let notes = format!("agentsnoop: {message}\n");
                self.report = Some(Report { notes, lost: true, ..Report::default() });
            }
            Ok(Some(ToForeground::Ready | ToForeground::Tracked)) => {}
            Err(error) if is_empty(&error) => {}
            Ok(None) | Err(_) => self.alive = false,
        }
    }

    /// Says something and waits for the report: not for ever, and not against a signal.
    fn ask(&mut self, message: ToMonitor) -> Report {
        let deadline = Instant::now() + PATIENCE;
        // A monitor that has ended may have left its report.
        self.alive = self.alive && self.link.send(&message).is_ok();
        while self.alive && self.report.is_none() {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut fds = [
                PollFd::new(self.link.fd().as_fd(), PollFlags::POLLIN),
                PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            ];
            let ready = poll(&mut fds, PollTimeout::try_from(left).unwrap_or(PollTimeout::ZERO)).unwrap_or(0);
            let (spoken, signalled) = (ready > 0 && is_ready(&fds[0]), ready > 0 && is_ready(&fds[1]));
            if spoken {
                self.listen();
            } else if left.is_zero() || (signalled && self.is_hurried()) {
                break;
            }
        }
        if self.report.is_none() {
            self.listen();
        }
        let alive = self.alive;
        self.report.take().unwrap_or_else(|| Report { notes: silent(alive), lost: true, ..Report::default() })
    }

    /// Whether the signal that came asks not to wait any longer.
    fn is_hurried(&self) -> bool {
        let signal = self.signals.read_signal().ok().flatten();
        signal.is_some_and(|info| i32::try_from(info.ssi_signo) != Ok(Signal::SIGCHLD as i32))
    }
}

fn is_ready(fd: &PollFd<'_>) -> bool {
    fd.any().unwrap_or(true)
}

/// Waits for the command or for a reason to stop, then for the monitor's report; and whether a signal asked for the end.
fn wait(
    child: &Child,
    link: &Link,
    signals: &SignalFd,
    strict: bool,
    window: Option<&Shown>,
) -> Result<(Outcome, bool)> {
    let mut is_alone = false;
    let mut monitor = Monitor { link, signals, alive: true, report: None };
    let pid = Pid::from_raw(i32::try_from(child.id()).context("a pid is at most 4194304")?);
    loop {
        let mut fds = vec![PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
        if monitor.alive {
            fds.push(PollFd::new(link.fd().as_fd(), PollFlags::POLLIN));
        }
        // The end of a window comes without a signal.
        let patience = if window.is_some() && !is_alone { PollTimeout::from(WINDOW_CHECK) } else { PollTimeout::NONE };
        match poll(&mut fds, patience) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error).context("cannot wait for the command"),
        }
        if fds.get(1).is_some_and(is_ready) {
            monitor.listen();
            if !monitor.alive {
                notes::say(format_args!("the monitor has ended; the command goes on and is no longer observed"));
            }
        }
        if !is_alone && window.is_some_and(Shown::is_over) {
            is_alone = true;
            notes::say(format_args!("the command has no terminal any more; ^C ends the observation of it"));
        }
        if !is_ready(&fds[0]) {
            continue;
        }
        let Some(info) = signals.read_signal().context("cannot read a signal")? else { continue };
        match i32::try_from(info.ssi_signo).map(Signal::try_from) {
            Ok(Ok(Signal::SIGCHLD)) => {
                if let Some(status) = look_after(pid, window.is_none())? {
                    return Ok((finish(child.id(), status, &mut monitor, strict), false));
                }
            }
            // The terminal sends ^C and ^\ to the command as well; the command decides what they mean.
            Ok(Ok(Signal::SIGINT | Signal::SIGQUIT)) if info.ssi_code == SI_KERNEL && window.is_none() => {}
            Ok(Ok(signal)) => return Ok((stop(signal, &mut monitor, window.is_some()), true)),
            _ => {}
        }
    }
}

/// What has become of the command: its status when it has ended. A command that stops takes this process with it, as sudo
/// does, so that the shell gets the terminal back; when the shell lets this process go on, the command goes on too. One on a terminal
/// of its own (not `shares`) stops alone.
fn look_after(pid: Pid, shares: bool) -> Result<Option<ExitStatus>> {
    let flags = WaitPidFlag::WNOHANG | WaitPidFlag::WUNTRACED;
    let raw = match waitpid(pid, Some(flags)).context("cannot wait for the command")? {
        WaitStatus::Exited(_, code) => code << 8,
        WaitStatus::Signaled(_, signal, core) => signal as i32 | if core { 0x80 } else { 0 },
        WaitStatus::Stopped(..) if shares => {
            raise(Signal::SIGSTOP).context("cannot stop with the command")?;
            // It may be gone by now, or have been let go on by the same signal.
            let _ = kill(pid, Signal::SIGCONT);
            return Ok(None);
        }
        _ => return Ok(None),
    };
    Ok(Some(ExitStatus::from_raw(raw)))
}

/// The code of a status: its own, or 128 and the number of the signal.
fn code_of(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
    // A code is at most 255 and a signal at most 64 (wait(2)), so the number fits.
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// The command has ended: asks for the report.
fn finish(pid: u32, status: ExitStatus, monitor: &mut Monitor<'_>, strict: bool) -> Outcome {
    let own = code_of(status);
    let Report { summary, notes, lost } = monitor.ask(ToMonitor::Ended { pid, status: status.into_raw() });
    Outcome { code: if strict && lost && own == 0 { Exit::Lost as u8 } else { own }, summary, notes }
}

/// agentsnoop itself is asked to end: the command goes on, unobserved, unless its terminal ends with the window.
fn stop(signal: Signal, monitor: &mut Monitor<'_>, has_window: bool) -> Outcome {
    let number = signal as i32;
    let Report { summary, notes, .. } = monitor.ask(ToMonitor::Stop { signal: number });
    let name = signal.as_str();
    let command = if has_window { "was hung up" } else { "goes on and is no longer observed" };
    let notes = format!("{notes}agentsnoop: ended by {name}; the command {command}\n");
    Outcome { code: u8::try_from(128 + number).unwrap_or(u8::MAX), summary, notes }
}

/// What to say instead of a report.
fn silent(alive: bool) -> String {
    let state = if alive {
        "the monitor has not answered and may still be writing the recording; `agentsnoop verify` tells what it holds"
    } else {
        "the monitor ended before the command did; the recording holds what was written until then"
    };
    format!("agentsnoop: {state}\n")
}

/// The command line for an [`Order`], cut to [`super::link::COMMAND_BYTES`].
#[must_use]
pub fn shown(command: &[OsString]) -> Vec<String> {
    let mut left = super::link::COMMAND_BYTES;
    let mut shown = Vec::new();
    for argument in command {
        let mut text = argument.to_string_lossy().into_owned();
        if text.len() > left {
            let room = left.saturating_sub(CUT.len() + '…'.len_utf8());
            text.truncate(text.floor_char_boundary(room));
            // Half of a secret would not be recognised.
            let word = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
            text.truncate(word);
            text.push_str(CUT);
            text.push('…');
        }
        left = left.saturating_sub(text.len() + 1);
        shown.push(text);
        if left == 0 {
            break;
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_argument_is_cut_and_the_ones_before_it_are_whole() {
        let command: Vec<OsString> = vec!["agent".into(), "ä ä".repeat(40_000).into(), "rest".into()];
        let shown = shown(&command);
        assert_eq!(shown.len(), 2);
        assert_eq!(shown[0], "agent");
        assert!(shown[1].len() <= super::super::link::COMMAND_BYTES && shown[1].ends_with("ä [masked:cut]…"));
    }
}
