//! Events a second, by their own times.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// Seconds that are kept: a sparkline is not longer.
pub const SECONDS: usize = 60;

const SECOND_NS: u64 = 1_000_000_000;

/// How many events were in each of the last seconds of the boot clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    counts: VecDeque<u64>,
    /// The second of the last count.
    second: u64,
}

impl Rate {
    /// Takes an event.
    pub fn note(&mut self, boot_ns: u64) {
        self.pass(boot_ns);
        // What comes late belongs to an earlier second.
        let back = usize::try_from(self.second.saturating_sub(boot_ns / SECOND_NS)).unwrap_or(usize::MAX);
        let at = self.counts.len().checked_sub(back.saturating_add(1));
        if let Some(count) = at.and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
    }

    /// Lets the time pass without an event.
    pub fn pass(&mut self, boot_ns: u64) {
        let second = boot_ns / SECOND_NS;
        if self.counts.is_empty() {
            self.second = second;
            self.counts.push_back(0);
        }
        let new = second.saturating_sub(self.second);
        for _ in 0..new.min(SECONDS as u64) {
            self.counts.push_back(0);
        }
        while self.counts.len() > SECONDS {
            self.counts.pop_front();
        }
        self.second = self.second.max(second);
    }

    /// Events of the last seconds, the oldest first, at most so many.
    pub fn last(&self, seconds: usize) -> impl Iterator<Item = u64> {
        self.counts.iter().skip(self.counts.len().saturating_sub(seconds)).copied()
    }

    /// Events of the fullest of the last two seconds: the newest one has only begun.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.last(2).max().unwrap_or(0)
    }
}
