//! What is held, released and dropped.

use agentsnoop_pipeline::{
    Admit, Pipeline, Request,
    admit::{DECISION_NS, HELD_INPUTS},
    input::{Closed, Control, Counters, Input, Observed, Tick, Why},
    synthetic::{Actor, Program},
};
use monitor_common::{Kind, body::exec_flag, counters::Counters as Cpu, header::flag};

const CLAUDE: &str = "/n/node_modules/@anthropic-ai/claude-code/bin/claude.exe";

/// A process that its name made a candidate.
fn candidate(pid: u32) -> Actor {
    let mut actor = Actor::new(pid);
    actor.header.flags = flag::PROVISIONAL;
    actor
}

fn first<'a>(exe: &'a str, argv: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, cwd: "/p", flags: exec_flag::CANDIDATE, ..Program::default() }
}

fn push(admit: &mut Admit, inputs: impl IntoIterator<Item = Input>) -> (Vec<Input>, Vec<Request>) {
    let (mut out, mut requests) = (Vec::new(), Vec::new());
    for input in inputs {
        requests.extend(admit.push(input, &mut out));
    }
    (out, requests)
}

fn track(pid: u32) -> Input {
    Input::Control(Control::Track { pid, why: Why::Agent })
}

fn filtered(inputs: &[Input]) -> Vec<(u16, u64, u64)> {
    let spans = |input: &Input| match input {
        Input::Observed(Observed::Filtered(fact)) => fact.spans.clone(),
        _ => Vec::new(),
    };
    inputs.iter().flat_map(spans).collect()
}

#[test]
fn what_is_tracked_for_certain_passes_untouched() {
    let mut actor = Actor::new(10);
    let inputs = vec![actor.exec(first("/bin/x", &["x"])), actor.open("/x"), Input::Tick(Tick { boot_ns: 1 })];
    assert_eq!(push(&mut Admit::new().unwrap(), inputs.clone()), (inputs, Vec::new()));
}

#[test]
fn an_agent_is_promoted_at_its_exec_with_nothing_missed() {
    let mut agent = candidate(10);
    let mut admit = Admit::new().unwrap();
    let (exec, open) = (agent.exec(first(CLAUDE, &["claude"])), agent.open("/x"));
    let (out, requests) = push(&mut admit, [exec.clone(), open.clone()]);
    assert_eq!(out, [track(10), exec, open]);
    assert_eq!((requests, admit.held()), (vec![Request::Promote { root: 10 }], 0));
}

#[test]
fn a_look_alike_leaves_no_trace_but_its_name_and_count() {
    let mut fake = candidate(10);
    let mut admit = Admit::new().unwrap();
    let (out, requests) = push(&mut admit, [fake.exec(first("/home/u/bin/claude", &["claude"])), fake.open("/secret")]);
    assert_eq!((out, requests), (Vec::new(), vec![Request::Untrack { root: 10 }]));
    let (fork, mut child) = fake.fork(11);
    child.follow(&fake);
    let tick = Input::Tick(Tick { boot_ns: 2_000_000_000 });
    let (out, _) = push(&mut admit, [fork, child.open("/child"), tick.clone()]);
    assert_eq!((filtered(&out), out.last()), (vec![(0, 0, 3)], Some(&tick)));
    assert!(out.len() == 3 && matches!(out[1], Input::Coverage(_)));
    assert_eq!(admit.filtered()[Kind::Open.index()], 2);
}

#[test]
fn a_script_is_held_until_its_package_is_known() {
    let mut launcher = candidate(10);
    let mut admit = Admit::new().unwrap();
    let env = launcher.exec(first("/usr/bin/env", &["env", "node", "/usr/bin/gemini"]));
    let node = launcher.exec(Program {
        exe: "/usr/bin/node",
        argv: &["node", "/usr/bin/gemini"],
        cwd: "/p",
        ..Program::default()
    });
    let open = launcher.open("/x");
    let (out, requests) = push(&mut admit, [env.clone(), node.clone(), open.clone()]);
    let script = "/usr/bin/gemini".to_owned();
    assert_eq!((out, requests), (Vec::new(), vec![Request::Package { script: script.clone() }]));
    assert_eq!(admit.held(), 3);
    let answer = Input::Observed(Observed::Package { script, name: Some("@google/gemini-cli".to_owned()) });
    let (out, requests) = push(&mut admit, [answer.clone()]);
    assert_eq!(out, [answer, track(10), env, node, open]);
    assert_eq!(requests, [Request::Promote { root: 10 }]);
}

#[test]
fn a_script_of_another_package_is_dropped() {
    let mut script = candidate(10);
    let mut admit = Admit::new().unwrap();
    let node = script.exec(first("/usr/bin/node", &["node", "/usr/bin/gemini"]));
    let answer = Input::Observed(Observed::Package { script: "/usr/bin/gemini".to_owned(), name: None });
    let (out, requests) = push(&mut admit, [node, answer.clone()]);
    assert_eq!((out, requests.last()), (vec![answer], Some(&Request::Untrack { root: 10 })));
}

