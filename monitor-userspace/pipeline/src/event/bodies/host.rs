//! Calls about the host, the process itself, and others.

use std::borrow::Cow;

use bytes::Bytes;
use monitor_common::{
    body::{self, call_text},
    decode::Str,
    syscall,
};

use super::text;
use crate::{
    event::{call, errno, sockaddr},
    record::{Exec, HostCall},
};

/// A call that changes who a process is, asks for facts about the host, or deserves attention.
#[must_use]
pub fn host_call(call: &body::Call, texts: &[Str<'_>; call_text::COUNT], bytes: &Bytes) -> HostCall {
    let (requested, requested_state) = text(texts[call_text::REQUESTED], bytes);
    let (path, path_state) = text(texts[call_text::PATH], bytes);
    let [family, kind, ..] = call.args;
    HostCall {
        call: call::name(call.syscall),
        detail: (u64::from(call.syscall) == syscall::SOCKET).then(|| sockaddr::socket(family, kind)),
        path,
        path_state,
        requested,
        requested_state,
        result: call.result,
        error: errno::of_result(call.result),
        ..HostCall::default()
    }
}

/// An exec by which a process has other rights than those of its user, or that of a program which gives such.
#[must_use]
pub fn raised(exec: &Exec, uid: u32) -> Option<HostCall> {
    let other = |name: &str, effective: Option<u32>, real: u32| {
        effective.filter(|id| *id != real).map(|id| format!("{name} {id} for {real}"))
    };
    let ids: Vec<_> =
        [other("user", exec.euid, uid), other("group", exec.egid, exec.gid)].into_iter().flatten().collect();
    if ids.is_empty() && exec.privileges.is_empty() {
        return None;
    }
    let detail = if ids.is_empty() { exec.privileges.join(", ") } else { ids.join(", ") };
    Some(HostCall {
        call: Cow::Borrowed("setuid exec"),
        detail: Some(Cow::Owned(detail)),
        path: exec.path.clone(),
        path_state: exec.path_state,
        ..HostCall::default()
    })
}

/// A request that was submitted to an io_uring; its result is not known.
#[must_use]
pub fn io_uring(request: &body::IoUring, texts: &[Str<'_>; 2], bytes: &Bytes) -> HostCall {
    let (requested, requested_state) = text(texts[call_text::REQUESTED], bytes);
    HostCall {
        call: Cow::Borrowed("io_uring"),
        detail: Some(Cow::Owned(format!("opcode {}", request.opcode))),
        requested,
        requested_state,
        ..HostCall::default()
    }
}
