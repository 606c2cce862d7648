//! Samples of every input with every field: each once with all that can be there, and once with as little as can be.
//!
//! What has all is written without `..`, so that a field that is added must be added here too.

use std::net::IpAddr;

use agentsnoop_pipeline::{
    attribute::Effects,
    input::{
        AddressOwner, Binary, Clock, Closed, Config, Control, Counters, Coverage, Data, Existing, Filtered, Gap, Hook,
        HookState, Input, Known, KnownCall, KnownCpu, KnownLedger, KnownProcess, KnownRunning, KnownSession, Learned,
        Missing, Observed, Opened, Tick, Why,
    },
    record::{Exit, Id, Image, NameSource, Namespaces, Neighbour, ProcessId, Stat, State, Text},
};
use monitor_common::counters::Counters as Cpu;

const ID: ProcessId = ProcessId { pid: 4711, start_ns: 123_456_789_012 };

/// Bytes that are no UTF-8.
fn bytes() -> Text {
    Text::from(b"/tmp/\xff".to_vec())
}

fn text() -> String {
    "text".to_owned()
}

/// Every sample.
#[must_use]
pub fn samples() -> Vec<Input> {
    let known = pieces().into_iter().map(|known| Input::Known(Box::new(known)));
    let observed = facts().into_iter().map(Input::Observed);
    [beginning(), observed.collect(), acts_and_counts(), known.collect()].concat()
}

fn beginning() -> Vec<Input> {
    let hook = |state| Hook { name: text(), feature: text(), state };
    let states =
        [HookState::Attached, HookState::Degraded { reason: text() }, HookState::Unavailable { reason: text() }];
    let opened = Opened {
        version: text(),
        wire: 2,
        host: text(),
        boot_id: text(),
        kernel: text(),
        clock: Clock { boot_ns: 1, real_ns: -1 },
        utc_offset: -3600,
        pid: 1,
        command: vec![text()],
        hooks: states.clone().map(hook).to_vec(),
        ring_bytes: 4096,
        cpus: 1,
        absent_fields: vec![text()],
        segment: 1,
        continues: Some(text()),
    };
    let data = Data { name: text(), digest: text(), content: Some(text()), file: Some(text()) };
    let config = Config { scrub: text(), data: vec![data, Data::default()] };
    let mut inputs = vec![
        Input::Opened(Box::new(opened)),
        Input::Opened(Box::default()),
        Input::Config(Box::new(config)),
        Input::Config(Box::default()),
    ];
    inputs.extend(states.map(|state| Input::Coverage(Coverage { boot_ns: 1, hook: hook(state) })));
    inputs
}

fn facts() -> Vec<Observed> {
    let existing = Existing {
        pid: 2,
        parent: 1,
        root: 2,
        start_ticks_ns: 10_000_000,
        uid: 1000,
        comm: text(),
        exe: Some(text()),
        argv: vec![text()],
        cwd: Some(text()),
    };
    let binary = Binary {
        boot_ns: 1,
        process: ID,
        path: text(),
        digest: Some(text()),
        bytes: Some(1),
        version: Some(text()),
        package: Some(text()),
        error: Some(text()),
    };
    let filtered = Filtered { boot_ns: 1, kinds: vec![(text(), 1)], spans: vec![(0, 1, 2)], calls: 1 };
    vec![
        Observed::Process(Box::new(existing)),
        Observed::Process(Box::default()),
        Observed::User { uid: 1000, name: text() },
        Observed::Package { script: text(), name: Some(text()) },
        Observed::Package { script: text(), name: None },
        Observed::Project { cwd: text(), root: Some(text()) },
        Observed::Project { cwd: text(), root: None },
        Observed::Binary(Box::new(binary)),
        Observed::Binary(Box::default()),
        Observed::Filtered(filtered),
        Observed::Filtered(Filtered::default()),
        Observed::Sealed { segment: 0, head: text() },
        Observed::Removed { files: vec![text()], bytes: 1 },
        Observed::CommandEnded { pid: 2, status: -1 },
    ]
}

fn counters() -> Counters {
    Counters { boot_ns: 1, cpus: vec![Cpu::ZERO], recursion_misses: vec![(text(), 1)] }
}

fn acts_and_counts() -> Vec<Input> {
    let closed = Closed {
        boot_ns: 1,
        reason: text(),
        counters: counters(),
        in_flight: 1,
        in_flight_by_kind: vec![(text(), 1)],
        held: 1,
        inputs: 1,
        next: Some(text()),
    };
    let mut inputs = [Why::Run, Why::Pid, Why::Agent].map(|why| Control::Track { pid: 2, why }).to_vec();
    inputs.push(Control::Untrack { pid: 2 });
    inputs.push(Control::Mark { boot_ns: 1, note: text() });
    let mut inputs: Vec<Input> = inputs.into_iter().map(Input::Control).collect();
    let gap = |inputs| Input::Gap(Gap { from_ns: 1, to_ns: 2, cause: text(), inputs });
    inputs.extend([
        gap(Some(u64::MAX)),
        gap(None),
        Input::Counters(Box::new(counters())),
        Input::Tick(Tick { boot_ns: 1 }),
        Input::Closed(Box::new(closed)),
        Input::Closed(Box::default()),
    ]);
    inputs
}

