//! The last rows: what is typed or said, and the keys that are most useful here.

use super::{
    layout::Areas,
    paint::{Painter, columns_of},
};
use crate::tui::{
    escape,
    prompt::Prompt,
    state::{Focus, State, Tab},
    theme::Role,
};

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, areas: &Areas) {
    let area = areas.footer;
    match (&state.prompt, &state.note) {
        (Some(prompt), _) => ask(painter, prompt, areas),
        (None, Some(note)) => {
            painter.put(area.x + 1, area.y, area.width.saturating_sub(2), note, Role::Warn);
        }
        (None, None) => standing(painter, state, areas),
    }
    if let Some(area) = areas.hints {
        let mut x = area.x + 1;
        for (key, what) in hints(state) {
            // What has ended is played, and so is a recording.
            let what = if *what == "pause" && !state.is_going_on() { "play" } else { *what };
            if area.right().saturating_sub(x) < columns_of(key) + columns_of(what) + 3 {
                break;
            }
            x = painter.put(x, area.y, area.right().saturating_sub(x), key, Role::Accent) + 1;
            x = painter.put(x, area.y, area.right().saturating_sub(x), what, Role::Dim) + 2;
        }
    }
}

/// What the list is narrowed to.
fn standing(painter: &mut Painter<'_>, state: &State, areas: &Areas) {
    let area = areas.footer;
    let mut x = area.x + 1;
    let mut part = |label: &str, value: &str, role: Role| {
        if !value.is_empty() {
            x = painter.put(x, area.y, area.right().saturating_sub(x), label, Role::Dim) + 1;
            x = painter.put(x, area.y, area.right().saturating_sub(x), value, role) + 2;
        }
    };
    part("filter", &state.filter, Role::Accent);
    if let Some(what) = state.scope_name() {
        let shown = escape::fit(&what, usize::from(area.width / 2), escape::Cut::Tail).into_owned();
        part("only", &shown, Role::Accent);
    }
    if let Some((text, _)) = &state.search {
        part("search", text, Role::Accent);
    }
    let narrowed = !state.filter.is_empty() || state.list.scope().is_some() || state.search.is_some();
    let is_at_end = state.head == state.total();
    if let Some(why) = state.ended.as_deref().filter(|_| !narrowed && is_at_end) {
        part("ended:", why, Role::Dim);
    }
    if areas.hints.is_none() {
        painter.put_right(area.right().saturating_sub(1), area.y, 10, "? keys", Role::Dim);
    }
}

/// The line that is typed, what is wrong with it below the place, and completions.
fn ask(painter: &mut Painter<'_>, prompt: &Prompt, areas: &Areas) {
    let area = areas.footer;
    let x = painter.put(area.x + 1, area.y, area.width, prompt.purpose.label(), Role::Accent) + 1;
    let text = prompt.line.text();
    let room = usize::from(area.right().saturating_sub(x + 1)).max(4);
    // What is before the cursor is kept on the screen.
    let before: String = text.chars().take(prompt.line.cursor()).collect();
    let mut skip = 0;
    while escape::width(&escape::text(&before.chars().skip(skip).collect::<String>())) + 1 > room {
        skip += 1;
    }
    let shown: String = text.chars().skip(skip).collect();
    let end = painter.put(x, area.y, area.right().saturating_sub(x), &shown, Role::Text);
    let cursor = x + columns_of(&before.chars().skip(skip).collect::<String>());
    if let Some(cell) = painter.buffer.cell_mut((cursor, area.y)) {
        cell.modifier.insert(ratatui::style::Modifier::REVERSED);
    }
    if let Some(error) = &prompt.error {
        let place = error.place();
        let chars = |bytes: usize| text.get(..bytes).map_or(0, |text| text.chars().count());
        let (from, to) = (chars(place.start).saturating_sub(skip), chars(place.end).saturating_sub(skip));
        let from_x = x + u16::try_from(from).unwrap_or(0);
        let width = u16::try_from(to.saturating_sub(from).max(1)).unwrap_or(1);
        painter.tint(ratatui::layout::Rect::new(from_x, area.y, width, 1), Role::Hit);
        said(painter, areas, end.max(cursor + 1), error.what(), Role::Bad);
    } else if let Some((words, at)) = prompt.line.offered() {
        let rest: Vec<&str> = words.iter().skip(at).map(String::as_str).collect();
        said(painter, areas, end, &rest.join("  "), Role::Dim);
    }
}

/// Something about the line: above it where there is a border to write on, else behind it.
fn said(painter: &mut Painter<'_>, areas: &Areas, end: u16, text: &str, role: Role) {
    let area = areas.footer;
    let free = area.right().saturating_sub(end + 3);
    if free >= columns_of(text) {
        painter.put(end + 2, area.y, free, text, role);
        return;
    }
    let row = ratatui::layout::Rect { y: area.y.saturating_sub(1), height: 1, ..area };
    painter.clear(row);
    painter.put(row.x + 1, row.y, row.width.saturating_sub(2), text, role);
}

/// The keys that help most, by where one is.
const fn hints(state: &State) -> &'static [(&'static str, &'static str)] {
    if state.prompt.is_some() {
        return &[
            ("Enter", "done"),
            ("Esc", "leave"),
            ("Tab", "complete"),
            ("↑↓", "earlier lines"),
            ("^W", "word"),
            ("^U", "all"),
        ];
    }
    if state.help.is_some() {
        return &[("↑↓", "scroll"), ("q", "leave")];
    }
    match (state.focus, state.tab) {
        (Focus::Tree, _) => &[
            ("?", "keys"),
            ("q", "end"),
            ("→←", "unfold, fold"),
            ("Tab", "events"),
            ("f", "filter"),
            ("o", "newest first"),
            ("Esc", "everything"),
            ("Space", "pause"),
        ],
        (Focus::Main, Tab::Events) => &[
            ("?", "keys"),
            ("q", "end"),
            ("f", "filter"),
            ("/", "search"),
            ("!", "next sensitive"),
            ("1-6", "views"),
            ("Space", "pause"),
            ("t", "tool call"),
            ("=", "same file"),
            (".", "noise"),
            ("m", "mark"),
            ("y", "copy"),
        ],
        (Focus::Main, Tab::Coverage) => &[("?", "keys"), ("q", "end"), ("1-6", "views"), ("Enter", "details")],
        (Focus::Main, _) => &[
            ("?", "keys"),
            ("q", "end"),
            ("=", "its events"),
            ("o", "sort"),
            (".", "noise"),
            ("1-6", "views"),
            ("Enter", "details"),
        ],
        (Focus::Details, _) => {
            &[("?", "keys"), ("q", "end"), ("↑↓", "scroll"), ("y", "copy"), ("Y", "for a shell"), ("Esc", "back")]
        }
    }
}
