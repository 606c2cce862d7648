//! What a thing that was touched is for, and who was meant by an address.

mod class;
mod delegates;
mod endpoints;
mod names;
mod network;
mod paths;
mod rules;
mod wildcard;

pub use class::{Class, Classes};
pub use endpoints::Endpoint;
pub use rules::{Rules, Why};

pub(crate) use delegates::Delegates;
pub(crate) use names::{Member, Names};
