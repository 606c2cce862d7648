//! Calls about the host, the process itself, and others.

use std::borrow::Cow;

use bytes::Bytes;
use monitor_common::{
    body::{self, call_flag, call_text},
    decode::Str,
    syscall::{self, shape::Shape},
};

use super::{file::path_of, process::FILE_CAPABILITIES, text};
use crate::{
    event::{call, detail, errno, sockaddr},
    record::{Exec, HostCall, State, Text},
};

/// A call that changes who a process is, asks for facts about the host, or deserves attention. `scratch` is for composing
/// paths.
#[must_use]
pub fn host_call(
    call: &body::Call,
    texts: &[Str<'_>; call_text::COUNT],
    bytes: &Bytes,
    scratch: &mut Vec<u8>,
) -> HostCall {
    let number = u64::from(call.syscall);
    let shape = syscall::of_number(number).map_or(Shape::NUMBERS, |call| call.shape);
    let (requested, requested_state) = told(texts[call_text::REQUESTED], bytes);
    let (from, from_state) = told(texts[call_text::SECOND_REQUESTED], bytes);
    let (path, path_state) = if shape.is_path() {
        path_of(texts[call_text::REQUESTED], texts[call_text::PATH], call.flags, bytes, scratch)
    } else {
        told(texts[call_text::PATH], bytes)
    };
    let [family, kind, protocol, ..] = call.args;
    let detail = if number == syscall::SOCKET {
        Some(Cow::Owned(sockaddr::socket(family, kind, protocol)))
    } else {
        detail(call, texts)
    };
    let pid = pid(call, shape);
    HostCall {
        call: call::name(call.syscall),
        detail,
        pid,
        pid_is_local: pid.is_some() && call.flags & call_flag::OWN_NUMBERS != 0 && call.object == 0,
        path,
        path_state,
        requested,
        requested_state,
        from,
        from_state,
        result: Some(call.result),
        address: None,
        error: errno::of_result(call.result),
    }
}

/// A string of a call, of which nobody need say that the call has none.
fn told(string: Str<'_>, bytes: &Bytes) -> (Option<Text>, State) {
    let (text, state) = text(string, bytes);
    if text.is_none() && state == State::NotAsked { (None, State::Complete) } else { (text, state) }
}

/// The details of a call; of mount the type as well.
fn detail(call: &body::Call, texts: &[Str<'_>; call_text::COUNT]) -> Option<Cow<'static, str>> {
    let detail = detail::of(call);
    let kind = texts[call_text::SECOND_PATH].bytes;
    if u64::from(call.syscall) != syscall::MOUNT || kind.is_empty() {
        return detail.map(Cow::Owned);
    }
    let kind = Text::from(kind.to_vec());
    let flags = detail.map_or_else(String::new, |flags| format!(", {flags}"));
    Some(Cow::Owned(format!("type {}{flags}", kind.to_str())))
}

/// The process that a call is about; none where it is the caller itself, a group, or every process.
fn pid(call: &body::Call, shape: Shape) -> Option<u32> {
    let number = u64::from(call.syscall);
    if number == syscall::PIDFD_SEND_SIGNAL || number == syscall::PIDFD_GETFD {
        return u32::try_from(call.object).ok().filter(|pid| *pid != 0);
    }
    // pid_t is an int, whatever stands in the rest of the register.
    let argument = call.args.get(shape.pid_argument()?)? & 0xffff_ffff;
    u32::try_from(argument).ok().filter(|pid| *pid != 0 && *pid <= i32::MAX.unsigned_abs())
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
    let by_capabilities = ids.is_empty() && exec.privileges == [FILE_CAPABILITIES];
    Some(HostCall {
        call: Cow::Borrowed(if by_capabilities { "capability exec" } else { "setuid exec" }),
        detail: Some(Cow::Owned(detail)),
        path: exec.path.clone(),
        path_state: exec.path_state,
        ..HostCall::default()
    })
}
