//! Drawing: one file a pane. Each draws what the state says and changes nothing.

mod details;
mod events;
mod footer;
mod frame;
mod header;
mod help;
pub mod layout;
mod line;
mod paint;
pub mod picture;
mod tables;
mod tree;

pub use frame::draw;
