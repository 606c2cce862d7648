//! That what the screen says is so: its numbers, its words, its clock.

use std::collections::BTreeMap;

use agentsnoop::tui::{
    action::Effect,
    hub::News,
    script,
    state::{Source, State},
    theme::Theme,
};
use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Control, Coverage, Hook, HookState, Input, Why},
    record::{Access, Body, Direction, Kind},
    synthetic::Actor,
};

use crate::tools::{agentsnoop, stdout, stored};

/// A real session of Claude Code.
const SESSION: &str = "claude-session.rec";

const SECOND_NS: u64 = 1_000_000_000;

fn replay() -> State {
    script::of_recording(&stored(SESSION), (120, 40), Theme::Dark).expect("a readable recording")
}

fn text(state: &State) -> String {
    script::text(&script::frame(state).expect("a frame"))
}

/// The last rows: what is said, and the keys.
fn last_rows(state: &State) -> String {
    let text = text(state);
    let rows: Vec<&str> = text.lines().collect();
    rows[rows.len() - 2..].join("\n")
}

/// What `query` finds, as JSON.
fn found() -> Vec<serde_json::Value> {
    let lines = stdout(&agentsnoop(&["query", "--json"], &stored(SESSION)));
    lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn the_events_that_are_counted_are_those_that_a_query_finds() {
    let (state, found) = (replay(), found());
    let events = found.iter().filter(|record| record["kind"] != "coverage").count() as u64;
    assert!(events > 1_000);
    assert_eq!(state.model.events, events);
    let by_process = found.iter().filter(|record| record["process"]["pid"] == 2592 && record["kind"] != "coverage");
    let (node, by_process) = (state.model.tree.nodes().find(|node| node.title.starts_with("claude -p")), by_process);
    // Events of the process before it was the tool call's or the agent's are its own too.
    assert_eq!(node.map(|node| node.events), Some(by_process.count() as u64));
}

#[test]
fn bytes_of_a_burst_that_was_told_twice_are_counted_once() {
    let state = replay();
    let mut moved = BTreeMap::<bool, u64>::new();
    for record in found() {
        let traffic = &record["traffic"];
        let is_named = traffic["address"].is_string() || traffic["path"].is_string();
        if is_named && traffic["ended"].is_u64() {
            *moved.entry(traffic["direction"] == "sent").or_default() += traffic["bytes"].as_u64().expect("bytes");
        }
    }
    let shown = |of: &dyn Fn(&agentsnoop::tui::model::learn::Endpoint) -> u64| {
        state.model.endpoints.things().map(|endpoint| of(&endpoint.own)).sum::<u64>()
    };
    assert!(moved[&true] > 1_000 && moved[&false] > 1_000, "{moved:?}");
    assert_eq!((shown(&|it| it.sent), shown(&|it| it.received)), (moved[&true], moved[&false]));
    // There are bursts that were told twice, else this shows nothing.
    let begun = (0..state.store.end()).filter_map(|number| match &state.store.get(number)?.body {
        Body::Traffic(traffic) if traffic.ended.is_none() && traffic.direction == Direction::Sent => Some(()),
        _ => None,
    });
    assert!(begun.count() > 0);
}

#[test]
fn a_file_that_could_not_be_opened_was_not_read() {
    let state = replay();
    let mut read = BTreeMap::<String, (u64, u64)>::new();
    for number in 0..state.store.end() {
        let Some(Body::Open(open)) = state.store.get(number).map(|record| &record.body) else { continue };
        let Some(path) = open.path.as_ref().or(open.requested.as_ref()) else { continue };
        let (opened, failed) = read.entry(path.to_str().into_owned()).or_default();
        *opened += u64::from(
            open.error.is_none() && matches!(open.access, Access::Read | Access::Execute | Access::ReadWrite),
        );
        *failed += u64::from(open.error.is_some());
    }
    let mut refused = 0;
    for file in state.model.files.things() {
        let (opened, failed) = read.get(&*file.name).copied().unwrap_or_default();
        assert_eq!(file.own.read, opened, "{}", file.name);
        assert!(file.seen.failed >= failed, "{}", file.name);
        refused += u64::from(opened == 0 && failed > 0);
    }
    assert!(refused > 10, "{refused}");
}

#[test]
fn a_session_ends_as_its_first_process_has() {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Run }), &mut records));
    let mut actor = Actor::new(7);
    drop(pipeline.push(&actor.open("/etc/hosts"), &mut records));
    // Code 3, as wait(2) has it.
    drop(pipeline.push(&actor.exit(3 << 8), &mut records));
    let mut state = State::new(Source::default(), (120, 40), Theme::Dark);
    assert!(records.iter().any(|record| record.kind() == Kind::Session), "{records:?}");
    state.take(records);
    script::press(&mut state, &[]);
    let shown = text(&state);
    assert!(shown.contains("✗ command 7"), "{shown}");
    assert!(shown.lines().any(|row| row.contains("command 7") && row.contains("exit 3")), "{shown}");
}

