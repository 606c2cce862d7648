//! What the screen shows of what is selected, in which order, and what it tells without being looked at.

use std::sync::Arc;

use agentsnoop::tui::{
    action::{Action, Effect},
    hub::News,
    model::Key,
    script,
    state::{Alert, List, Mark, Source, State, trunk::BESIDE},
    theme::Theme,
};
use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Control, Input, Why},
    record::Body,
    synthetic::Actor,
};

use crate::tools::stored;

/// A real session of Claude Code.
const SESSION: &str = "claude-session.rec";

const SECOND_NS: u64 = 1_000_000_000;

fn replay() -> State {
    script::of_recording(&stored(SESSION), (140, 42), Theme::Dark).expect("a readable recording")
}

fn text(state: &State) -> String {
    script::text(&script::frame(state).expect("a frame"))
}

#[test]
fn the_views_are_of_what_is_selected_in_the_tree_and_say_so() {
    let mut state = replay();
    script::press(&mut state, &["2"]);
    let all = state.table().rows().len();
    assert!(!text(&state).contains(" of "), "{}", text(&state));
    // The tool call that reads a secret.
    script::press(&mut state, &["1", "Home", "!", "t"]);
    let Some(Key::Call(call)) = state.list.scope().cloned() else { panic!("{:?}", state.list.scope()) };
    script::press(&mut state, &["2", "."]);
    let files: Vec<&str> =
        state.table().rows().iter().filter_map(|row| Some(&*state.things().files.get(*row)?.name)).collect();
    let opened: std::collections::BTreeSet<String> = (state.store.first()..state.store.end())
        .filter_map(|number| state.store.get(number))
        .filter(|record| record.tool_call.as_deref() == Some(&*call))
        .filter_map(|record| match &record.body {
            Body::Open(open) => open.path.as_ref().map(|path| path.to_str().into_owned()),
            _ => None,
        })
        .collect();
    assert!(!opened.is_empty() && opened.iter().all(|path| files.contains(&path.as_str())), "{opened:?} {files:?}");
    assert!(files.len() < all, "{} of {all}", files.len());
    assert!(text(&state).contains("of cat notes.txt"), "{}", text(&state));
    // Another view of the same call, then of everything again.
    script::press(&mut state, &["4"]);
    assert!(text(&state).contains("of cat notes.txt"), "{}", text(&state));
    script::press(&mut state, &["Esc", "2", "."]);
    assert_eq!(state.table().rows().len(), all);
}

#[test]
fn what_a_view_shows_of_a_selection_goes_back_in_time_with_the_screen() {
    let mut state = replay();
    script::press(&mut state, &["←", "Home", "↓", "↓", "↓", "2", "."]);
    let whole = state.things().files.len();
    script::press(&mut state, &["<"]);
    let before = state.things().files.len();
    assert!(before < whole, "{before} of {whole}");
    script::press(&mut state, &["F"]);
    assert_eq!(state.things().files.len(), whole);
}

fn numbers(list: &List) -> Vec<u64> {
    (0..list.len()).filter_map(|row| list.get(row)).collect()
}

#[test]
fn events_are_sorted_by_each_column_and_back_and_the_selection_stays_on_its_event() {
    let mut state = replay();
    script::press(&mut state, &[]);
    let in_time = numbers(&state.list);
    let mut seen = vec![in_time.clone()];
    for by in ["what matters", "path", "program", "kind", "outcome"] {
        script::press(&mut state, &["o"]);
        assert!(text(&state).contains(&format!("by {by}")), "{by}\n{}", text(&state));
        let order = numbers(&state.list);
        assert!(!seen.contains(&order), "{by} is an order of its own");
        let mut again = order.clone();
        again.sort_unstable();
        assert_eq!(again, in_time, "{by} shows every event once");
        if by == "path" {
            let opened = order.iter().filter_map(|number| match &state.store.get(*number)?.body {
                Body::Open(open) => open.path.clone(),
                _ => None,
            });
            let opened: Vec<Vec<u8>> = opened.map(|path| path.as_bytes().to_vec()).collect();
            assert!(opened.len() > 100 && opened.is_sorted(), "{opened:?}");
        }
        script::press(&mut state, &["↓", "↓", "↓"]);
        let selected = state.list.current();
        assert_eq!(selected, order.get(3).copied());
        script::press(&mut state, &["O"]);
        let mut reversed = numbers(&state.list);
        reversed.reverse();
        assert_eq!(reversed, order, "{by}, the other way round");
        script::press(&mut state, &["O", "End"]);
        assert_eq!(state.list.current(), order.last().copied());
        seen.push(order);
    }
    script::press(&mut state, &["o"]);
    assert_eq!(numbers(&state.list), in_time);
    // What matters comes first.
    script::press(&mut state, &["o", "Home"]);
    let first = state.list.current().and_then(|number| state.store.get(number)).expect("an event");
    assert!(first.classes.contains(agentsnoop_pipeline::enrich::Class::Credential), "{first:?}");
}

#[test]
fn events_that_come_are_put_where_they_belong_while_the_list_is_sorted() {
    let mut whole = replay();
    script::press(&mut whole, &["o"]);
    let mut grows = replay();
    script::press(&mut grows, &["0", "o"]);
    for _ in 0..5 {
        script::press(&mut grows, &[">"]);
    }
    script::press(&mut grows, &["F"]);
    assert_eq!(numbers(&whole.list), numbers(&grows.list));
}

