//! Everything that is known and chosen. It takes records and actions, and never draws.

mod act;
pub mod alert;
mod ask;
mod jump;
pub mod list;
mod moments;
pub mod narrow;
pub mod order;
mod pointer;
mod screen;
mod shell;
pub mod table;
mod time;
mod travel;
pub mod trunk;

pub use alert::Alert;
pub use list::List;
pub use moments::{EVERY, Moments};
pub use screen::{Focus, MARKS, Mark, Motion, Source, State, Tab};
pub use table::Table;
pub use time::TOUCHED;
pub use trunk::Trunk;