fn pieces() -> Vec<Known> {
    let mut pieces = vec![
        Known::Times { now_ns: 2, come_ns: 1 },
        Known::Listens { process: ID, path: bytes() },
        Known::Client { daemon: ID, session: 0 },
        Known::Ended { key: ID, ended_ns: 1 },
        Known::Existing { pid: 2, key: ID },
        Known::Exact { id: ID, key: ID },
        Known::Root { pid: 2, session: 0 },
        Known::Package { script: text(), answer: Some(text()), answered: true },
        Known::Package { script: text(), answer: None, answered: true },
        Known::Project { cwd: text(), root: text() },
        Known::Address { owner: AddressOwner::Process(ID), address: IpAddr::from([127, 0, 0, 1]), name: bytes() },
        Known::Address { owner: AddressOwner::Tree(2), address: IpAddr::from([0; 16]), name: bytes() },
        Known::Delegated { session: ID, socket: bytes() },
        Known::Counters(Box::new(counters())),
    ];
    pieces.extend([Why::Run, Why::Pid, Why::Agent].map(|why| Known::Tracked { pid: 2, why }));
    let sources = [NameSource::Dns, NameSource::Sni, NameSource::HttpHost, NameSource::ConnectHost];
    pieces.extend(sources.map(|source| Known::Stream { inode: 1, name: bytes(), source }));
    pieces.extend(calls());
    pieces.extend(processes());
    pieces.extend(first_calls());
    pieces.extend(counts());
    pieces
}

fn calls() -> Vec<Known> {
    let session = KnownSession {
        number: 0,
        name: text(),
        root: ID,
        started_ns: 1,
        known_by: text(),
        project: Some(bytes()),
        live: true,
        within: Some(text()),
    };
    let exit = Exit { code: Some(1), signal: Some("SIGKILL".into()), core_dumped: true, duration_ns: Some(1) };
    let running = KnownRunning {
        is_before: true,
        command: Some((bytes(), State::Masked)),
        cwd: Some(bytes()),
        clients: vec![text()],
        exit: Some((exit, 1)),
        alive: vec![ID],
        processes: 1,
        effects: effects(),
    };
    let other = KnownRunning { exit: Some((Exit::default(), 1)), ..KnownRunning::default() };
    let call = |running| KnownCall { number: 1, root: ID, started_ns: 1, within: Some(0), running };
    vec![
        Known::Session(Box::new(session)),
        Known::Session(Box::default()),
        Known::Call(Box::new(call(Some(running)))),
        Known::Call(Box::new(call(Some(other)))),
        Known::Call(Box::new(call(Some(KnownRunning::default())))),
        Known::Call(Box::default()),
    ]
}

/// Its fields are its own, so that it is made as a recording makes it.
#[expect(clippy::expect_used, reason = "a sample that cannot be made fails the test that asks for it")]
fn effects() -> Effects {
    let list = || serde_json::json!(["text"]);
    let fields = serde_json::json!({
        "programs": list(), "written": list(), "removed": list(), "endpoints": list(), "further": 1
    });
    serde_json::from_value(fields).expect("effects with these fields")
}

fn processes() -> Vec<Known> {
    let image = Image {
        id: ID,
        ppid: Some(1),
        comm: Some(bytes()),
        exe: Some(bytes()),
        exe_state: State::Complete,
        from_proc: true,
    };
    let process = |learned| KnownProcess {
        key: ID,
        image: image.clone(),
        exec_seq: 1,
        uid: 1000,
        parent: Some(ID),
        children: 1,
        learned,
        session: Some(0),
        cwd: Some(bytes()),
        namespaces: Namespaces { pid: Some(1), user: Some(2), mnt: Some(3), net: Some(4) },
        environment: Some(vec![1]),
        asked: Some(text()),
        ended_ns: Some(1),
        is_agent: true,
        call: Some(0),
        is_meant: true,
    };
    let mut pieces = [Learned::Fork, Learned::Existing, Learned::Record].map(process).to_vec();
    let states = [State::Cut, State::Unreadable, State::Masked, State::Unresolved, State::NotAsked];
    pieces.extend(
        states.map(|exe_state| KnownProcess {
            image: Image { exe_state, ..Image::default() },
            ..KnownProcess::default()
        }),
    );
    pieces.into_iter().map(|process| Known::Process(Box::new(process))).collect()
}

fn first_calls() -> [Known; 2] {
    let call = Stat {
        call: "statx".into(),
        path: Some(bytes()),
        path_state: State::Cut,
        requested: Some(bytes()),
        requested_state: State::Cut,
        descriptor: true,
        anonymous: Some(bytes()),
        nofollow: true,
        mode: Some("exists".into()),
        count: 1,
        repeats: true,
        result: Some(-2),
        error: Some("ENOENT".into()),
    };
    [call, Stat::default()].map(|call| Known::First { process: ID, slot: 63, tag: u64::MAX, call: Box::new(call) })
}

fn counts() -> [Known; 3] {
    let neighbour = Neighbour { id: Id { segment: 0, index: 7, part: 0 }, seq: 5, boot_ns: 1 };
    let ledger = KnownLedger {
        has_gap: true,
        received: vec![1],
        recorded: vec![1],
        filtered: vec![1],
        malformed: vec![1],
        nameless: 1,
        told: (1, 1),
        masked: 1,
        masked_by_rule: vec![(text(), 1)],
        is_unscrubbed: true,
        unstored: 1,
        begun_ns: 1,
        now_ns: 1,
    };
    let cpu = KnownCpu {
        cpu: 0,
        next: 9,
        last: Some(neighbour),
        missing: vec![
            Missing { first: 6, last: 7, after: Some(neighbour), before: Some(neighbour) },
            Missing { first: 0, last: 1, after: None, before: None },
        ],
        snapshots: vec![(9, vec![vec![1]])],
        reported: vec![vec![1]],
        twice: 1,
        resynchronizes: true,
    };
    [Known::Ledger(Box::new(ledger)), Known::Cpu(Box::new(cpu)), Known::Cpu(Box::default())]
}
