//! What takes bytes that anybody may have made: each function takes any bytes and panics where a promise is broken.
//!
//! `cargo xtask fuzz` makes inputs for them, guided by what code they reach; the inputs in `corpus/` are tried by the
//! ordinary tests too.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a target says by panicking that a promise is broken")]

mod decoder;
mod filter;
mod reader;
mod scrub;

pub use decoder::decoder;
pub use filter::filter;
pub use reader::reader;
pub use scrub::scrub;

/// Takes any bytes.
pub type Target = fn(&[u8]);

/// The targets by name.
pub const TARGETS: [(&str, Target); 4] =
    [("reader", reader), ("decoder", decoder), ("filter", filter), ("scrub", scrub)];
