//! Tests that need no privileges and no kernel: recordings, what damage does to them, and the commands that read them.

mod cli;
mod damage;
mod format;
mod replay;
mod store;
mod tools;
