//! Socket addresses (`struct sockaddr` and its kin).

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use bytes::Bytes;

use super::netlink;
use crate::record::Text;

/// Address families (include/linux/socket.h).
const AF_UNSPEC: u16 = 0;
const AF_UNIX: u16 = 1;
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

/// What a socket address says; absent is what it is too short for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The family by name; absent when there are not even two bytes.
    pub family: Option<Cow<'static, str>>,
    /// The IP address.
    pub ip: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// The scope of an IPv6 address, where it has one.
    pub scope: Option<u32>,
    /// The path or the abstract name (after `@`) of a unix socket; absent for an unnamed one.
    pub path: Option<Text>,
}

/// Parses the bytes of a socket address (ip(7), ipv6(7), unix(7)).
#[must_use]
pub fn parse(bytes: &Bytes) -> Address {
    let Some((family, rest)) = bytes.split_first_chunk::<2>() else { return Address::default() };
    let family = u16::from_ne_bytes(*family);
    let mut address = Address { family: Some(family_name(family)), ..Address::default() };
    match family {
        AF_INET => {
            address.port = rest.first_chunk().map(|port| u16::from_be_bytes(*port));
            address.ip = chunk::<4>(rest, 2).map(|ip| IpAddr::V4(Ipv4Addr::from(ip)));
        }
        AF_INET6 => {
            address.port = rest.first_chunk().map(|port| u16::from_be_bytes(*port));
            address.ip = chunk::<16>(rest, 6).map(|ip| IpAddr::V6(Ipv6Addr::from(ip)));
            address.scope = chunk(rest, 22).map(u32::from_ne_bytes).filter(|scope| *scope != 0);
        }
        AF_UNIX => address.path = unix(&bytes.slice(2..)),
        _ => {}
    }
    address
}

fn chunk<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// A path ends at its first NUL; an abstract name begins with one and has the length that the address has, but
/// programs that pass the whole structure pad it with NULs.
fn unix(path: &Bytes) -> Option<Text> {
    if path.first() == Some(&0) {
        let name = path[1..].iter().rposition(|byte| *byte != 0).map(|last| &path[1..last + 2])?;
        return Some(Text::from([b"@", name].concat()));
    }
    let end = path.iter().position(|byte| *byte == 0).unwrap_or(path.len());
    (end > 0).then(|| Text::new(path.slice(..end)))
}

pub(super) fn family_name(family: u16) -> Cow<'static, str> {
    Cow::Borrowed(match family {
        AF_UNSPEC => "unspec",
        AF_UNIX => "unix",
        AF_INET => "ipv4",
        AF_INET6 => "ipv6",
        16 => "netlink",
        17 => "packet",
        31 => "bluetooth",
        38 => "alg",
        40 => "vsock",
        44 => "xdp",
        _ => return Cow::Owned(format!("af_{family}")),
    })
}

/// The protocol of a socket: by name where it has one in common use (IANA protocol numbers), else the type
/// of the socket (socket(2)); `None` where neither was read.
#[must_use]
pub fn protocol(socket_type: u16, protocol: u16, family: &str) -> Option<Cow<'static, str>> {
    if matches!(family, "ipv4" | "ipv6") {
        match protocol {
            0 => {}
            1 => return Some(Cow::Borrowed("icmp")),
            6 => return Some(Cow::Borrowed("tcp")),
            17 => return Some(Cow::Borrowed("udp")),
            58 => return Some(Cow::Borrowed("icmpv6")),
            132 => return Some(Cow::Borrowed("sctp")),
            262 => return Some(Cow::Borrowed("mptcp")),
            other => return Some(Cow::Owned(format!("protocol_{other}"))),
        }
    }
    type_name(socket_type).map(Cow::Borrowed)
}

/// What a call of socket(2) asked for: family and type by name, without the flags of the type; of netlink the protocol too.
#[must_use]
pub fn socket(family: u64, kind: u64, protocol: u64) -> String {
    // The call takes all as an int; `SOCK_TYPE_MASK` (linux/net.h).
    let name = family_name(u16::try_from(family as u32).unwrap_or(u16::MAX));
    let kind = (kind & 0xf) as u16;
    let mut text = match type_name(kind) {
        Some(kind) => format!("{name} {kind}"),
        None => format!("{name} type_{kind}"),
    };
    if name == "netlink" {
        text.push(' ');
        text.push_str(&netlink::protocol(protocol as u32));
    }
    text
}

fn type_name(socket_type: u16) -> Option<&'static str> {
    Some(match socket_type {
        1 => "stream",
        2 => "dgram",
        3 => "raw",
        5 => "seqpacket",
        _ => return None,
    })
}
