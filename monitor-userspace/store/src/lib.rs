//! Recordings: the list of inputs in checksummed, compressed, hash-chained blocks (docs/recording.md).
//!
//! [`writer`] appends, [`reader`] gives the inputs back and says what is damaged and where; [`segments`] and [`retention`] are
//! about those in several files. What is on disk is readable up to the first byte that is missing, whatever ended the writer.
//! Nothing here understands a record.

pub mod damage;
pub mod format;
pub mod frame;
pub mod outline;
pub mod reader;
pub mod retention;
pub mod segments;
mod unreadable;
pub mod writer;

pub use damage::{Damage, End};
pub use reader::{Item, Position, Reader};
pub use unreadable::Unreadable;
pub use writer::Writer;
