//! Calls about the process itself and about the host, and those that deserve attention.

use serde_json::Value;

use super::{Context, Event, event, field, result};
use crate::oracle::syntax::Call;

pub(super) fn host(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    Some(event(kind, call, vec![("call", Some(call.name.clone())), ("result", call.result())]))
}

pub(super) fn host_record(kind: &'static str, body: &Value) -> Option<Event> {
    Some(Event::new(kind, vec![("call", field(body, "call")), ("result", result(body))]))
}
