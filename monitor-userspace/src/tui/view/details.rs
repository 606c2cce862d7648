//! Everything about one event.

use agentsnoop_pipeline::{
    Record,
    record::{Body, ProcessId},
};
use ratatui::layout::Rect;
use serde_json::Value;

use super::paint::Painter;
use crate::tui::{
    escape,
    model::Key,
    state::{Focus, State, Tab},
    theme::Role,
    words,
};

/// Columns of the names of fields.
const LABEL: u16 = 12;

/// Ancestors that are shown.
const ANCESTORS: usize = 12;

/// Rows of one field that are shown: an argv of 64 KiB is in the copy (`y`), not on the screen as a whole.
const ROWS: usize = 400;

pub(super) fn draw(painter: &mut Painter<'_>, state: &State, area: Rect) {
    let focused = state.focus == Focus::Details;
    let title = match state.tab {
        Tab::Events => "Event",
        Tab::Coverage => "What could be seen",
        _ => "Its last event",
    };
    let inner = painter.pane(area, title, focused);
    let current = state.current();
    let fields = match current.and_then(|number| state.store.get(number)) {
        Some(record) => fields(state, record),
        None if state.tab == Tab::Coverage => coverage(state),
        None if current.is_none() => return,
        None => {
            painter.put(inner.x, inner.y, inner.width, "it is not in memory; : goes to its time", Role::Dim);
            return;
        }
    };
    let width = usize::from(inner.width.saturating_sub(LABEL + 1));
    let mut rows: Vec<(&str, String, Role)> = Vec::new();
    for (label, value, role) in &fields {
        for (at, line) in escape::wrap(value, width).into_iter().take(ROWS).enumerate() {
            rows.push((if at == 0 { label } else { "" }, line, *role));
        }
    }
    let top = state.details_top.min(rows.len().saturating_sub(usize::from(inner.height)));
    for (y, (label, line, role)) in (inner.y..inner.bottom()).zip(rows.iter().skip(top)) {
        painter.put(inner.x, y, LABEL, label, Role::Dim);
        painter.put(inner.x + LABEL + 1, y, inner.width.saturating_sub(LABEL + 1), line, *role);
    }
    if rows.len() > usize::from(inner.height) {
        painter.caption(
            area,
            &format!("{}-{}/{}", top + 1, (top + usize::from(inner.height)).min(rows.len()), rows.len()),
        );
    }
}

/// A field: name, value, how it looks.
type Field = (String, String, Role);

/// What is known of a hook, a loss or a gap.
fn coverage(state: &State) -> Vec<Field> {
    let facts = state.model.observation.facts();
    let Some(fact) = state.table().current().and_then(|place| facts.into_iter().nth(place)) else { return Vec::new() };
    let fields =
        [("state", fact.state.to_owned()), ("feature", fact.feature), ("hook", fact.name), ("why", fact.reason)];
    let told = fields.into_iter().filter(|(_, value)| !value.is_empty());
    told.map(|(label, value)| (label.to_owned(), escape::text(&value).into_owned(), Role::Text)).collect()
}

