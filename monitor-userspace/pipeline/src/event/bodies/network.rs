//! The network.

use bytes::Bytes;
use monitor_common::{
    Kind,
    body::{self, call_text, dns_text, name_source, name_text, traffic_flag},
    decode::Str,
};

use super::text;
use crate::{
    event::{errno, sockaddr},
    record::{Connect, Direction, Dns, Name, NameSource, Socket, State, Traffic},
};

/// The inode of a socket, where it could be read.
fn connection(inode: u64) -> Option<u64> {
    (inode != 0).then_some(inode)
}

/// connect has returned.
#[must_use]
pub fn connect(connect: &body::Connect, string: Str<'_>, bytes: &Bytes) -> Connect {
    let address = sockaddr::parse(&bytes.slice_ref(string.bytes));
    let family = address.family.as_deref().unwrap_or_default();
    let protocol = sockaddr::protocol(connect.socket_type, connect.protocol, family);
    Connect {
        family: address.family,
        address: address.ip,
        address_state: string.state.into(),
        scope: address.scope,
        port: address.port,
        path: address.path,
        protocol,
        connection: connection(connect.inode),
        name: None,
        name_source: None,
        took_ns: (connect.took != 0).then_some(connect.took),
        result: connect.result,
        error: errno::of_result(connect.result),
    }
}

/// bind, listen or accept has returned.
#[must_use]
pub fn socket(kind: Kind, call: &body::Call, texts: &[Str<'_>; call_text::COUNT], bytes: &Bytes) -> Socket {
    let parse = |text: Str<'_>| sockaddr::parse(&bytes.slice_ref(text.bytes));
    let own = parse(texts[call_text::SECOND_REQUESTED]);
    let (shown, local) = if kind == Kind::Listen {
        (own, sockaddr::Address::default())
    } else {
        (parse(texts[call_text::REQUESTED]), own)
    };
    let family = shown.family.or(local.family);
    let protocol = sockaddr::protocol(call.socket_type, call.protocol, family.as_deref().unwrap_or_default());
    Socket {
        family,
        address: shown.ip,
        address_state: if kind == Kind::Bind { texts[call_text::REQUESTED].state.into() } else { State::default() },
        port: shown.port,
        path: shown.path.or(local.path),
        local_address: local.ip,
        local_port: local.port,
        protocol,
        connection: connection(call.object),
        took_ns: (call.took != 0).then_some(call.took),
        result: call.result,
        error: errno::of_result(call.result),
    }
}

/// A burst on a socket.
#[must_use]
pub fn traffic(traffic: &body::Traffic, peer: Str<'_>, bytes: &Bytes) -> Traffic {
    let address = sockaddr::parse(&bytes.slice_ref(peer.bytes));
    let family = address.family.as_deref().unwrap_or_default();
    let protocol = sockaddr::protocol(traffic.socket_type, traffic.protocol, family);
    let received = traffic.flags & traffic_flag::RECEIVED != 0;
    Traffic {
        connection: connection(traffic.inode),
        direction: if received { Direction::Received } else { Direction::Sent },
        bytes: traffic.bytes,
        calls: u64::from(traffic.calls),
        started: traffic.started,
        ended: (traffic.flags & traffic_flag::OPEN == 0).then_some(traffic.ended),
        family: address.family,
        address: address.ip,
        port: address.port,
        path: address.path,
        protocol,
        name: None,
        name_source: None,
    }
}

/// A message to or from a name server.
#[must_use]
pub fn dns(dns: &body::Dns, texts: &[Str<'_>; dns_text::COUNT], bytes: &Bytes) -> Dns {
    let server = sockaddr::parse(&bytes.slice_ref(texts[dns_text::SERVER].bytes));
    Dns {
        connection: connection(dns.inode),
        response: dns.flags & traffic_flag::RECEIVED != 0,
        server: server.ip,
        port: server.port,
        ..Dns::default()
    }
}

/// The name in the first bytes of a stream.
#[must_use]
pub fn name(name: &body::Name, texts: &[Str<'_>; name_text::COUNT], bytes: &Bytes) -> Name {
    let peer = sockaddr::parse(&bytes.slice_ref(texts[name_text::PEER].bytes));
    Name {
        connection: connection(name.inode),
        name: text(texts[name_text::NAME], bytes).0,
        name_source: match name.source {
            name_source::SNI => Some(NameSource::Sni),
            name_source::HTTP_HOST => Some(NameSource::HttpHost),
            name_source::CONNECT_HOST => Some(NameSource::ConnectHost),
            _ => None,
        },
        address: peer.ip,
        port: peer.port,
    }
}
