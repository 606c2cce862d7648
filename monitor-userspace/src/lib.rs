//! agentsnoop shows what an AI coding agent really does.
//!
//! Sources give [`agentsnoop_pipeline::input::Input`]s, the pure pipeline turns them into records, sinks write them.
//! `ARCHITECTURE.md` has the picture and the invariants.

pub mod cli;
pub mod commands;
pub mod error;
pub mod extensions;
pub mod inventory;
pub mod live;
pub mod notes;
mod owner;
pub mod recognition;
pub mod run;
pub mod scrubbing;
pub mod sink;
pub mod source;
pub mod tui;
pub mod verify;
