//! A run from its inputs to its records and lines.

use agentsnoop_pipeline::{
    Lines, Pipeline, Record,
    input::{Control, Input, Opened, Why},
    synthetic::{Actor, Program, sockaddr},
};

fn run(inputs: &[Input]) -> Vec<Record> {
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    for input in inputs {
        pipeline.push(input, &mut records);
    }
    records
}

fn session() -> Vec<Input> {
    let mut shell = Actor::new(4711);
    let mut inputs = vec![
        Input::Opened(Box::default()),
        Input::Control(Control::Track { pid: 4711, why: Why::Run }),
        shell.exec(Program {
            exe: "/usr/bin/bash",
            argv: &["bash", "-c", "cat notes.txt\nls"],
            env: &["HOME", "LANG"],
            cwd: "/work/p",
            flags: 0,
        }),
    ];
    let (fork, mut cat) = shell.fork(4712);
    inputs.push(fork);
    cat.follow(&shell);
    inputs.push(cat.exec(Program {
        exe: "/usr/bin/cat",
        argv: &["cat", "notes.txt"],
        cwd: "/work/p",
        ..Program::default()
    }));
    inputs.push(cat.open("/home/u/.aws/credentials"));
    inputs.push(cat.open_with("nope/../x", "/work/p", 0, -2));
    inputs.push(cat.open_with("/etc/shadow", "", 0o2, -13));
    inputs.push(cat.open_with("/work/p/out\u{1b}[2J.txt", "/work/p/out\u{1b}[2J.txt", 0o1101, 3));
    inputs.push(cat.open("/usr/lib/x86_64-linux-gnu/libc.so.6"));
    inputs.push(cat.connect(&sockaddr("127.0.0.1:8399".parse().unwrap()), 0));
    inputs.push(cat.connect(&sockaddr("[2001:db8::1]:443".parse().unwrap()), -111));
    inputs.push(cat.getenv("TZ"));
    inputs.push(cat.exit(0));
    shell.follow(&cat);
    inputs.push(shell.exit(9));
    inputs
}

#[test]
fn a_session_reads_well_as_lines() {
    let lines = Lines::default();
    let mut text = String::new();
    for record in run(&session()) {
        lines.render(&record, &mut text);
    }
    println!("{text}");
    for record in run(&session()) {
        println!("{}", serde_json::to_string(&record).unwrap());
    }
}

#[test]
fn json_reads_back_as_the_same_record() {
    for record in run(&session()) {
        let json = serde_json::to_string(&record).unwrap();
        let back: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
    let _ = Opened::default();
}
