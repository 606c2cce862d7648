//! The command of `run --tui` on a terminal of its own, which is a part of the screen.
//!
//! ```text
//! keys, pastes, mouse ─▶ typed ─▶ pty ─▶ the command ─▶ pty ─▶ emulator ─▶ drawn
//!                                  ▲                              │
//!                                  └────────── answers ◀──────────┘
//! ```
//!
//! What the command writes reaches cells and nothing else: the emulator understands it, and the terminal outside sees characters and
//! colours. Three things are passed on: the bell, what it puts into the clipboard, and where the cursor is.

mod answers;
mod drawn;
pub mod layout;
pub mod pty;
pub mod typed;
pub mod window;

use std::{
    io::{Read as _, Write as _},
    num::NonZeroU16,
};

use anyhow::{Context as _, Result};
use crossterm::event::{KeyEvent, MouseEvent};
use ratatui::layout::Rect;
use tokio::{
    io::{Interest, unix::AsyncFd},
    sync::mpsc::UnboundedReceiver,
};

use answers::Answers;
pub use drawn::draw;
use layout::{Layout, Zoom};

/// Rows above the screen that the wheel reaches.
const SCROLLBACK: usize = 1_000;

/// Bytes that wait for a command which does not read: a long paste. What is typed beyond them is left out, and said.
const WAITING: usize = 1 << 20;

/// Bytes that are read in one go, which is what the kernel keeps of a pty's output.
const CHUNK: usize = 64 << 10;

/// Rows that a notch of the wheel moves.
const NOTCH: usize = 3;

/// What the screen is told of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It has ended, and how, in words.
    Ended(String),
    /// The screen is to end now.
    Leave,
}

/// What came of the command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// It wrote something.
    Output,
    /// It has ended, and how.
    Ended(String),
    /// The screen is to end now.
    Leave,
}

/// A command that is to be shown.
#[derive(Debug)]
pub struct Invited {
    /// This end of its terminal.
    pub master: std::fs::File,
    /// Its name, for the title.
    pub name: String,
    /// What becomes of it.
    pub told: UnboundedReceiver<Told>,
}

/// A command that is shown.
pub struct Guest {
    master: AsyncFd<std::fs::File>,
    emulator: vt100::Parser<Answers>,
    /// What the command has not read yet.
    waiting: Vec<u8>,
    size: (u16, u16),
    /// Its name.
    pub name: String,
    told: UnboundedReceiver<Told>,
    /// Nobody holds the other end of its terminal any more.
    is_silent: bool,
    /// How it has ended.
    pub ended: Option<String>,
    /// Whether it has the keys.
    pub is_focused: bool,
    /// What is shown alone.
    pub zoom: Zoom,
    /// An end was asked for while it runs: the next one hangs it up.
    pub is_asked: bool,
}

impl Guest {
    /// Shows a command on a terminal of so many columns and rows, a part of which it gets. It has the keys.
    ///
    /// # Errors
    ///
    /// Its terminal cannot be waited for.
    pub fn new(invited: Invited, (columns, rows): (u16, u16)) -> Result<Self> {
        let Invited { master, name, told } = invited;
        pty::unblock(&master)?;
        // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same until that is dropped.
        let master = unsafe { AsyncFd::register_with_interest(master, Interest::READABLE) }
            .context("cannot wait for the command's terminal")?;
        let emulator = vt100::Parser::new_with_callbacks(least(1), least(1), SCROLLBACK, Answers::default());
        let (ended, zoom) = (None, Zoom::Both);
        let mut guest = Self {
            master,
            emulator,
            waiting: Vec::new(),
            size: (0, 0),
            name,
            told,
            is_silent: false,
            ended,
            is_focused: true,
            zoom,
            is_asked: false,
        };
        guest.fit((columns, rows));
        Ok(guest)
    }

    /// Where everything is on a terminal of so many columns and rows.
    #[must_use]
    pub fn layout(&self, size: (u16, u16)) -> Layout {
        Layout::of(size, self.zoom)
    }