/// The fields of an event.
fn fields(state: &State, record: &Record) -> Vec<Field> {
    let mut fields = Vec::new();
    let mut add = |label: &str, value: String, role: Role| fields.push((label.to_owned(), value, role));
    let offset = state.span().utc_offset;
    add(record.kind().name(), format!("{}  id {}", words::clock(record.time, offset), record.id), Role::Strong);
    for mark in state.marks.iter().filter(|mark| mark.boot_ns == record.boot_ns) {
        add("marked", if mark.note.is_empty() { "without a note".to_owned() } else { mark.note.clone() }, Role::Warn);
    }
    if let Ok(Value::Object(body)) = record.body.to_json() {
        for (name, value) in &body {
            match value.as_u64().filter(|_| is_moment(&record.body, name)) {
                Some(boot_ns) => add(name, state.clock_at(boot_ns), Role::Text),
                None => flat(name, value, &mut add),
            }
        }
    }
    if record.seccomp {
        add("seccomp", "a filter answered the call, which did nothing of its own".to_owned(), Role::Bad);
    }
    if !record.classes.is_empty() {
        let names: Vec<&str> = record.classes.iter().map(agentsnoop_pipeline::enrich::Class::name).collect();
        add(
            "classes",
            names.join(", "),
            super::events::class(record.classes.first().unwrap_or(agentsnoop_pipeline::enrich::Class::Noise)),
        );
    }
    for why in &state.why {
        add("", why.clone(), Role::Dim);
    }
    if let Some(process) = &record.process {
        let comm = process.image.comm.as_ref().map(|comm| escape::bytes(comm.as_bytes())).unwrap_or_default();
        let id = process.image.id;
        add("process", format!("{comm} {}  thread {}  user {}  id {id}", id.pid, process.tid, process.uid), Role::Text);
        if let Some(exe) = &process.image.exe {
            add("program", escape::bytes(exe.as_bytes()), Role::Text);
        }
        for (at, ancestor) in ancestry(state, id).into_iter().enumerate() {
            add(if at == 0 { "made by" } else { "" }, ancestor, Role::Dim);
        }
    }
    if let Some(agent) = &record.agent {
        add("agent", format!("{}  session {}", agent.name, agent.session), Role::Text);
    }
    if let Some(call) = &record.tool_call {
        let command =
            state.model.tree.find(&Key::Call(call.clone())).map(|place| state.model.tree.node(place).title.clone());
        let shown = if matches!(record.body, Body::ToolCall(_)) { None } else { command };
        add("tool call", format!("{call}  {}", shown.unwrap_or_default()), Role::Text);
    }
    fields
}

/// The processes above one, as far as they are known.
fn ancestry(state: &State, id: ProcessId) -> Vec<String> {
    let tree = &state.model.tree;
    let mut above = Vec::new();
    let Some(mut place) = tree.find(&Key::Process(id)) else { return above };
    while above.len() < ANCESTORS {
        let parent = tree.node(place).parent;
        if parent == place || parent == 0 {
            break;
        }
        place = parent;
        let node = tree.node(place);
        match &node.key {
            Key::Process(_) => {
                let what = if node.title.is_empty() { &node.comm } else { &node.title };
                above.push(format!("{} {what}", node.pid));
            }
            Key::Call(_) => above.push(format!("tool call: {}", node.title)),
            Key::Session(_) => above.push(format!("{} {}", node.title, node.pid)),
            Key::All => {}
        }
    }
    above
}

/// Whether a field is a time of the boot clock.
fn is_moment(body: &Body, name: &str) -> bool {
    match body {
        Body::Traffic(_) => matches!(name, "started" | "ended"),
        Body::Gap(_) => matches!(name, "from_ns" | "to_ns"),
        _ => false,
    }
}

/// A value as lines: a short list on one, a long one an entry a line.
fn flat(name: &str, value: &Value, add: &mut impl FnMut(&str, String, Role)) {
    let role = match name {
        "error" | "signal" => Role::Bad,
        _ if name.ends_with("_state") => Role::Warn,
        _ => Role::Text,
    };
    match value {
        Value::Array(items) if items.is_empty() => {}
        Value::Array(items) if name == "argv" => {
            for (at, item) in items.iter().enumerate() {
                add(if at == 0 { name } else { "" }, plain(item), role);
            }
        }
        Value::Array(items) => add(name, items.iter().map(plain).collect::<Vec<_>>().join("  "), role),
        Value::Number(number) if name.ends_with("_ns") && number.as_u64().is_some() => {
            add(name.trim_end_matches("_ns"), words::duration(number.as_u64().unwrap_or(0)), role);
        }
        Value::Null => {}
        value => add(name, plain(value), role),
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) if text.is_empty() => "''".to_owned(),
        Value::String(text) => escape::bytes(text.as_bytes()),
        value => escape::bytes(value.to_string().as_bytes()),
    }
}
