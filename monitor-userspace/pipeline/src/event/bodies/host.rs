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
    record::HostCall,
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
