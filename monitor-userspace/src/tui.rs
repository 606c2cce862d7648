//! The terminal UI, live and for recordings: the only place that knows ratatui and crossterm.
//!
//! ```text
//! keys, mouse ─▶ Action ─┐                      ┌─▶ Effect: copy, mark, export, ring the bell
//!                        ├─▶ State::act, ::take ┤
//! records ─▶ hand-over ──┘                      └─▶ view::draw(&State)
//! ```
//!
//! [`state`] is pure: it takes records and actions and never draws, reads no clock and no file. [`hub`] is the bounded hand-over
//! between whoever has records and the thread that draws, so that a slow terminal costs neither events nor time.
//! docs/tui.md describes it for users.

pub mod action;
mod browser;
pub mod clip;
pub mod escape;
pub mod guest;
pub mod hub;
pub mod index;
pub mod keys;
pub mod model;
pub mod player;
pub mod prompt;
pub mod screen;
pub mod script;
pub mod state;
pub mod store;
pub mod terminal;
pub mod theme;
pub mod view;
mod why;
pub mod words;
