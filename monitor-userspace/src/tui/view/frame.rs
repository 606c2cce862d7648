//! The whole screen.

use ratatui::buffer::Buffer;

use super::{details, events, footer, header, help, layout::Areas, line, paint::Painter, tables, tree};
use crate::tui::{
    state::{State, Tab},
    theme::Role,
};

/// Columns and rows below which nothing can be shown.
const LEAST: (u16, u16) = (20, 6);

/// Draws a state.
pub fn draw(state: &State, buffer: &mut Buffer) {
    let area = *buffer.area();
    let mut painter = Painter::new(buffer, state);
    painter.clear(area);
    if area.width < LEAST.0 || area.height < LEAST.1 {
        painter.put(0, 0, area.width, "too small", Role::Text);
        return;
    }
    let areas = Areas::of(state);
    header::draw(&mut painter, state, areas.header);
    if let Some(area) = areas.line {
        line::draw(&mut painter, state, area);
    }
    if let Some(area) = areas.tree {
        tree::draw(&mut painter, state, area);
    }
    if let Some(area) = areas.main {
        match state.tab {
            Tab::Events => events::draw(&mut painter, state, area),
            _ => tables::draw(&mut painter, state, area),
        }
    }
    if let Some(area) = areas.details {
        details::draw(&mut painter, state, area);
    }
    if state.help.is_some() {
        help::draw(&mut painter, state, areas.body);
    }
    footer::draw(&mut painter, state, &areas);
    if state.ascii {
        plain(buffer);
    }
}

/// What is drawn of characters beyond ASCII by itself, not by a name: ellipses, arrows, units.
fn plain(buffer: &mut Buffer) {
    for cell in &mut buffer.content {
        let other = match cell.symbol() {
            "…" => "~",
            "×" => "x",
            "µ" => "u",
            "·" => "-",
            "↑" => "^",
            "↓" => "v",
            "←" => "<",
            "→" => ">",
            _ => continue,
        };
        cell.set_symbol(other);
    }
}
