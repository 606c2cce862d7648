//! The terminal: taken over, and given back whatever happens.

use std::{
    env,
    io::{self, IsTerminal as _, Stdout, Write as _},
    panic,
    sync::{
        Once,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::{Context as _, Result};
use crossterm::{
    cursor::Show,
    event::{DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture},
    execute,
    terminal::{EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode, size},
};
use nix::sys::signal::{Signal, raise};
use ratatui::{Terminal as Grid, backend::CrosstermBackend};

use super::{state::Alert, theme::Theme};
use crate::notes;

/// Whether the terminal is taken over, for a panic on any thread.
static TAKEN: AtomicBool = AtomicBool::new(false);

/// A terminal that is drawn on; dropping it gives it back.
pub struct Terminal {
    /// The grid of cells.
    pub grid: Grid<CrosstermBackend<Stdout>>,
}

/// Whether a screen can be shown: input and output are a terminal that can move its cursor.
#[must_use]
pub fn is_there() -> bool {
    let term = env::var("TERM").unwrap_or_default();
    io::stdin().is_terminal() && io::stdout().is_terminal() && !term.is_empty() && term != "dumb"
}

/// The theme that fits the terminal, unless `AGENTSNOOP_THEME` names one; and whether the locale knows characters beyond ASCII.
#[must_use]
pub fn look() -> (Theme, bool) {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let asked = Theme::of(&variable("AGENTSNOOP_THEME"));
    let no_color = !variable("NO_COLOR").is_empty();
    let theme = asked.unwrap_or_else(|| Theme::fitting(&variable("TERM"), &variable("COLORTERM"), no_color));
    // The first that is set decides (locale(7)).
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].map(variable).into_iter().find(|value| !value.is_empty());
    let ascii = locale.is_some_and(|locale| !locale.to_ascii_lowercase().replace('-', "").contains("utf8"));
    (theme, ascii)
}

/// How sensitive touches are told, unless `AGENTSNOOP_ALERT` says otherwise.
#[must_use]
pub fn alert() -> Alert {
    env::var("AGENTSNOOP_ALERT").ok().and_then(|name| Alert::of(&name)).unwrap_or_default()
}

impl Terminal {
    /// Takes the terminal over.
    ///
    /// # Errors
    ///
    /// It cannot be set up; then it is as it was.
    pub fn take() -> Result<Self> {
        give_back_on_panic();
        enter()?;
        match Grid::new(CrosstermBackend::new(io::stdout())) {
            Ok(grid) => Ok(Self { grid }),
            Err(error) => {
                give_back();
                Err(error).context("cannot draw on the terminal")
            }
        }
    }

    /// Gives the terminal back, stops as ^Z stops other programs, and takes it over again when a shell lets it go on.
    ///
    /// # Errors
    ///
    /// The terminal cannot be taken over again.
    pub fn stop(&mut self) -> Result<()> {
        give_back();
        // What was asked for by a signal that can be caught is done by the one that cannot.
        raise(Signal::SIGSTOP).context("cannot stop")?;
        enter()?;
        // Nothing of what was drawn is there any more, and the other screen begins empty.
        self.grid = Grid::new(CrosstermBackend::new(io::stdout())).context("cannot draw on the terminal")?;
        Ok(())
    }

    /// Columns and rows.
    #[must_use]
    pub fn size(&self) -> (u16, u16) {
        size().unwrap_or((80, 24))
    }
}

/// Takes the terminal over; where that fails it is as it was.
fn enter() -> Result<()> {
    enable_raw_mode().context("cannot set the terminal's mode")?;
    TAKEN.store(true, Ordering::SeqCst);
    notes::hold();
    let taken = execute!(io::stdout(), EnterAlternateScreen, EnableMouseCapture, EnableBracketedPaste);
    if taken.is_err() {
        give_back();
    }
    taken.context("cannot draw on the terminal")
}

impl Drop for Terminal {
    fn drop(&mut self) {
        give_back();
    }
}

/// Gives the terminal back, once; where nothing was taken over, nothing happens.
pub fn give_back() {
    if TAKEN.swap(false, Ordering::SeqCst) {
        // A terminal that is gone needs nothing.
        let _ = execute!(io::stdout(), DisableBracketedPaste, DisableMouseCapture, LeaveAlternateScreen, Show);
        let _ = disable_raw_mode();
        let _ = io::stdout().flush();
        notes::release();
    }
}

/// A message of a panic must be read, which it is not in raw mode on the other screen.
fn give_back_on_panic() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            give_back();
            before(info);
        }));
    });
}
