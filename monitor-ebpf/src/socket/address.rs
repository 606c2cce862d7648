//! Addresses of sockets, as `struct sockaddr` and its kin: read from the caller, or made from what the kernel knows.

use monitor_common::{Text, TextState, counters::Fault, limits::SOCKADDR_BYTES};

use crate::{
    emit,
    globals::offset,
    read::{bytes_before, clear, kernel, kernel_bytes, opaque, user_bytes, within},
};

/// `AF_UNIX`, `AF_INET`, `AF_INET6` and `AF_NETLINK` (linux/socket.h).
pub(crate) const AF_UNIX: u16 = 1;
pub(crate) const AF_INET: u16 = 2;
pub(crate) const AF_INET6: u16 = 10;
pub(crate) const AF_NETLINK: u16 = 16;

/// Bytes of the family, with which every address begins.
pub(crate) const FAMILY_BYTES: u64 = 2;
/// Bytes of family, port and address of `struct sockaddr_in`; padding follows.
pub(crate) const IPV4_BYTES: u64 = 8;
/// Bytes of `struct sockaddr_in6`.
pub(crate) const IPV6_BYTES: u64 = 28;
/// Where the address stands in `struct sockaddr_in6`, behind family, port and flow.
const IPV6_ADDRESS: usize = 8;

/// Words of an address.
pub(crate) const WORDS: usize = SOCKADDR_BYTES / 8;

/// An address at its bound.
pub(crate) type Address = [u64; WORDS];

/// Reads the address that a caller gave, of `asked` bytes, without what means nothing in it.
///
/// # Safety
///
/// `to` must be an address that may be written, and the verifier must see it.
#[inline(always)]
pub(crate) unsafe fn given(to: *mut Address, from: u64, asked: u32) -> Text {
    let mut len = opaque(u64::from(asked));
    let mut state = TextState::Complete;
    if len > SOCKADDR_BYTES as u64 {
        len = SOCKADDR_BYTES as u64;
        state = TextState::Cut;
    }
    // SAFETY: `len` is at most the room of the address. It is cleared since kernels before 6.3 send no stack that was
    // not written.
    let read = unsafe {
        clear::<WORDS>(to.cast());
        user_bytes(to.cast(), len as u32, from)
    };
    if !read {
        state = TextState::Unreadable;
        len = 0;
    }
    // SAFETY: the address was cleared and read.
    len = unsafe { meaningful(to.cast_const().cast(), len) };
    match state {
        TextState::Unreadable => emit::fault(Fault::StringUnreadable),
        TextState::Cut => emit::fault(Fault::StringCut),
        _ => {}
    }
    Text { len: len as u32, state: state.number(), pad: 0 }
}

/// The bytes of an address that mean something: callers pass the whole of a structure, and behind the name of a unix
/// socket, or in the padding of an IPv4 address, stands whatever was on their stack.
///
/// # Safety
///
/// `address` must have [`SOCKADDR_BYTES`] bytes and be aligned to 8, and the verifier must see it.
#[inline(always)]
pub(crate) unsafe fn meaningful(address: *const u64, len: u64) -> u64 {
    /// The bits of the family in the first word.
    const FAMILY: u64 = 0xffff;
    // SAFETY: the caller's promise.
    let (family, end) =
        unsafe { (address.cast::<u16>().read_volatile(), opaque(bytes_before::<WORDS>(address, 0, FAMILY))) };
    let most = match family {
        AF_INET => IPV4_BYTES,
        AF_INET6 => IPV6_BYTES,
        // The name of an abstract socket begins with a NUL and has a length, as what is no name at all.
        AF_UNIX if end > FAMILY_BYTES => end,
        _ => len,
    };
    // The verifier has to see that the bound still holds.
    let len = opaque(if len > most { most } else { len });
    if len > SOCKADDR_BYTES as u64 { SOCKADDR_BYTES as u64 } else { len }
}

/// Which end of a socket.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// The other one.
    Peer,
    /// The socket's own.
    Own,
}

