//! What a thing that was touched is for.

mod class;

pub use class::{Class, Classes};
