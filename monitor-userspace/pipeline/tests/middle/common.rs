//! What the tests share.

use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Control, Input, Opened, Why},
    synthetic::{Actor, Program, sockaddr},
};

/// The records of inputs, as a new pipeline judges them.
pub(crate) fn judge(inputs: &[Input]) -> Vec<Record> {
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    for input in inputs {
        let _ = pipeline.push(input, &mut records);
    }
    records
}

/// A process that `run` started.
pub(crate) fn run(pid: u32) -> Input {
    Input::Control(Control::Track { pid, why: Why::Run })
}

/// A small run with every kind of event.
pub(crate) fn session() -> Vec<Input> {
    let mut shell = Actor::new(4711);
    let argv = ["bash", "-c", "cat notes.txt\nls"];
    let mut inputs = vec![
        Input::Opened(Box::<Opened>::default()),
        run(4711),
        shell.exec(Program {
            exe: "/usr/bin/bash",
            argv: &argv,
            env: &["HOME", "LANG"],
            cwd: "/home/ada/p",
            ..Program::default()
        }),
    ];
    let (fork, mut cat) = shell.fork(4712);
    cat.follow(&shell);
    let program =
        Program { exe: "/usr/bin/cat", argv: &["cat", "notes.txt"], cwd: "/home/ada/p", ..Program::default() };
    inputs.extend([
        fork,
        cat.exec(program),
        cat.open("/usr/lib/x86_64-linux-gnu/libc.so.6"),
        cat.open("/home/u/.aws/credentials"),
        cat.open_with("nope/../x", "/home/ada/p", 0, -2),
        cat.open_with("/etc/shadow", "", 0o2, -13),
        cat.open_with("/home/ada/p/out\u{1b}[2J.txt", "/home/ada/p/out\u{1b}[2J.txt", 0o1101, 3),
        cat.connect(&sockaddr("127.0.0.1:8399".parse().unwrap()), 0),
        cat.connect(&sockaddr("[2001:db8::1]:443".parse().unwrap()), -111),
        cat.getenv("TZ"),
        cat.exit(0),
    ]);
    shell.follow(&cat);
    inputs.push(shell.exit(9));
    inputs
}
