//! Who did it: processes, their trees, and the agents at their roots.

pub mod agents;
mod calls;
mod environment;
mod packages;
mod peers;
mod projects;
mod session;
mod shell;
mod table;
mod tools;
mod tree;

pub use calls::Effects;
pub use table::PROCESSES;

pub(crate) use calls::Told;
pub(crate) use environment::Environment;
pub(crate) use packages::{Answer, Packages};
pub(crate) use session::Change;
pub(crate) use tree::Tree;
