//! What is known of the events that were shown so far: a tree, and what was touched.
//!
//! A model learns record by record, so going back in time is to go on from a moment that was kept, or from the beginning. Nothing here depends on a clock or on
//! how records arrived, so the same records give the same model, live and in a replay.

pub mod bursts;
pub mod catalog;
pub mod compact;
pub mod learn;
pub mod moment;
pub mod observation;
pub mod pieces;
pub mod rate;
pub mod touch;
pub mod tree;

pub use bursts::Bursts;
pub use catalog::{Catalog, Seen, Thing};
pub use learn::Model;
pub use moment::Moment;
pub use observation::Observation;
pub use pieces::Pieces;
pub use rate::Rate;
pub use touch::Touch;
pub use tree::{Ending, Key, Node, Tree};
