//! A session of two agents with tool calls, one within another, made without a kernel.

use agentsnoop_pipeline::{
    data,
    input::{Clock, Closed, Config, Control, Input, Opened, Tick, Why},
    synthetic::{Actor, Program, sockaddr},
};
use monitor_common::WIRE_VERSION;

const CLAUDE: &str = "/home/dev/.npm/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
const OPENCODE: &str = "/home/dev/.npm/lib/node_modules/opencode-ai/bin/opencode.exe";
const BASH: &str = "/usr/bin/bash";

/// The boot time at which the session begins, nanoseconds.
const BEGIN_NS: u64 = 1_000_000_000;

/// What Claude Code hands to its shell for a command in single quotes.
#[must_use]
pub fn script_of_claude(command: &str) -> String {
    format!(
        "source /home/dev/.claude/shell-snapshots/s.sh 2>/dev/null || true && shopt -u extglob 2>/dev/null || true && \
         eval '{command}' < /dev/null && pwd -P >| /tmp/claude-af69-cwd"
    )
}

/// The inputs from `Opened` to what precedes `Closed`, and that `Closed`.
#[must_use]
pub fn session() -> (Vec<Input>, Closed) {
    let mut inputs = vec![
        Input::Opened(Box::new(opened())),
        Input::Config(Box::new(Config { scrub: Config::NOT_SCRUBBED.to_owned(), data: data::list() })),
        Input::Control(Control::Track { pid: 100, why: Why::Run }),
    ];
    let mut agent = Actor::new(100);
    agent.header.time = BEGIN_NS;
    inputs.push(agent.exec(program(CLAUDE, &["claude", "-p", "look"], &["HOME", "PATH"])));
    inputs.push(agent.open("/etc/localtime"));
    let mut bench = Bench { inputs, next: 101 };
    let tool = &["HOME", "PATH", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID"];
    let chore = bench.child(&mut agent, program("/usr/bin/git", &["git", "status", "--short"], &["HOME", "PATH"]));
    bench.end(chore, 0, &mut agent);
    first(&mut bench, &mut agent, tool);
    second(&mut bench, &mut agent, tool);
    bench.inputs.push(agent.open_with("/home/dev/project/own.txt", "/home/dev/project/own.txt", 0o1101, 5));
    let script = script_of_claude("sleep 100");
    let running = bench.child(&mut agent, program(BASH, &["/bin/bash", "-c", &script], tool));
    agent.follow(&running);
    let boot_ns = agent.header.time + 1_000_000;
    bench.inputs.push(Input::Tick(Tick { boot_ns }));
    (bench.inputs, Closed { boot_ns: boot_ns + 1, reason: "it was ended".to_owned(), ..Closed::default() })
}

/// A call that reads what it should not, talks and writes.
fn first(bench: &mut Bench, agent: &mut Actor, env: &[&str]) {
    let script = script_of_claude("cat notes.txt ~/.aws/credentials; curl -s http://127.0.0.1:8399/ping > out");
    let mut shell = bench.child(agent, program(BASH, &["/bin/bash", "-c", &script], env));
    let mut cat = bench.child(&mut shell, program("/usr/bin/cat", &["cat", "notes.txt"], env));
    bench.inputs.push(cat.open("/home/dev/project/notes.txt"));
    bench.inputs.push(cat.open("/home/dev/.aws/credentials"));
    bench.end(cat, 0, &mut shell);
    bench.inputs.push(shell.open_with("/home/dev/project/out", "/home/dev/project/out", 0o1101, 3));
    let mut curl = bench.child(&mut shell, program("/usr/bin/curl", &["curl", "-s"], env));
    bench.inputs.push(curl.connect(&sockaddr(([127, 0, 0, 1], 8399).into()), 0));
    bench.end(curl, 7, &mut shell);
    bench.end(shell, 7, agent);
}

/// A call in which another agent works, and which leaves something behind.
fn second(bench: &mut Bench, agent: &mut Actor, env: &[&str]) {
    let script = script_of_claude("serve & opencode run tidy up");
    let mut shell = bench.child(agent, program(BASH, &["/bin/bash", "-c", &script], env));
    let mut server = bench.child(&mut shell, program("/usr/bin/serve", &["serve"], env));
    let mut inner = bench.child(&mut shell, program(OPENCODE, &["opencode", "run", "tidy up"], env));
    let own = &["HOME", "CLAUDECODE", "OPENCODE"];
    let mut tool = bench.child(&mut inner, program(BASH, &["/bin/bash", "-c", "rm -r old"], own));
    bench.inputs.push(tool.open("/home/dev/project/old"));
    bench.end(tool, 0, &mut inner);
    bench.end(inner, 0, &mut shell);
    bench.end(shell, 0, agent);
    server.follow(agent);
    bench.inputs.push(server.open_with("/home/dev/project/log", "/home/dev/project/log", 0o2101, 4));
    agent.follow(&server);
    bench.end(server, 0, agent);
}

fn opened() -> Opened {
    Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wire: WIRE_VERSION,
        host: "workstation".to_owned(),
        boot_id: "6f0b6d1e-0f6e-4a55-8f6a-1d3a2b0c9e11".to_owned(),
        kernel: "Linux 6.1.0".to_owned(),
        clock: Clock { boot_ns: BEGIN_NS, real_ns: 1_790_000_000_000_000_000 },
        command: vec!["claude".to_owned()],
        cpus: 1,
        ..Opened::default()
    }
}

fn program<'a>(exe: &'a str, argv: &'a [&'a str], env: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, env, cwd: "/home/dev/project", ..Program::default() }
}

/// The inputs so far, and the next pid.
struct Bench {
    inputs: Vec<Input>,
    next: u32,
}

impl Bench {
    /// A child of a process that executes a program a hundredth of a second later.
    fn child(&mut self, of: &mut Actor, what: Program<'_>) -> Actor {
        of.header.time += 10_000_000;
        let (fork, mut child) = of.fork(self.next);
        self.next += 1;
        child.follow(of);
        self.inputs.extend([fork, child.exec(what)]);
        of.follow(&child);
        child
    }

    /// A process ends with a code; then another one goes on.
    fn end(&mut self, mut process: Actor, code: u32, next: &mut Actor) {
        if process.header.time < next.header.time {
            process.follow(next);
        }
        process.header.time += 5_000_000;
        self.inputs.push(process.exit(code << 8));
        next.follow(&process);
    }
}
