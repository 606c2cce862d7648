//! Calls on sockets.

use std::net::IpAddr;

use serde_json::Value;

use super::{Context, Event, Known, event, field, result, text};
use crate::oracle::syntax::{self, Call, File, file, member, members, shown, string};

/// connect, bind: calls with the address of a socket.
pub(super) fn address(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let mut fields = vec![("result", call.result()), ("connection", connection(file(call.argument(0)).as_ref()))];
    fields.extend(socket_address(call.argument(1)));
    Some(event(kind, call, fields))
}

pub(super) fn address_record(kind: &'static str, body: &Value) -> Option<Event> {
    let mut fields = vec![("result", result(body)), ("connection", number(body, "connection"))];
    fields.extend(address_of(body));
    Some(Event::new(kind, fields))
}

/// listen, which gives no address.
pub(super) fn listen(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let socket = connection(file(call.argument(0)).as_ref());
    Some(event(kind, call, vec![("result", call.result()), ("connection", socket)]))
}

pub(super) fn listen_record(kind: &'static str, body: &Value) -> Option<Event> {
    Some(Event::new(kind, vec![("result", result(body)), ("connection", number(body, "connection"))]))
}

/// accept, accept4: the new socket and its peer, where the caller asked for that; of a failed call the socket that listens.
pub(super) fn accept(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let accepted = call.value().and_then(|value| value.file.clone());
    let socket = accepted.clone().or_else(|| file(call.argument(0)));
    let [_, address, port, _] = socket_address(accepted.map_or("", |_| call.argument(1)));
    Some(event(kind, call, vec![("result", call.result()), ("connection", connection(socket.as_ref())), address, port]))
}

pub(super) fn accept_record(kind: &'static str, body: &Value) -> Option<Event> {
    let [_, address, port, _] = address_of(body);
    Some(Event::new(kind, vec![("result", result(body)), ("connection", number(body, "connection")), address, port]))
}

/// Calls that send; of the others each receives, or says by the place of the socket which it does.
const SENDING: [&str; 8] = ["write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "sendmmsg"];

/// Bytes that were sent or received, by socket and direction.
pub(super) fn traffic(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let moved = call.value().filter(|value| value.number > 0)?;
    // What is only looked at is received by the call that takes it.
    let looks = |at| call.argument(at).contains("MSG_PEEK") || call.argument(at).contains("MSG_ERRQUEUE");
    if call.name.starts_with("recv") && (looks(2) || looks(3)) {
        return None;
    }
    let socket = |at: usize| connection(file(call.argument(at)).as_ref());
    let (socket, sent) = match call.name.as_str() {
        // Out of the second descriptor into the first; splice the other way round.
        "sendfile" => (socket(0)?, true),
        "splice" => socket(2).map(|socket| (socket, true)).or_else(|| Some((socket(0)?, false)))?,
        name => (socket(0)?, SENDING.contains(&name)),
    };
    let bytes = match call.name.as_str() {
        // The result counts messages; their bytes stand in them.
        "sendmmsg" | "recvmmsg" => {
            let messages = members(call.argument(1)).into_iter().take(usize::try_from(moved.number).ok()?);
            messages.filter_map(|message| syntax::number(&member(&message, "msg_len")?)).sum()
        }
        _ => moved.number,
    };
    let direction = if sent { "sent" } else { "received" };
    let fields = vec![("connection", Some(socket)), ("direction", Some(direction.to_owned()))];
    Some(Event { count: u64::try_from(bytes).ok()?, ..event(kind, call, fields) })
}

pub(super) fn traffic_record(kind: &'static str, body: &Value) -> Option<Event> {
    // What tells of a burst that goes on is told again with its end.
    body.get("ended")?;
    let fields = vec![("connection", number(body, "connection")), ("direction", field(body, "direction"))];
    Some(Event { count: body["bytes"].as_u64()?, ..Event::new(kind, fields) })
}

/// A number of a record.
fn number(body: &Value, name: &str) -> Known {
    Some(body[name].to_string())
}

/// The inode of a socket, which names the connection.
fn connection(socket: Option<&File>) -> Known {
    let name = shown(&socket?.path);
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
        ("port", number(body, "port")),
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

    #[test]
    fn an_accepted_socket_is_the_new_one_with_its_peer() {
        let call = r#"accept4(3<\x61>, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("\x31\x2e\x32\x2e\x33\x2e\x34")}, [16], SOCK_CLOEXEC)"#;
        let seen = |outcome: &str| {
            let call = Call::parse(&format!("{call} = {outcome}")).unwrap();
            accept("accept", &call, &Context::default()).unwrap().to_string()
        };
        assert_eq!(
            seen(r"5<\x73\x6f\x63\x6b\x65\x74\x3a\x5b\x37\x5d>"),
            "accept result=5 connection=7 address=1.2.3.4 port=9"
        );
        assert_eq!(seen("-1 EAGAIN (Again)"), "accept result=EAGAIN connection=? address=? port=?");
    }

    #[test]
    fn bytes_are_counted_on_sockets_only() {
        let socket = r"3<\x73\x6f\x63\x6b\x65\x74\x3a\x5b\x37\x5d>";
        let seen = |line: String| traffic("traffic", &Call::parse(&line).unwrap(), &Context::default());
        let text = |line: String| seen(line).unwrap().to_string();
        assert_eq!(text(format!("write({socket}, 0x1, 5) = 5")), "traffic connection=7 direction=sent ×5");
        assert_eq!(text(format!("read({socket}, 0x1, 5) = 2")), "traffic connection=7 direction=received ×2");
        assert_eq!(
            text(format!("splice(4, NULL, {socket}, NULL, 9, 0) = 4")),
            "traffic connection=7 direction=sent ×4"
        );
        assert_eq!(
            text(format!("sendmmsg({socket}, [{{msg_hdr={{}}, msg_len=3}}, {{msg_hdr={{}}, msg_len=4}}], 2, 0) = 2")),
            "traffic connection=7 direction=sent ×7"
        );
        assert_eq!(seen(format!("recvfrom({socket}, 0x1, 5, MSG_PEEK|MSG_DONTWAIT, NULL, NULL) = 5")), None);
        assert_eq!(seen(r"read(3<\x2f>, 0x1, 5) = 5".to_owned()), None);
        assert_eq!(seen(format!("read({socket}, 0x1, 5) = -1 EAGAIN (Again)")), None);
    }
}
