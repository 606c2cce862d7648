//! Bursts of look-ups that cover the environment.

use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Closed, Coverage, Hook, HookState, Input, Tick},
    record::{Body, Getenv, GetenvKind},
    synthetic::{Actor, Program},
};

use proptest::prelude::*;

use crate::common::{judge, run};

/// What a program was given.
const NAMES: [&str; 10] =
    ["SHELL", "PWD", "HOME", "LANG", "TERM", "PATH", "AWS_SECRET_ACCESS_KEY", "SHLVL", "EDITOR", "TZ"];

/// A program with [`NAMES`], and the inputs so far.
fn program() -> (Vec<Input>, Actor) {
    let mut actor = Actor::new(4711);
    let exec =
        actor.exec(Program { exe: "/usr/bin/node", argv: &["node"], env: &NAMES, cwd: "/", ..Program::default() });
    (vec![run(4711), exec], actor)
}

fn closed() -> Input {
    Input::Closed(Box::<Closed>::default())
}

/// The getenv records as `NAME`, or `*CALLS/NAMES` for an enumeration.
fn look_ups(records: &[Record]) -> Vec<String> {
    let shown = |getenv: &Getenv| match getenv.kind {
        GetenvKind::Lookup => getenv.name.as_ref().map(|name| name.to_str().into_owned()).unwrap_or_default(),
        GetenvKind::Enumeration => format!("*{}/{}", getenv.count, getenv.names.unwrap_or(0)),
    };
    records
        .iter()
        .filter_map(|record| if let Body::Getenv(getenv) = &record.body { Some(shown(getenv)) } else { None })
        .collect()
}

/// What look-ups become, in a program that does nothing else.
fn folded<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let (mut inputs, mut actor) = program();
    inputs.extend(names.into_iter().map(|name| actor.getenv(name)));
    inputs.push(closed());
    look_ups(&judge(&inputs))
}

#[test]
fn a_burst_over_the_whole_environment_is_one_enumeration() {
    assert_eq!(folded(NAMES), ["*10/10"]);
}

#[test]
fn each_name_may_be_asked_for_several_times_in_a_row() {
    assert_eq!(folded(NAMES.into_iter().flat_map(|name| [name; 3])), ["*30/10"]);
}

#[test]
fn two_passes_are_two_enumerations() {
    assert_eq!(folded(NAMES.into_iter().chain(NAMES)), ["*10/10", "*10/10"]);
}

#[test]
fn the_order_of_the_names_does_not_matter() {
    assert_eq!(folded(NAMES.into_iter().rev()), ["*10/10"]);
}

#[test]
fn one_name_in_ten_may_be_missing_and_no_more() {
    assert_eq!(folded(NAMES.into_iter().take(9)), ["*9/9"]);
    assert_eq!(folded(NAMES.into_iter().take(8)), NAMES[..8]);
}

#[test]
fn a_look_up_before_and_behind_a_burst_stays_a_look_up() {
    let secret = "AWS_SECRET_ACCESS_KEY";
    assert_eq!(folded([secret].into_iter().chain(NAMES)), [secret, "*10/10"]);
    assert_eq!(folded(NAMES.into_iter().chain([secret])), ["*10/10", secret]);
    assert_eq!(folded(NAMES.into_iter().chain([secret, secret]).chain(NAMES)), ["*10/10", secret, secret, "*10/10"]);
    assert_eq!(folded(NAMES.into_iter().chain(["NODE_DEBUG"])), ["*10/10", "NODE_DEBUG"]);
}

#[test]
fn a_name_that_the_program_has_put_there_itself_is_part_of_the_burst_around_it() {
    assert_eq!(folded(NAMES[..5].iter().copied().chain(["OWN"]).chain(NAMES[5..].iter().copied())), ["*11/10"]);
}

#[test]
fn an_environment_of_a_few_names_is_never_enumerated() {
    let mut actor = Actor::new(1);
    let exec = actor.exec(Program { exe: "/bin/ls", argv: &["ls"], env: &NAMES[..7], cwd: "/", ..Program::default() });
    let mut inputs = vec![exec];
    inputs.extend(NAMES[..7].iter().map(|name| actor.getenv(name)));
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)), NAMES[..7]);
}

