//! Who did it, whatever order and losses the records come with.

use agentsnoop_pipeline::{
    Pipeline, Record, Request,
    input::{Control, Existing, Input, Observed, Tick, Why},
    record::{Body, State},
    synthetic::{Actor, Program},
};

use crate::common::{judge, run};

const CLAUDE: &str = "/n/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
const CODEX: &str = "/n/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";

/// `kind comm agent` of each record; a session's state instead of its comm.
fn facts(records: &[Record]) -> Vec<String> {
    let fact = |record: &Record| {
        let comm = record.process.as_ref().and_then(|process| process.image.comm.as_ref());
        let comm = comm.map_or("?".into(), |comm| comm.to_str());
        let agent = record.agent.as_ref().map_or("-", |agent| &agent.name);
        match &record.body {
            Body::Session(session) => format!("session {} {agent}", format!("{:?}", session.state).to_lowercase()),
            body => format!("{} {comm} {agent}", body.kind()),
        }
    };
    records.iter().map(fact).collect()
}

fn program<'a>(exe: &'a str, argv: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, cwd: "/p", ..Program::default() }
}

#[test]
fn an_agent_under_run_is_a_session_of_its_own() {
    let mut shell = Actor::new(10);
    let mut inputs = vec![run(10), shell.exec(program("/bin/bash", &["bash"]))];
    let (fork, mut agent) = shell.fork(11);
    agent.follow(&shell);
    inputs.extend([fork, agent.exec(program(CLAUDE, &["claude", "-p"])), agent.open("/x")]);
    let (fork, mut tool) = agent.fork(12);
    tool.follow(&agent);
    inputs.extend([fork, tool.exec(program("/bin/cat", &["cat"])), tool.exit(0)]);
    agent.follow(&tool);
    inputs.push(agent.exit(0));
    shell.follow(&agent);
    inputs.extend([shell.open("/y"), shell.exit(0)]);
    let expected = [
        "exec bash command",
        "session started command",
        "fork bash command",
        "exec claude.exe claude-code",
        "session started claude-code",
        "open claude.exe claude-code",
        "fork claude.exe claude-code",
        "exec cat claude-code",
        "exit cat claude-code",
        "exit claude.exe claude-code",
        "session ended claude-code",
        "open bash command",
        "exit bash command",
        "session ended command",
    ];
    assert_eq!(facts(&judge(&inputs)), expected);
}

#[test]
fn a_chain_of_programs_in_one_process_ends_as_the_agent() {
    let mut process = Actor::new(10);
    let inputs = [
        run(10),
        process.exec(program("/usr/bin/setpriv", &["setpriv"])),
        process.exec(program(CLAUDE, &["claude"])),
        process.open("/x"),
        process.exit(0),
    ];
    let expected = [
        "exec setpriv command",
        "session started command",
        "exec claude.exe claude-code",
        // What was started is the agent itself.
        "session ended command",
        "session started claude-code",
        "open claude.exe claude-code",
        "exit claude.exe claude-code",
        "session ended claude-code",
    ];
    assert_eq!(facts(&judge(&inputs)), expected);
}

#[test]
fn an_agent_that_run_starts_itself_is_no_command() {
    let mut process = Actor::new(10);
    let records = judge(&[run(10), process.exec(program(CLAUDE, &["claude"]))]);
    assert_eq!(facts(&records), ["exec claude.exe claude-code", "session started claude-code"]);
    assert_eq!(
        records[0].agent.as_ref().unwrap().session,
        format!("claude-code-{}", records[0].process.as_ref().unwrap().image.id)
    );
}

#[test]
fn helpers_relaunches_and_native_programs_are_the_same_agent() {
    let mut launcher = Actor::new(10);
    let script = "/n/node_modules/@openai/codex/bin/codex.js";
    let mut inputs = vec![run(10), launcher.exec(program("/usr/bin/node", &["node", script]))];
    let (fork, mut native) = launcher.fork(11);
    native.follow(&launcher);
    inputs.extend([fork, native.exec(program(CODEX, &["codex", "exec"]))]);
    inputs.push(native.exec(program(CODEX, &["codex", "--codex-run-as-process-setup"])));
    inputs.push(native.exec(program("/bin/bash", &["bash", "-c", "ls"])));
    let facts = facts(&judge(&inputs));
    assert_eq!(facts.iter().filter(|fact| fact.starts_with("session")).count(), 1, "{facts:#?}");
    assert!(facts.iter().all(|fact| fact.ends_with(" codex")), "{facts:#?}");
}

#[test]
fn a_launcher_whose_package_comes_late_joins_its_native_program() {
    let mut launcher = Actor::new(10);
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    let mut push = |input: &Input| pipeline.push(input, &mut records);
    assert_eq!(push(&run(10)), []);
    let script = "/n/node_modules/.bin/codex";
    let asked = push(&launcher.exec(program("/usr/bin/node", &["node", script])));
    assert!(asked.contains(&Request::Package { script: script.to_owned() }), "{asked:?}");
    let (fork, mut native) = launcher.fork(11);
    push(&fork);
    native.follow(&launcher);
    push(&native.exec(program(CODEX, &["codex"])));
    push(&Input::Observed(Observed::Package { script: script.to_owned(), name: Some("@openai/codex".to_owned()) }));
    launcher.follow(&native);
    push(&launcher.open("/x"));
    assert_eq!(push(&launcher.exec(program("/usr/bin/node", &["node", script]))), [], "the answer is remembered");
    let facts = facts(&records);
    assert_eq!(facts.last().unwrap(), "exec node codex");
    assert_eq!(facts.iter().filter(|fact| *fact == "session started codex").count(), 1, "{facts:#?}");
}

