//! The command and the screen in one window: who gets what a person does, and how both are drawn.

use crossterm::event::{Event, KeyEventKind, MouseEvent, MouseEventKind};
use ratatui::{
    Frame,
    buffer::Buffer,
    layout::{Position, Rect},
};

use super::{Guest, layout::Zoom};
use crate::tui::{action::Action, keys, screen::Draw, state::State};

/// What is said where the command does not read.
const FULL: &str = "the command reads nothing; what was typed is left out";

/// Gives the command what is for it; what is left is for the screen.
pub fn take(guest: &mut Guest, state: &mut State, event: Event, size: &mut (u16, u16)) -> Option<Event> {
    match event {
        Event::Resize(columns, rows) => {
            *size = (columns, rows);
            arrange(guest, state, *size);
            None
        }
        Event::Key(key) if key.kind == KeyEventKind::Release => None,
        Event::Key(key) => {
            let action = keys::action(key);
            if action == Some(Action::Beside) {
                turn(guest, !guest.is_focused);
                arrange(guest, state, *size);
                return None;
            }
            if guest.is_focused {
                if !guest.press(key) {
                    state.note = Some(FULL.to_owned());
                }
                return None;
            }
            let was_asked = std::mem::take(&mut guest.is_asked);
            match action.filter(|_| state.prompt.is_none()) {
                Some(Action::Zoom) => {
                    guest.zoom = if guest.zoom == Zoom::Both { Zoom::Screen } else { Zoom::Both };
                    arrange(guest, state, *size);
                    None
                }
                Some(Action::Quit) if guest.ended.is_none() && !was_asked => {
                    guest.is_asked = true;
                    state.note = Some("the command still runs: once more hangs it up; ^] gives it the keys".to_owned());
                    None
                }
                _ => Some(event),
            }
        }
        Event::Paste(text) if guest.is_focused => {
            if !guest.paste(&text) {
                state.note = Some(FULL.to_owned());
            }
            None
        }
        Event::Mouse(mouse) => point(guest, state, mouse, *size),
        other => Some(other),
    }
}

/// The mouse is for the part under it; a click gives that part the keys.
fn point(guest: &mut Guest, state: &mut State, mouse: MouseEvent, size: (u16, u16)) -> Option<Event> {
    let layout = guest.layout(size);
    let at = Position::new(mouse.column, mouse.row);
    let within = |area: Rect| MouseEvent { column: mouse.column - area.x, row: mouse.row - area.y, ..mouse };
    let is_click = matches!(mouse.kind, MouseEventKind::Down(_));
    if let Some(area) = layout.guest.filter(|area| area.contains(at)) {
        if is_click {
            turn(guest, true);
        }
        guest.point(within(area));
        return None;
    }
    if let Some(area) = layout.screen.filter(|area| area.contains(at)) {
        if is_click {
            turn(guest, false);
        }
        return Some(Event::Mouse(within(area)));
    }
    if is_click && layout.title.contains(at) {
        turn(guest, !guest.is_focused);
        arrange(guest, state, size);
    }
    None
}

/// Gives the keys to the command, if it still runs, or to the screen; where the other one was shown alone, this one is.
fn turn(guest: &mut Guest, to_guest: bool) {
    guest.is_focused = to_guest && guest.ended.is_none();
    guest.is_asked = false;
    guest.zoom = match guest.zoom {
        Zoom::Both => Zoom::Both,
        _ if guest.is_focused => Zoom::Guest,
        _ => Zoom::Screen,
    };
}

/// The command has ended: the screen has the keys.
pub fn ended(guest: &mut Guest, state: &mut State, how: String, size: (u16, u16)) {
    guest.ended = Some(how);
    guest.is_focused = false;
    guest.zoom = if guest.zoom == Zoom::Guest { Zoom::Both } else { guest.zoom };
    arrange(guest, state, size);
}

/// Tells both how large they are.
pub fn arrange(guest: &mut Guest, state: &mut State, size: (u16, u16)) {
    guest.fit(size);
    let layout = guest.layout(size);
    if layout.screen.is_some() {
        let (columns, rows) = layout.screen_size();
        state.act(Action::Resize(columns, rows));
    }
}

/// Draws both.
pub fn draw(guest: &Guest, state: &State, draw: Draw, frame: &mut Frame<'_>) {
    let area = frame.area();
    let layout = guest.layout((area.width, area.height));
    if let Some(area) = layout.screen {
        // A screen begins at the first column and row.
        let mut part = Buffer::empty(Rect::new(0, 0, area.width, area.height));
        draw(state, &mut part);
        for (x, y) in (0..area.height).flat_map(|y| (0..area.width).map(move |x| (x, y))) {
            if let Some(cell) = frame.buffer_mut().cell_mut((area.x + x, area.y + y)) {
                *cell = part[(x, y)].clone();
            }
        }
    }
    if let Some(cursor) = super::draw(guest, &layout, state.theme, frame.buffer_mut()) {
        frame.set_cursor_position(cursor);
    }
}
