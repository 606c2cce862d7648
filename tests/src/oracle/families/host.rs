//! Calls about the process itself and about the host, and those that deserve attention.

use serde_json::Value;

use super::{Context, Event, event, field, result};
use crate::oracle::syntax::Call;

pub(super) fn host(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    // Of sockets only those are recorded that carry raw packets.
    let raw = |call: &Call| {
        let asks = |at: usize, name: &str| call.argument(at).split('|').any(|word| word == name);
        asks(0, "AF_PACKET") || asks(1, "SOCK_RAW")
    };
    // Netlink tells facts about the host; what is asked for interfaces and routes is told by the messages.
    if call.name == "socket" && call.argument(0) == "AF_NETLINK" {
        let fields = vec![("call", Some(call.name.clone())), ("result", call.result()), ("pid", None)];
        return (call.argument(2) != "NETLINK_ROUTE").then(|| event("metadata", call, fields));
    }
    if call.name == "socket" && !raw(call) {
        return None;
    }
    if !recorded(call) {
        return None;
    }
    let is_signal = SIGNALS.contains(&call.name.as_str());
    let target = if is_signal { target(call) } else { None };
    // Of threads other than the leader the name is nobody's business, and a signal within the tree neither.
    let is_thread_name = call.name == "prctl" && call.argument(0) == "PR_SET_NAME" && !context.leader;
    if is_thread_name || target.is_some_and(|target| context.tree.contains(&target)) {
        return None;
    }
    let pid = target.filter(|_| !call.argument(0).starts_with('-')).map(|target| target.to_string());
    let fields = vec![("call", Some(call.name.clone())), ("result", call.result()), ("pid", pid)];
    let event = event(kind, call, fields);
    // Whether a signal leaves the tree, strace does not tell where it goes to a pidfd, to the own group or to everybody.
    Some(Event { certain: event.certain && (!is_signal || target.is_some()), ..event })
}

/// Calls that send a signal.
const SIGNALS: [&str; 6] = ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_send_signal"];

/// The process, or the leader of the group, that a signal is sent to, in the initial pid namespace.
fn target(call: &Call) -> Option<u32> {
    let (number, note) = call.argument(0).split_once(" /* ").unwrap_or((call.argument(0), ""));
    let number = note.split(' ').next().filter(|number| !number.is_empty()).unwrap_or(number);
    let pid: u32 = number.trim_start_matches('-').parse().ok()?;
    (call.name != "pidfd_send_signal" && pid > 1).then_some(pid)
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
    // strace decodes the messages of netlink for some of the calls that send, of some sockets.
    let other = ["setuid exec", "capability exec", "connect", "sendto", "sendmsg", "sendmmsg", "write", "writev"];
    if other.iter().any(|name| body["call"] == *name) {
        return None;
    }
    let pid = Some(body["pid"].to_string());
    Some(Event::new(kind, vec![("call", field(body, "call")), ("result", result(body)), ("pid", pid)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_told_where_it_leaves_the_tree() {
        let context = Context { tree: std::sync::Arc::new([7, 8].into()), ..Context::default() };
        let seen = |line: &str| host("attention", &Call::parse(line).unwrap(), &context);
        assert_eq!(seen("kill(7, SIGTERM) = 0"), None);
        assert_eq!(seen("kill(-8, SIGTERM) = 0"), None);
        assert_eq!(seen("kill(2 /* 8 in strace's PID NS */, SIGTERM) = 0"), None);
        let outside = seen("kill(9, SIGTERM) = 0").unwrap();
        assert_eq!((outside.to_string().as_str(), outside.certain), ("attention call=kill result=0 pid=9", true));
        for line in ["kill(0, SIGTERM) = 0", "kill(-1, SIGTERM) = 0", "pidfd_send_signal(7, SIGTERM, NULL, 0) = 0"] {
            assert!(!seen(line).unwrap().certain, "{line}");
        }
    }

    #[test]
    fn only_the_leader_names_the_process() {
        let call = Call::parse(r#"prctl(PR_SET_NAME, "\x61") = 0"#).unwrap();
        assert_eq!(host("identity", &call, &Context::default()), None);
        assert!(
            host("identity", &call, &Context { leader: true, ..Context::default() }).is_some_and(|event| event.certain)
        );
    }
}