#[test]
fn another_event_of_the_thread_ends_a_burst() {
    let (mut inputs, mut actor) = program();
    inputs.extend(NAMES[..5].iter().map(|name| actor.getenv(name)));
    inputs.push(actor.open("/etc/hostname"));
    inputs.extend(NAMES[5..].iter().map(|name| actor.getenv(name)));
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)), NAMES);
}

#[test]
fn a_pause_ends_a_burst() {
    let (mut inputs, mut actor) = program();
    inputs.extend(NAMES[..5].iter().map(|name| actor.getenv(name)));
    actor.header.time += 6_000_000;
    inputs.extend(NAMES[5..].iter().map(|name| actor.getenv(name)));
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)), NAMES);
}

#[test]
fn a_child_has_the_environment_of_its_parent_until_it_executes_another_program() {
    let (mut inputs, mut actor) = program();
    let (fork, mut child) = actor.fork(4712);
    child.follow(&actor);
    inputs.push(fork);
    inputs.extend(NAMES.map(|name| child.getenv(name)));
    inputs.push(child.exec(Program { exe: "/bin/ls", argv: &["ls"], env: &["ONE"], cwd: "/", ..Program::default() }));
    inputs.extend(NAMES.map(|name| child.getenv(name)));
    inputs.push(closed());
    let expected: Vec<&str> = ["*10/10"].into_iter().chain(NAMES).collect();
    assert_eq!(look_ups(&judge(&inputs)), expected);
}

#[test]
fn an_enumeration_has_the_place_and_the_time_of_its_first_look_up_and_tells_how_long_it_took() {
    let (mut inputs, mut actor) = program();
    inputs.extend(NAMES.map(|name| actor.getenv(name)));
    let single = judge(&inputs[..3]);
    inputs.push(closed());
    let records = judge(&inputs);
    let all: Vec<&Record> = records.iter().filter(|record| matches!(record.body, Body::Getenv(_))).collect();
    let [found] = all[..] else { panic!("one record: {all:?}") };
    // The first look-up is held back, so alone it gives nothing; its id is that of its input, the fourth.
    assert_eq!((single.len(), found.id.index), (2, 2));
    let json = serde_json::to_value(found).unwrap();
    let expected = serde_json::json!({"kind": "enumeration", "count": 10, "names": 10, "duration_ns": 9000});
    assert_eq!((&json["getenv"], &json["classes"]), (&expected, &serde_json::json!(["environment"])));
}

#[test]
fn records_stay_in_order_and_wait_for_the_burst_that_began_before_them() {
    let (mut inputs, mut actor) = program();
    let mut other = Actor::new(815);
    other.header.cpu = 1;
    inputs.extend(NAMES[..5].iter().map(|name| actor.getenv(name)));
    other.header.time = actor.header.time;
    inputs.push(other.open("/etc/hostname"));
    inputs.extend(NAMES[5..].iter().map(|name| actor.getenv(name)));
    inputs.push(closed());
    let records = judge(&inputs);
    assert!(records.is_sorted_by_key(|record| record.id), "{records:?}");
    assert_eq!(look_ups(&records), ["*10/10"]);
    let kinds: Vec<&str> = records.iter().rev().take(2).map(|record| record.kind().name()).collect();
    assert_eq!(kinds, ["open", "getenv"]);
}

#[test]
fn time_alone_releases_a_lone_look_up() {
    let (mut inputs, mut actor) = program();
    inputs.push(actor.getenv("HOME"));
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    for input in &inputs {
        let _ = pipeline.push(input, &mut records);
    }
    assert_eq!(look_ups(&records), [""; 0]);
    let due = pipeline.due_ns().unwrap();
    assert_eq!(due, actor.header.time + 5_000_001);
    let _ = pipeline.push(&Input::Tick(Tick { boot_ns: due - 1 }), &mut records);
    assert_eq!(look_ups(&records), [""; 0]);
    let _ = pipeline.push(&Input::Tick(Tick { boot_ns: due }), &mut records);
    assert_eq!((look_ups(&records), pipeline.due_ns()), (vec!["HOME".to_owned()], None));
}

