//! Recordings: the list of inputs in checksummed, compressed, hash-chained blocks (docs/recording.md).
//!
//! [`writer`] appends, [`reader`] gives the inputs back and says what is damaged and where, [`verify`] judges a
//! whole recording. What is on disk is readable up to the first byte that is missing, whatever ended the writer.

pub mod damage;
pub mod format;
pub mod frame;
pub mod outline;
pub mod reader;
pub mod retention;
pub mod segments;
pub mod verify;
pub mod writer;

pub use damage::{Damage, End};
pub use reader::{Item, Position, Reader};
pub use writer::Writer;
