//! Agents, tool calls, processes.

use ratatui::layout::Rect;

use super::paint::{Painter, columns_of};
use crate::tui::{
    model::{Ending, Key, Node},
    state::{Focus, State, trunk::Row},
    theme::Role,
    words,
};

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let focused = state.focus == Focus::Tree;
    let inner = painter.pane(area, "Agents", focused);
    let (tree, rows) = (&state.model.tree, state.trunk.rows());
    let selected = state.trunk.at(tree);
    for (y, (at, row)) in (inner.y..inner.bottom()).zip(rows.iter().enumerate().skip(state.trunk.top)) {
        let line = Rect { y, height: 1, ..inner };
        draw_row(painter, state, row, line);
        if at == selected {
            painter.select(line, focused);
        }
    }
    let hidden = rows.len() > usize::from(inner.height);
    let caption = match tree.further() {
        0 if hidden => format!("{}/{}", selected + 1, rows.len()),
        0 => String::new(),
        further => format!("{} events without a row of their own", words::short(further)),
    };
    painter.caption(area, &caption);
}

fn draw_row(painter: &mut Painter<'_>, state: &State, row: &Row, area: Rect) {
    let node = state.model.tree.node(row.place);
    let (y, right, mut x) = (area.y, area.right(), area.x);
    let [on, branch, last, blank] = painter.glyphs.tree;
    let levels = row.goes_on.len();
    // What stands directly below the whole needs no line.
    for (level, goes_on) in row.goes_on.iter().enumerate().skip(1) {
        let glyph = match (level + 1 == levels, goes_on) {
            (true, true) => branch,
            (true, false) => last,
            (false, true) => on,
            (false, false) => blank,
        };
        x = painter.put(x, y, right.saturating_sub(x), glyph, Role::Border);
    }
    let glyph = painter.glyphs.node[if row.has_more { usize::from(row.is_open) } else { 2 }];
    x = painter.put(x, y, right.saturating_sub(x), glyph, Role::Dim);
    let from = facts(painter, state, node, area);
    if let Some((glyph, role)) = ending(painter, node) {
        x = painter.put(x, y, right.saturating_sub(x), glyph, role) + 1;
    }
    let (title, role) = title(node, state);
    let room = from.saturating_sub(x + 1);
    let earlier =
        if row.earlier > 0 { format!(" +{} earlier", words::number(row.earlier as u64)) } else { String::new() };
    let x = painter.put(x, y, room.saturating_sub(columns_of(&earlier)), &title, role);
    painter.put(x, y, from.saturating_sub(x + 1), &earlier, Role::Dim);
}

/// How it is or ended.
fn ending(painter: &Painter<'_>, node: &Node) -> Option<(&'static str, Role)> {
    let [runs, well, badly] = painter.glyphs.state;
    match (&node.key, &node.ending) {
        (Key::All, _) => None,
        (_, Ending::Running) => Some((runs, Role::Good)),
        (_, ending) if ending.is_good() => Some((well, Role::Dim)),
        _ => Some((badly, Role::Bad)),
    }
}

fn title(node: &Node, state: &State) -> (String, Role) {
    match &node.key {
        Key::All => (format!("everything: {}", state.source.name), Role::Text),
        Key::Session(_) => (format!("{} {}", node.title, node.pid), Role::Strong),
        Key::Call(_) if node.title.is_empty() => ("(command not seen)".to_owned(), Role::Dim),
        Key::Call(_) => (node.title.clone(), Role::Text),
        Key::Process(_) => {
            let what = if node.title.is_empty() { &node.comm } else { &node.title };
            (format!("{} {what}", node.pid), Role::Dim)
        }
    }
}

/// How many events, how long it took, how it ended where that is not well, the last sensitive touch; from right to left, and where they
/// begin. The title keeps two fifths of the row.
fn facts(painter: &mut Painter<'_>, state: &State, node: &Node, area: Rect) -> u16 {
    let mut right = painter.put_right(area.right(), area.y, 6, &format!("{:>6}", words::short(node.events)), Role::Dim);
    if node.key == Key::All {
        return right;
    }
    let until = node.ended_ns.unwrap_or(state.shown_ns());
    let lasted = format!("{:>7}", words::duration(until.saturating_sub(node.began_ns)));
    right = painter.put_right(right, area.y, 7, &lasted, Role::Dim);
    let ending = match &node.ending {
        Ending::Code(code) if *code != 0 => format!(" exit {code}"),
        Ending::Signal(signal) => format!(" {signal}"),
        _ => String::new(),
    };
    let room = |right: u16, title: u16| right.saturating_sub(area.x + title);
    right = painter.put_right(right, area.y, room(right, area.width * 2 / 5), &ending, Role::Bad);
    // In a narrow tree the command matters more.
    if node.touches > 0 && area.width >= TOUCHES {
        let touch = format!(" !{}", last_component(&node.touch));
        right = painter.put_right(right, area.y, room(right, area.width / 2), &touch, Role::Bad);
    }
    right
}

/// Columns from which a row has room for the last sensitive touch.
const TOUCHES: u16 = 48;

fn last_component(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}
