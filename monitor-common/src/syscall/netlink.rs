//! Netlink, over which the kernel is asked for interfaces and addresses (netlink(7), rtnetlink(7)).

/// `AF_NETLINK` (linux/socket.h).
pub const AF_NETLINK: u64 = 16;

/// `NETLINK_ROUTE` (linux/netlink.h): the protocol of interfaces, addresses and routes.
pub const ROUTE: u16 = 0;

/// `NLM_F_REQUEST` (linux/netlink.h), without which the kernel does not look at a message.
const REQUEST: u64 = 1;

/// Whether a message over [`ROUTE`] asks for something, by its type and its flags. From `RTM_BASE` (16) on, four types
/// belong together, of which the third asks (`RTM_GETLINK` 18, `RTM_GETADDR` 22, …; linux/rtnetlink.h).
#[inline(always)]
#[must_use]
pub const fn asks(kind: u64, flags: u64) -> bool {
    kind >= 16 && kind & 3 == 2 && flags & REQUEST != 0
}
