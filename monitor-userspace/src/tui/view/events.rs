//! Event by event.

use agentsnoop_pipeline::{
    Record,
    enrich::Class,
    lines,
    record::{Body, Direction, SessionState, Traffic},
};
use ratatui::layout::Rect;

use super::{
    layout::{is_short, label, tabs},
    paint::Painter,
};
use crate::tui::{
    escape::{self, Cut},
    model::touch,
    state::{Focus, State, Tab, order::By},
    theme::Role,
    words,
};

/// The columns: where each begins and how wide it is, by what the width allows.
struct Columns {
    time: u16,
    pid: u16,
    comm: u16,
    about: u16,
    about_width: u16,
    outcome: u16,
    outcome_width: u16,
    class: u16,
    class_width: u16,
}

/// Of the clock with its milliseconds and without, and of the kind.
const TIME: u16 = 12;
const SHORT_TIME: u16 = 8;
const KIND: u16 = 9;

impl Columns {
    const fn of(area: Rect) -> Self {
        let (comm_width, outcome_width, class_width) = match area.width {
            0..70 => (0, 11, 0),
            70..100 => (9, 12, 0),
            100..120 => (12, 14, 10),
            120..160 => (15, 15, 15),
            _ => (15, 20, 18),
        };
        // One column for what a mark and a touch are shown by.
        let time = if area.width < 100 { SHORT_TIME } else { TIME };
        let pid = area.x + 1 + time + 1;
        let comm = pid + 8;
        let kind = if comm_width > 0 { comm + comm_width + 1 } else { comm };
        let about = kind + KIND + 1;
        let right = area.x + area.width;
        let class = right.saturating_sub(class_width);
        let outcome = class.saturating_sub(outcome_width + if class_width > 0 { 1 } else { 0 });
        let about_width = outcome.saturating_sub(about + 1);
        Self { time, pid, comm, about, about_width, outcome, outcome_width, class, class_width }
    }

    const fn kind(&self) -> u16 {
        self.about - KIND - 1
    }
}

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let focused = state.focus == Focus::Main;
    let inner = painter.pane(area, "", focused);
    draw_tabs(painter, state, area);
    let columns = Columns::of(inner);
    let y = inner.y;
    let by = state.list.order().0;
    let head = |of: By| if by == of && by != By::Time { Role::Accent } else { Role::Dim };
    painter.put(inner.x + 1, y, columns.time, "time", head(By::Time));
    painter.put(columns.pid, y, 7, "    pid", Role::Dim);
    painter.put(columns.comm, y, columns.kind().saturating_sub(columns.comm), "program", head(By::Program));
    painter.put(columns.kind(), y, KIND, "kind", head(By::Kind));
    painter.put(columns.about, y, columns.about_width, "about", head(By::Path));
    painter.put(columns.outcome, y, columns.outcome_width, "outcome", head(By::Outcome));
    painter.put(columns.class, y, columns.class_width, "class", head(By::Class));
    let selected = state.list.at();
    for (y, at) in (inner.y + 1..inner.bottom()).zip(state.list.top..state.list.len()) {
        let line = Rect { y, height: 1, ..inner };
        if let Some(record) = state.list.get(at).and_then(|number| state.store.get(number)) {
            draw_row(painter, state, record, line, &columns);
        }
        if at == selected {
            painter.select(line, focused);
        }
    }
    if state.list.is_empty() && inner.height > 2 {
        painter.put(inner.x + 1, inner.y + 1, inner.width.saturating_sub(2), &nothing(state), Role::Dim);
    }
    painter.captions(area, &of(state), &caption(state));
}

/// Why the list is empty.
fn nothing(state: &State) -> String {
    match (state.head == state.store.first(), state.list.hidden(), state.filter.is_empty()) {
        (true, ..) if state.ended.is_some() => "at the beginning: Space plays, F goes to the end".to_owned(),
        _ if state.model.events == 0 => "nothing has happened yet; what an agent does shows here at once".to_owned(),
        (_, hidden @ 1.., true) => format!("only noise: . shows {} events", words::number(hidden)),
        (_, _, false) if state.store.first() > 0 => match (since(state), state.is_full_of_older()) {
            (since, true) => format!("no event matches {since}; memory is full: < and : go back in time"),
            (since, false) if state.outline.is_some() => format!("no event matches {since}; older ones are being read"),
            (since, false) => format!("no event matches {since}: Esc takes the filter away"),
        },
        (_, _, false) => "no event matches: Esc takes the filter away".to_owned(),
        _ => "no events here: Esc shows those of everything".to_owned(),
    }
}

/// From when on events are in memory.
fn since(state: &State) -> String {
    let time = state.store.get(state.store.first()).map(|record| record.time).unwrap_or_default();
    format!("from {} on", &words::clock(time, state.span().utc_offset)[..8])
}

/// From when on it is where that is not the beginning, where in the list it is, what is hidden, and how far a filter has come.
fn caption(state: &State) -> Vec<String> {
    let list = &state.list;
    let mut parts = Vec::new();
    if state.store.first() > 0 {
        let full = if state.outline.is_some() && state.is_full_of_older() { ", memory is full" } else { "" };
        parts.push(format!("{}{full}", since(state)));
    }
    if let Some(percent) = list.progress(&state.store, state.head) {
        parts.push(format!("filtering {percent}%"));
    }
    if list.hidden() > 0 {
        parts.push(format!("{} noise hidden (.)", words::number(list.hidden())));
    }
    let (by, reverse) = list.order();
    if by != By::Time || reverse {
        parts.push(format!("by {}{} (o)", by.name(), if reverse { ", reversed" } else { "" }));
    }
    if !list.is_empty() {
        parts.push(format!("{}/{}", words::number(list.at() as u64 + 1), words::number(list.len() as u64)));
    }
    parts
}

