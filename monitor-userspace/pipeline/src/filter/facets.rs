//! What a record has of the fields that a filter names. Each gives its values to `found`, which says whether one is wanted.

use std::net::IpAddr;

use crate::record::{Body, Record, Text};

/// Takes bytes; whether they are wanted.
pub(super) type WantedBytes<'a> = &'a mut dyn FnMut(&[u8]) -> bool;
/// Takes a name; whether it is wanted.
pub(super) type WantedName<'a> = &'a mut dyn FnMut(&str) -> bool;
/// Takes a value; whether it is wanted.
pub(super) type Wanted<'a, T> = &'a mut dyn FnMut(T) -> bool;

fn any<'t>(texts: impl IntoIterator<Item = Option<&'t Text>>, found: WantedBytes<'_>) -> bool {
    texts.into_iter().flatten().any(|text| found(text.as_bytes()))
}

/// Paths of files, programs and unix sockets; what was asked for where the path is not known.
pub(super) fn path(record: &Record, found: WantedBytes<'_>) -> bool {
    match &record.body {
        Body::Open(open) => any([open.path.as_ref().or(open.requested.as_ref())], found),
        Body::Exec(exec) => any([exec.path.as_ref(), exec.filename.as_ref()], found),
        Body::Connect(connect) => any([connect.path.as_ref()], found),
        Body::Readlink(link) => any([link.path.as_ref().or(link.requested.as_ref()), link.target.as_ref()], found),
        Body::Stat(stat) => any([stat.path.as_ref().or(stat.requested.as_ref())], found),
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => {
            let from = pair.from.as_ref().or(pair.requested_from.as_ref());
            any([from, pair.to.as_ref().or(pair.requested_to.as_ref())], found)
        }
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => any([change.path.as_ref().or(change.requested.as_ref())], found),
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => any([socket.path.as_ref()], found),
        Body::Traffic(traffic) => any([traffic.path.as_ref()], found),
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => {
            any([call.path.as_ref().or(call.requested.as_ref()), call.from.as_ref()], found)
        }
        Body::Fork(_)
        | Body::Exit(_)
        | Body::Dns(_)
        | Body::Name(_)
        | Body::Getenv(_)
        | Body::ToolCall(_)
        | Body::Session(_)
        | Body::Loss(_)
        | Body::Coverage(_)
        | Body::Gap(_) => false,
    }
}

/// The names of endpoints, and those that name servers are asked for.
pub(super) fn host(record: &Record, found: WantedBytes<'_>) -> bool {
    match &record.body {
        Body::Connect(connect) => any([connect.name.as_ref()], found),
        Body::Traffic(traffic) => any([traffic.name.as_ref()], found),
        Body::Name(name) => any([name.name.as_ref()], found),
        Body::Dns(dns) => any([dns.question.as_ref()], found),
        _ => false,
    }
}

/// Variables of the environment: those looked up, and those that a program was executed with.
pub(super) fn variable(record: &Record, found: WantedBytes<'_>) -> bool {
    match &record.body {
        Body::Getenv(getenv) => any([getenv.name.as_ref()], found),
        Body::Exec(exec) => any(exec.env_names.iter().map(Some), found),
        _ => false,
    }
}

/// The command line that was executed: each argument, and all of them with blanks between.
pub(super) fn argv(record: &Record, found: WantedBytes<'_>) -> bool {
    let Body::Exec(exec) = &record.body else { return false };
    any(exec.argv.iter().map(Some), found)
        || (exec.argv.len() > 1 && found(&exec.argv.iter().map(Text::as_bytes).collect::<Vec<_>>().join(&b' ')))
}

/// The name of the process.
pub(super) fn comm(record: &Record, found: WantedBytes<'_>) -> bool {
    any([record.process.as_ref().and_then(|process| process.image.comm.as_ref())], found)
}

/// The file that the process executes.
pub(super) fn exe(record: &Record, found: WantedBytes<'_>) -> bool {
    any([record.process.as_ref().and_then(|process| process.image.exe.as_ref())], found)
}

/// The agent by its name.
pub(super) fn agent(record: &Record, found: WantedBytes<'_>) -> bool {
    record.agent.as_ref().is_some_and(|agent| found(agent.name.as_bytes()))
}

/// The session.
pub(super) fn session(record: &Record, found: WantedBytes<'_>) -> bool {
    record.agent.as_ref().is_some_and(|agent| found(agent.session.as_bytes()))
}

/// The tool call.
pub(super) fn tool_call(record: &Record, found: WantedBytes<'_>) -> bool {
    record.tool_call.as_ref().is_some_and(|id| found(id.as_bytes()))
}

/// What a tool call was meant to do.
pub(super) fn command(record: &Record, found: WantedBytes<'_>) -> bool {
    match &record.body {
        Body::ToolCall(call) => any([call.command.as_ref()], found),
        _ => false,
    }
}

/// The id of the record.
pub(super) fn id(record: &Record, found: WantedBytes<'_>) -> bool {
    found(record.id.to_string().as_bytes())
}

/// The system call, where a kind has several.
pub(super) fn call(record: &Record, found: WantedBytes<'_>) -> bool {
    match &record.body {
        Body::Stat(stat) => found(stat.call.as_bytes()),
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => found(pair.call.as_bytes()),
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => found(change.call.as_bytes()),
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => found(call.call.as_bytes()),
        _ => false,
    }
}

/// How a file was opened.
pub(super) fn access(record: &Record, found: WantedName<'_>) -> bool {
    match &record.body {
        Body::Open(open) => {
            let access = open.access;
            found(access.name()) || (access.reads() && found("read")) || (access.writes() && found("write"))
        }
        _ => false,
    }
}

