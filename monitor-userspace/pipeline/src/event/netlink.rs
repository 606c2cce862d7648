//! What is asked over netlink, in the words of the kernel's headers.

use std::borrow::Cow;

use super::sockaddr::family_name;

/// The protocols of netlink (linux/netlink.h).
const PROTOCOLS: [(u32, &str); 20] = [
    (0, "NETLINK_ROUTE"),
    (2, "NETLINK_USERSOCK"),
    (3, "NETLINK_FIREWALL"),
    (4, "NETLINK_SOCK_DIAG"),
    (5, "NETLINK_NFLOG"),
    (6, "NETLINK_XFRM"),
    (7, "NETLINK_SELINUX"),
    (8, "NETLINK_ISCSI"),
    (9, "NETLINK_AUDIT"),
    (10, "NETLINK_FIB_LOOKUP"),
    (11, "NETLINK_CONNECTOR"),
    (12, "NETLINK_NETFILTER"),
    (13, "NETLINK_IP6_FW"),
    (15, "NETLINK_KOBJECT_UEVENT"),
    (16, "NETLINK_GENERIC"),
    (18, "NETLINK_SCSITRANSPORT"),
    (19, "NETLINK_ECRYPTFS"),
    (20, "NETLINK_RDMA"),
    (21, "NETLINK_CRYPTO"),
    (22, "NETLINK_SMC"),
];

/// Messages of `NETLINK_ROUTE` that ask (linux/rtnetlink.h).
const QUERIES: [(u64, &str); 24] = [
    (18, "RTM_GETLINK"),
    (22, "RTM_GETADDR"),
    (26, "RTM_GETROUTE"),
    (30, "RTM_GETNEIGH"),
    (34, "RTM_GETRULE"),
    (38, "RTM_GETQDISC"),
    (42, "RTM_GETTCLASS"),
    (46, "RTM_GETTFILTER"),
    (50, "RTM_GETACTION"),
    (58, "RTM_GETMULTICAST"),
    (62, "RTM_GETANYCAST"),
    (66, "RTM_GETNEIGHTBL"),
    (74, "RTM_GETADDRLABEL"),
    (78, "RTM_GETDCB"),
    (82, "RTM_GETNETCONF"),
    (86, "RTM_GETMDB"),
    (90, "RTM_GETNSID"),
    (94, "RTM_GETSTATS"),
    (102, "RTM_GETCHAIN"),
    (106, "RTM_GETNEXTHOP"),
    (110, "RTM_GETLINKPROP"),
    (114, "RTM_GETVLAN"),
    (118, "RTM_GETNEXTHOPBUCKET"),
    (122, "RTM_GETTUNNEL"),
];

/// `NLM_F_DUMP` (linux/netlink.h): all of a sort, and not a single one.
const DUMP: u64 = 0x300;

/// The name of a protocol, or its number.
pub(super) fn protocol(protocol: u32) -> Cow<'static, str> {
    let named = PROTOCOLS.iter().find(|(number, _)| *number == protocol);
    named.map_or_else(|| Cow::Owned(format!("protocol_{protocol}")), |(_, name)| Cow::Borrowed(*name))
}

/// What a message of `NETLINK_ROUTE` asks for, by its type, its flags and the address family that it is about.
pub(super) fn query(kind: u64, flags: u64, family: u64) -> String {
    let named = QUERIES.iter().find(|(number, _)| *number == kind);
    let mut text = named.map_or_else(|| format!("type_{kind}"), |(_, name)| (*name).to_owned());
    if let Some(family) = u16::try_from(family).ok().filter(|family| *family != 0) {
        text.push(' ');
        text.push_str(&family_name(family));
    }
    if flags & DUMP == DUMP {
        text.push_str(" NLM_F_DUMP");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_told_in_the_words_of_the_headers() {
        assert_eq!(query(18, 0x301, 0), "RTM_GETLINK NLM_F_DUMP");
        assert_eq!(query(26, 1, 2), "RTM_GETROUTE ipv4");
        assert_eq!(query(126, 1, 0), "type_126");
        assert_eq!(protocol(9), "NETLINK_AUDIT");
        assert_eq!(protocol(31), "protocol_31");
    }
}