#[test]
fn what_admit_held_back_is_folded_as_if_it_came_in_time() {
    let (mut inputs, mut actor) = program();
    inputs.push(Input::Tick(Tick { boot_ns: 900_000_000_000 }));
    inputs.extend(NAMES.map(|name| actor.getenv(name)));
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)), ["*10/10"]);
}

#[test]
fn what_userspace_finds_out_meanwhile_is_no_pause() {
    let (mut inputs, mut actor) = program();
    let hook =
        Hook { name: "getenv /lib/libc.so.6".to_owned(), feature: "getenv".to_owned(), state: HookState::Attached };
    for name in NAMES {
        inputs.push(actor.getenv(name));
        // Read off the clock while records wait in the ring.
        let boot_ns = actor.header.time + 50_000_000;
        inputs.push(Input::Coverage(Coverage { boot_ns, hook: hook.clone() }));
    }
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)), ["*10/10"]);
}

#[test]
fn more_records_than_are_held_back_are_let_go_as_they_are() {
    let (mut inputs, mut actor) = program();
    let mut other = Actor::new(815);
    inputs.push(actor.getenv("HOME"));
    (other.header.time, other.header.cpu) = (actor.header.time, 1);
    for _ in 0..10_000 {
        other.header.time -= 1000;
        inputs.push(other.open("/etc/hostname"));
    }
    let records = judge(&inputs);
    assert!(records.len() > 8_000 && records.is_sorted_by_key(|record| record.id), "{}", records.len());
}

#[test]
fn look_ups_of_many_threads_at_once_lose_nothing() {
    let mut inputs = Vec::new();
    for pid in 1..200 {
        let mut actor = Actor::new(pid);
        actor.header.cpu = u16::try_from(pid).unwrap();
        inputs.push(actor.exec(Program {
            exe: "/usr/bin/node",
            argv: &["node"],
            env: &NAMES,
            cwd: "/",
            ..Program::default()
        }));
        inputs.push(actor.getenv("HOME"));
    }
    inputs.push(closed());
    assert_eq!(look_ups(&judge(&inputs)).len(), 199);
}

proptest! {
    // Each case makes a pipeline, which compiles every pattern.
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_looked_up_no_call_vanishes_and_the_order_stays(
        calls in proptest::collection::vec((0usize..3, 0usize..12, 0u64..40), 0..300),
    ) {
        let mut inputs = Vec::new();
        let mut actors = [Actor::new(1), Actor::new(2), Actor::new(3)];
        for actor in &mut actors {
            actor.header.cpu = u16::try_from(actor.header.pid).unwrap();
            inputs.push(actor.exec(Program { exe: "/usr/bin/node", argv: &["node"], env: &NAMES, cwd: "/", ..Program::default() }));
        }
        let mut expected = 0;
        for (actor, name, pause) in calls {
            // Most look-ups follow each other at once and in order; some come late, some are opens.
            let actor = &mut actors[actor];
            actor.header.time += if pause == 0 { 7_000_000 } else { 0 };
            if pause == 1 {
                inputs.push(actor.open("/etc/hostname"));
            } else if name < 10 {
                for name in &NAMES[name..] {
                    inputs.push(actor.getenv(name));
                    expected += 1;
                }
            } else {
                inputs.push(actor.getenv("UNKNOWN"));
                expected += 1;
            }
        }
        inputs.push(closed());
        let records = judge(&inputs);
        let counted: u64 = records.iter().filter_map(|record| match &record.body {
            Body::Getenv(getenv) => Some(getenv.count),
            _ => None,
        }).sum();
        prop_assert_eq!(counted, expected);
        prop_assert!(records.is_sorted_by_key(|record| record.id));
    }
}
