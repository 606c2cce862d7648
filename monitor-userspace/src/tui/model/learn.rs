//! A model learns from a record.

use std::{borrow::Cow, net::SocketAddr};

use agentsnoop_pipeline::{
    Record,
    enrich::Class,
    lines,
    record::{Access, Body, Connect, GetenvKind, NameSource, SessionState, Text, ToolCall, ToolCallState},
};
use serde::{Deserialize, Serialize};

use super::{Bursts, Catalog, Ending, Observation, Rate, Touch, Tree, touch, tree::Places};
use crate::tui::escape;

/// Of a file: what was done with it. What failed did nothing, and is counted as that alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Opened for reading.
    pub read: u64,
    /// Opened for writing, made, changed, removed, renamed.
    pub written: u64,
    /// Looked at without being opened, calls.
    pub looked: u64,
}

/// Of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// The name of the host that was meant; empty where none is known.
    pub host: String,
    /// How the name is known, each way once.
    pub sources: Vec<Cow<'static, str>>,
    /// Connections, tried and made.
    pub connections: u64,
    /// Bytes sent.
    pub sent: u64,
    /// Bytes received.
    pub received: u64,
}

/// Of a variable of the environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Variable {
    /// Programs that were executed with it.
    pub exposed: u64,
    /// Calls of getenv for it.
    pub looked_up: u64,
    /// Bursts over the whole environment, or reads of it as a file.
    pub enumerated: u64,
}

/// Of a fact about the host: nothing more than all things have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact;

/// Everything that is known of the events so far.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Agents, tool calls, processes.
    pub tree: Tree,
    /// Files.
    pub files: Catalog<File>,
    /// Endpoints.
    pub endpoints: Catalog<Endpoint>,
    /// Variables of the environment.
    pub variables: Catalog<Variable>,
    /// Facts about the host.
    pub host: Catalog<Fact>,
    /// Coverage, losses, gaps.
    pub observation: Observation,
    /// Events a second.
    pub rate: Rate,
    /// How many sensitive touches there were, and the last one.
    pub touches: (u64, Option<Touch>),
    /// The latest time of an event, boot clock, nanoseconds.
    pub now_ns: u64,
    /// Events.
    pub events: u64,
    /// Bursts of traffic that go on.
    pub bursts: Bursts,
}

impl Model {
    /// Takes the next event.
    pub fn learn(&mut self, number: u64, record: &Record) {
        self.observation.note(number, &record.body);
        if matches!(record.body, Body::Coverage(_)) {
            return;
        }
        self.events += 1;
        self.now_ns = self.now_ns.max(record.boot_ns);
        self.rate.note(record.boot_ns);
        let mut scratch = String::new();
        let failed = lines::ended(record, &mut scratch);
        let places = self.tree.places(number, record);
        self.count(places, number, record, failed);
        self.life(places, record);
        self.things(number, record, failed);
    }

    /// Takes what the event touched, and nothing else of it.
    pub fn touched(&mut self, number: u64, record: &Record) {
        let failed = lines::ended(record, &mut String::new());
        self.things(number, record, failed);
    }

    fn count(&mut self, places: Places, number: u64, record: &Record, failed: bool) {
        let touch = touch::is_sensitive(record).then(|| {
            let mut what = String::new();
            lines::about(record, &mut what);
            escape::text(&what).into_owned()
        });
        for place in places.iter() {
            let node = self.tree.node_mut(place);
            node.events += 1;
            node.failed += u64::from(failed);
            node.span.1 = number;
            if let Some(what) = &touch {
                node.touches += 1;
                node.touch.clone_from(what);
            }
        }
        if let Some(what) = touch {
            let by = record.process.as_ref().map(who).unwrap_or_default();
            self.touches = (self.touches.0 + 1, Some(Touch { number, time: record.time, what, by }));
        }
    }

