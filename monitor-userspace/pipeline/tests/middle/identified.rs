//! What agents run: asked for once in each session, and told when the answer comes.

use agentsnoop_pipeline::{
    Pipeline, Record, Request,
    input::{Binary, Input, Observed},
    lines::Lines,
    record::{Body, ProcessId, Session, SessionState},
    synthetic::{Actor, Program},
};

use crate::common::run;

const CODEX: &str = "/n/node_modules/@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex";
const LAUNCHER: &str = "/n/node_modules/@openai/codex/bin/codex.js";

fn program<'a>(exe: &'a str, argv: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, cwd: "/p", ..Program::default() }
}

/// What a launcher and its native program ask for, with the pipeline that they ran in.
fn ask() -> (Pipeline, Vec<Request>, Vec<Record>) {
    let (mut pipeline, mut records, mut requests) = (Pipeline::new().unwrap(), Vec::new(), Vec::new());
    let mut launcher = Actor::new(10);
    let mut inputs = vec![run(10), launcher.exec(program("/usr/bin/node", &["node", LAUNCHER]))];
    let (fork, mut native) = launcher.fork(11);
    native.follow(&launcher);
    inputs.extend([fork, native.exec(program(CODEX, &["codex"]))]);
    // Neither the same program again nor a helper is asked for.
    inputs.push(native.exec(program(CODEX, &["codex"])));
    let (fork, mut tool) = native.fork(12);
    tool.follow(&native);
    inputs.extend([fork, tool.exec(program(CODEX, &["codex", "--codex-run-as-process-setup"]))]);
    inputs.push(tool.exec(program("/bin/bash", &["bash", "-c", "ls"])));
    for input in &inputs {
        requests.extend(pipeline.push(input, &mut records));
    }
    requests.retain(|request| matches!(request, Request::Binary { .. }));
    (pipeline, requests, records)
}

fn process_of(request: &Request) -> ProcessId {
    let Request::Binary { process, .. } = request else { panic!("{request:?}") };
    *process
}

#[test]
fn a_launcher_and_its_native_program_are_each_asked_for_once() {
    let (_, requests, _) = ask();
    let asked = |request: &Request| match request {
        Request::Binary { process, agent, path, is_program } => {
            format!("{} {agent} {path} {is_program}", process.pid)
        }
        other => format!("{other:?}"),
    };
    let asked: Vec<String> = requests.iter().map(asked).collect();
    assert_eq!(asked, [format!("10 codex {LAUNCHER} false"), format!("11 codex {CODEX} true")]);
}

#[test]
fn an_answer_is_a_record_of_the_session_about_the_process_that_runs_the_file() {
    let (mut pipeline, requests, mut records) = ask();
    records.clear();
    let binary = Binary {
        boot_ns: 9_000_000_000,
        process: process_of(&requests[1]),
        path: CODEX.to_owned(),
        digest: Some("ab".repeat(32)),
        bytes: Some(7),
        version: Some("0.169.0".to_owned()),
        package: Some("@openai/codex-linux-x64".to_owned()),
        error: None,
    };
    assert_eq!(pipeline.push(&Input::Observed(Observed::Binary(Box::new(binary.clone()))), &mut records), []);
    let [record] = &records[..] else { panic!("{records:?}") };
    assert_eq!((record.boot_ns, record.process.as_ref().unwrap().image.id.pid), (9_000_000_000, 11));
    assert_eq!(record.agent.as_ref().unwrap().root_pid, 10);
    let Body::Session(Session { state: SessionState::Identified, binary: Some(told), duration_ns: None, .. }) =
        &record.body
    else {
        panic!("{record:?}")
    };
    assert_eq!(
        (told.version.as_deref(), told.bytes, told.digest.as_ref()),
        (Some("0.169.0"), Some(7), binary.digest.as_ref())
    );
    let json = serde_json::to_value(record).unwrap();
    assert_eq!(json["session"]["state"], "identified");
    assert_eq!(json["session"]["binary"]["path"], CODEX);
    assert_eq!(serde_json::from_value::<Record>(json).unwrap(), *record);
    let mut line = String::new();
    Lines::default().render(record, &mut line);
    assert!(line.ends_with(&format!(" identified 0.169.0 {CODEX} blake3 abababababababab\n")), "{line:?}");
}

#[test]
fn an_answer_without_a_digest_says_why_and_one_about_nobody_gives_no_record() {
    let (mut pipeline, requests, mut records) = ask();
    records.clear();
    let binary = Binary {
        process: process_of(&requests[0]),
        path: LAUNCHER.to_owned(),
        error: Some("No such file".to_owned()),
        ..Binary::default()
    };
    let nobody = Binary { process: ProcessId { pid: 99, start_ns: 1 }, ..binary.clone() };
    for binary in [binary, nobody] {
        let _ = pipeline.push(&Input::Observed(Observed::Binary(Box::new(binary))), &mut records);
    }
    assert_eq!(records.len(), 1);
    let mut line = String::new();
    Lines::default().render(&records[0], &mut line);
    assert!(line.contains(LAUNCHER) && line.contains("No such file"), "{line}");
}