/// What a view is of.
pub(super) fn of(state: &State) -> String {
    state.scope_name().map_or_else(String::new, |name| format!("of {name}"))
}

/// The names of the views, in the border.
pub(super) fn draw_tabs(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let short = is_short(area);
    for (at, x, width) in tabs(area) {
        let tab = Tab::ALL[at];
        let role = if tab == state.tab { Role::Accent } else { Role::Dim };
        let room = area.right().saturating_sub(x + 1).min(width);
        painter.put(x, area.y, room, &label(tab, short), role);
        if tab == state.tab {
            painter.tint(Rect::new(x, area.y, room, 1), Role::Bar);
        }
    }
}

fn draw_row(painter: &mut Painter<'_>, state: &State, record: &Record, area: Rect, columns: &Columns) {
    let y = area.y;
    let noise = touch::is_noise(record);
    let of = |role: Role| if noise { Role::Dim } else { role };
    let marked = state.marks.iter().any(|mark| mark.boot_ns == record.boot_ns);
    if marked {
        painter.put(area.x, y, 1, "m", Role::Warn);
    } else if touch::is_sensitive(record) {
        painter.put(area.x, y, 1, "!", Role::Bad);
    }
    let clock = words::clock(record.time, state.span().utc_offset);
    painter.put(area.x + 1, y, columns.time, &clock[..usize::from(columns.time)], Role::Dim);
    if let Some(process) = &record.process {
        painter.put_right(columns.pid + 7, y, 7, &process.image.id.pid.to_string(), Role::Dim);
        let comm = process.image.comm.as_ref().map_or_else(|| "?".to_owned(), |comm| escape::bytes(comm.as_bytes()));
        painter.put(columns.comm, y, columns.kind().saturating_sub(columns.comm + 1), &comm, of(Role::Strong));
    }
    painter.put(columns.kind(), y, KIND, record.kind().name(), of(kind(&record.body)));
    let mut text = String::new();
    lines::about(record, &mut text);
    let cut = if begins_with_what_matters(&record.body) { Cut::Tail } else { Cut::Middle };
    painter.put_cut(columns.about, y, columns.about_width, &text, of(Role::Text), cut);
    text.clear();
    let bad = lines::ended(record, &mut text);
    if let Body::Traffic(traffic) = &record.body {
        text = moved(traffic);
    }
    painter.put(columns.outcome, y, columns.outcome_width, &text, of(if bad { Role::Bad } else { Role::Dim }));
    if let Some(first) = record.classes.first() {
        let more = record.classes.iter().count() - 1;
        let name = if more > 0 { format!("{first} +{more}") } else { first.name().to_owned() };
        painter.put(columns.class, y, columns.class_width, &name, class(first));
    }
    if let Some((_, filter)) = &state.search
        && filter.clone().matches(record)
    {
        painter.tint(Rect { x: columns.about, width: columns.about_width, ..area }, Role::Hit);
    }
}

/// What a burst of traffic moved, so short that no digit is cut off; of one that goes on, at least that.
fn moved(traffic: &Traffic) -> String {
    let way = if traffic.direction == Direction::Sent { "sent" } else { "got" };
    format!("{way} {}{}", words::bytes(traffic.bytes), if traffic.ended.is_none() { "+" } else { "" })
}

/// Whether the beginning of a text says more than its end: the command, the name of a host. Of a path it is the last component.
const fn begins_with_what_matters(body: &Body) -> bool {
    match body {
        Body::Exec(_) | Body::ToolCall(_) | Body::Name(_) => true,
        Body::Connect(connect) => connect.name.is_some(),
        Body::Traffic(traffic) => traffic.name.is_some(),
        _ => false,
    }
}

/// The colour of a kind.
const fn kind(body: &Body) -> Role {
    match body {
        Body::Exec(_) | Body::ToolCall(_) => Role::Strong,
        Body::Session(session) if matches!(session.state, SessionState::Started) => Role::Strong,
        Body::Connect(_) | Body::Traffic(_) | Body::Dns(_) | Body::Name(_) | Body::Bind(_) | Body::Listen(_) => {
            Role::Network
        }
        Body::Loss(_) | Body::Gap(_) | Body::Attention(_) => Role::Bad,
        Body::Rename(_) | Body::Unlink(_) | Body::Chmod(_) | Body::Chown(_) | Body::Truncate(_) => Role::Warn,
        Body::Fork(_) | Body::Exit(_) | Body::Stat(_) | Body::Readlink(_) => Role::Dim,
        _ => Role::Text,
    }
}

/// The colour of a class.
pub(super) const fn class(class: Class) -> Role {
    match class {
        Class::Credential => Role::Bad,
        Class::Noise | Class::ProjectFile | Class::AgentState => Role::Dim,
        Class::ModelEndpoint | Class::TelemetryEndpoint | Class::LocalEndpoint | Class::OtherEndpoint => Role::Network,
        _ => Role::Warn,
    }
}
