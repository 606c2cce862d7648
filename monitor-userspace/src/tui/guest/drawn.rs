//! The command's terminal, cell by cell.

use ratatui::{
    buffer::Buffer,
    layout::{Position, Rect},
    style::{Color, Modifier, Style},
};

use super::{Guest, layout::Layout};
use crate::tui::{escape, theme::Role, theme::Theme};

/// Draws a guest with its title; where the cursor is, if it is to be seen.
pub fn draw(guest: &Guest, layout: &Layout, theme: Theme, buffer: &mut Buffer) -> Option<Position> {
    title(guest, layout.title, theme, buffer);
    if let Some(line) = layout.line {
        for y in line.top()..line.bottom() {
            buffer.set_string(line.x, y, "│", theme.style(if guest.is_focused { Role::Focus } else { Role::Border }));
        }
    }
    let area = layout.guest?;
    let screen = guest.emulator.screen();
    for y in 0..area.height {
        for x in 0..area.width {
            let at = (area.x + x, area.y + y);
            let Some(cell) = buffer.cell_mut(at) else { continue };
            cell.reset();
            let Some(found) = screen.cell(y, x) else { continue };
            let style = look(found);
            cell.set_style(style);
            let room = area.width - x;
            if found.is_wide_continuation() || (found.is_wide() && room < 2) {
                continue;
            }
            // Nothing turns the direction of what stands beside it.
            let symbol: String = found.contents().chars().filter(|char| !escape::is_unsafe(*char)).collect();
            if !symbol.is_empty() {
                buffer.set_stringn(at.0, at.1, &symbol, usize::from(room), style);
            }
        }
    }
    let (row, column) = screen.cursor_position();
    let is_seen = guest.is_focused && guest.ended.is_none() && !screen.hide_cursor() && screen.scrollback() == 0;
    (is_seen && row < area.height && column < area.width).then(|| Position::new(area.x + column, area.y + row))
}

/// Its name, how it has ended, and the key that leads to it and away.
fn title(guest: &Guest, area: Rect, theme: Theme, buffer: &mut Buffer) {
    buffer.set_style(area, theme.style(Role::Bar));
    let state = match (&guest.ended, guest.is_focused) {
        (Some(how), _) => format!("has {how}; q leaves"),
        (None, true) => "has the keys; ^] gives them to the screen".to_owned(),
        (None, false) => "^] gives it the keys, z zooms".to_owned(),
    };
    let role = if guest.is_focused { Role::Focus } else { Role::Text };
    let width = usize::from(area.width);
    let name = escape::fit(&guest.name, width / 2, escape::Cut::Tail).into_owned();
    let style = theme.style(role).patch(Style::new().add_modifier(Modifier::BOLD));
    let (x, y) = buffer.set_stringn(area.x, area.y, format!(" {name} "), width, style);
    buffer.set_stringn(
        x,
        y,
        escape::fit(&state, usize::from(area.right().saturating_sub(x)), escape::Cut::Tail),
        width,
        theme.style(role),
    );
}

fn look(cell: &vt100::Cell) -> Style {
    let mut style = Style::reset().fg(colour(cell.fgcolor())).bg(colour(cell.bgcolor()));
    let modifiers = [
        (cell.bold(), Modifier::BOLD),
        (cell.dim(), Modifier::DIM),
        (cell.italic(), Modifier::ITALIC),
        (cell.underline(), Modifier::UNDERLINED),
        (cell.inverse(), Modifier::REVERSED),
    ];
    for (_, modifier) in modifiers.into_iter().filter(|(is_set, _)| *is_set) {
        style = style.add_modifier(modifier);
    }
    style
}

const fn colour(colour: vt100::Color) -> Color {
    match colour {
        vt100::Color::Default => Color::Reset,
        vt100::Color::Idx(index) => Color::Indexed(index),
        vt100::Color::Rgb(red, green, blue) => Color::Rgb(red, green, blue),
    }
}