/// `sock->sk_family`.
#[inline(always)]
pub(crate) fn family(sock: u64) -> u16 {
    kernel(sock, within(offset!(sock_common), offset!(common_family)), 0)
}

/// Writes the address of an end of a socket as the kernel has it, and gives its bytes: only those of the family for a
/// unix socket without a name and for families that are not looked into, none for no socket.
///
/// # Safety
///
/// As for [`given`]; what lies behind the bytes that are given is left as it is.
#[inline(always)]
pub(crate) unsafe fn of(sock: u64, end: End, to: *mut Address) -> u64 {
    if sock == 0 {
        return 0;
    }
    let family = family(sock);
    let to = to.cast::<u8>();
    // SAFETY: the caller's promise; an address has more bytes than each of these families needs.
    unsafe {
        to.cast::<u64>().write_volatile(u64::from(family));
        match family {
            AF_INET => ipv4(sock, end, to),
            AF_INET6 => ipv6(sock, end, to),
            AF_UNIX => unix(sock, end, to),
            _ => FAMILY_BYTES,
        }
    }
}

/// The port of an end in the byte order of the network.
#[inline(always)]
fn port(sock: u64, end: End) -> u16 {
    let common = offset!(sock_common);
    match end {
        End::Peer => kernel(sock, within(common, offset!(common_peer_port)), 0),
        // The kernel keeps its own in the order of the host.
        End::Own => kernel(sock, within(common, offset!(common_own_port)), 0u16).to_be(),
    }
}

/// # Safety
///
/// As for [`of`].
#[inline(always)]
unsafe fn ipv4(sock: u64, end: End, to: *mut u8) -> u64 {
    let address = match end {
        End::Peer => offset!(common_peer),
        End::Own => offset!(common_own),
    };
    let address: u32 = kernel(sock, within(offset!(sock_common), address), 0);
    let word = u64::from(AF_INET) | u64::from(port(sock, end)) << 16 | u64::from(address) << 32;
    // SAFETY: the caller's promise.
    unsafe { to.cast::<u64>().write_volatile(word) };
    IPV4_BYTES
}

/// # Safety
///
/// As for [`of`].
#[inline(always)]
unsafe fn ipv6(sock: u64, end: End, to: *mut u8) -> u64 {
    let address = match end {
        End::Peer => offset!(common_peer6),
        End::Own => offset!(common_own6),
    };
    let address: [u64; 2] = kernel(sock, within(offset!(sock_common), address), [0; 2]);
    // SAFETY: the caller's promise; the last word holds the scope, which is not known here.
    unsafe {
        to.cast::<u64>().write_volatile(u64::from(AF_INET6) | u64::from(port(sock, end)) << 16);
        to.add(IPV6_ADDRESS).cast::<u64>().write_volatile(address[0]);
        to.add(IPV6_ADDRESS + 8).cast::<u64>().write_volatile(address[1]);
        to.add(IPV6_ADDRESS + 16).cast::<u64>().write_volatile(0);
    }
    IPV6_BYTES
}

/// The name of a unix socket, which shares it with the sockets that were accepted from it.
///
/// # Safety
///
/// As for [`of`].
#[inline(always)]
unsafe fn unix(sock: u64, end: End, to: *mut u8) -> u64 {
    let named: u64 = match end {
        End::Peer => kernel(sock, offset!(unix_peer), 0),
        End::Own => sock,
    };
    let address: u64 = if named == 0 { 0 } else { kernel(named, offset!(unix_address), 0) };
    if address == 0 {
        return FAMILY_BYTES;
    }
    let len: u32 = kernel(address, offset!(unix_address_len), 0);
    let len = opaque(u64::from(len));
    let name = offset!(unix_address_name);
    if len > SOCKADDR_BYTES as u64 || name == monitor_common::offsets::ABSENT {
        return FAMILY_BYTES;
    }
    // SAFETY: `len` is at most the room of the address.
    unsafe {
        kernel_bytes(to, len as u32, address.wrapping_add(u64::from(name)));
    }
    len
}