    /// What a record tells of the life of its process, tool call and session.
    fn life(&mut self, places: Places, record: &Record) {
        if let (Some(place), Some(process)) = (places.process, &record.process) {
            let node = self.tree.node_mut(place);
            if let Some(comm) = process.image.comm.as_ref().filter(|_| node.comm.is_empty()) {
                node.comm = escape::bytes(comm.as_bytes());
            }
            match &record.body {
                Body::Exec(exec) => {
                    node.title.clear();
                    lines::command_line(&exec.argv, &mut node.title);
                    node.comm =
                        process.image.comm.as_ref().map(|comm| escape::bytes(comm.as_bytes())).unwrap_or_default();
                }
                Body::Exit(exit) => {
                    node.ended_ns = Some(record.boot_ns);
                    node.ending = match (&exit.signal, exit.code) {
                        (Some(signal), _) => Ending::Signal(signal.clone().into_owned()),
                        (None, code) => Ending::Code(code.unwrap_or(0)),
                    };
                }
                _ => {}
            }
        }
        match (&record.body, places.session, places.call) {
            (Body::Session(session), Some(place), _) if session.state == SessionState::Ended => {
                // It ends as its first process has.
                let first = places.process.map(|first| self.tree.node(first).ending.clone());
                let node = self.tree.node_mut(place);
                node.ended_ns = Some(record.boot_ns);
                node.ending = first.filter(|ending| *ending != Ending::Running).unwrap_or(Ending::Unknown);
            }
            (Body::ToolCall(call), _, Some(place)) => self.call(place, record, call),
            _ => {}
        }
    }

    fn call(&mut self, place: usize, record: &Record, call: &ToolCall) {
        let node = self.tree.node_mut(place);
        if let Some(command) = &call.command {
            node.title = escape::bytes(command.as_bytes());
        }
        if let Some(process) = record.process.as_ref().filter(|_| node.pid == 0) {
            node.pid = process.image.id.pid;
        }
        if call.state == ToolCallState::Ended {
            node.ended_ns = Some(record.boot_ns);
            node.ending = match (&call.signal, call.code) {
                (Some(signal), _) => Ending::Signal(signal.clone().into_owned()),
                (None, Some(code)) => Ending::Code(code),
                (None, None) => Ending::Unknown,
            };
        }
    }

    fn things(&mut self, number: u64, record: &Record, failed: bool) {
        // One event can tell of many calls.
        let calls = if let Body::Stat(stat) = &record.body { stat.count } else { 1 };
        let failed = if failed { calls } else { 0 };
        let by_class = [Class::HostIdentity, Class::Locale].iter().any(|class| record.classes.contains(*class));
        if matches!(record.body, Body::Metadata(_)) || (by_class && !matches!(record.body, Body::Getenv(_))) {
            let mut about = String::new();
            lines::about(record, &mut about);
            if let Some(fact) = self.host.at(about.as_bytes(), || escape::text(&about).into_owned()) {
                fact.seen.note(number, record, failed);
            }
        }
        match &record.body {
            Body::Open(open) => {
                let file = |file: &mut File| match open.access {
                    Access::Read | Access::Execute => file.read += 1,
                    Access::Write => file.written += 1,
                    Access::ReadWrite => (file.read, file.written) = (file.read + 1, file.written + 1),
                    Access::Path => file.looked += 1,
                };
                self.file(open.path.as_ref().or(open.requested.as_ref()), number, record, failed, file);
                if failed == 0 && open.path.as_ref().is_some_and(|path| is_environ(path.as_bytes())) {
                    self.variable(b"\0environ", "(read in bulk: /proc/PID/environ)", number, record, |it| {
                        it.enumerated += 1;
                    });
                }
            }
            Body::Readlink(link) => {
                self.file(link.path.as_ref().or(link.requested.as_ref()), number, record, failed, |file| {
                    file.looked += 1;
                });
            }
            Body::Stat(stat) => {
                let count = stat.count;
                self.file(stat.path.as_ref().or(stat.requested.as_ref()), number, record, failed, |file| {
                    file.looked += count;
                });
            }
            Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => {
                self.file(pair.to.as_ref().or(pair.requested_to.as_ref()), number, record, failed, |file| {
                    file.written += 1;
                });
                if !matches!(record.body, Body::Symlink(_)) {
                    let from = pair.from.as_ref().or(pair.requested_from.as_ref());
                    self.file(from, number, record, failed, |file| {
                        file.written += u64::from(matches!(record.body, Body::Rename(_)));
                    });
                }
            }
            Body::Unlink(change)
            | Body::Mkdir(change)
            | Body::Chmod(change)
            | Body::Chown(change)
            | Body::Truncate(change) => {
                self.file(change.path.as_ref().or(change.requested.as_ref()), number, record, failed, |file| {
                    file.written += 1;
                });
            }
            Body::Exec(exec) => {
                for name in &exec.env_names {
                    self.variable(name.as_bytes(), "", number, record, |it| it.exposed += 1);
                }
            }
            Body::Getenv(getenv) if getenv.kind == GetenvKind::Enumeration => {
                self.variable(b"\0all", "(enumerated: the whole environment)", number, record, |it| it.enumerated += 1);
            }
            Body::Getenv(getenv) => {
                if let Some(name) = &getenv.name {
                    let count = getenv.count.max(1);
                    self.variable(name.as_bytes(), "", number, record, |it| it.looked_up += count);
                }
            }
            Body::Connect(connect) => self.connected(number, record, failed, connect),
            Body::Traffic(traffic) => {
                let key = endpoint(traffic.address, traffic.port, traffic.path.as_ref());
                let name = named(traffic.name.as_ref(), traffic.name_source);
                let bytes = self.bursts.news(record.process.as_ref().map_or(0, |process| process.tid), traffic);
                let is_sent = traffic.direction == agentsnoop_pipeline::record::Direction::Sent;
                self.endpoint(key, name, number, record, failed, |it| {
                    *(if is_sent { &mut it.sent } else { &mut it.received }) += bytes;
                });
            }
            Body::Name(name) => {
                let key = endpoint(name.address, name.port, None);
                self.endpoint(key, named(name.name.as_ref(), name.name_source), number, record, failed, |_| {});
            }
            _ => {}
        }
    }