#[test]
fn a_wrapper_that_starts_the_agent_as_a_child_is_its_tree() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    let shell = wrapper.exec(first("/bin/bash", &["bash", "/home/u/bin/claude"]));
    let (fork, mut child) = wrapper.fork(11);
    child.follow(&wrapper);
    let exec = child.exec(Program { exe: CLAUDE, argv: &["claude"], ..Program::default() });
    let (out, _) = push(&mut admit, [shell.clone(), fork.clone(), exec.clone()]);
    assert_eq!(out, [track(10), shell, fork, exec]);
}

#[test]
fn a_wrapper_that_ends_without_an_agent_is_dropped_at_once() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    let (out, requests) = push(&mut admit, [wrapper.exec(first("/bin/sh", &["sh"])), wrapper.exit(0)]);
    assert_eq!((out, requests), (Vec::new(), vec![Request::Untrack { root: 10 }]));
}

#[test]
fn the_deadline_decides_against_the_undecided() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    let begin = wrapper.header.time;
    let tick = |after| Input::Tick(Tick { boot_ns: begin + after });
    let (out, _) = push(&mut admit, [wrapper.exec(first("/bin/sh", &["sh"])), tick(DECISION_NS / 2)]);
    assert_eq!(out, [tick(DECISION_NS / 2)]);
    let (out, requests) = push(&mut admit, [tick(2 * DECISION_NS)]);
    assert_eq!((filtered(&out), requests), (vec![(0, 0, 0)], vec![Request::Untrack { root: 10 }]));
}

#[test]
fn the_end_decides_against_the_undecided_too() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    push(&mut admit, [wrapper.exec(first("/bin/sh", &["sh"]))]);
    let mut out = Vec::new();
    assert_eq!(admit.finish(&mut out), [Request::Untrack { root: 10 }]);
    assert_eq!(filtered(&out), [(0, 0, 0)]);
}

#[test]
fn a_pid_that_is_used_again_gets_a_verdict_of_its_own() {
    let mut admit = Admit::new().unwrap();
    push(&mut admit, [candidate(10).exec(first("/home/u/bin/claude", &["claude"]))]);
    let (out, _) = push(&mut admit, [candidate(10).exec(first(CLAUDE, &["claude"]))]);
    assert_eq!(out.first(), Some(&track(10)));
}

#[test]
fn a_person_overrules_the_verdict() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    let exec = wrapper.exec(first("/bin/sh", &["sh"]));
    let named = Input::Control(Control::Track { pid: 10, why: Why::Pid });
    let (out, _) = push(&mut admit, [exec.clone(), named.clone(), wrapper.exit(0)]);
    assert_eq!(out[..2], [named, exec]);
    assert_eq!(out.len(), 3);
}

#[test]
fn trees_do_not_wait_for_each_other() {
    let (mut held, mut certain) = (candidate(10), Actor::new(20));
    let mut admit = Admit::new().unwrap();
    let open = certain.open("/x");
    let (out, _) = push(&mut admit, [held.exec(first("/bin/sh", &["sh"])), open.clone()]);
    assert_eq!(out, [open]);
}

#[test]
fn what_is_held_is_bounded() {
    let mut wrapper = candidate(10);
    let mut admit = Admit::new().unwrap();
    push(&mut admit, [wrapper.exec(first("/bin/sh", &["sh"]))]);
    for _ in 0..HELD_INPUTS + 10 {
        push(&mut admit, [wrapper.open("/x")]);
    }
    assert_eq!(admit.held(), 0, "the tree that holds most is dropped");
    assert_eq!(admit.filtered()[Kind::Open.index()], HELD_INPUTS as u64 + 10);
}

#[test]
fn the_ledger_of_what_was_admitted_adds_up() {
    let (mut fake, mut agent) = (candidate(10), candidate(20));
    agent.header.cpu = 1;
    let mut cpus = [Cpu::ZERO; 2];
    let mut inputs = Vec::new();
    for at in 0..200 {
        inputs.push(if at == 0 { fake.exec(first("/home/u/bin/claude", &["claude"])) } else { fake.open("/x") });
        inputs.push(if at == 0 { agent.exec(first(CLAUDE, &["claude"])) } else { agent.open("/y") });
        // Both processes take turns on the CPUs, so that what is dropped lies between what is not.
        std::mem::swap(&mut fake.header.cpu, &mut agent.header.cpu);
        std::mem::swap(&mut fake.header.seq, &mut agent.header.seq);
    }
    for cpu in &mut cpus {
        cpu.seq = 200;
        for counts in [&mut cpu.seen, &mut cpu.stored] {
            counts[Kind::Exec.index()] = 1;
            counts[Kind::Open.index()] = 199;
        }
    }
    let counters = Counters { boot_ns: 3_000_000_000, cpus: cpus.to_vec(), ..Counters::default() };
    let mut admit = Admit::new().unwrap();
    let (mut out, _) = push(&mut admit, inputs);
    admit.finish(&mut out);
    out.push(Input::Closed(Box::new(Closed { boot_ns: counters.boot_ns, counters, ..Closed::default() })));
    let (mut pipeline, mut records) = (Pipeline::new().unwrap(), Vec::new());
    for input in &out {
        let _ = pipeline.push(input, &mut records);
    }
    let balance = pipeline.ledger().check();
    assert_eq!(balance.differences, Vec::<String>::new());
    assert_eq!(balance.rows[Kind::Open.index()].filtered, 199);
    assert!(balance.is_lossless() && !serde_json::to_string(&records).unwrap().contains("/x"));
}
