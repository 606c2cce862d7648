//! The pure middle of agentsnoop: [`input::Input`]s in, [`record::Record`]s out.
//!
//! ```text
//! Input ─▶ scrub ─▶ admit ─┬─▶ Pipeline::push ─▶ Record ─▶ lines, summary, JSON, filter
//!                          └─▶ the recording
//! ```
//!
//! No clock, file system, /proc, environment or kernel, and nothing that depends on the order of a randomised map: the
//! same inputs give the same records, byte for byte, on any machine.

pub mod admit;
pub mod attribute;
pub mod columns;
pub mod data;
pub mod enrich;
pub mod event;
pub mod filter;
mod fold;
mod hash;
pub mod input;
pub mod ledger;
pub mod lines;
mod meant;
mod pipeline;
pub mod record;
mod request;
pub mod scrub;
pub mod summary;
pub mod synthetic;

pub use admit::Admit;
pub use data::DataError;
pub use filter::Filter;
pub use ledger::Ledger;
pub use lines::Lines;
pub use pipeline::Pipeline;
pub use record::Record;
pub use request::Request;
pub use scrub::Scrub;
pub use summary::Summary;
