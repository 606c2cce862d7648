//! The network.

use std::net::IpAddr;

use bytes::Bytes;
use monitor_common::{
    Kind,
    body::{self, call_text, dns_text, name_source, name_text, traffic_flag},
    decode::Str,
};

use super::text;
use crate::{
    event::{dns as message, errno, sockaddr},
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

/// A message to or from a name server, and the addresses that it gives to the name asked for.
#[must_use]
pub fn dns(dns: &body::Dns, texts: &[Str<'_>; dns_text::COUNT], bytes: &Bytes) -> (Dns, Vec<IpAddr>) {
    let server = sockaddr::parse(&bytes.slice_ref(texts[dns_text::SERVER].bytes));
    let (message, state) = (texts[dns_text::MESSAGE].bytes, State::from(texts[dns_text::MESSAGE].state));
    let response = dns.flags & traffic_flag::RECEIVED != 0;
    let read = message::parse(message);
    let malformed = read.is_none() && !message.is_empty();
    let read = read.unwrap_or_default();
    let left_out = if read.is_whole { State::Complete } else { State::Cut };
    let body = Dns {
        connection: connection(dns.inode),
        response,
        question_state: if read.question.is_some() { State::Complete } else { state },
        question: read.question,
        r#type: read.r#type,
        answers: read.answers,
        answers_state: if read.is_response { left_out } else { State::Complete },
        malformed,
        error: read.error,
        server: server.ip,
        port: server.port,
    };
    // A question names nothing, whatever it carries.
    let names = response && read.is_response;
    (body, if names { read.addresses } else { Vec::new() })
}

/// The name in the first bytes of a stream.
#[must_use]
pub fn name(name: &body::Name, texts: &[Str<'_>; name_text::COUNT], bytes: &Bytes) -> Name {
    let peer = sockaddr::parse(&bytes.slice_ref(texts[name_text::PEER].bytes));
    let (host, host_state) = text(texts[name_text::NAME], bytes);
    Name {
        connection: connection(name.inode),
        name: host,
        name_state: host_state,
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
