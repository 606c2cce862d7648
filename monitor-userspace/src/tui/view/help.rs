//! The keys, drawn from the keymap.

use ratatui::layout::Rect;

use super::paint::{Painter, columns_of};
use crate::tui::{keys::KEYMAP, state::State, theme::Role};

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    painter.clear(area);
    let inner = painter.pane(area, "Keys", true);
    let keys = KEYMAP.iter().map(|binding| columns_of(binding.keys)).max().unwrap_or(0);
    let mut rows: Vec<(&str, &str, &str)> = Vec::new();
    let mut group = "";
    for binding in KEYMAP {
        rows.push((if binding.group == group { "" } else { binding.group }, binding.keys, binding.about));
        group = binding.group;
    }
    let top = state.help.unwrap_or(0).min(rows.len().saturating_sub(usize::from(inner.height)));
    for (y, (group, key, about)) in (inner.y..inner.bottom()).zip(rows.iter().skip(top)) {
        painter.put(inner.x + 1, y, 6, group, Role::Strong);
        painter.put(inner.x + 8, y, keys, key, Role::Accent);
        let x = inner.x + 10 + keys;
        painter.put(x, y, inner.right().saturating_sub(x), about, Role::Text);
    }
    if rows.len() > usize::from(inner.height) {
        painter.caption(area, &format!("{}-{}/{}", top + 1, top + usize::from(inner.height), rows.len()));
    }
}
