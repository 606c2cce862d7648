//! The table: which calls a kind of record stands for, and what both observers know of them.
//!
//! A kind is added here with a line in `FAMILIES` and two functions in the file of its family: one makes an [`Event`] of
//! strace's call, the other of agentsnoop's record, with the same fields. A call that the kernel half records and that this
//! table does not know fails a test.

mod changes;
mod files;
mod host;
mod network;
mod paths;
mod processes;
mod stats;

use std::collections::BTreeSet;
use std::sync::Arc;

use monitor_common::syscall;
use serde_json::Value;

use super::syntax::{Call, shown};
use super::{Event, Known};

/// How the events of a kind are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Each thread's events one by one, in their order.
    Sequence,
    /// How often each happened in a process: the records come in no order, or one stands for several calls.
    Count,
}

/// A kind of record and how it is compared.
pub struct Family {
    /// The kind.
    pub kind: &'static str,
    /// How its events are compared.
    pub order: Order,
    /// What a call is as an event of the kind; `None` of one that makes no record.
    pub of_call: fn(&'static str, &Call, &Context) -> Option<Event>,
    /// What the body of a record is as an event of the kind.
    pub of_record: fn(&'static str, &Value) -> Option<Event>,
}

/// What the calls before have left: what a call alone does not tell.
#[derive(Debug, Clone, Default)]
pub struct Context {
    /// The processes have another root than the tests, so that the tests cannot look at their files.
    pub foreign_root: bool,
    /// The folder that chroot has made the root of the thread; empty where it has the root of strace. strace tells paths
    /// as it would reach them itself.
    pub root: Vec<u8>,
    /// The working directory, where it is known.
    pub cwd: Option<Vec<u8>>,
    /// Whether the thread is the leader of its process.
    pub leader: bool,
    /// The threads that strace saw.
    pub tree: Arc<BTreeSet<u32>>,
}

impl Context {
    /// A path of strace's as the thread would reach it.
    fn below_root(&self, path: &[u8]) -> Vec<u8> {
        match path.strip_prefix(self.root.as_slice()) {
            Some(b"") => b"/".to_vec(),
            Some(below) if below.starts_with(b"/") => below.to_vec(),
            _ => path.to_vec(),
        }
    }
}

const fn in_sequence(
    kind: &'static str,
    of_call: fn(&'static str, &Call, &Context) -> Option<Event>,
    of_record: fn(&'static str, &Value) -> Option<Event>,
) -> Family {
    Family { kind, order: Order::Sequence, of_call, of_record }
}

/// All kinds that are compared. The calls of a kind are those of the product's own table ([`syscall::TABLES`]), but for
/// those of processes ([`PROCESSES`]).
const FAMILIES: [Family; 22] = [
    in_sequence("fork", processes::fork, processes::fork_record),
    in_sequence("exec", processes::exec, processes::exec_record),
    // strace tells of an end without being asked, and of each thread apart.
    Family { kind: "exit", order: Order::Count, of_call: |_, _, _| None, of_record: processes::exit_record },
    in_sequence("identity", host::host, host::host_record),
    in_sequence("open", files::open, files::open_record),
    in_sequence("readlink", changes::readlink, changes::readlink_record),
    Family { kind: "stat", order: Order::Count, of_call: stats::stat, of_record: stats::stat_record },
    in_sequence("rename", changes::pair, changes::pair_record),
    in_sequence("link", changes::pair, changes::pair_record),
    in_sequence("symlink", changes::pair, changes::pair_record),
    in_sequence("unlink", changes::change, changes::change_record),
    in_sequence("mkdir", changes::change, changes::change_record),
    in_sequence("chmod", changes::change, changes::change_record),
    in_sequence("chown", changes::change, changes::change_record),
    in_sequence("truncate", changes::change, changes::change_record),
    in_sequence("connect", network::address, network::address_record),
    in_sequence("bind", network::address, network::address_record),
    in_sequence("listen", network::listen, network::listen_record),
    in_sequence("accept", network::accept, network::accept_record),
    // A record stands for a burst of calls.
    Family { kind: "traffic", order: Order::Count, of_call: network::traffic, of_record: network::traffic_record },
    in_sequence("metadata", host::host, host::host_record),
    in_sequence("attention", host::host, host::host_record),
];

/// Calls that make and execute processes, which agentsnoop does not learn from the calls.
const PROCESSES: [(&str, &str); 6] = [
    ("fork", "fork"),
    ("vfork", "fork"),
    ("clone", "fork"),
    ("clone3", "fork"),
    ("execve", "exec"),
    ("execveat", "exec"),
];

/// Calls that are no records, but tell where the paths of others begin.
const PLACES: [&str; 4] = ["chroot", "pivot_root", "chdir", "fchdir"];

/// Calls that strace does not know where it is older than they are (Debian 12 has 6.1): neither observer is asked about
/// them.
const NEWER_THAN_STRACE: [&str; 1] = ["fchmodat2"];

/// The family of a kind of record.
#[must_use]
pub fn of_kind(kind: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.kind == kind)
}

/// The calls that are recorded, with the kinds of their records.
fn calls() -> impl Iterator<Item = (&'static str, &'static str)> {
    let recorded = syscall::TABLES.into_iter().flatten().map(|call| (call.name, call.kind.name()));
    PROCESSES.into_iter().chain(recorded.filter(|(name, _)| !NEWER_THAN_STRACE.contains(name)))
}

/// The event of a call.
#[must_use]
pub fn of_call(call: &Call, context: &Context) -> Option<Event> {
    let (_, kind) = calls().find(|(name, _)| *name == call.name)?;
    let family = of_kind(kind)?;
    (family.of_call)(family.kind, call, context)
}

/// The event of a record.
#[must_use]
pub fn of_record(record: &Value) -> Option<Event> {
    let family = of_kind(record["kind"].as_str()?)?;
    if NEWER_THAN_STRACE.iter().any(|name| record[family.kind]["call"] == *name) {
        return None;
    }
    (family.of_record)(family.kind, &record[family.kind])
}

/// The calls that strace has to tell of, as `-e` wants them.
#[must_use]
pub fn traced_calls() -> String {
    let mut names: Vec<_> = calls().filter(|(_, kind)| of_kind(kind).is_some()).map(|(name, _)| name).collect();
    names.extend(PLACES);
    format!("trace={}", names.join(","))
}

pub use processes::ended;

/// An event of a call whose end strace may not have seen.
fn event(kind: &'static str, call: &Call, fields: Vec<(&'static str, Known)>) -> Event {
    Event { certain: call.result().is_some(), ..Event::new(kind, fields) }
}

/// Bytes as a record shows them.
fn text(bytes: Option<Vec<u8>>) -> Known {
    bytes.map(|bytes| shown(&bytes))
}

/// A string of a record's body. One that did not come whole is shown with how it came, so that it equals none of
/// strace's; of one that agentsnoop has masked it is not known what it was.
fn field(body: &Value, name: &str) -> Known {
    let text = || body[name].as_str().unwrap_or("nothing").to_owned();
    match body[format!("{name}_state")].as_str() {
        None | Some("unresolved") => Some(text()),
        Some("masked") => None,
        Some(state) => Some(format!("{} ({state})", text())),
    }
}

/// The result of a record: a number, or the name of the error.
fn result(body: &Value) -> Known {
    Some(body["error"].as_str().map_or_else(|| body["result"].to_string(), str::to_owned))
}

/// The flags of a record by name.
fn flags(body: &Value) -> Known {
    Some(names(body, "flags"))
}

/// A list of names, sorted.
fn names(body: &Value, field: &str) -> String {
    sorted(body[field].as_array().into_iter().flatten().filter_map(Value::as_str).collect())
}

/// Names of flags as one string.
fn sorted(mut names: Vec<&str>) -> String {
    names.sort_unstable();
    names.join("|")
}

/// A list of strings as one.
fn list(body: &Value, name: &str) -> Known {
    if body[format!("{name}_state")] == "masked" {
        return None;
    }
    let items = body[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
    Some(format!("{items:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_that_is_recorded_is_compared() {
        for (name, kind) in calls() {
            assert!(of_kind(kind).is_some(), "{name}, of kind {kind}: add it to tests/src/oracle/families.rs");
        }
    }

    #[test]
    fn of_every_call_that_changes_a_file_it_is_known_where_its_arguments_stand() {
        for (name, kind) in calls().filter(|(_, kind)| ["unlink", "mkdir", "chmod", "chown", "truncate"].contains(kind))
        {
            assert!(changes::knows(name), "{name}, of kind {kind}: add it to tests/src/oracle/families/changes.rs");
        }
    }
}