    /// Gives the command's terminal the size that it has on one of so many columns and rows; the command is told.
    pub fn fit(&mut self, size: (u16, u16)) {
        // What is not shown keeps its size, so that nothing is drawn anew for it.
        let Some(Rect { width, height, .. }) = self.layout(size).guest else { return };
        if self.size != (width, height) && width > 0 && height > 0 {
            self.size = (width, height);
            self.emulator.set_size(least(height), least(width));
            pty::resize(self.master.get_ref(), self.size);
        }
    }

    /// Waits for what the command writes, and for what becomes of it.
    pub async fn next(&mut self) -> Heard {
        let mut bytes = vec![0; CHUNK];
        let read = tokio::select! {
            told = self.told.recv() => return match told {
                Some(Told::Ended(how)) => Heard::Ended(how),
                Some(Told::Leave) | None => Heard::Leave,
            },
            ready = self.master.readable(), if !self.is_silent => match ready {
                Ok(mut ready) => ready.try_io(|master| master.get_ref().read(&mut bytes)),
                Err(error) => Ok(Err(error)),
            },
        };
        match read {
            // EIO is how a pty says that nobody holds its other end any more (pty(7)).
            Ok(Ok(0) | Err(_)) => self.is_silent = true,
            Ok(Ok(count)) => {
                self.emulator.process(bytes.get(..count).unwrap_or_default());
                let answers = std::mem::take(&mut self.emulator.callbacks_mut().answers);
                self.give(&answers);
            }
            Err(_) => {}
        }
        Heard::Output
    }

    /// The same of a guest that may not be there; then nothing ever comes.
    pub async fn next_of(guest: &mut Option<Self>) -> Heard {
        match guest {
            Some(guest) => guest.next().await,
            None => std::future::pending().await,
        }
    }

    /// What is to be passed on to the terminal outside.
    pub fn passed_on(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.emulator.callbacks_mut().passed_on)
    }

    /// Gives bytes to the command; `false` where it reads nothing and too much waits already.
    pub fn give(&mut self, bytes: &[u8]) -> bool {
        let has_room = self.waiting.len() + bytes.len() <= WAITING;
        if has_room {
            self.waiting.extend_from_slice(bytes);
        }
        self.write();
        has_room
    }

    /// Writes what waits, as far as the command's terminal takes it.
    pub fn write(&mut self) {
        while !self.waiting.is_empty() {
            match self.master.get_ref().write(&self.waiting) {
                Ok(count @ 1..) => drop(self.waiting.drain(..count)),
                // It takes no more for now, or is gone, which reading tells.
                _ => return,
            }
        }
    }

    /// Types a key.
    pub fn press(&mut self, key: KeyEvent) -> bool {
        self.emulator.screen_mut().set_scrollback(0);
        let bytes = typed::key(key, self.emulator.screen().application_cursor());
        self.give(&bytes)
    }

    /// Pastes a text.
    pub fn paste(&mut self, text: &str) -> bool {
        let bytes = typed::paste(text, self.emulator.screen().bracketed_paste());
        self.give(&bytes)
    }

    /// Does what the mouse does within its part, at a column and a row of that.
    pub fn point(&mut self, mouse: MouseEvent) {
        let screen = self.emulator.screen();
        let (mode, encoding) = (screen.mouse_protocol_mode(), screen.mouse_protocol_encoding());
        match (typed::mouse(mouse, mode, encoding), typed::notch(mouse)) {
            (Some(bytes), _) => drop(self.give(&bytes)),
            (None, Some(up)) if !screen.alternate_screen() => {
                let now = screen.scrollback();
                let rows = if up { now + NOTCH } else { now.saturating_sub(NOTCH) };
                self.emulator.screen_mut().set_scrollback(rows);
            }
            _ => {}
        }
    }
}

/// A number of columns or rows.
fn least(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap_or(NonZeroU16::MIN)
}
