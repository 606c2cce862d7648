//! From wire to event: what the numbers of the kernel mean.

pub mod at_flags;
pub mod bodies;
pub mod call;
pub mod clone_flags;
pub mod detail;
pub mod dns;
pub mod encode;
pub mod errno;
pub mod flags;
pub mod named;
mod netlink;
pub mod path;
pub mod peek;
mod repeats;
pub mod signal;
pub mod sockaddr;
pub mod stdio;

pub use repeats::{REMEMBERED, Repeats};
