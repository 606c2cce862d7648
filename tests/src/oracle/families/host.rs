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
    if !recorded(call) {
        return None;
    }
    let certain = !matches!(call.name.as_str(), "kill" | "tkill" | "tgkill" | "rt_sigqueueinfo" | "rt_tgsigqueueinfo")
        && call.name != "pidfd_send_signal"
        && !(call.name == "prctl" && call.argument(0) == "PR_SET_NAME");
    let event = event(kind, call, vec![("call", Some(call.name.clone())), ("result", call.result())]);
    // Whether a signal leaves the tree, and whether a thread is the leader, one line of strace does not tell.
    Some(Event { certain: certain && event.certain, ..event })
}

/// Whether a call is one that the kernel half does not leave out (`monitor_common::syscall`).
fn recorded(call: &Call) -> bool {
    const PRCTL: [&str; 13] = [
        "PR_SET_PDEATHSIG",
        "PR_SET_DUMPABLE",
        "PR_SET_KEEPCAPS",
        "PR_SET_NAME",
        "PR_SET_SECCOMP",
        "PR_CAPBSET_DROP",
        "PR_SET_SECUREBITS",
        "PR_SET_MM",
        "PR_SET_CHILD_SUBREAPER",
        "PR_SET_NO_NEW_PRIVS",
        "PR_CAP_AMBIENT",
        "PR_SET_SYSCALL_USER_DISPATCH",
        "PR_SET_PTRACER",
    ];
    match call.name.as_str() {
        "prctl" => PRCTL.contains(&call.argument(0)) && call.argument(1) != "PR_CAP_AMBIENT_IS_SET",
        "ioctl" => call.argument(1).starts_with("SIOC") || call.argument(1) == "HDIO_GET_IDENTITY",
        "personality" => call.argument(0) != "0xffffffff",
        _ => true,
    }
}

pub(super) fn host_record(kind: &'static str, body: &Value) -> Option<Event> {
    // That a program gives its owner's rights is told beside its exec, and what a connect means beside it; it is no call of its own.
    if body["call"] == "setuid exec" || body["call"] == "connect" {
        return None;
    }
    Some(Event::new(kind, vec![("call", field(body, "call")), ("result", result(body))]))
}