#[test]
fn a_script_whose_package_is_an_agents_becomes_one_with_all_that_it_started() {
    let mut launcher = Actor::new(10);
    let mut inputs = vec![run(10), launcher.exec(program("/usr/bin/node", &["node", "/usr/bin/gemini"]))];
    let (fork, mut child) = launcher.fork(11);
    let name = Some("@google/gemini-cli".to_owned());
    inputs.extend([fork, Input::Observed(Observed::Package { script: "/usr/bin/gemini".to_owned(), name })]);
    child.follow(&launcher);
    inputs.push(child.open("/x"));
    assert_eq!(facts(&judge(&inputs)).last().unwrap(), "open node gemini-cli");
}

#[test]
fn a_script_with_another_package_is_none() {
    let mut process = Actor::new(10);
    let name = Some("gemini-lookalike".to_owned());
    let inputs = [
        run(10),
        process.exec(program("/usr/bin/node", &["node", "/usr/bin/gemini"])),
        Input::Observed(Observed::Package { script: "/usr/bin/gemini".to_owned(), name }),
        process.open("/x"),
    ];
    assert_eq!(facts(&judge(&inputs)).last().unwrap(), "open node command");
}

#[test]
fn a_process_whose_fork_was_lost_belongs_to_its_tracking_root() {
    let mut root = Actor::new(10);
    let mut inputs = vec![run(10), root.exec(program(CLAUDE, &["claude"]))];
    let (_lost, mut child) = root.fork(11);
    child.follow(&root);
    inputs.push(child.open("/x"));
    let records = judge(&inputs);
    assert_eq!(facts(&records).last().unwrap(), "open ? claude-code");
    let image = &records.last().unwrap().process.as_ref().unwrap().image;
    assert_eq!((image.ppid, image.exe_state), (None, State::NotAsked));
}

#[test]
fn a_program_whose_exec_was_lost_has_no_name_rather_than_the_old_one() {
    let mut process = Actor::new(10);
    let first = process.exec(program("/bin/bash", &["bash"]));
    let _lost = process.exec(program("/bin/cat", &["cat"]));
    assert_eq!(facts(&judge(&[run(10), first, process.open("/x")])).last().unwrap(), "open ? command");
}

#[test]
fn a_pid_that_is_used_again_is_another_process() {
    let mut first = Actor::new(10);
    let mut inputs = vec![run(10), first.exec(program(CLAUDE, &["claude"])), first.exit(0)];
    let mut second = Actor::new(10);
    second.header.start += 5_000_000;
    second.header.root = 99;
    inputs.push(second.open("/x"));
    assert_eq!(facts(&judge(&inputs)).last().unwrap(), "open ? -");
}

#[test]
fn a_process_that_existed_before_is_recognised_and_matched_by_its_start() {
    let mut child = Actor::new(10);
    child.header.start = 1_234_567_890;
    let existing = Existing {
        pid: 10,
        parent: 1,
        root: 10,
        start_ticks_ns: 1_230_000_000,
        uid: 1000,
        comm: "claude".to_owned(),
        exe: Some(CLAUDE.to_owned()),
        argv: vec!["claude".to_owned()],
        cwd: Some("/p".to_owned()),
    };
    let inputs = [
        Input::Control(Control::Track { pid: 10, why: Why::Agent }),
        Input::Observed(Observed::Process(Box::new(existing))),
        child.open("/p/x"),
        child.open("/p/y"),
        child.exit(0),
    ];
    let records = judge(&inputs);
    let expected = [
        "session started claude-code",
        "open claude claude-code",
        "open claude claude-code",
        "exit claude claude-code",
        "session ended claude-code",
    ];
    assert_eq!(facts(&records), expected);
    assert_eq!(records[1].process.as_ref().unwrap().image.id.start_ns, 1_234_567_890, "the exact start");
}

#[test]
fn a_tree_that_a_person_names_has_no_agent_until_one_is_seen() {
    let mut process = Actor::new(10);
    let track = Input::Control(Control::Track { pid: 10, why: Why::Pid });
    assert_eq!(
        facts(&judge(&[track, process.open("/x"), process.exec(program(CLAUDE, &["claude"]))])),
        ["open ? -", "exec claude.exe claude-code", "session started claude-code",]
    );
}

#[test]
fn a_lineage_outlives_the_processes_of_which_it_is_made() {
    let mut root = Actor::new(10);
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    let mut push = |input: &Input| drop(pipeline.push(input, &mut records));
    push(&run(10));
    push(&root.exec(program(CLAUDE, &["claude"])));
    let (fork, mut child) = root.fork(11);
    push(&fork);
    push(&root.exit(0));
    push(&Input::Tick(Tick { boot_ns: 100_000_000_000 }));
    child.follow(&root);
    child.header.time = 200_000_000_000;
    let (fork, mut grandchild) = child.fork(12);
    push(&fork);
    push(&child.exit(0));
    push(&Input::Tick(Tick { boot_ns: 300_000_000_000 }));
    grandchild.header.time = 400_000_000_000;
    push(&grandchild.open("/late.txt"));
    push(&grandchild.exit(0));
    push(&Input::Tick(Tick { boot_ns: 500_000_000_000 }));
    assert_eq!(pipeline.processes(), 0, "when the last has ended all are forgotten");
    assert!(facts(&records).contains(&"open claude.exe claude-code".to_owned()));
}

#[test]
fn a_storm_of_processes_stays_bounded() {
    let mut root = Actor::new(10);
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    for pid in 0..100_000 {
        let (fork, _child) = root.fork(1000 + pid);
        let _ = pipeline.push(&fork, &mut records);
        records.clear();
    }
    assert!(pipeline.processes() <= agentsnoop_pipeline::attribute::PROCESSES);
}
