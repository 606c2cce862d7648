//! The pure middle of agentsnoop: [`input::Input`]s in, records out.
pub mod input;
