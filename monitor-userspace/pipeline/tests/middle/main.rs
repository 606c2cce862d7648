//! The middle from its inputs to what it gives, without a kernel.

mod admit;
mod agents;
mod attribution;
mod classes;
mod common;
mod decode;
mod ledger;
mod run;
mod scrub;
