//! The network.

use crate::{Text, pod};

/// [`crate::Kind::Connect`], written when the call has returned.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connect {
    /// 0, or a negative errno.
    pub result: i64,
    /// The socket's descriptor.
    pub fd: i32,
    /// The length of the address asked for.
    pub address_len: u32,
    /// `socket->type` (`SOCK_STREAM` 1, `SOCK_DGRAM` 2, …); 0 when it could not be read.
    pub socket_type: u16,
    /// `sock->sk_protocol` (`IPPROTO_*`); 0 when it could not be read.
    pub protocol: u16,
    /// Zero.
    pub pad: u32,
    /// `inode->i_ino` of the socket, which names the connection; 0 when it could not be read.
    pub inode: u64,
    /// Nanoseconds from the entry to the exit of the call; 0 where the entry was not seen.
    pub took: u64,
    /// One string: the bytes of the `struct sockaddr` asked for, at most [`crate::limits::SOCKADDR_BYTES`], without what
    /// means nothing: 8 bytes of an IPv4 address, 28 of an IPv6 address, a unix path up to its NUL. Callers pass whole
    /// structures, and the rest is whatever was on their stack.
    pub texts: [Text; 1],
}
pod!(Connect, 48);

/// [`crate::Kind::Traffic`]: a burst of sending or of receiving on one socket. A burst ends when the direction turns,
/// when it rests, or with the socket or the thread.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// `inode->i_ino` of the socket, as in [`Connect::inode`].
    pub inode: u64,
    /// Bytes that the calls said they moved.
    pub bytes: u64,
    /// When the first call of the burst returned, nanoseconds of `CLOCK_BOOTTIME`.
    pub started: u64,
    /// When the last call of the burst returned.
    pub ended: u64,
    /// Calls of the burst.
    pub calls: u32,
    /// Bits of [`traffic_flag`].
    pub flags: u32,
    /// `socket->type`.
    pub socket_type: u16,
    /// `sock->sk_protocol`.
    pub protocol: u16,
    /// Zero.
    pub pad: u32,
    /// One string: the peer, as a `struct sockaddr`; not asked where there is none.
    pub texts: [Text; 1],
}
pod!(Traffic, 56);

/// Bits of [`Traffic::flags`].
pub mod traffic_flag {
    /// The bytes were received; else they were sent.
    pub const RECEIVED: u32 = 1;
    /// The burst is not over: this record tells its beginning.
    pub const OPEN: u32 = 1 << 1;
}

/// [`crate::Kind::Dns`]: a message to or from a port 53.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dns {
    /// `inode->i_ino` of the socket.
    pub inode: u64,
    /// Bytes of the message, whatever part of it is carried.
    pub bytes: u32,
    /// Bits of [`traffic_flag`].
    pub flags: u32,
    /// The strings, by [`dns_text`].
    pub texts: [Text; dns_text::COUNT],
}
pod!(Dns, 16 + 8 * dns_text::COUNT);

/// The strings of [`Dns`], in their order on the wire.
pub mod dns_text {
    /// The name server, as a `struct sockaddr`.
    pub const SERVER: usize = 0;
    /// The message (RFC 1035), at most [`crate::limits::DNS_BYTES`].
    pub const MESSAGE: usize = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// [`crate::Kind::Name`]: the name that the first bytes of a stream give. Nothing else of them leaves the kernel half.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Name {
    /// `inode->i_ino` of the socket.
    pub inode: u64,
    /// A number of [`name_source`].
    pub source: u32,
    /// Zero.
    pub pad: u32,
    /// The strings, by [`name_text`].
    pub texts: [Text; name_text::COUNT],
}
pod!(Name, 16 + 8 * name_text::COUNT);

/// The strings of [`Name`], in their order on the wire.
pub mod name_text {
    /// The peer, as a `struct sockaddr`.
    pub const PEER: usize = 0;
    /// The name.
    pub const NAME: usize = 1;
    /// How many there are.
    pub const COUNT: usize = 2;
}

/// Where a [`Name`] comes from.
pub mod name_source {
    /// The server name of a TLS ClientHello (RFC 6066).
    pub const SNI: u32 = 1;
    /// The `Host` field of an HTTP/1 request (RFC 9112).
    pub const HTTP_HOST: u32 = 2;
    /// The target of an HTTP CONNECT to a proxy (RFC 9110).
    pub const CONNECT_HOST: u32 = 3;
}
