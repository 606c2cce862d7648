//! Kinds of one shape: files that are looked at and changed, sockets, calls about the host.

use std::{
    borrow::Cow,
    fmt::Write as _,
    net::{IpAddr, SocketAddr},
};

use super::{state_name, text};
use crate::record::{Body, Change, Direction, Dns, HostCall, NameSource, State, Text, escape_into};

/// Appends what a record of these kinds is about; nothing for the other kinds.
pub(super) fn subject(body: &Body, out: &mut String) {
    match body {
        Body::Readlink(link) => {
            path(link.path.as_ref(), link.path_state, link.requested.as_ref(), out);
            arrow(link.target.as_ref(), link.target_state, out);
        }
        Body::Stat(stat) => match &stat.anonymous {
            _ if stat.descriptor && stat.path.is_none() && stat.repeats => out.push_str("(open descriptors)"),
            Some(name) if name.as_bytes().is_empty() => out.push_str("(no path)"),
            Some(name) => text(Some(name), State::Complete, out),
            None => path(stat.path.as_ref(), stat.path_state, stat.requested.as_ref(), out),
        },
        Body::Rename(pair) | Body::Link(pair) => {
            path(pair.from.as_ref(), pair.from_state, pair.requested_from.as_ref(), out);
            out.push_str(if pair.exchanges() { " <-> " } else { " -> " });
            path(pair.to.as_ref(), pair.to_state, pair.requested_to.as_ref(), out);
        }
        Body::Symlink(pair) => {
            path(pair.to.as_ref(), pair.to_state, pair.requested_to.as_ref(), out);
            arrow(pair.from.as_ref(), pair.from_state, out);
        }
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => match &change.anonymous {
            Some(name) => text(Some(name), State::Complete, out),
            None => path(change.path.as_ref(), change.path_state, change.requested.as_ref(), out),
        },
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => {
            peer(socket.address, socket.port, socket.path.as_ref(), socket.family.as_ref(), out);
        }
        Body::Traffic(traffic) => {
            named(traffic.name.as_ref(), traffic.name_source, out);
            peer(traffic.address, traffic.port, traffic.path.as_ref(), traffic.family.as_ref(), out);
        }
        Body::Dns(dns) => {
            question(dns, out);
        }
        Body::Name(name) => {
            named(name.name.as_ref(), name.name_source, out);
            peer(name.address, name.port, None, None, out);
        }
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => host(call, out),
        _ => {}
    }
}

