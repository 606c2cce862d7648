//! Tracking what runs already.

use std::collections::BTreeSet;

use agentsnoop_pipeline::input::{Control, Input, Observed, Why};
use anyhow::{Context, Result};

use super::Live;
use crate::recognition;
use crate::source::kernel::is_libc_name;
use crate::source::procfs;

/// Rounds of looking for children that were made while their parent was not yet tracked. Each round sees the children
/// of the last, so a tree that forks faster than this is one that forks without end.
const ROUNDS: usize = 32;

impl Live {
    /// Tracks a process that runs already, and its descendants.
    ///
    /// # Errors
    ///
    /// There is no such process, or the map of threads refuses it.
    pub fn track_running(&mut self, root: u32, why: Why) -> Result<()> {
        procfs::process(root, root).with_context(|| format!("cannot observe process {root}"))?;
        self.engage();
        self.feed(Input::Control(Control::Track { pid: root, why }));
        let tracked: BTreeSet<u32> = self.kernel.tasks().map(|(_, task)| task.pid).collect();
        for ancestor in procfs::ancestors(root).into_iter().filter(|above| !tracked.contains(&above.pid)) {
            self.feed(Input::Observed(Observed::Process(Box::new(ancestor))));
        }
        let mut told = BTreeSet::new();
        for _ in 0..ROUNDS {
            let mut news = false;
            for pid in procfs::tree(root)? {
                // A process that ends meanwhile needs no tracking any more.
                let Ok(found) = procfs::process(pid, root) else { continue };
                let mut new = BTreeSet::new();
                for thread in &found.threads {
                    if self.kernel.track(pid, thread.tid, root, 0)? {
                        new.insert(thread.tid);
                    }
                }
                // One that ended before it was tracked leaves an entry that nothing else removes: its end was not seen.
                let gone = procfs::gone(pid, &found.threads);
                for tid in &gone {
                    self.kernel.take_back(*tid)?;
                    new.remove(tid);
                }
                if gone.len() == found.threads.len() {
                    continue;
                }
                news |= !new.is_empty();
                if told.insert(pid) {
                    self.feed(Input::Observed(Observed::Process(Box::new(found.process))));
                    self.attach_mapped_libcs(pid);
                }
            }
            // A child of a tracked thread is tracked by the kernel half; a round without news leaves none behind.
            if !news {
                return Ok(());
            }
        }
        anyhow::bail!("cannot observe process {root}: it makes new processes faster than they can be found")
    }

    /// Probes the C libraries that a process has mapped already: their opens were not seen.
    pub(super) fn attach_mapped_libcs(&mut self, pid: u32) {
        for path in procfs::mapped(pid, is_libc_name) {
            self.attach_libc(pid, &path);
        }
    }

    /// Finds agents that run already, by what /proc tells of their programs, and tracks their trees; their pids.
    ///
    /// # Errors
    ///
    /// /proc cannot be listed.
    pub fn track_running_agents(&mut self) -> Result<Vec<u32>> {
        let catalogue = self.admit.catalogue();
        let mut found: Vec<u32> = procfs::all()?
            .filter(|candidate| recognition::agent_in(catalogue, &candidate.process).is_some())
            .map(|candidate| candidate.process.pid)
            .collect();
        found.retain(|pid| self.track_running(*pid, Why::Agent).is_ok());
        Ok(found)
    }
}
