//! A session of two agents with tool calls, one within another, made without a kernel.

use agentsnoop_pipeline::{
    data,
    input::{Closed, Config, Control, Input, Opened, Tick, Why},
    synthetic::{
        Actor, Family, Program,
        session::{BEGIN_NS, opened},
        sockaddr,
    },
};

const CLAUDE: &str = "/home/dev/.npm/lib/node_modules/@anthropic-ai/claude-code/bin/claude.exe";
const OPENCODE: &str = "/home/dev/.npm/lib/node_modules/opencode-ai/bin/opencode.exe";
const BASH: &str = "/usr/bin/bash";

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
        Input::Opened(Box::new(Opened { command: vec!["claude".to_owned()], ..opened() })),
        Input::Config(Box::new(Config { scrub: Config::NOT_SCRUBBED.to_owned(), data: data::list() })),
        Input::Control(Control::Track { pid: 100, why: Why::Run }),
    ];
    let mut agent = Actor::new(100);
    agent.header.time = BEGIN_NS;
    inputs.push(agent.exec(program(CLAUDE, &["claude", "-p", "look"], &["HOME", "PATH"])));
    inputs.push(agent.open("/etc/localtime"));
    let mut family = Family { inputs, next: 101, pause_ns: 10_000_000 };
    let tool = &["HOME", "PATH", "CLAUDECODE", "CLAUDE_CODE_SESSION_ID"];
    let chore = family.starts(&mut agent, program("/usr/bin/git", &["git", "status", "--short"], &["HOME", "PATH"]));
    family.ends(chore, 0, &mut agent);
    first(&mut family, &mut agent, tool);
    second(&mut family, &mut agent, tool);
    family.inputs.push(agent.open_with("/home/dev/project/own.txt", "/home/dev/project/own.txt", 0o1101, 5));
    let script = script_of_claude("sleep 100");
    let running = family.starts(&mut agent, program(BASH, &["/bin/bash", "-c", &script], tool));
    agent.follow(&running);
    let boot_ns = agent.header.time + 1_000_000;
    family.inputs.push(Input::Tick(Tick { boot_ns }));
    (family.inputs, Closed { boot_ns: boot_ns + 1, reason: "it was ended".to_owned(), ..Closed::default() })
}

/// A call that reads what it should not, talks and writes.
fn first(family: &mut Family, agent: &mut Actor, env: &[&str]) {
    let script = script_of_claude("cat notes.txt ~/.aws/credentials; curl -s http://127.0.0.1:8399/ping > out");
    let mut shell = family.starts(agent, program(BASH, &["/bin/bash", "-c", &script], env));
    let mut cat = family.starts(&mut shell, program("/usr/bin/cat", &["cat", "notes.txt"], env));
    family.inputs.push(cat.open("/home/dev/project/notes.txt"));
    family.inputs.push(cat.open("/home/dev/.aws/credentials"));
    family.ends(cat, 0, &mut shell);
    family.inputs.push(shell.open_with("/home/dev/project/out", "/home/dev/project/out", 0o1101, 3));
    let mut curl = family.starts(&mut shell, program("/usr/bin/curl", &["curl", "-s"], env));
    family.inputs.push(curl.connect(&sockaddr(([127, 0, 0, 1], 8399).into()), 0));
    family.ends(curl, 7, &mut shell);
    family.ends(shell, 7, agent);
}

/// A call in which another agent works, and which leaves something behind.
fn second(family: &mut Family, agent: &mut Actor, env: &[&str]) {
    let script = script_of_claude("serve & opencode run tidy up");
    let mut shell = family.starts(agent, program(BASH, &["/bin/bash", "-c", &script], env));
    let mut server = family.starts(&mut shell, program("/usr/bin/serve", &["serve"], env));
    let mut inner = family.starts(&mut shell, program(OPENCODE, &["opencode", "run", "tidy up"], env));
    let own = &["HOME", "CLAUDECODE", "OPENCODE"];
    let mut tool = family.starts(&mut inner, program(BASH, &["/bin/bash", "-c", "rm -r old"], own));
    family.inputs.push(tool.open("/home/dev/project/old"));
    family.ends(tool, 0, &mut inner);
    family.ends(inner, 0, &mut shell);
    family.ends(shell, 0, agent);
    server.follow(agent);
    family.inputs.push(server.open_with("/home/dev/project/log", "/home/dev/project/log", 0o2101, 4));
    agent.follow(&server);
    family.ends(server, 0, agent);
}

fn program<'a>(exe: &'a str, argv: &'a [&'a str], env: &'a [&'a str]) -> Program<'a> {
    Program { exe, argv, env, cwd: "/home/dev/project", ..Program::default() }
}