/// Opens of one process.
fn opens(many: usize) -> Vec<Record> {
    let (mut pipeline, mut records) = (Pipeline::new().expect("the built-in data"), Vec::new());
    drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Run }), &mut records));
    let mut actor = Actor::new(7);
    for number in 0..many {
        drop(pipeline.push(&actor.open(&format!("/home/dev/{number}")), &mut records));
    }
    records
}

#[test]
fn where_nothing_happens_any_more_the_rate_falls_and_what_runs_grows_older() {
    let mut state = State::new(Source { is_live: true, ..Source::default() }, (120, 40), Theme::Dark);
    state.hear(News::Records(opens(50)));
    script::press(&mut state, &[]);
    assert!(!text(&state).contains(" 0/s"), "{}", text(&state));
    assert!(!state.pass(SECOND_NS / 2), "half a second changes nothing that is shown");
    assert!(state.pass(SECOND_NS / 2), "a second is to be drawn");
    state.pass(64 * SECOND_NS);
    let shown = text(&state);
    assert!(shown.contains(" 0/s") && shown.contains("command 7 1m0"), "{shown}");
    // What stands still stands still, and what has ended does not grow older.
    script::press(&mut state, &["Space"]);
    let paused = text(&state);
    state.pass(64 * SECOND_NS);
    assert_eq!(text(&state), paused);
    script::press(&mut state, &["Space"]);
    state.hear(News::Ended("the command has ended".to_owned()));
    script::press(&mut state, &[]);
    let ended = text(&state);
    state.pass(64 * SECOND_NS);
    assert_eq!(text(&state), ended);
    assert!(!ended.contains("1m0"), "{ended}");
}

#[test]
fn the_last_row_says_that_it_ended_at_its_end_alone() {
    let mut state = replay();
    script::press(&mut state, &[]);
    assert!(last_rows(&state).contains("ended: "), "{}", last_rows(&state));
    script::press(&mut state, &["<"]);
    assert!(!last_rows(&state).contains("ended: "), "{}", last_rows(&state));
    script::press(&mut state, &["F"]);
    assert!(last_rows(&state).contains("ended: "), "{}", last_rows(&state));
}

#[test]
fn the_keys_for_help_and_the_end_are_shown_at_every_size_that_has_room_for_keys() {
    for (columns, rows) in [(60, 20), (80, 24), (120, 40)] {
        for keys in [&[][..], &["2"], &["6"], &["←"], &["Enter"]] {
            let mut state = replay();
            state.size = (columns, rows);
            script::press(&mut state, keys);
            let shown = last_rows(&state);
            assert!(shown.contains("? keys") && shown.contains("q end"), "{keys:?} {shown}");
        }
    }
    let mut state = replay();
    script::press(&mut state, &[]);
    assert!(last_rows(&state).contains("Space play"), "a recording is played: {}", last_rows(&state));
}

