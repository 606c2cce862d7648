//! Who did it: processes, their trees, and the agents at their roots.

pub mod agents;
mod environment;
mod packages;
mod session;
mod table;
mod tree;

pub use table::PROCESSES;

pub(crate) use environment::Environment;
pub(crate) use packages::{Answer, Packages};
pub(crate) use session::Change;
pub(crate) use tree::Tree;
