//! Whether what the hooks see arrives: a thread of doctor's own is observed while it opens a file, and the counts are compared.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::mpsc::channel;

use anyhow::{Context, Result};
use monitor_common::counters::{Counters, Fault};
use monitor_common::task::call;
use serde::Serialize;

use crate::source::kernel::Kernel;

/// What the thread opens: it is there wherever agentsnoop runs.
const FILE: &str = "/proc/self/status";

/// The counts of one thread that opened a file.
#[derive(Debug, Default, Serialize)]
pub(super) struct Ledger {
    /// Records that the kernel half began.
    seen: u64,
    /// Records that it wrote to the ring.
    stored: u64,
    /// Records that came out of it.
    received: u64,
    /// Records that it lost.
    lost: u64,
    /// Calls that had not returned.
    in_flight: u64,
    /// Runs of programs that the kernel skipped since the program was under way on the CPU, by program; none before Linux 5.12,
    /// which does not tell.
    skipped: BTreeMap<String, u64>,
    /// What went less than well without losing a record, by name.
    faults: BTreeMap<&'static str, u64>,
    /// Whether something was seen, and all of it arrived.
    balanced: bool,
}

impl Ledger {
    /// Observes a thread of this process.
    ///
    /// # Errors
    ///
    /// There is no thread to be had, or the kernel refuses to track it or to show its counters.
    pub(super) fn of(kernel: &mut Kernel) -> Result<Self> {
        let (tell, told) = channel();
        let (go, going) = channel::<()>();
        let thread = std::thread::Builder::new().spawn(move || {
            // Nobody waits for either when the observation cannot begin.
            let _ = tell.send(nix::unistd::gettid().as_raw());
            let _ = going.recv();
            let _ = std::fs::File::open(FILE);
        });
        let thread = thread.context("cannot start a thread to look at")?;
        let tid = told.recv().context("the thread to look at is gone")?;
        let tid = u32::try_from(tid).context("an odd thread id")?;
        let pid = std::process::id();
        let tracked = kernel.track(pid, tid, pid, 0);
        drop(go);
        let ended = thread.join();
        tracked?;
        ended.map_err(|_| anyhow::anyhow!("the thread to look at panicked"))?;
        let in_flight = kernel.tasks().filter(|(_, task)| task.call >= call::FIRST).count() as u64;
        kernel.untrack_all()?;
        kernel.end_bursts();
        kernel.tell_repeats();
        let received = kernel.drain(usize::MAX, |_| {}) as u64;
        let counters = kernel.counters()?;
        let sum = |of: fn(&Counters) -> u64| counters.iter().map(of).sum::<u64>();
        let (seen, stored) = (sum(|cpu| cpu.seen.iter().sum()), sum(|cpu| cpu.stored.iter().sum()));
        let lost = sum(Counters::lost_total);
        let count = |fault: Fault| counters.iter().map(|cpu| cpu.faults[fault as usize]).sum::<u64>();
        let skipped = kernel.recursion_misses()?.into_iter().filter(|(_, count)| *count > 0);
        Ok(Self {
            seen,
            stored,
            received,
            lost,
            in_flight,
            skipped: skipped.collect(),
            faults: Fault::ALL.into_iter().map(|fault| (fault.name(), count(fault))).filter(|(_, n)| *n > 0).collect(),
            balanced: seen > 0 && seen == stored + lost && stored == received,
        })
    }

    /// In one line.
    pub(super) fn text(&self) -> String {
        let Self { seen, received, lost, in_flight, .. } = self;
        let verdict = if self.balanced { "balances" } else { "DOES NOT BALANCE" };
        let mut text =
            format!("{verdict}: of one open {seen} seen, {received} received, {lost} lost, {in_flight} in flight");
        let skipped: u64 = self.skipped.values().sum();
        // Writing to a string cannot fail.
        let _ = write!(text, ", {skipped} skipped");
        text
    }
}