/// Whether a seccomp filter answered the call.
pub(super) fn seccomp(record: &Record, found: WantedName<'_>) -> bool {
    found(if record.seccomp { "true" } else { "false" })
}

/// Addresses of peers and own ones.
pub(super) fn address(record: &Record, found: Wanted<'_, IpAddr>) -> bool {
    let addresses = match &record.body {
        Body::Connect(connect) => [connect.address, None],
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => [socket.address, socket.local_address],
        Body::Traffic(traffic) => [traffic.address, None],
        Body::Dns(dns) => [dns.server, None],
        Body::Name(name) => [name.address, None],
        _ => [None, None],
    };
    addresses.into_iter().flatten().any(found)
}

fn one(number: Option<impl Into<i64>>, found: Wanted<'_, i64>) -> bool {
    number.is_some_and(|number| found(number.into()))
}

fn large(number: Option<u64>, found: Wanted<'_, i64>) -> bool {
    number.is_some_and(|number| found(i64::try_from(number).unwrap_or(i64::MAX)))
}

/// Ports of peers and own ones.
pub(super) fn port(record: &Record, found: Wanted<'_, i64>) -> bool {
    match &record.body {
        Body::Connect(connect) => one(connect.port, found),
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => {
            one(socket.port, found) || one(socket.local_port, found)
        }
        Body::Traffic(traffic) => one(traffic.port, found),
        Body::Dns(dns) => one(dns.port, found),
        Body::Name(name) => one(name.port, found),
        _ => false,
    }
}

pub(super) fn pid(record: &Record, found: Wanted<'_, i64>) -> bool {
    one(record.process.as_ref().map(|process| process.image.id.pid), found)
}

pub(super) fn ppid(record: &Record, found: Wanted<'_, i64>) -> bool {
    one(record.process.as_ref().and_then(|process| process.image.ppid), found)
}

pub(super) fn tid(record: &Record, found: Wanted<'_, i64>) -> bool {
    one(record.process.as_ref().map(|process| process.tid), found)
}

pub(super) fn uid(record: &Record, found: Wanted<'_, i64>) -> bool {
    one(record.process.as_ref().map(|process| process.uid), found)
}

/// Bytes that were sent or received.
pub(super) fn bytes(record: &Record, found: Wanted<'_, i64>) -> bool {
    match &record.body {
        Body::Traffic(traffic) => large(Some(traffic.bytes), found),
        _ => false,
    }
}

/// How many calls or events a record stands for, where it stands for several.
pub(super) fn count(record: &Record, found: Wanted<'_, i64>) -> bool {
    match &record.body {
        Body::Stat(stat) => large(Some(stat.count), found),
        Body::Getenv(getenv) => large(Some(getenv.count), found),
        Body::Traffic(traffic) => large(Some(traffic.calls), found),
        Body::Loss(loss) => large(Some(loss.count), found),
        _ => false,
    }
}

/// How long something lasted, nanoseconds: a process, a session, a burst, the call of a connection.
pub(super) fn duration(record: &Record, found: Wanted<'_, i64>) -> bool {
    match &record.body {
        Body::Exit(exit) => large(exit.duration_ns, found),
        Body::Session(session) => large(session.duration_ns, found),
        Body::ToolCall(call) => large(call.duration_ns, found),
        Body::Getenv(getenv) => large(getenv.duration_ns, found),
        Body::Connect(connect) => large(connect.took_ns, found),
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => large(socket.took_ns, found),
        Body::Traffic(traffic) => large(traffic.ended.map(|ended| ended.saturating_sub(traffic.started)), found),
        Body::Gap(gap) => large(Some(gap.to_ns.saturating_sub(gap.from_ns)), found),
        _ => false,
    }
}

/// How a call or a process ended.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Outcome<'a> {
    /// What the call returned, or the code of the process.
    pub(super) result: Option<i64>,
    /// The name of its error, or of the signal.
    pub(super) error: Option<&'a str>,
}

impl Outcome<'_> {
    /// Whether it failed; `None` for what neither fails nor succeeds.
    pub(super) fn failed(self) -> Option<bool> {
        match (self.error, self.result) {
            (Some(error), _) => Some(error != "EINPROGRESS"),
            (None, Some(result)) => Some(result < 0),
            (None, None) => None,
        }
    }
}

/// How what the record tells of has ended.
pub(super) fn outcome(body: &Body) -> Outcome<'_> {
    match body {
        Body::Open(open) => Outcome { result: Some(open.result), error: open.error.as_deref() },
        Body::Readlink(link) => Outcome { result: Some(link.result), error: link.error.as_deref() },
        Body::Stat(stat) => Outcome { result: stat.result, error: stat.error.as_deref() },
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => {
            Outcome { result: Some(pair.result), error: pair.error.as_deref() }
        }
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => Outcome { result: Some(change.result), error: change.error.as_deref() },
        Body::Connect(connect) => Outcome { result: Some(connect.result), error: connect.error.as_deref() },
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => {
            Outcome { result: Some(socket.result), error: socket.error.as_deref() }
        }
        Body::Dns(dns) => Outcome { result: None, error: dns.error.as_deref() },
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => {
            Outcome { result: call.result, error: call.error.as_deref() }
        }
        // A code above 0 is how a program says that it failed.
        Body::Exit(exit) => Outcome { result: exit.code.map(|code| -i64::from(code)), error: exit.signal.as_deref() },
        Body::ToolCall(call) => {
            Outcome { result: call.code.map(|code| -i64::from(code)), error: call.signal.as_deref() }
        }
        Body::Exec(_)
        | Body::Fork(_)
        | Body::Traffic(_)
        | Body::Name(_)
        | Body::Getenv(_)
        | Body::Session(_)
        | Body::Loss(_)
        | Body::Coverage(_)
        | Body::Gap(_) => Outcome::default(),
    }
}
