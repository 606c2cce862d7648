//! The monitor of `run`: holds the hooks and the recording, and outlives the command when it must.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::time::Duration;

use agentsnoop_pipeline::input::{Control, Input};
use anyhow::{Context, Result};
use nix::sys::signal::{SigHandler, Signal};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until};

use super::files::{self, Made, Opened};
use super::link::{Link, Order, ToForeground, ToMonitor, is_empty};
use super::onlookers::{Marked, Onlookers};
use crate::extensions::Extensions;
use crate::live::pump::Pump;
use crate::live::{Live, Options, TICK_EVERY};

/// How often it is asked whether a process that outlived the command is still there.
const LINGER_CHECK: Duration = Duration::from_millis(100);

/// The monitor's whole life; standard input is the link.
///
/// # Errors
///
/// The foreground process is gone before it gave an order, or the recording cannot be closed.
pub fn main() -> Result<()> {
    let stderr = detach().context("cannot detach the monitor")?;
    let link = Link::from_fd(std::io::stdin().as_fd().try_clone_to_owned().context("cannot take over the link")?);
    let Some(order) = link.receive::<Order>()? else {
        anyhow::bail!("the monitor is started by `agentsnoop run` only");
    };
    let scrub = match order.scrubbing.read() {
        Ok(scrub) => scrub,
        Err(error) => return link.send(&ToForeground::Failed { message: format!("{error:#}") }),
    };
    let options = Options {
        ring_bytes: order.ring_bytes,
        btf: order.btf.clone().map(PathBuf::from),
        command: order.command.clone(),
        bounds: order.bounds,
        scrub,
        extensions: order.folders.read(&Extensions::default()),
        ..Options::default()
    };
    let mut made = None;
    let live = Live::open(&options, || {
        let Opened { outputs, made: file, door } = files::open(&order, stderr)?;
        made = Some((file, door));
        Ok(outputs)
    });
    let (live, made, door) = match (live, made) {
        (Ok(live), Some((made, door))) => (live, made, door),
        (Err(error), _) => return link.send(&ToForeground::Failed { message: format!("{error:#}") }),
        (Ok(_), None) => anyhow::bail!("the monitor has opened no recording"),
    };
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let owner = order.owner.map_or_else(|| nix::unistd::geteuid().as_raw(), |(user, _)| user);
    runtime.block_on(async {
        let onlookers = Onlookers::at(door, owner)?;
        Monitor { live, order, made, link, onlookers, foreground: true, command: Command::Waiting }.serve().await
    })
}

/// Lets go of everything that belongs to the command and its terminal, so that nobody waits for this process: descriptors
/// that were inherited, the folder, the session. Returns standard error, which nothing else holds any more.
fn detach() -> Result<File> {
    // SAFETY: close_range(2) takes numbers only, and nothing in this process owns a descriptor from 3 on yet.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, u32::MAX, 0) };
    if closed != 0 {
        return Err(std::io::Error::last_os_error()).context("cannot close inherited descriptors");
    }
    let stderr = File::from(std::io::stderr().as_fd().try_clone_to_owned().context("cannot keep standard error")?);
    let null = File::options().read(true).write(true).open("/dev/null").context("cannot open /dev/null")?;
    nix::unistd::dup2_stderr(&null).context("cannot let go of standard error")?;
    std::env::set_current_dir("/").context("cannot leave the folder")?;
    // SAFETY: ignoring a signal runs no handler. A file at its limit (RLIMIT_FSIZE) is then an error like a full disk.
    unsafe { nix::sys::signal::signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.context("cannot ignore SIGXFSZ")?;
    // The terminal's ^C and hang-up are for the command, not for the observation of it.
    nix::unistd::setsid().context("cannot begin a session")?;
    Ok(stderr)
}

/// Where the command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Command {
    /// It has not been executed yet.
    Waiting,
    /// It runs, or has been executed.
    Running,
    /// It has ended; what it left is observed until this moment.
    Ended { until: Instant },
}

struct Monitor {
    live: Live,
    order: Order,
    made: Made,
    link: Link,
    onlookers: Onlookers,
    /// The foreground process is there and listens.
    foreground: bool,
    command: Command,
}

