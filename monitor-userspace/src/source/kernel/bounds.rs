//! How much the maps of the kernel half take.

use aya::EbpfLoader;
use monitor_common::limits::{BURSTS, REPEATS, TASKS};
use serde::{Deserialize, Serialize};

/// Entries of the maps that fill while something is observed. Smaller ones are for tests: what happens beyond a bound is
/// the same, and is reached with little.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::Args)]
pub struct Bounds {
    /// Threads that can be tracked at once
    #[arg(long, value_name = "COUNT", default_value_t = TASKS, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub tasks: u32,
    /// Processes whose repeated stat calls can be counted at once
    #[arg(long, value_name = "COUNT", default_value_t = REPEATS, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub repeats: u32,
    /// Bursts of sending and receiving that can be under way at once
    #[arg(long, value_name = "COUNT", default_value_t = BURSTS, hide = true, value_parser = clap::value_parser!(u32).range(1..))]
    pub bursts: u32,
}

/// Entries that the same maps have at a moment. Threads and processes come and go while they are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entries {
    /// Threads that are tracked.
    pub threads: usize,
    /// Processes whose repeated stat calls are counted.
    pub repeats: usize,
    /// Places of bursts of sending and receiving.
    pub bursts: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { tasks: TASKS, repeats: REPEATS, bursts: BURSTS }
    }
}

impl Bounds {
    /// Makes the maps as large.
    pub(super) fn set<'a, 'b>(self, loader: &'a mut EbpfLoader<'b>) -> &'a mut EbpfLoader<'b> {
        loader
            .map_max_entries("TASKS", self.tasks)
            .map_max_entries("REPEATS", self.repeats)
            .map_max_entries("BURSTS", self.bursts)
    }
}
