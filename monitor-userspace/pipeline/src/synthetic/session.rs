//! A small observed session, made without a kernel: every variant of input, every kind of ring record, a loss, and
//! counters that account for it all.

use monitor_common::{
    Kind, WIRE_VERSION,
    counters::{Cause, Counters as Cpu},
    decode,
};

use super::{Actor, Program, sockaddr};
use crate::{
    data,
    input::{
        Clock, Closed, Config, Control, Counters, Coverage, Existing, Gap, Hook, HookState, Input, Observed, Opened,
        Tick, Why,
    },
};

/// The boot time at which the session begins, nanoseconds.
pub const BEGIN_NS: u64 = 1_000_000_000;

/// Opens that the kernel half loses.
const LOST: u64 = 3;

/// The inputs of the session, from `Opened` to what precedes `Closed`, and that `Closed`.
#[must_use]
pub fn session() -> (Vec<Input>, Closed) {
    let mut inputs = vec![
        Input::Opened(Box::new(opened())),
        Input::Config(Box::new(Config { scrub: Config::NOT_SCRUBBED.to_owned(), data: data::list() })),
        Input::Control(Control::Track { pid: 100, why: Why::Run }),
        Input::Observed(Observed::User { uid: 1000, name: "dev".to_owned() }),
        Input::Observed(Observed::Process(Box::new(Existing {
            pid: 80,
            parent: 1,
            root: 80,
            start_ticks_ns: 1_000_000_000,
            uid: 1000,
            comm: "bash".to_owned(),
            ..Existing::default()
        }))),
    ];
    inputs.extend(agent());
    inputs.push(Input::Coverage(Coverage { boot_ns: BEGIN_NS + 2_000_000, hook: hook("getenv /lib/libc.so.6", true) }));
    inputs.push(Input::Control(Control::Mark { boot_ns: BEGIN_NS + 2_500_000, note: "before the fix".to_owned() }));
    let counters = counters(&inputs);
    inputs.push(Input::Counters(Box::new(counters.clone())));
    inputs.push(Input::Tick(Tick { boot_ns: counters.boot_ns }));
    inputs.push(Input::Gap(Gap {
        from_ns: BEGIN_NS + 3_000_000,
        to_ns: BEGIN_NS + 4_000_000,
        cause: "disk full".to_owned(),
        inputs: None,
    }));
    inputs.push(Input::Observed(Observed::CommandEnded { pid: 100, status: 0 }));
    let reason = "the last tracked process has ended".to_owned();
    (inputs, Closed { boot_ns: counters.boot_ns + 1000, reason, counters, ..Closed::default() })
}

/// Its `Opened`.
#[must_use]
pub fn opened() -> Opened {
    Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wire: WIRE_VERSION,
        host: "workstation".to_owned(),
        boot_id: "6f0b6d1e-0f6e-4a55-8f6a-1d3a2b0c9e11".to_owned(),
        kernel: "Linux 6.1.0".to_owned(),
        clock: Clock { boot_ns: BEGIN_NS, real_ns: 1_790_000_000_000_000_000 },
        utc_offset: 7200,
        pid: 90,
        command: vec!["agent".to_owned(), "--print".to_owned()],
        hooks: vec![hook("sys_enter", true), hook("getenv /lib/libc.so.6", false)],
        ring_bytes: 4096,
        cpus: 1,
        absent_fields: Vec::new(),
        segment: 0,
        continues: None,
    }
}

fn hook(name: &str, attached: bool) -> Hook {
    let state = if attached {
        HookState::Attached
    } else {
        HookState::Unavailable { reason: "no tracked process has mapped a libc yet".to_owned() }
    };
    let feature = if name.starts_with("getenv") { "getenv" } else { "open" };
    Hook { name: name.to_owned(), feature: feature.to_owned(), state }
}

/// An agent that starts a shell: look-ups, opens that succeed and fail, a loss, connections, exits.
fn agent() -> Vec<Input> {
    let mut agent = Actor::new(100);
    let mut inputs = vec![
        agent.exec(Program {
            exe: "/usr/bin/agent",
            argv: &["agent", "--print", "fix \u{1b}[31mit"],
            env: &["PATH", "HOME", "ANTHROPIC_BASE_URL"],
            cwd: "/home/dev/project",
            ..Program::default()
        }),
        agent.getenv("HTTPS_PROXY"),
        agent.open("/home/dev/.aws/credentials"),
        agent.open_with("missing.toml", "/home/dev/project", 0, -2),
        agent.open_with("/etc/shadow", "", 0, -13),
    ];
    agent.lose(LOST);
    inputs.push(agent.open_with("out.txt", "/home/dev/project/out.txt", 0o1101, 5));
    let loopback: std::net::SocketAddr = ([127, 0, 0, 1], 8399).into();
    inputs.push(agent.connect(&sockaddr(loopback), 0));
    let documentation: std::net::SocketAddr = ([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 443).into();
    inputs.push(agent.connect(&sockaddr(documentation), -115));
    let (fork, mut shell) = agent.fork(101);
    inputs.push(fork);
    shell.follow(&agent);
    inputs.push(shell.exec(Program {
        exe: "/usr/bin/bash",
        argv: &["bash", "-c", "git status"],
        env: &["PATH", "HOME"],
        cwd: "/home/dev/project",
        ..Program::default()
    }));
    inputs.push(shell.open("/home/dev/project/.git/config"));
    inputs.push(shell.exit(1 << 8));
    inputs.push(agent.follow(&shell).exit(0));
    inputs
}

/// The counters of the one CPU after these inputs.
fn counters(inputs: &[Input]) -> Counters {
    let mut cpu = Cpu::ZERO;
    let mut boot_ns = BEGIN_NS;
    for input in inputs {
        let Input::Raw(bytes) = input else { continue };
        let Ok(record) = decode::record(bytes) else { continue };
        let kind = record.body.kind().index();
        cpu.seen[kind] += 1;
        cpu.stored[kind] += 1;
        cpu.seq = record.header.seq + 1;
        boot_ns = record.header.time;
    }
    let open = Kind::Open.index();
    cpu.seen[open] += LOST;
    cpu.lost[open][Cause::RingFull as usize] = LOST;
    Counters { boot_ns: boot_ns + 5_000_000, cpus: vec![cpu], recursion_misses: Vec::new() }
}
