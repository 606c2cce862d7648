//! The table: which calls a kind of record stands for, and what both observers know of them.
//!
//! A kind is added here with a line in [`FAMILIES`] and two functions in the file of its family: one makes an [`Event`]
//! of strace's call, the other of agentsnoop's record, with the same fields.

mod files;
mod network;
mod processes;

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

/// A kind of record and the calls that it stands for.
pub struct Family {
    /// The kind.
    pub kind: &'static str,
    /// The calls by strace's names.
    pub calls: &'static [&'static str],
    /// How they are compared.
    pub order: Order,
    /// What a call is as an event; `None` of one that makes no record.
    pub of_call: fn(&Call, &Context) -> Option<Event>,
    /// What a record is as an event; the second value is the record's body.
    pub of_record: fn(&Value) -> Option<Event>,
}

/// What the calls before have left: what a call alone does not tell.
#[derive(Debug, Default)]
pub struct Context {
    /// The processes have another root than the tests, so that the tests cannot look at their files.
    pub foreign_root: bool,
    /// The folder that chroot has made the root of the thread; empty where it has the root of strace. strace tells paths
    /// as it would reach them itself.
    pub root: Vec<u8>,
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

/// All kinds that are compared.
pub const FAMILIES: &[Family] = &[
    Family {
        kind: "fork",
        calls: &["fork", "vfork", "clone", "clone3"],
        order: Order::Sequence,
        of_call: processes::fork,
        of_record: processes::fork_record,
    },
    Family {
        kind: "exec",
        calls: &["execve", "execveat"],
        order: Order::Sequence,
        of_call: processes::exec,
        of_record: processes::exec_record,
    },
    Family {
        kind: "exit",
        // strace tells of an end without being asked.
        calls: &[],
        order: Order::Count,
        of_call: |_, _| None,
        of_record: processes::exit_record,
    },
    Family {
        kind: "open",
        calls: &["open", "openat", "openat2", "creat"],
        order: Order::Sequence,
        of_call: files::open,
        of_record: files::open_record,
    },
    Family {
        kind: "connect",
        calls: &["connect"],
        order: Order::Sequence,
        of_call: network::connect,
        of_record: network::connect_record,
    },
];

/// The family of a kind of record.
#[must_use]
pub fn of_kind(kind: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.kind == kind)
}

/// The family of a call.
#[must_use]
pub fn of_call(name: &str) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.calls.contains(&name))
}

/// The calls that strace has to tell of, as `-e` wants them.
#[must_use]
pub fn traced_calls() -> String {
    // chroot is no record; it tells where the paths of the others begin.
    let calls: Vec<_> = FAMILIES.iter().flat_map(|family| family.calls).copied().chain(["chroot"]).collect();
    format!("trace={}", calls.join(","))
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

/// A list of strings as one.
fn list(body: &Value, name: &str) -> Known {
    if body[format!("{name}_state")] == "masked" {
        return None;
    }
    let items = body[name].as_array().map(Vec::as_slice).unwrap_or_default();
    let items: Vec<_> = items.iter().filter_map(Value::as_str).collect();
    Some(format!("{items:?}"))
}
