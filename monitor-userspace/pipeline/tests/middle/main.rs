//! The middle from its inputs to what it gives, without a kernel.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail as tests do")]

mod admit;
mod agents;
mod anything;
mod attribution;
mod begun;
mod bounds;
mod calls;
mod changes;
mod classes;
mod common;
mod decode;
mod delegates;
mod dns;
mod fold;
mod identified;
mod inherited;
mod layouts;
mod ledger;
mod programs;
mod projects;
mod rejected;
mod repeats;
mod run;
#[path = "../../../../tests/src/samples.rs"]
#[expect(unreachable_pub, reason = "the live tests have it in a library")]
mod samples;
mod scrub;
mod scrub_rules;
mod secrets;
mod shown;
mod standing;
mod tools;
