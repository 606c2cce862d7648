//! Tool calls of agents that were at work when the observation began.

use agentsnoop_pipeline::{
    Record,
    input::{Control, Existing, Input, Observed, Why},
    record::{Body, SessionState, ToolCallState},
    synthetic::{Actor, Program},
};

use crate::{
    common::judge,
    tools::{BASH, CLAUDE, CODEX, OPENCODE, call_of, calls, claude, told},
};

const TICK_NS: u64 = 10_000_000;

/// What /proc tells of a process that began at a tick.
fn existing(pid: u32, parent: u32, root: u32, exe: &str, argv: &[&str]) -> Input {
    Input::Observed(Observed::Process(Box::new(Existing {
        pid,
        parent,
        root,
        start_ticks_ns: TICK_NS * u64::from(pid),
        uid: 1000,
        comm: "x".to_owned(),
        exe: Some(exe.to_owned()),
        argv: argv.iter().map(|word| (*word).to_owned()).collect(),
        cwd: Some("/p".to_owned()),
    })))
}

/// The same process, from then on.
fn going_on(pid: u32, root: u32) -> Actor {
    let mut actor = Actor::new(pid);
    actor.header.start = TICK_NS * u64::from(pid) + 1;
    actor.header.root = root;
    actor
}

fn track(pid: u32) -> Input {
    Input::Control(Control::Track { pid, why: Why::Agent })
}

/// How many sessions of each agent have begun.
fn sessions(records: &[Record]) -> Vec<&str> {
    let began =
        |record: &&Record| matches!(&record.body, Body::Session(session) if session.state == SessionState::Started);
    records.iter().filter(began).filter_map(|record| Some(record.agent.as_ref()?.name.as_str())).collect()
}

#[test]
fn a_call_that_had_begun_is_known_by_what_its_shell_was_called_with() {
    let script = claude("'make all'");
    let (mut shell, mut make) = (going_on(11, 10), going_on(12, 10));
    let mut inputs = vec![
        track(10),
        existing(10, 1, 10, CLAUDE, &["claude"]),
        existing(11, 10, 10, BASH, &["/bin/bash", "-c", &script]),
        existing(12, 11, 10, "/usr/bin/make", &["make", "all"]),
        make.open_with("/p/out", "/p/out", 0o1101, 3),
    ];
    let (fork, mut compiler) = make.fork(13);
    compiler.follow(&make);
    let argv = ["cc", "x.c"];
    inputs.extend([fork, compiler.exec(Program { exe: "/usr/bin/cc", argv: &argv, cwd: "/p", ..Program::default() })]);
    inputs.extend([compiler.open("/p/x.c"), compiler.exit(0)]);
    make.follow(&compiler);
    inputs.push(make.exit(0));
    shell.follow(&make);
    inputs.push(shell.exit(2 << 8));
    let records = judge(&inputs);
    assert_eq!(told(&records), ["started make all", "ended make all"]);
    let calls = calls(&records);
    assert!(calls.iter().all(|(_, call)| call.begun_before), "{calls:?}");
    let (record, ended) = calls[1];
    assert_eq!((ended.state, ended.code, ended.processes), (ToolCallState::Ended, Some(2), 3));
    assert_eq!(ended.written.len(), 1, "what it did from then on: {ended:?}");
    assert_eq!(ended.duration_ns, Some(record.boot_ns - 11 * TICK_NS), "from when its first process was made");
    assert_eq!(call_of(&records, "/p/x.c"), record.tool_call.as_deref());
    assert!(calls[0].0.boot_ns <= record.boot_ns);
}

#[test]
fn where_only_variables_tell_a_tool_nothing_is_said_of_one_that_had_begun() {
    for (agent, argv) in [(OPENCODE, ["/bin/bash", "-c", "make all"]), (CODEX, ["/bin/bash", "-c", "make all"])] {
        let mut shell = going_on(11, 10);
        let inputs =
            [track(10), existing(10, 1, 10, agent, &["agent"]), existing(11, 10, 10, BASH, &argv), shell.open("/p/x")];
        let records = judge(&inputs);
        assert_eq!(told(&records), [""; 0]);
        assert_eq!(call_of(&records, "/p/x"), None);
    }
}

#[test]
fn an_agent_in_the_tool_call_of_another_is_one_session_though_both_are_found() {
    let script = claude("'codex exec'");
    let mut codex = going_on(12, 10);
    let outer = || {
        [
            existing(10, 1, 10, CLAUDE, &["claude"]),
            existing(11, 10, 10, BASH, &["/bin/bash", "-c", &script]),
            existing(12, 11, 10, CODEX, &["codex", "exec"]),
        ]
    };
    let mut inputs = vec![track(10)];
    inputs.extend(outer());
    // The search has found the inner one as well.
    inputs.extend([track(12), existing(12, 11, 12, CODEX, &["codex", "exec"]), codex.open("/p/x")]);
    let records = judge(&inputs);
    assert_eq!(sessions(&records), ["claude-code", "codex"]);
    assert_eq!(told(&records), ["started codex exec"]);
    let open = records.last().unwrap();
    assert_eq!(open.agent.as_ref().map(|agent| agent.name.as_str()), Some("codex"));
    assert_eq!(open.tool_call, calls(&records)[0].0.tool_call);
}
