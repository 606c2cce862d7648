//! The network.

use std::{borrow::Cow, net::IpAddr};

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::record::text::{State, Text};

/// connect has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connect {
    /// `ipv4`, `ipv6`, `unix`, `netlink`, `unspec`, or `af_N`; absent when the address could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Cow<'static, str>>,
    /// The address; IPv4-mapped IPv6 addresses are kept as they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// How the socket address came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub address_state: State,
    /// The scope (interface index) of an IPv6 address that has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<u32>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path of a unix socket as it was given; an abstract name begins with `@` (unix(7)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// `tcp`, `udp`, or another protocol by name or number; `stream`, `dgram`, … for a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'static, str>>,
    /// The inode of the socket, which names the connection for as long as it lives; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// The name of the host that was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// How the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_source: Option<NameSource>,
    /// Nanoseconds that the call took; absent where its entry was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<u64>,
    /// 0, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed; `EINPROGRESS` is a connection that was begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
}

/// How the name of an endpoint is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameSource {
    /// An answer of a name server, in the same process tree, gave the address for this name.
    Dns,
    /// The server name of a TLS ClientHello.
    Sni,
    /// The `Host` field of an HTTP request.
    HttpHost,
    /// The target of an HTTP CONNECT to a proxy.
    ConnectHost,
}

impl NameSource {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Sni => "sni",
            Self::HttpHost => "http_host",
            Self::ConnectHost => "connect_host",
        }
    }
}

/// bind, listen or accept has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// `ipv4`, `ipv6`, `unix`, `netlink`, `unspec`, or `af_N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Cow<'static, str>>,
    /// The IP address: of bind the one asked for, of listen the socket's own, of accept the peer's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// How the socket address came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub address_state: State,
    /// The port of the address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path of a unix socket as it was given; an abstract name begins with `@` (unix(7)). Of accept the listener's,
    /// since whoever connects has none as a rule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// The socket's own IP address, once bind or accept has returned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_address: Option<IpAddr>,
    /// The socket's own port: of a bind to port 0 the one that the kernel chose.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_port: Option<u16>,
    /// `tcp`, `udp`, or another protocol by name or number; `stream`, `dgram`, … for a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'static, str>>,
    /// The inode of the socket, which names the connection for as long as it lives: of accept that of the new one. Absent
    /// when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// Nanoseconds that the call took; absent where its entry was not seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_ns: Option<u64>,
    /// What the call returned: a value, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
}

/// Which way bytes went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The process sent them.
    #[default]
    Sent,
    /// The process received them.
    Received,
}

/// A burst of sending or of receiving on one socket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// The inode of the socket, which names the connection for as long as it lives; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// Which way the bytes went.
    pub direction: Direction,
    /// Bytes of the burst so far.
    pub bytes: u64,
    /// Calls of the burst so far.
    pub calls: u64,
    /// When the first call of the burst returned, nanoseconds of the boot clock.
    pub started: u64,
    /// When the last call of the burst returned; absent while the burst lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<u64>,
    /// `ipv4`, `ipv6`, `unix`, `netlink`, `unspec`, or `af_N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Cow<'static, str>>,
    /// The IP address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// The port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The path of a unix socket as it was given; an abstract name begins with `@` (unix(7)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// `tcp`, `udp`, or another protocol by name or number; `stream`, `dgram`, … for a unix socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Cow<'static, str>>,
    /// The name of the host that was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// How the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_source: Option<NameSource>,
}

/// A message to or from a name server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dns {
    /// The inode of the socket, which names the connection for as long as it lives; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// The message came from the server; else it went there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub response: bool,
    /// The name asked for, without its last dot; bytes that are no printable ASCII as `\DDD` (RFC 4343, 2.1).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Text>,
    /// How the name came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub question_state: State,
    /// The type asked for: `A`, `AAAA`, ….
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<Cow<'static, str>>,
    /// What the answer says: addresses, names, texts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Text>,
    /// Whether all answers are there.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub answers_state: State,
    /// What went to or came from the port is no message of RFC 1035.
    #[serde(default, skip_serializing_if = "is_false")]
    pub malformed: bool,
    /// The response code by name, where it is not `NOERROR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The address of the name server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<IpAddr>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

/// The name of an endpoint, from the first bytes of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// The inode of the socket, which names the connection for as long as it lives; absent when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection: Option<u64>,
    /// The name of the host that was meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// How the name came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub name_state: State,
    /// How the name is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_source: Option<NameSource>,
    /// The IP address of the peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// Its port.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}
