//! Signals that end a command, held until it has put back what it changed: a terminal's mode, a half-written file.

use std::os::fd::{AsFd, BorrowedFd};

use anyhow::{Context as _, Result};
use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};

use crate::run::disposition::was_ignored;

/// What a person, a session or a system ends a command with.
const ENDING: [Signal; 4] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM];

/// The ending signals, held back from this thread for as long as the value lives.
#[derive(Debug)]
pub(super) struct Interrupts {
    held: SigSet,
    arrived: SignalFd,
}

impl Interrupts {
    /// Holds the signals back, but for those that were ignored when agentsnoop was executed, as `nohup` has it: held back they
    /// would come.
    ///
    /// # Errors
    ///
    /// The error of the system.
    pub(super) fn hold() -> Result<Self> {
        let held: SigSet = ENDING.into_iter().filter(|signal| !was_ignored(*signal)).collect();
        held.thread_block().context("cannot hold signals back")?;
        let arrived = SignalFd::with_flags(&held, SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK)
            .context("cannot listen to signals")?;
        Ok(Self { held, arrived })
    }

    /// A signal that has come since.
    pub(super) fn come(&self) -> Option<Signal> {
        let info = self.arrived.read_signal().ok()??;
        i32::try_from(info.ssi_signo).ok().and_then(|number| Signal::try_from(number).ok())
    }

    /// Lets everything come that was held back: the process ends here where an ending signal has been raised.
    pub(super) fn release(&self) {
        // What was blocked can be unblocked.
        let _ = self.held.thread_unblock();
    }
}

impl AsFd for Interrupts {
    /// Readable once a signal has come.
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.arrived.as_fd()
    }
}

impl Drop for Interrupts {
    fn drop(&mut self) {
        self.release();
    }
}
