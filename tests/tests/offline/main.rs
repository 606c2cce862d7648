//! Tests that need no privileges and no kernel: recordings, what damage does to them, and the commands that read them.
#![expect(clippy::expect_used, clippy::panic, reason = "a test fails by panicking, in its helpers too")]

mod agents;
mod cli;
mod damage;
mod documents;
mod export;
mod format;
mod frames;
mod full;
mod index;
mod inputs;
mod malformed;
mod pace;
mod places;
mod query;
mod replay;
mod resume;
mod rules;
mod schema;
mod screen;
mod seek;
mod shown;
mod store;
mod tmux;
mod tools;
mod window;