    fn connected(&mut self, number: u64, record: &Record, failed: u64, connect: &Connect) {
        let key = endpoint(connect.address, connect.port, connect.path.as_ref());
        let name = named(connect.name.as_ref(), connect.name_source);
        self.endpoint(key, name, number, record, failed, |it| it.connections += 1);
    }

    fn file(&mut self, path: Option<&Text>, number: u64, record: &Record, failed: u64, touch: impl FnOnce(&mut File)) {
        let Some(path) = path.map(Text::as_bytes).filter(|path| !path.is_empty()) else { return };
        if let Some(file) = self.files.at(path, || escape::bytes(path)) {
            file.seen.note(number, record, failed);
            if failed == 0 {
                touch(&mut file.own);
            }
        }
    }

    fn variable(&mut self, key: &[u8], name: &str, number: u64, record: &Record, touch: impl FnOnce(&mut Variable)) {
        let shown = || if name.is_empty() { escape::bytes(key) } else { name.to_owned() };
        if let Some(variable) = self.variables.at(key, shown) {
            variable.seen.note(number, record, 0);
            touch(&mut variable.own);
        }
    }

    fn endpoint(
        &mut self,
        key: Option<String>,
        name: Option<(String, &'static str)>,
        number: u64,
        record: &Record,
        failed: u64,
        touch: impl FnOnce(&mut Endpoint),
    ) {
        let Some(address) = key else { return };
        // One address can be that of many hosts, and one host can have many.
        let (host, source) = name.map_or((String::new(), None), |(host, source)| (host, Some(source)));
        let key = format!("{address} {host}");
        let Some(endpoint) = self.endpoints.at(key.as_bytes(), || address) else { return };
        endpoint.seen.note(number, record, failed);
        touch(&mut endpoint.own);
        endpoint.own.host = host;
        if let Some(source) = source.map(Cow::Borrowed).filter(|source| !endpoint.own.sources.contains(source)) {
            endpoint.own.sources.push(source);
        }
    }
}

/// `comm pid`.
fn who(process: &agentsnoop_pipeline::record::Process) -> String {
    let comm = process.image.comm.as_ref().map(|comm| escape::bytes(comm.as_bytes())).unwrap_or_default();
    format!("{comm} {}", process.image.id.pid)
}

/// `address:port`, or the path of a unix socket; `None` where neither is known.
fn endpoint(address: Option<std::net::IpAddr>, port: Option<u16>, path: Option<&Text>) -> Option<String> {
    match (address, path) {
        (Some(ip), _) => Some(SocketAddr::new(ip, port.unwrap_or(0)).to_string()),
        (None, Some(path)) => Some(escape::bytes(path.as_bytes())),
        (None, None) => None,
    }
}

fn named(name: Option<&Text>, source: Option<NameSource>) -> Option<(String, &'static str)> {
    name.map(|name| (escape::bytes(name.as_bytes()), source.map_or("?", NameSource::name)))
}

/// Whether a path is the environment of a process (proc(5)).
fn is_environ(path: &[u8]) -> bool {
    path.starts_with(b"/proc/") && path.ends_with(b"/environ")
}