impl Monitor {
    async fn serve(mut self) -> Result<()> {
        let mut pump = Pump::new(self.live.ring()?)?;
        let messages = self.link.fd().try_clone().context("cannot duplicate the link")?;
        // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same until that is dropped.
        let messages = unsafe { AsyncFd::register_with_interest(messages, Interest::READABLE) }
            .context("cannot wait for messages")?;
        let mut terminate = signal(SignalKind::terminate()).context("cannot listen to SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen to SIGINT")?;
        let mut hangup = signal(SignalKind::hangup()).context("cannot listen to SIGHUP")?;
        let mut second = interval(TICK_EVERY);
        second.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut check = interval(LINGER_CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.link.send(&ToForeground::Ready)?;
        let reason = loop {
            let until = if let Command::Ended { until } = self.command { Some(until) } else { None };
            tokio::select! {
                biased;
                ready = messages.readable(), if self.foreground => {
                    let reason = self.messages(ready.context("cannot wait for messages")?);
                    pump.look_again();
                    if let Some(reason) = reason {
                        break reason;
                    }
                }
                _ = terminate.recv() => break "ended by SIGTERM".to_owned(),
                _ = interrupt.recv() => break "ended by SIGINT".to_owned(),
                _ = hangup.recv() => break "ended by SIGHUP".to_owned(),
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => {
                    break format!("processes outlived the command by more than {} s", self.order.linger_seconds);
                }
                _ = check.tick(), if until.is_some() || !self.foreground => {
                    if !self.live.is_tracking() {
                        break "the last process of the command has ended".to_owned();
                    }
                }
                _ = second.tick() => {
                    self.take_marks();
                    self.live.tick();
                    pump.look_again();
                }
                waited = pump.wait() => {
                    waited?;
                    let drained = self.live.drain();
                    pump.drained(drained.records, drained.at_limit);
                    if !self.onlookers.is_empty() {
                        self.live.show_recorded(pump.is_idle());
                    }
                }
                // Behind everything else: whoever comes again and again holds up nothing.
                () = self.onlookers.come() => self.take_marks(),
            }
        };
        self.end(&reason)
    }

    /// Takes the messages that are there; a reason to end the observation, if one says so.
    fn messages(&mut self, mut ready: tokio::io::unix::AsyncFdReadyGuard<'_, OwnedFd>) -> Option<String> {
        loop {
            match self.link.try_receive::<ToMonitor>() {
                Ok(Some(ToMonitor::Track { pid })) => self.track(pid),
                Ok(Some(ToMonitor::Ended { pid, status })) => {
                    self.live.command_ended(pid, status);
                    let until = Instant::now() + Duration::from_secs(self.order.linger_seconds);
                    self.command = Command::Ended { until };
                    if !self.live.is_tracking() {
                        return Some("the command has ended".to_owned());
                    }
                    self.report();
                }
                Ok(Some(ToMonitor::Stop { signal })) => {
                    let name = Signal::try_from(signal).map_or("a signal", Signal::as_str);
                    return Some(format!("ended by {name}"));
                }
                Ok(Some(ToMonitor::NotStarted)) => return Some(self.discard("the command could not be executed")),
                Err(error) if is_empty(&error) => {
                    ready.clear_ready();
                    return None;
                }
                Ok(None) | Err(_) if self.command == Command::Waiting => {
                    self.foreground = false;
                    return Some(self.discard("the run was given up before the command started"));
                }
                // The foreground process is gone. The command may go on, and so does the observation of it.
                Ok(None) | Err(_) => {
                    self.foreground = false;
                    return None;
                }
            }
        }
    }

    /// Records what those mark who look at the recording.
    fn take_marks(&mut self) {
        let live = &self.live;
        for Marked { boot_ns, note } in self.onlookers.look(|pid| live.is_observed(pid)) {
            self.live.feed(Input::Control(Control::Mark { boot_ns, note }));
        }
    }

    /// There was no command: gives the recording up.
    fn discard(&mut self, reason: &str) -> String {
        self.live.discard();
        files::remove(&self.order, self.made);
        reason.to_owned()
    }

    fn track(&mut self, pid: u32) {
        let answer = match self.live.track_new(pid) {
            Ok(()) => ToForeground::Tracked,
            Err(error) => ToForeground::Failed { message: format!("{error:#}") },
        };
        self.command = Command::Running;
        // Without an answer the process that waits for it does not become the command.
        self.link.send(&answer).ok();
    }

    /// Sends the summary; the foreground process ends with it.
    fn report(&mut self) {
        let mut report = self.live.report(self.order.columns);
        report.notes.push_str(&self.onlookers.notes());
        if let (Command::Ended { .. }, outlived @ 1..) = (self.command, self.live.tracked_processes()) {
            let seconds = self.order.linger_seconds;
            let what = match outlived {
                1 => "1 process of it goes on and is".to_owned(),
                _ => format!("{outlived} processes of it go on and are"),
            };
            report.summary.push_str(&format!("  outlived     {what} recorded for {seconds} s at most\n"));
        }
        self.link.send(&ToForeground::Done(report)).ok();
        self.foreground = false;
    }

    fn end(mut self, reason: &str) -> Result<()> {
        self.take_marks();
        let closed = self.live.close(reason);
        if self.foreground {
            self.report();
        }
        closed
    }
}
