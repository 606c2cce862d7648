//! Ranges of addresses.

use std::{fmt, net::IpAddr, str::FromStr};

use serde::Deserialize;

/// A range of addresses, such as `127.0.0.0/8` (RFC 4632, RFC 4291).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Network {
    address: IpAddr,
    /// Bits that must be equal.
    prefix: u32,
}

impl Network {
    /// Whether an address is in the range; an IPv4 address in IPv6 clothes (RFC 4291, 2.5.5.2) counts as IPv4.
    pub(super) fn contains(self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(net), IpAddr::V4(address)) => {
                let mask = u32::MAX.checked_shl(32 - self.prefix).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            (IpAddr::V6(net), IpAddr::V6(address)) => {
                let mask = u128::MAX.checked_shl(128 - self.prefix).unwrap_or(0);
                (net.to_bits() ^ address.to_bits()) & mask == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no range of addresses, such as `10.0.0.0/8` or `::1`");
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| wrong())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(bits), str::parse).map_err(|_| wrong())?;
        if prefix <= bits { Ok(Self { address, prefix }) } else { Err(wrong()) }
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn a_range_holds_its_addresses_and_no_others() {
        let holds = |range: &str, address: &str| range.parse::<Network>().unwrap().contains(address.parse().unwrap());
        assert!(holds("127.0.0.0/8", "127.1.2.3") && !holds("127.0.0.0/8", "128.0.0.1"));
        assert!(holds("127.0.0.0/8", "::ffff:127.0.0.1"), "an IPv4 address in IPv6 clothes");
        assert!(holds("::1", "::1") && !holds("::1", "::2"));
        assert!(holds("fe80::/10", "fe80::1") && !holds("fe80::/10", "2001:db8::1"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!("10.0.0.0/33".parse::<Network>().is_err() && "x/8".parse::<Network>().is_err());
    }
}
