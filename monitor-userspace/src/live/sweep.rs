//! Sweeping out entries of threads that have ended without the kernel half's knowing: when the kernel skipped the program on
//! their exit (a recursion miss), or when they ended while they were being tracked.

use std::collections::BTreeMap;

use monitor_common::task::Task;

use crate::source::{kernel::Kernel, procfs};

/// Entries that are looked at in one go, which is at each tick: a look takes some 20 µs, and all entries there can be are
/// looked at within half a minute.
const AT_ONCE: usize = 1024;

/// Goes through the tracked threads, a few at a time.
#[derive(Debug, Default)]
pub struct Sweep {
    /// The thread after which it goes on.
    after: u32,
    /// Entries without a thread, as they were at the last look. Only one that is the same at the next look is swept: a
    /// thread that just began or ended has an entry that /proc does not agree with yet.
    suspects: BTreeMap<u32, Task>,
}

impl Sweep {
    /// Looks at the next entries, removes those that were suspects already, and returns how many.
    pub fn step(&mut self, kernel: &mut Kernel) -> usize {
        let mut entries: Vec<(u32, Task)> = kernel.tasks().filter(|(tid, _)| *tid > self.after).collect();
        entries.sort_unstable_by_key(|(tid, _)| *tid);
        entries.truncate(AT_ONCE);
        self.after = if entries.len() < AT_ONCE { 0 } else { entries.last().map_or(0, |(tid, _)| *tid) };
        // Suspects come first: they are few, and decided at once.
        let mut swept = 0;
        for (tid, seen) in std::mem::take(&mut self.suspects) {
            if is_stale(tid, &seen) && kernel.untrack_stale(tid, &seen).unwrap_or(false) {
                swept += 1;
            }
        }
        self.suspects = entries.into_iter().filter(|(tid, task)| is_stale(*tid, task)).collect();
        swept
    }
}

/// Whether there is no such thread, or it is one of another process that has the pid now.
fn is_stale(tid: u32, task: &Task) -> bool {
    match procfs::start_of_thread(task.pid, tid) {
        None => true,
        Some(start_ns) => task.start != 0 && task.start.abs_diff(start_ns) >= 2 * procfs::TICK_NS,
    }
}
