//! Text on a grid of cells, never beyond where it belongs.

use ratatui::{buffer::Buffer, layout::Rect};

use super::layout::inner;
use crate::tui::{
    escape::{self, Cut},
    state::State,
    theme::{Glyphs, Role, Theme},
};

/// Draws on a buffer.
pub(super) struct Painter<'a> {
    pub(super) buffer: &'a mut Buffer,
    pub(super) glyphs: &'static Glyphs,
    theme: Theme,
}

impl<'a> Painter<'a> {
    pub(super) const fn new(buffer: &'a mut Buffer, state: &State) -> Self {
        Self { buffer, glyphs: state.glyphs(), theme: state.theme }
    }

    /// A text from a column on, in at most so many; the column behind it.
    pub(super) fn put(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        self.put_cut(x, y, columns, text, role, Cut::Tail)
    }

    /// The same, with the place of the cut where it is too long.
    pub(super) fn put_cut(&mut self, x: u16, y: u16, columns: u16, text: &str, role: Role, cut: Cut) -> u16 {
        let area = *self.buffer.area();
        if y >= area.bottom() || x >= area.right() {
            return x;
        }
        let columns = columns.min(area.right() - x);
        let fitting = escape::fit(text, usize::from(columns), cut);
        let style = self.theme.style(role);
        let (end, _) = self.buffer.set_stringn(x, y, &fitting, usize::from(columns), style);
        end
    }

    /// A text that ends before a column; where it begins.
    pub(super) fn put_right(&mut self, right: u16, y: u16, columns: u16, text: &str, role: Role) -> u16 {
        let width = columns_of(text).min(columns);
        let x = right.saturating_sub(width);
        self.put(x, y, width, text, role);
        x
    }

    /// A style for a whole area, over what is there.
    pub(super) fn tint(&mut self, area: Rect, role: Role) {
        let style = self.theme.style(role);
        self.buffer.set_style(area.intersection(*self.buffer.area()), style);
    }

    /// Shows a row as the selected one; what matters less there is read all the same.
    pub(super) fn select(&mut self, line: Rect, is_focused: bool) {
        self.tint(line, if is_focused { Role::Selected } else { Role::Faded });
        let (dim, text) = (self.theme.style(Role::Dim).fg, self.theme.style(Role::Text).fg);
        let (Some(dim), Some(text)) = (dim, text) else { return };
        for x in line.left()..line.right() {
            if let Some(cell) = self.buffer.cell_mut((x, line.y)).filter(|cell| is_focused && cell.fg == dim) {
                cell.set_fg(text);
            }
        }
    }

    /// Makes an area empty.
    pub(super) fn clear(&mut self, area: Rect) {
        for y in area.top()..area.bottom() {
            for x in area.left()..area.right() {
                if let Some(cell) = self.buffer.cell_mut((x, y)) {
                    cell.reset();
                }
            }
        }
        self.tint(area, Role::Text);
    }

    /// A border with a title; the area inside.
    pub(super) fn pane(&mut self, area: Rect, title: &str, focused: bool) -> Rect {
        if area.width < 2 || area.height < 2 {
            return Rect::ZERO;
        }
        let (set, role) = (self.glyphs.border, if focused { Role::Focus } else { Role::Border });
        let (right, bottom) = (area.right() - 1, area.bottom() - 1);
        for x in area.x + 1..right {
            self.put(x, area.y, 1, set.horizontal_top, role);
            self.put(x, bottom, 1, set.horizontal_bottom, role);
        }
        for y in area.y + 1..bottom {
            self.put(area.x, y, 1, set.vertical_left, role);
            self.put(right, y, 1, set.vertical_right, role);
        }
        for (x, y, corner) in [
            (area.x, area.y, set.top_left),
            (right, area.y, set.top_right),
            (area.x, bottom, set.bottom_left),
            (right, bottom, set.bottom_right),
        ] {
            self.put(x, y, 1, corner, role);
        }
        if !title.is_empty() {
            let role = if focused { Role::Focus } else { Role::Strong };
            self.put(area.x + 2, area.y, area.width.saturating_sub(4), &format!(" {title} "), role);
        }
        inner(area)
    }

    /// Texts in the lower border of a pane: one at its left, and several at its right, of which the first give way.
    pub(super) fn captions(&mut self, area: Rect, left: &str, right: &[String]) {
        let columns = area.width.saturating_sub(4);
        let left_least = columns_of(left).min(columns / 3);
        let mut parts = right;
        while parts.len() > 1 && columns_of(&parts.join(" · ")) + left_least + 5 > columns {
            parts = &parts[1..];
        }
        let right = parts.join(" · ");
        self.caption(area, &right);
        let room = columns.saturating_sub(columns_of(&right) + 3);
        if !left.is_empty() && room > 4 && area.height > 1 {
            let text = format!(" {} ", escape::fit(left, usize::from(room - 2), Cut::Tail));
            self.put(area.x + 2, area.bottom() - 1, room, &text, Role::Accent);
        }
    }

    /// A text in the lower border of a pane, at its right.
    pub(super) fn caption(&mut self, area: Rect, text: &str) {
        if !text.is_empty() && area.height > 1 {
            let columns = area.width.saturating_sub(4);
            let right = area.right().saturating_sub(2);
            self.put_right(right, area.bottom() - 1, columns, &format!(" {text} "), Role::Dim);
        }
    }
}

/// Columns that a text takes.
pub(super) fn columns_of(text: &str) -> u16 {
    u16::try_from(escape::width(&escape::text(text))).unwrap_or(u16::MAX)
}