#[test]
fn the_time_line_ends_with_the_latest_event_even_if_an_earlier_one_is_told_last() {
    let mut records = opens(20);
    let late = records.remove(5);
    let (first, last) = (records[0].boot_ns, records.iter().map(|record| record.boot_ns).max());
    records.push(late);
    let mut state = State::new(Source::default(), (120, 40), Theme::Dark);
    state.take(records);
    script::press(&mut state, &[]);
    assert_eq!(state.range(), (first, last.expect("events")));
    assert_eq!(state.now_ns(), last.expect("events"));
}

#[test]
fn a_low_and_wide_screen_shows_the_tree_beside_the_events() {
    // So much is left beside a command in a window of 120 by 34.
    let mut state = replay();
    state.size = (120, 17);
    script::press(&mut state, &["Home", "!"]);
    let shown = text(&state);
    assert!(shown.contains("Agents") && shown.contains("cat notes.txt") && shown.contains("1 Events"), "{shown}");
    script::press(&mut state, &["Enter"]);
    let shown = text(&state);
    assert!(shown.contains("Agents") && shown.contains("─ Event ─") && !shown.contains("1 Events"), "{shown}");
}

#[test]
fn the_end_is_asked_for_twice_where_the_help_is_open() {
    let mut state = replay();
    script::press(&mut state, &["?", "q"]);
    assert!(state.help.is_none() && state.effects().is_empty(), "it leaves the help");
    script::press(&mut state, &["q"]);
    assert_eq!(state.effects(), [Effect::Quit]);
}

#[test]
fn an_export_waits_until_the_filter_has_seen_everything() {
    let mut state = State::new(Source::default(), (120, 40), Theme::Dark);
    state.take(opens(70_000));
    script::press(&mut state, &[]);
    for (name, is_whole) in [("early", false), ("late", true)] {
        for key in ["f", "^U", "path:*/1", "Enter", "x", "^U", name, "Enter"] {
            if is_whole {
                script::press(&mut state, &[key]);
            } else {
                script::press_only(&mut state, key);
            }
        }
        let effects = state.effects();
        assert_eq!(
            effects.iter().any(|effect| matches!(effect, Effect::Write { .. })),
            is_whole,
            "{name}: {effects:?}"
        );
        assert_eq!(state.note.as_deref().is_some_and(|note| note.contains("not written")), !is_whole);
    }
}

#[test]
fn why_a_hook_is_missing_is_told_whole() {
    let reason = "the kernel has no such function, ".repeat(8);
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    let state = HookState::Unavailable { reason: reason.clone() };
    let hook = Hook { feature: "exec: argv".to_owned(), name: "a_hook".to_owned(), state };
    drop(pipeline.push(&Input::Coverage(Coverage { boot_ns: 1, hook }), &mut records));
    let mut state = State::new(Source::default(), (120, 40), Theme::Dark);
    state.take(records);
    script::press(&mut state, &["6", "Enter"]);
    let shown = text(&state);
    let told: String = shown.chars().filter(char::is_ascii_alphabetic).collect();
    let wanted: String = reason.chars().filter(char::is_ascii_alphabetic).collect();
    assert!(shown.contains("a_hook") && told.contains(&wanted), "{shown}");
}

#[test]
fn no_digit_of_what_was_moved_is_cut_off_at_any_size() {
    for size in [(60, 16), (80, 24), (120, 40), (300, 100)] {
        let mut state = script::of_recording(&stored(SESSION), size, Theme::Dark).expect("a readable recording");
        script::press(&mut state, &["f", "kind:traffic", "Enter"]);
        let shown = text(&state);
        let rows =
            shown.lines().filter(|row| row.contains(" traffic ") && (row.contains(" sent ") || row.contains(" got ")));
        let rows: Vec<&str> = rows.collect();
        assert!(rows.len() > 3, "{shown}");
        for row in rows {
            let (_, moved) = row.split_once(" sent ").or_else(|| row.split_once(" got ")).expect("what was moved");
            let amount = moved.trim_start_matches(|char: char| char.is_ascii_digit() || char == '.');
            assert!(amount.starts_with(['B', 'K', 'M']), "{row}");
        }
    }
}
