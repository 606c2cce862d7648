//! A screen without a terminal: for tests, and for the pictures in the documentation.

use std::path::Path;

use anyhow::Result;
use crossterm::event::KeyEvent;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::{
    action::Action,
    keys,
    player::{self, Reading},
    prompt::Edit,
    state::{Source, State},
    theme::Theme,
    view,
};
use crate::source::judged::Judged;

/// A state that has taken a recording as a whole.
///
/// # Errors
///
/// The recording cannot be read.
pub fn of_recording(file: &Path, size: (u16, u16), theme: Theme) -> Result<State> {
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut state = State::new(Source { name, is_live: false, recording: None }, size, theme);
    player::tell(&mut Judged::open(file)?, Reading::Whole, &mut |news| {
        state.hear(news);
        true
    })?;
    Ok(state)
}

/// Types keys by the names that they have in the keymap; what is none is typed letter by letter. After each, everything is found that is
/// to be shown.
pub fn press(state: &mut State, keys: &[&str]) {
    state.settle_all();
    for name in keys {
        match keys::named(name) {
            Some(key) => press_key(state, key),
            None => state.act(Action::Edit(Edit::Insert((*name).to_owned()))),
        }
        state.settle_all();
    }
}

fn press_key(state: &mut State, key: KeyEvent) {
    let action = if state.prompt.is_some() { keys::edit(key).map(Action::Edit) } else { keys::action(key) };
    if let Some(action) = action {
        state.act(action);
    }
}

/// The frame of a state.
///
/// # Errors
///
/// None is known.
pub fn frame(state: &State) -> Result<Buffer> {
    let mut terminal = Terminal::new(TestBackend::new(state.size.0, state.size.1))?;
    terminal.draw(|frame| view::draw(state, frame.buffer_mut()))?;
    Ok(terminal.backend().buffer().clone())
}

/// A frame as text, one line a row.
#[must_use]
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in buffer.area().top()..buffer.area().bottom() {
        let mut line = String::new();
        let mut covered = 0;
        for x in buffer.area().left()..buffer.area().right() {
            let symbol = buffer[(x, y)].symbol();
            // The cell behind a wide character is a part of it.
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = super::escape::width(symbol).saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
