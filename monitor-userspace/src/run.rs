//! `agentsnoop run`: a command under observation, from its first instruction.
//!
//! Two processes share the work. The *foreground* process starts the command, waits for it and returns its code; it
//! holds nothing of the kernel's, so the prompt is back at once. The *monitor* holds the hooks and the recording, in
//! a session of its own, so that a ^C at the terminal does not reach it; it goes on while processes outlive the
//! command. They talk over a socket pair ([`link`]); a screen on the recording talks to the monitor too ([`onlookers`]).

pub mod disposition;
pub mod files;
pub mod foreground;
pub mod identity;
pub mod link;
pub mod monitor;
pub mod onlooker;
pub mod onlookers;
pub mod start;
pub mod window;