/// So many opens of a secret, as records.
fn touches(many: usize) -> Vec<Record> {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Run }), &mut records));
    let mut actor = Actor::new(7);
    for _ in 0..many {
        drop(pipeline.push(&actor.open("/home/dev/.aws/credentials"), &mut records));
    }
    records
}

/// What is told within a time.
fn told(state: &mut State, seconds: u64) -> Vec<(String, Alert)> {
    state.pass(seconds * SECOND_NS);
    let alerts = state.effects().into_iter().filter_map(|effect| match effect {
        Effect::Alert { text, alert } => Some((text, alert)),
        _ => None,
    });
    alerts.collect()
}

#[test]
fn a_mark_is_said_to_be_in_the_recording_when_it_is_and_otherwise_not() {
    let mut state = replay();
    (state.source.is_live, state.ended) = (true, None);
    script::press(&mut state, &["m", "alone", "Enter"]);
    assert!(text(&state).contains("is marked, on this screen only") && state.effects().is_empty());
    state.hear(News::Recorder(true));
    script::press(&mut state, &["m", "token=secret", "Enter"]);
    assert!(text(&state).contains("on its way to the recording"), "{}", text(&state));
    let effects = state.effects();
    let [Effect::Mark { boot_ns, note }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(note, "token=secret");
    // It comes back as it was recorded.
    state.hear(News::Marked(Mark { boot_ns: *boot_ns, note: "token=[masked]".to_owned() }));
    assert!(text(&state).contains("is marked, in the recording too"), "{}", text(&state));
    let notes: Vec<&str> = state.marks.iter().map(|mark| mark.note.as_str()).collect();
    assert_eq!(notes, ["alone", "token=[masked]"]);
    script::press(&mut state, &["m", "too late", "Enter"]);
    state.hear(News::Ended("the command has ended".to_owned()));
    assert!(text(&state).contains("before 1 marks reached it"), "{}", text(&state));
}

#[test]
fn the_newest_tool_calls_are_shown_the_earlier_ones_counted_and_one_that_is_gone_to_is_there() {
    const EARLIER: usize = 1_234;
    let mut state = replay();
    let last = state.store.end() - 1;
    let mut events = (0..=last).rev().filter_map(|number| state.store.get(number));
    let mut record = events.find(|record| record.tool_call.is_some()).expect("a tool call").clone();
    let name = |number: usize| Arc::<str>::from(format!("call-{number}"));
    for number in 0..BESIDE + EARLIER {
        record.tool_call = Some(name(number));
        state.take([record.clone()]);
    }
    script::press(&mut state, &["F"]);
    let calls = |state: &State| {
        let keys = state.trunk.rows().iter().map(|row| state.model.tree.node(row.place).key.clone());
        keys.filter(|key| matches!(key, Key::Call(_))).collect::<Vec<_>>()
    };
    let shown = calls(&state);
    assert!(shown.len() <= BESIDE && shown.contains(&Key::Call(name(BESIDE + EARLIER - 1))), "{}", shown.len());
    assert!(!shown.contains(&Key::Call(name(7))));
    let earlier: usize = state.trunk.rows().iter().map(|row| row.earlier).sum();
    assert!(earlier >= EARLIER, "{earlier}");
    script::press(&mut state, &["←", "Home"]);
    assert!(text(&state).contains(" earlier"), "{}", text(&state));
    state.trunk.select(&state.model.tree, &Key::Call(name(7)));
    let shown = calls(&state);
    assert!(shown.contains(&Key::Call(name(7))) && shown.len() <= BESIDE + 1);
    script::press(&mut state, &["o"]);
    assert!(state.trunk.newest_first && calls(&state).len() == shown.len());
}

#[test]
fn a_sensitive_touch_is_told_whatever_the_screen_shows_and_a_burst_once() {
    let live = Source { is_live: true, ..Source::default() };
    for keys in [&[][..], &["Space"], &["2"], &["f", "kind:exec", "Enter"], &["?"]] {
        let mut state = State::new(live.clone(), (120, 40), Theme::Dark);
        script::press(&mut state, keys);
        state.hear(News::Records(touches(1)));
        let first = told(&mut state, 0);
        assert_eq!(first.len(), 1, "{keys:?}");
        assert!(first[0].0.contains("/home/dev/.aws/credentials"), "{first:?}");
        state.hear(News::Records(touches(40)));
        assert_eq!(told(&mut state, 1), [], "{keys:?}: not so soon again");
        let burst = told(&mut state, 10);
        assert!(burst.len() == 1 && burst[0].0.ends_with("and 39 more"), "{burst:?}");
        assert_eq!(told(&mut state, 100), [], "each is told once");
    }
}

#[test]
fn alerts_are_off_by_choice_and_a_recording_has_none() {
    let mut state = State::new(Source { is_live: true, ..Source::default() }, (120, 40), Theme::Dark);
    for alert in Alert::ALL {
        assert_eq!(state.alert, alert);
        assert_eq!(Alert::of(alert.name()), Some(alert));
        state.hear(News::Records(touches(1)));
        let told = told(&mut state, 100);
        assert_eq!(told.first().map(|(_, how)| *how), (alert != Alert::Off).then_some(alert));
        state.act(Action::Alert);
    }
    let mut recording = State::new(Source::default(), (120, 40), Theme::Dark);
    recording.hear(News::Records(touches(1)));
    assert_eq!(told(&mut recording, 100), []);
    assert_eq!(recording.model.touches.0, 1);
}
