//! The inputs of an agent that works hard, made without a kernel: tool call after tool call, each a shell that starts programs,
//! which load libraries, read the project, look their environment up, and now and then ask for a name and connect.

use std::net::SocketAddr;

use agentsnoop_pipeline::{
    data,
    input::{Clock, Config, Control, Input, Opened, Tick, Why},
    synthetic::{Actor, Program, sockaddr},
};
use monitor_common::WIRE_VERSION;

/// The pid of the agent.
const AGENT: u32 = 4_000;

/// Pids of the programs, given again in turn as a kernel does.
const PIDS: std::ops::Range<u32> = 10_000..60_000;

/// Nanoseconds from one event to the next, on average: ten thousand in a second, as the busiest agents were seen to have in
/// their bursts.
const EVENT_NS: u64 = 100_000;

/// Tool calls from one that reads what is secret to the next.
const SECRET_EVERY: u64 = 10_000;

/// What such a tool call reads.
pub const SECRET: &str = "/home/dev/.aws/credentials";

const PROGRAMS: [&str; 6] =
    ["/usr/bin/rg", "/usr/bin/git", "/usr/bin/cat", "/usr/bin/node", "/usr/bin/sed", "/usr/bin/ls"];
const LIBRARIES: [&str; 4] = [
    "/etc/ld.so.cache",
    "/usr/lib/x86_64-linux-gnu/libc.so.6",
    "/usr/lib/x86_64-linux-gnu/libpcre2-8.so.0",
    "/usr/lib/locale/locale-archive",
];
const NAMES: [&str; 8] = ["LANG", "HOME", "PATH", "TZ", "HTTPS_PROXY", "TERM", "SHELL", "TMPDIR"];

/// Gives inputs without an end, `Opened` first.
#[derive(Debug)]
pub struct Heavy {
    agent: Actor,
    waiting: std::collections::VecDeque<Input>,
    calls: u64,
    random: u64,
    ticked_ns: u64,
    secret_every: u64,
}

impl Default for Heavy {
    fn default() -> Self {
        let mut agent = Actor::new(AGENT);
        let opened = Opened {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            wire: WIRE_VERSION,
            host: "workstation".to_owned(),
            boot_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            clock: Clock { boot_ns: agent.header.time, real_ns: 1_790_000_000_000_000_000 },
            command: vec!["claude".to_owned()],
            cpus: 1,
            ..Opened::default()
        };
        let mut waiting = std::collections::VecDeque::from([
            Input::Opened(Box::new(opened)),
            Input::Config(Box::new(Config { scrub: "none".to_owned(), data: data::list() })),
            Input::Control(Control::Track { pid: AGENT, why: Why::Run }),
        ]);
        waiting.push_back(agent.exec(Program {
            exe: "/home/dev/.local/share/claude/versions/2.0.0/claude",
            argv: &["claude"],
            env: &NAMES,
            cwd: "/home/dev/project",
            ..Program::default()
        }));
        Self { agent, waiting, calls: 0, random: 1, ticked_ns: 0, secret_every: SECRET_EVERY }
    }
}

impl Iterator for Heavy {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        while self.waiting.is_empty() {
            self.tool_call();
        }
        self.waiting.pop_front()
    }
}

impl Heavy {
    /// One of so many tool calls reads what is secret.
    #[must_use]
    pub fn secretive(every: u64) -> Self {
        Self { secret_every: every.max(1), ..Self::default() }
    }

    fn random(&mut self) -> u64 {
        self.random = self.random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.random >> 33
    }

    fn pid(&self, which: u64) -> u32 {
        let pids = u64::from(PIDS.end - PIDS.start);
        PIDS.start + u32::try_from((2 * self.calls + which) % pids).unwrap_or_default()
    }

    /// The time goes on, and with it a tick each second.
    fn pass(&mut self, actor: &mut Actor) {
        actor.header.time += EVENT_NS / 2 + self.random() % EVENT_NS;
        if actor.header.time - self.ticked_ns >= 1_000_000_000 {
            self.ticked_ns = actor.header.time;
            self.waiting.push_back(Input::Tick(Tick { boot_ns: actor.header.time }));
        }
    }

    /// A shell that starts a program.
    fn tool_call(&mut self) {
        let mut agent = self.agent.clone();
        let shell =
            self.child(&mut agent, self.pid(0), "/bin/bash", &["/bin/bash", "-c", "rg --json TODO src | head -50"]);
        let mut shell = self.starts(shell);
        let program = PROGRAMS[self.random() as usize % PROGRAMS.len()];
        let child = self.child(&mut shell, self.pid(1), program, &[program, "--json", "TODO", "src"]);
        let mut child = self.works(child);
        self.ends(&mut child);
        shell.follow(&child);
        self.ends(&mut shell);
        agent.follow(&shell);
        self.agent = agent;
        self.calls += 1;
    }

    fn child(&mut self, parent: &mut Actor, pid: u32, exe: &str, argv: &[&str]) -> Actor {
        self.pass(parent);
        let (fork, mut child) = parent.fork(pid);
        self.waiting.push_back(fork);
        self.pass(&mut child);
        let exec = child.exec(Program { exe, argv, env: &NAMES, cwd: "/home/dev/project", ..Program::default() });
        self.waiting.push_back(exec);
        child
    }

    fn starts(&mut self, mut actor: Actor) -> Actor {
        for library in LIBRARIES {
            self.pass(&mut actor);
            self.waiting.push_back(actor.open(library));
        }
        let looked_up = NAMES[self.random() as usize % NAMES.len()];
        self.pass(&mut actor);
        self.waiting.push_back(actor.getenv(looked_up));
        actor
    }

    fn works(&mut self, actor: Actor) -> Actor {
        let mut actor = self.starts(actor);
        for _ in 0..30 + self.random() % 20 {
            self.pass(&mut actor);
            let random = self.random();
            let path = match random % 3 {
                0 => format!("/home/dev/project/node_modules/package-{}/lib/index{}.js", random % 3_000, random % 17),
                _ => format!("/home/dev/project/src/module_{}/file_{}.rs", random % 400, (random >> 8) % 100),
            };
            let result = if random.is_multiple_of(5) { -2 } else { 3 };
            self.waiting.push_back(actor.open_with(&path, &path, 0o2_000_000, result));
        }
        if self.calls.is_multiple_of(10) {
            self.pass(&mut actor);
            let peer = SocketAddr::from(([10, 0, 0, (self.calls % 200) as u8], 443));
            self.waiting.push_back(actor.connect(&sockaddr(peer), 0));
        }
        if self.calls % self.secret_every == self.secret_every / 2 {
            self.pass(&mut actor);
            self.waiting.push_back(actor.open(SECRET));
        }
        actor
    }

    fn ends(&mut self, actor: &mut Actor) {
        self.pass(actor);
        self.waiting.push_back(actor.exit(0));
    }
}
