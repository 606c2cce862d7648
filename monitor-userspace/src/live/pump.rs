//! When to drain the ring.
//!
//! The kernel half wakes the reader at most once in [`WAKE_NANOSECONDS`], since a wake-up costs more than an event. So
//! after each wake-up the reader polls until it has seen nothing for twice that time; a record written later than
//! that wakes it again. Nothing waits longer than that; whoever drains at another time says
//! so ([`Pump::look_again`]).

use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use monitor_common::limits::WAKE_NANOSECONDS;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

const WAKE: Duration = Duration::from_nanos(WAKE_NANOSECONDS);

/// Waits for the moments at which the ring is to be drained.
#[derive(Debug)]
pub struct Pump {
    fd: AsyncFd<OwnedFd>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing has been seen for long enough: the kernel half will wake us.
    Idle,
    /// Records may come without a wake-up until this moment.
    Polling { until: Instant },
    /// The last drain stopped at its limit.
    Behind,
}

impl Pump {
    /// Waits on a duplicate of the ring's descriptor.
    ///
    /// # Errors
    ///
    /// The descriptor cannot be registered with the runtime.
    pub fn new(fd: OwnedFd) -> Result<Self> {
        // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same until that is dropped.
        let fd = unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }
            .context("cannot wait for the ring buffer")?;
        Ok(Self { fd, state: State::Polling { until: Instant::now() + 2 * WAKE } })
    }

    /// Returns when the ring is to be drained. Cancelling it loses nothing.
    ///
    /// # Errors
    ///
    /// The descriptor fails.
    pub async fn wait(&mut self) -> Result<()> {
        match self.state {
            State::Behind => tokio::task::yield_now().await,
            State::Polling { .. } => tokio::time::sleep(WAKE).await,
            State::Idle => {
                self.fd.readable().await.context("cannot wait for the ring buffer")?.clear_ready();
            }
        }
        Ok(())
    }

    /// Says that the ring may have been drained by somebody else: a wake-up may have been for what they took, and records may
    /// follow without one.
    pub fn look_again(&mut self) {
        self.state = State::Polling { until: Instant::now() + 2 * WAKE };
    }

    /// Whether nothing was seen for long enough: what comes next wakes the reader.
    #[must_use]
    pub const fn is_idle(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    /// Says what a drain found: how many records, and whether it stopped at its limit.
    pub fn drained(&mut self, records: usize, at_limit: bool) {
        let now = Instant::now();
        self.state = match self.state {
            _ if at_limit => State::Behind,
            _ if records > 0 => State::Polling { until: now + 2 * WAKE },
            State::Polling { until } if now < until => State::Polling { until },
            State::Behind => State::Polling { until: now + 2 * WAKE },
            _ => State::Idle,
        };
    }
}