/// Appends how it ended; `true` says that it went wrong.
pub(super) fn outcome(body: &Body, out: &mut String) -> bool {
    let error = match body {
        Body::Readlink(link) => &link.error,
        Body::Stat(stat) => {
            if stat.repeats {
                let _ = write!(out, "{} more ", stat.count);
            }
            &stat.error
        }
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => &pair.error,
        Body::Unlink(change) => {
            out.push_str(if change.removes_folder() { "folder" } else { "" });
            &change.error
        }
        Body::Mkdir(change) => {
            if change.call.starts_with("mknod") {
                out.push_str(file_type(change.mode.unwrap_or(0)));
                super::space(out);
            }
            attributes(change, out);
            &change.error
        }
        Body::Chmod(change) | Body::Chown(change) | Body::Truncate(change) => {
            attributes(change, out);
            &change.error
        }
        Body::Bind(socket) | Body::Listen(socket) | Body::Accept(socket) => {
            out.push_str(socket.protocol.as_deref().unwrap_or_default());
            &socket.error
        }
        Body::Traffic(traffic) => {
            let way = if traffic.direction == Direction::Sent { "sent" } else { "received" };
            let _ = write!(out, "{way} {} bytes", traffic.bytes);
            &None
        }
        Body::Dns(dns) => {
            out.push_str(dns.r#type.as_deref().unwrap_or_default());
            &dns.error
        }
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => &call.error,
        _ => &None,
    };
    let Some(error) = error else { return false };
    super::space(out);
    out.push_str(error);
    true
}

/// A path, or what was asked for where there is none: in a folder that is not known it is marked as such.
fn path(path: Option<&Text>, state: State, requested: Option<&Text>, out: &mut String) {
    match (path, requested) {
        (Some(path), _) => text(Some(path), state, out),
        (None, Some(asked)) => {
            if !asked.as_bytes().is_empty() && !asked.as_bytes().starts_with(b"/") {
                out.push_str("?/");
            }
            text(Some(asked), State::Complete, out);
        }
        (None, None) => {
            let _ = write!(out, "({})", state_name(state));
        }
    }
}

fn arrow(to: Option<&Text>, state: State, out: &mut String) {
    if to.is_some() {
        out.push_str(" -> ");
        text(to, state, out);
    }
}

/// What is set: the permissions, `owner:group` as chown(1) has it, the length.
fn attributes(change: &Change, out: &mut String) {
    if let Some(mode) = change.mode {
        let _ = write!(out, "{:04o}", mode & PERMISSIONS);
    }
    let id = |id: Option<u32>| id.map(|id| id.to_string()).unwrap_or_default();
    if change.owner.is_some() || change.group.is_some() {
        let _ = write!(out, "{}:{}", id(change.owner), id(change.group));
    }
    if let Some(length) = change.length {
        let _ = write!(out, "{length} bytes");
    }
}

/// The permission bits of a mode; the type of the file stands above them (inode(7)).
const PERMISSIONS: u32 = 0o7777;

/// The type of a file that mknod makes; 0 means a regular file (mknod(2)).
const fn file_type(mode: u32) -> &'static str {
    match mode & 0o170_000 {
        0o010_000 => "fifo",
        0o020_000 => "character device",
        0o060_000 => "block device",
        0o140_000 => "socket",
        _ => "file",
    }
}

/// The name asked for, and after an arrow what the server said.
fn question(dns: &Dns, out: &mut String) {
    match (&dns.question, dns.malformed) {
        (None, true) => out.push_str("(no DNS message)"),
        (question, _) => text(question.as_ref(), dns.question_state, out),
    }
    for (at, answer) in dns.answers.iter().enumerate() {
        out.push_str(if at == 0 { " -> " } else { ", " });
        answer.escape_into(out);
    }
    if !dns.answers.is_empty() {
        super::mark(dns.answers_state, out);
    }
}

/// The name of an endpoint, before its address.
pub(super) fn named(name: Option<&Text>, source: Option<NameSource>, out: &mut String) {
    if let Some(name) = name {
        name.escape_into(out);
        let _ = write!(out, " ({}) ", source.map_or("?", NameSource::name));
    }
}

fn peer(
    address: Option<IpAddr>,
    port: Option<u16>,
    path: Option<&Text>,
    family: Option<&Cow<'static, str>>,
    out: &mut String,
) {
    match (address, path) {
        (Some(ip), _) => {
            let _ = write!(out, "{}", SocketAddr::new(ip, port.unwrap_or(0)));
        }
        (None, Some(path)) => path.escape_into(out),
        (None, None) => {
            if let Some(family) = family {
                let _ = write!(out, "({family})");
            }
        }
    }
}

fn host(call: &HostCall, out: &mut String) {
    out.push_str(&call.call);
    if let Some(pid) = call.pid {
        let _ = write!(out, " {pid}{}", if call.pid_is_local { " (own namespace)" } else { "" });
    }
    if let Some(detail) = &call.detail {
        out.push(' ');
        escape_into(detail.as_bytes(), out);
    }
    if call.from.is_some() {
        out.push(' ');
        text(call.from.as_ref(), call.from_state, out);
        out.push_str(" ->");
    }
    if let Some(address) = &call.address {
        out.push(' ');
        address.escape_into(out);
    }
    if call.path.is_some() || call.requested.is_some() {
        out.push(' ');
        path(call.path.as_ref(), call.path_state, call.requested.as_ref(), out);
    }
}
