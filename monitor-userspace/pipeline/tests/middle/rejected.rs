//! Candidates that are no agents are told by name.

use agentsnoop_pipeline::{
    Admit, Pipeline, Summary,
    admit::DECISION_NS,
    input::{Control, Input, Tick, Why},
    lines::Lines,
    synthetic::{Actor, Program},
};
use monitor_common::{body::exec_flag, header::flag};

/// The exec that made a process a candidate.
fn candidate(pid: u32, exe: &str, argv: &[&str]) -> (Actor, Input) {
    let mut actor = Actor::new(pid);
    actor.header.flags = flag::PROVISIONAL;
    let input = actor.exec(Program { exe, argv, cwd: "/p", flags: exec_flag::CANDIDATE, ..Program::default() });
    (actor, input)
}

fn push(admit: &mut Admit, inputs: impl IntoIterator<Item = Input>) -> Vec<Input> {
    let mut out = Vec::new();
    for input in inputs {
        admit.push(input, &mut out);
    }
    out
}

fn told(admit: &mut Admit) -> Vec<String> {
    admit.rejected().iter().map(ToString::to_string).collect()
}

#[test]
fn a_look_alike_is_told_with_its_program_and_how_to_observe_it() {
    let mut admit = Admit::new().unwrap();
    let (mut fake, exec) = candidate(10, "/srv/codex", &["codex"]);
    push(&mut admit, [exec, fake.open("/x")]);
    let rejected = admit.rejected();
    assert_eq!((rejected.len(), rejected[0].pid), (1, 10));
    assert_eq!(
        (rejected[0].comm.to_str(), rejected[0].exe.as_ref().unwrap().to_str()),
        ("codex".into(), "/srv/codex".into())
    );
    assert_eq!(
        rejected[0].to_string(),
        "pid 10 `codex` (/srv/codex) is not a known agent; `watch --pid 10` observes it"
    );
    assert!(admit.rejected().is_empty(), "taken once");
}

#[test]
fn each_reason_for_a_rejection_is_its_own() {
    let mut admit = Admit::new().unwrap();
    let (actor, exec) = candidate(10, "/bin/sh", &["sh"]);
    push(&mut admit, [exec, Input::Tick(Tick { boot_ns: actor.header.time + DECISION_NS })]);
    let (mut actor, exec) = candidate(20, "/bin/sh", &["sh"]);
    push(&mut admit, [exec, actor.exit(0)]);
    assert_eq!(
        told(&mut admit),
        [
            "pid 10 `sh` (/bin/sh) did not become a known agent in time; `watch --pid 10` observes it",
            "pid 20 `sh` (/bin/sh) ended and was not a known agent",
        ]
    );
}

#[test]
fn an_agent_and_what_a_person_chose_are_not_told() {
    let mut admit = Admit::new().unwrap();
    let (_, agent) = candidate(10, "/usr/bin/codex", &["codex"]);
    let (_, wrapper) = candidate(20, "/bin/sh", &["sh"]);
    push(&mut admit, [agent, wrapper, Input::Control(Control::Track { pid: 20, why: Why::Pid })]);
    let (_, wrapper) = candidate(30, "/bin/sh", &["sh"]);
    push(&mut admit, [wrapper, Input::Control(Control::Untrack { pid: 30 })]);
    assert_eq!(told(&mut admit), [""; 0]);
}

#[test]
fn names_that_a_process_chose_move_no_cursor() {
    let mut admit = Admit::new().unwrap();
    let (_, exec) = candidate(10, "/tmp/\u{1b}[2J\ncodex", &["codex"]);
    push(&mut admit, [exec]);
    let told = told(&mut admit).remove(0);
    assert!(told.starts_with("pid 10 `\\e[2J\\ncodex` (/tmp/\\e[2J\\ncodex) is not"), "{told}");
}

#[test]
fn what_waits_to_be_told_is_bounded_and_all_is_recorded() {
    let mut admit = Admit::new().unwrap();
    let mut out = Vec::new();
    for pid in 1..=1000 {
        let (_, exec) = candidate(pid, "/srv/codex", &["codex"]);
        admit.push(exec, &mut out);
    }
    admit.finish(&mut out);
    let rejected = admit.rejected();
    assert_eq!((rejected.len(), rejected[63].pid), (64, 1000), "the last ones");
    assert_eq!(out.iter().filter(|input| matches!(input, Input::Coverage(_))).count(), 1000);
}

#[test]
fn a_rejection_is_a_record_a_line_and_a_row_of_the_summary() {
    let mut admit = Admit::new().unwrap();
    let mut out = Vec::new();
    for pid in [10, 20] {
        let (_, exec) = candidate(pid, "/srv/codex", &["codex"]);
        admit.push(exec, &mut out);
    }
    admit.finish(&mut out);
    let (mut pipeline, mut records) = (Pipeline::new().unwrap(), Vec::new());
    for input in &out {
        let _ = pipeline.push(input, &mut records);
    }
    assert_eq!(pipeline.ledger().filtered(), 2);
    let (mut text, mut summary) = (String::new(), Summary::default());
    for record in &records {
        Lines::default().render(record, &mut text);
        summary.add(record);
    }
    let line = text.lines().next().unwrap();
    let columns: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        columns[3..].join(" "),
        "coverage pid 10 `codex` (/srv/codex) is not a known agent; `watch --pid 10` observes it"
    );
    let rows = summary.lines(80).join("\n");
    assert!(rows.contains("\n  not seen     no known agents: `codex` (/srv/codex) ×2\n"), "{rows}");
}
