//! Where inputs come from. Each source ends at the same alphabet, [`agentsnoop_pipeline::input::Input`], so that
//! everything behind it is the same live and in replay.

pub mod changes;
pub mod index;
pub mod judged;
pub mod kernel;
pub mod procfs;
pub mod recording;
