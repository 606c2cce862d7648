//! By file, by endpoint, by variable, by fact about the host; and what could be seen.

use ratatui::layout::Rect;

use super::{
    events::{class, draw_tabs, of},
    paint::Painter,
};
use crate::tui::{
    escape::Cut,
    model::{Seen, Thing, catalog::THINGS, learn},
    state::{Focus, State, Tab},
    theme::Role,
    words,
};

/// A column: its head, how wide it is, whether it is a number.
type Column = (&'static str, u16, bool);

/// The columns of each view but the last one, which has the rest of the width.
const fn columns(tab: Tab) -> (&'static [Column], &'static str) {
    match tab {
        Tab::Events => (&[], ""),
        Tab::Files => (
            &[
                ("class", 14, false),
                ("read", 6, true),
                ("written", 7, true),
                ("looked", 6, true),
                ("failed", 6, true),
                ("last by", 18, false),
            ],
            "file",
        ),
        Tab::Endpoints => (
            &[
                ("address", 21, false),
                ("sent", 6, true),
                ("got", 6, true),
                ("calls", 5, true),
                ("failed", 6, true),
                ("last by", 18, false),
            ],
            "name, and how it is known",
        ),
        Tab::Variables => {
            (&[("class", 14, false), ("exposed", 7, true), ("looked up", 9, true), ("last by", 18, false)], "variable")
        }
        Tab::Host => (&[("class", 14, false), ("times", 6, true), ("failed", 6, true), ("last by", 18, false)], "fact"),
        Tab::Coverage => (&[("state", 11, false), ("feature", 20, false), ("hook or cause", 24, false)], "reason"),
    }
}

/// A row: the cells in the order of the columns, the last one without a width of its own.
struct Cells {
    cells: Vec<String>,
    role: Role,
    first: Role,
}

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let focused = state.focus == Focus::Main;
    let inner = painter.pane(area, "", focused);
    draw_tabs(painter, state, area);
    let (columns, rest) = columns(state.tab);
    // Where there is little room the last column keeps its part, and the others go from the right. Reasons are whole in the details.
    let most = match state.tab {
        Tab::Coverage => inner.width * 4 / 5,
        Tab::Endpoints => inner.width * 2 / 3,
        _ => inner.width * 3 / 5,
    };
    let mut kept = columns.len();
    while kept > 1 && columns[..kept].iter().map(|column| column.1 + 1).sum::<u16>() > most {
        kept -= 1;
    }
    let heads = Cells {
        cells: columns.iter().map(|column| column.0.to_owned()).chain([rest.to_owned()]).collect(),
        role: Role::Dim,
        first: Role::Dim,
    };
    put_row(painter, Rect { height: 1, ..inner }, columns, kept, &heads);
    let table = state.table();
    let facts = if state.tab == Tab::Coverage { state.model.observation.facts() } else { Vec::new() };
    let selected = table.at();
    for (y, (at, place)) in (inner.y + 1..inner.bottom()).zip(table.rows().iter().enumerate().skip(table.top)) {
        let line = Rect { y, height: 1, ..inner };
        if let Some(cells) = cells(state, *place, &facts) {
            put_row(painter, line, columns, kept, &cells);
        }
        if at == selected {
            painter.select(line, focused);
        }
    }
    // What could be seen is the same for all.
    let mut of = if state.tab == Tab::Coverage { String::new() } else { of(state) };
    if let Some(since) = state.known_since().filter(|_| !of.is_empty()) {
        of = format!("since {} {of}", &words::clock(since, state.span().utc_offset)[..8]);
    }
    painter.captions(area, &of, &caption(state));
}

