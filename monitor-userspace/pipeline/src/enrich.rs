//! What a thing that was touched is for.

mod class;
mod network;
mod paths;
mod rules;
mod wildcard;

pub use class::{Class, Classes};
pub use rules::Rules;
