//! A screen that panics while it draws, so that a test can look at what is left of its terminal.

use agentsnoop::tui::{
    hub, screen,
    state::{Source, State},
    view,
};
use anyhow::{Result, bail};
use ratatui::buffer::Buffer;

/// Draws until the help is asked for.
#[expect(clippy::panic, reason = "that is what it is for")]
fn draw(state: &State, buffer: &mut Buffer) {
    view::draw(state, buffer);
    if state.help.is_some() {
        panic!("drawing has failed, as it was told to");
    }
}

/// Shows it, until it fails.
pub(crate) fn panic() -> Result<()> {
    let (_mouth, ear, _wishes) = hub::pair();
    let source = Source { name: "nothing".to_owned(), is_live: true, recording: None };
    screen::start_drawing(source, None, ear, draw)?.join().unwrap_or_else(|_| bail!("the thread that draws has failed"))
}