fn put_row(painter: &mut Painter<'_>, area: Rect, columns: &[Column], kept: usize, row: &Cells) {
    let mut x = area.x;
    for ((at, (_, width, is_number)), cell) in columns.iter().enumerate().take(kept).zip(&row.cells) {
        let role = if at == 0 { row.first } else { Role::Dim };
        if *is_number {
            painter.put_right(x + width, area.y, *width, cell, role);
        } else {
            painter.put(x, area.y, *width, cell, role);
        }
        x += width + 1;
    }
    if let Some(cell) = row.cells.last() {
        painter.put_cut(x, area.y, area.right().saturating_sub(x), cell, row.role, Cut::Middle);
    }
}

fn cells(state: &State, place: usize, facts: &[crate::tui::model::observation::Fact]) -> Option<Cells> {
    let model = state.things();
    let count = |number: u64| if number == 0 { String::new() } else { words::short(number) };
    Some(match state.tab {
        Tab::Events => return None,
        Tab::Files => {
            let Thing { name, seen, own, .. } = model.files.get(place)?;
            let counts = [own.read, own.written, own.looked, seen.failed].map(count);
            row(seen, class_of(seen), counts, name)
        }
        Tab::Endpoints => {
            let Thing { name, seen, own, .. } = model.endpoints.get(place)?;
            let moved = |bytes: u64| if bytes == 0 { String::new() } else { words::bytes(bytes) };
            let counts = [moved(own.sent), moved(own.received), count(own.connections), count(seen.failed)];
            row(seen, name.to_string(), counts, &host(own))
        }
        Tab::Variables => {
            let Thing { name, seen, own, .. } = model.variables.get(place)?;
            row(seen, class_of(seen), [own.exposed, own.looked_up + own.enumerated].map(count), name)
        }
        Tab::Host => {
            let Thing { name, seen, .. } = model.host.get(place)?;
            row(seen, class_of(seen), [seen.events, seen.failed].map(count), name)
        }
        Tab::Coverage => {
            let fact = facts.get(place)?;
            let role = match fact.state {
                "attached" => Role::Good,
                "degraded" => Role::Warn,
                _ => Role::Bad,
            };
            let cells = vec![fact.state.to_owned(), fact.feature.clone(), fact.name.clone(), fact.reason.clone()];
            Cells { cells, role: Role::Text, first: role }
        }
    })
}

fn row<const COUNTS: usize>(seen: &Seen, first: String, counts: [String; COUNTS], last: &str) -> Cells {
    let class = seen.classes.first().map_or(Role::Text, class);
    let cells = [first].into_iter().chain(counts).chain([seen.by.clone(), last.to_owned()]).collect();
    Cells { cells, role: if class == Role::Bad { Role::Bad } else { Role::Text }, first: class }
}

fn class_of(seen: &Seen) -> String {
    seen.classes.first().map_or_else(String::new, |class| class.name().to_owned())
}

/// `api.example.com (dns, sni)`.
fn host(own: &learn::Endpoint) -> String {
    if own.host.is_empty() { String::new() } else { format!("{} ({})", own.host, own.sources.join(", ")) }
}

/// Where in the table it is, in which order, what is hidden, what was too much.
fn caption(state: &State) -> Vec<String> {
    let (table, model) = (state.table(), state.things());
    let further = match state.tab {
        Tab::Events => 0,
        Tab::Files => model.files.further(),
        Tab::Endpoints => model.endpoints.further(),
        Tab::Variables => model.variables.further(),
        Tab::Host => model.host.further(),
        Tab::Coverage => state.model.observation.further(),
    };
    let mut parts = Vec::new();
    if further > 0 {
        parts.push(format!("beyond {THINGS}: {} touches more", words::short(further)));
    }
    if table.hidden() > 0 {
        parts.push(format!("{} noise hidden (.)", words::number(table.hidden() as u64)));
    }
    if state.tab != Tab::Coverage {
        let way = if table.reverse { ", reversed" } else { "" };
        parts.push(format!("by {}{way} (o)", table.order.name()));
    }
    if !table.rows().is_empty() {
        parts.push(format!("{}/{}", table.at() + 1, table.rows().len()));
    }
    parts
}
