//! Calls on sockets.

use std::net::IpAddr;

use serde_json::Value;

use super::{Context, Event, Known, event, field, result, text};
use crate::oracle::syntax::{Call, file, member, members, shown, string};

/// connect, bind: calls with the address of a socket.
pub(super) fn address(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let mut fields = vec![("result", call.result()), ("connection", connection(call.argument(0)))];
    fields.extend(socket_address(call.argument(1)));
    Some(event(kind, call, fields))
}

pub(super) fn address_record(kind: &'static str, body: &Value) -> Option<Event> {
    let mut fields = vec![("result", result(body)), ("connection", Some(body["connection"].to_string()))];
    fields.extend(address_of(body));
    Some(Event::new(kind, fields))
}

/// listen, accept: calls that give no address.
pub(super) fn listen(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let socket = connection(call.argument(0));
    Some(event(kind, call, vec![("result", call.result()), ("connection", socket)]))
}

pub(super) fn listen_record(kind: &'static str, body: &Value) -> Option<Event> {
    let socket = Some(body["connection"].to_string());
    Some(Event::new(kind, vec![("result", result(body)), ("connection", socket)]))
}

/// The inode of a socket, which names the connection.
fn connection(descriptor: &str) -> Known {
    let name = shown(&file(descriptor)?.path);
    Some(name.strip_prefix("socket:[")?.strip_suffix(']')?.to_owned())
}

/// A socket address as strace prints it.
fn socket_address(text_: &str) -> [(&'static str, Known); 4] {
    let family = match member(text_, "sa_family").as_deref() {
        Some("AF_INET") => Some("ipv4"),
        Some("AF_INET6") => Some("ipv6"),
        Some("AF_UNIX") => Some("unix"),
        Some("AF_NETLINK") => Some("netlink"),
        Some("AF_UNSPEC") => Some("unspec"),
        _ => None,
    };
    let port = ["sin_port", "sin6_port"].into_iter().find_map(|name| member(text_, name));
    let port = port.and_then(|port| Some(port.strip_prefix("htons(")?.strip_suffix(')')?.to_owned()));
    // `sin_addr=inet_addr("…")` and `inet_pton(AF_INET6, "…", &sin6_addr)`.
    let quoted = members(text_).into_iter().find(|part| part.contains("inet_addr(") || part.starts_with("inet_pton("));
    let ip = text(quoted.and_then(|part| string(&part))).and_then(|text| text.parse::<IpAddr>().ok());
    let path = member(text_, "sun_path").and_then(|path| {
        let at = if path.starts_with('@') { "@" } else { "" };
        Some(format!("{at}{}", text(string(&path))?))
    });
    [("family", family.map(str::to_owned)), ("address", ip.map(|ip| ip.to_string())), ("port", port), ("path", path)]
}

/// A socket address as a record holds it.
fn address_of(body: &Value) -> [(&'static str, Known); 4] {
    [
        ("family", field(body, "family")),
        ("address", field(body, "address")),
        ("port", Some(body["port"].to_string())),
        ("path", field(body, "path")),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_known_by_its_inode() {
        let call = Call::parse(r"listen(3<\x73\x6f\x63\x6b\x65\x74\x3a\x5b\x37\x5d>, 1) = 0").unwrap();
        assert_eq!(listen("listen", &call, &Context::default()).unwrap().to_string(), "listen result=0 connection=7");
    }

    #[test]
    fn addresses_of_every_family_are_read() {
        let seen = |socket: &str| {
            let line = format!("connect(3, {socket}, 16) = -1 ECONNREFUSED (Connection refused)");
            address("connect", &Call::parse(&line).unwrap(), &Context::default()).unwrap().to_string()
        };
        assert_eq!(
            seen(r#"{sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("\x31\x2e\x32\x2e\x33\x2e\x34")}"#),
            "connect result=ECONNREFUSED connection=? family=ipv4 address=1.2.3.4 port=9 path=?"
        );
        assert_eq!(
            seen(r#"{sa_family=AF_INET6, sin6_port=htons(9), inet_pton(AF_INET6, "\x3a\x3a\x31", &sin6_addr), x=0}"#),
            "connect result=ECONNREFUSED connection=? family=ipv6 address=::1 port=9 path=?"
        );
        assert_eq!(
            seen(r#"{sa_family=AF_UNIX, sun_path=@"\x61"}"#),
            "connect result=ECONNREFUSED connection=? family=unix address=? port=? path=@a"
        );
    }
}
