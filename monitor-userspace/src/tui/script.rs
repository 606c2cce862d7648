//! A screen without a terminal: for tests, and for the pictures in the documentation.

use std::{path::Path, thread::JoinHandle};

use anyhow::{Context as _, Result};
use crossterm::event::KeyEvent;
use ratatui::{Terminal, backend::TestBackend, buffer::Buffer};

use super::{
    action::Action,
    hub::{self, Ear, Wish},
    index::Indexing,
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

/// A screen without a terminal whose recording is played as for a real one.
#[derive(Debug)]
pub struct Played {
    /// The screen.
    pub state: State,
    ear: Ear,
    player: JoinHandle<Result<()>>,
}

impl Played {
    /// Opens a recording, with this index or without one.
    ///
    /// # Errors
    ///
    /// It cannot be read; no thread can be started.
    pub fn open(file: &Path, indexing: Option<Indexing>, state: State) -> Result<Self> {
        let (mouth, ear, mut wishes) = hub::pair();
        let (news, file, judged) = (mouth.sender(), file.to_owned(), Judged::open(file)?);
        let play = move || player::play_with(&file, judged, indexing.as_ref(), &news, &mut wishes).map(drop);
        let player = std::thread::Builder::new().name("player".to_owned()).spawn(play)?;
        Ok(Self { state, ear, player })
    }

    /// Takes what comes until `is_enough` says so and nothing is waited for any more.
    ///
    /// # Errors
    ///
    /// The player has ended.
    pub fn until(&mut self, mut is_enough: impl FnMut(&State) -> bool) -> Result<()> {
        loop {
            // As a real one, it does not draw after each batch.
            if self.ear.news.is_empty() {
                self.state.settle_all();
            }
            for effect in self.state.effects() {
                self.ear.wish(&effect);
            }
            if self.ear.news.is_empty() && !self.state.is_waiting() && is_enough(&self.state) {
                return Ok(());
            }
            self.state.hear(self.ear.news.blocking_recv().context("the player has ended")?);
        }
    }

    /// Takes what comes until there are events, and the place that was asked for is shown.
    ///
    /// # Errors
    ///
    /// The player has ended.
    pub fn arrive(&mut self) -> Result<()> {
        loop {
            for effect in self.state.effects() {
                self.ear.wish(&effect);
            }
            if !self.state.is_underway() && self.state.store.end() > 0 {
                return Ok(());
            }
            self.state.hear(self.ear.news.blocking_recv().context("the player has ended")?);
        }
    }

    /// Types keys as [`press`] does, and waits for what they ask for.
    ///
    /// # Errors
    ///
    /// The player has ended.
    pub fn press(&mut self, keys: &[&str]) -> Result<()> {
        for key in keys {
            press(&mut self.state, &[key]);
            self.until(|_| true)?;
        }
        Ok(())
    }

    /// Ends the player.
    ///
    /// # Errors
    ///
    /// The recording could not be read.
    pub fn end(self) -> Result<State> {
        let Self { state, ear, player } = self;
        // A player that has ended needs no wish.
        let _ = ear.wishes.send(Wish::Quit);
        drop(ear);
        player.join().unwrap_or_else(|_| anyhow::bail!("the player has failed"))?;
        Ok(state)
    }
}

/// Types keys by the names that they have in the keymap; what is none is typed letter by letter. After each, everything is found that is
/// to be shown.
pub fn press(state: &mut State, keys: &[&str]) {
    state.settle_all();
    for name in keys {
        press_only(state, name);
        state.settle_all();
    }
}

/// Types one key, and finds nothing: as on a screen that has had no time for it yet.
pub fn press_only(state: &mut State, name: &str) {
    match keys::named(name) {
        Some(key) => press_key(state, key),
        None => state.act(Action::Edit(Edit::Insert(name.to_owned()))),
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
