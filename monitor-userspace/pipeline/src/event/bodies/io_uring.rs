//! Requests that were submitted to an io_uring.

use std::{borrow::Cow, net::SocketAddr};

use bytes::Bytes;
use monitor_common::{
    body::{self, call_text},
    decode::Str,
    io_uring::{self, OPERATIONS, request},
};

use super::change::Told;
use crate::{
    event::{at_flags, sockaddr},
    record::{HostCall, OpenFlags, State, Text},
};

/// A request that was submitted to an io_uring; its result is not known. `scratch` is for composing paths.
#[must_use]
pub fn io_uring(
    call: &body::Call,
    texts: &[Str<'_>; call_text::COUNT],
    bytes: &Bytes,
    scratch: &mut Vec<u8>,
) -> HostCall {
    let mut found = HostCall {
        call: Cow::Borrowed("io_uring"),
        detail: Some(Cow::Owned(detail(call.syscall, call.args[request::FLAGS]))),
        ..HostCall::default()
    };
    let told = Told::request(call, texts, bytes);
    match call.syscall {
        io_uring::CONNECT | io_uring::BIND => {
            found.address = endpoint(&bytes.slice_ref(texts[call_text::REQUESTED].bytes));
        }
        io_uring::RENAMEAT | io_uring::LINKAT => {
            let (from, to) = (told.file(false, scratch), told.file(true, scratch));
            (found.from, found.from_state) = (from.path, from.state);
            (found.path, found.path_state) = (to.path, to.state);
            (found.requested, found.requested_state) = told.requested(call_text::SECOND_REQUESTED);
        }
        io_uring::SYMLINKAT => {
            (found.from, found.from_state) = told.requested(call_text::REQUESTED);
            let to = told.file(true, scratch);
            (found.path, found.path_state) = (to.path, to.state);
            (found.requested, found.requested_state) = told.requested(call_text::SECOND_REQUESTED);
        }
        _ => {
            let file = told.file(false, scratch);
            (found.path, found.path_state) = (file.path, file.state);
            (found.requested, found.requested_state) = told.requested(call_text::REQUESTED);
        }
    }
    if found.path.is_none() && found.requested.is_some() && found.path_state == State::Complete {
        found.path_state = State::Unresolved;
    }
    found
}

/// The operation, and of one that opens what for.
fn detail(operation: u32, flags: u64) -> String {
    let known = OPERATIONS.into_iter().find(|(number, _)| *number == operation);
    let name = known.map_or_else(|| format!("IORING_OP_{operation}"), |(_, name)| name.to_owned());
    let flags = match operation {
        io_uring::OPENAT | io_uring::OPENAT2 => {
            // The kernel adds it to every request but those with O_PATH, and so has every open of a 64-bit program.
            const LARGEFILE: u64 = 0o100_000;
            let (access, flags) = OpenFlags::split(flags & !LARGEFILE);
            return format!("{name} {} {flags}", access.name()).trim_end().to_owned();
        }
        io_uring::MKDIRAT => return format!("{name} {flags:04o}"),
        io_uring::RENAMEAT => at_flags::named(flags, &at_flags::RENAME),
        _ => at_flags::named(flags, &at_flags::AT),
    };
    [Cow::Borrowed(name.as_str())].into_iter().chain(flags).collect::<Vec<_>>().join(" ")
}

/// `127.0.0.1:443`, `[::1]:443`, or the path or abstract name of a unix socket.
fn endpoint(bytes: &Bytes) -> Option<Text> {
    let address = sockaddr::parse(bytes);
    match (address.ip, address.path, address.family) {
        (Some(ip), ..) => Some(SocketAddr::new(ip, address.port.unwrap_or(0)).to_string().into_bytes().into()),
        (None, Some(path), _) => Some(path),
        (None, None, family) => family.map(|family| Text::from(family.into_owned().into_bytes())),
    }
}
