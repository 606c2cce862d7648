//! Calls about the process itself and about the host, and those that deserve attention.

use serde_json::Value;

use super::{Context, Event, event, field, result};
use crate::oracle::syntax::Call;

pub(super) fn host(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    // Of sockets only those are recorded that carry raw packets.
    let raw = |call: &Call| {
        let asks = |at: usize, name: &str| call.argument(at).split('|').any(|word| word == name);
        asks(0, "AF_PACKET") || asks(1, "SOCK_RAW") && !asks(0, "AF_NETLINK")
    };
    if call.name == "socket" && !raw(call) {
        return None;
    }
    Some(event(kind, call, vec![("call", Some(call.name.clone())), ("result", call.result())]))
}

pub(super) fn host_record(kind: &'static str, body: &Value) -> Option<Event> {
    // That a program gives its owner's rights is told beside its exec, which is compared; it is no call of its own.
    if body["call"] == "setuid exec" {
        return None;
    }
    Some(Event::new(kind, vec![("call", field(body, "call")), ("result", result(body))]))
}
