//! Endpoints by name, address and port.
//!
//! A rule can say names, ranges of addresses and ports; of what it says, one of each must hold. Names are compared
//! without regard to case (RFC 4343).

use std::{borrow::Cow, net::IpAddr};

use super::{Class, Classes, network::Network, wildcard};
use crate::hash::Map;

/// Whom a socket is connected to, or is meant to be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// The name of the host that was meant.
    pub name: Option<&'a [u8]>,
    /// The IP address.
    pub address: Option<IpAddr>,
    /// The port.
    pub port: Option<u16>,
    /// The path of a unix socket; an abstract name begins with `@`.
    pub path: Option<&'a [u8]>,
}

#[derive(Debug)]
struct Rule {
    class: Class,
    has_names: bool,
    networks: Vec<Network>,
    ports: Vec<u16>,
}

/// The rules, by the names that they say.
#[derive(Debug, Default)]
pub(super) struct Endpoints {
    rules: Vec<Rule>,
    /// Whole names.
    exact: Map<Vec<u8>, Vec<usize>>,
    /// `*.example.org`, without the star and the dot.
    below: Map<Vec<u8>, Vec<usize>>,
    /// Other wildcards, in which `*` stands for dots too.
    wild: Vec<(Vec<u8>, usize)>,
    /// Rules that say no name.
    nameless: Vec<usize>,
    /// All names as they were written, each with its rule.
    names: Vec<(String, usize)>,
}

impl Endpoints {
    /// Adds a rule of a class.
    pub(super) fn add<N: AsRef<str>>(
        &mut self,
        class: Class,
        names: &[N],
        networks: Vec<Network>,
        ports: Vec<u16>,
    ) -> Result<(), String> {
        let rule = self.rules.len();
        if names.is_empty() {
            if networks.is_empty() && ports.is_empty() {
                return Err("it says neither names, networks nor ports; expected one of them at least".to_owned());
            }
            self.nameless.push(rule);
        }
        for name in names.iter().map(AsRef::as_ref) {
            check(name)?;
            let lower = name.to_ascii_lowercase();
            match lower.strip_prefix("*.").filter(|rest| !rest.contains('*')) {
                Some(rest) => self.below.entry(rest.as_bytes().to_vec()).or_default().push(rule),
                None if lower.contains('*') => self.wild.push((lower.into_bytes(), rule)),
                None => self.exact.entry(lower.into_bytes()).or_default().push(rule),
            }
            self.names.push((name.to_owned(), rule));
        }
        self.rules.push(Rule { class, has_names: !names.is_empty(), networks, ports });
        Ok(())
    }

    /// The classes of an endpoint that is no unix socket.
    pub(super) fn classes(&self, endpoint: &Endpoint<'_>) -> Classes {
        let mut classes = Classes::NONE;
        let mut count = |rule: &usize| {
            if let Some(rule) = self.rules.get(*rule).filter(|rule| rule.holds(endpoint)) {
                classes.insert(rule.class);
            }
        };
        self.nameless.iter().for_each(&mut count);
        let Some(name) = endpoint.name else { return classes };
        let name = lower(name);
        self.exact.get(name.as_ref()).into_iter().flatten().for_each(&mut count);
        for (at, _) in name.iter().enumerate().filter(|(_, byte)| **byte == b'.') {
            self.below.get(&name[at + 1..]).into_iter().flatten().for_each(&mut count);
        }
        self.wild.iter().filter(|(wild, _)| wildcard::matches(wild, &name)).for_each(|(_, rule)| count(rule));
        classes
    }

    /// Each rule that counts for an endpoint, with what of it matched, in the order of the file.
    pub(super) fn explain(&self, endpoint: &Endpoint<'_>) -> Vec<(usize, String)> {
        let name = endpoint.name.map(lower);
        let mut found = Vec::new();
        for (at, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.holds(endpoint)) {
            let matched = name.as_deref().and_then(|name| {
                let mut names = self.names.iter().filter(|(_, rule)| *rule == at).map(|(name, _)| name);
                names.find(|pattern| wildcard::matches(pattern.to_ascii_lowercase().as_bytes(), name))
            });
            if rule.has_names && matched.is_none() {
                continue;
            }
            let network = rule.networks.iter().find(|network| endpoint.addresses().any(|it| network.contains(it)));
            let port = endpoint.port.filter(|port| rule.ports.contains(port));
            let mut words = Vec::new();
            words.extend(matched.cloned());
            words.extend(network.map(ToString::to_string));
            words.extend(port.map(|port| format!("port {port}")));
            found.push((at, words.join(" ")));
        }
        found
    }
}

impl Endpoints {
    /// The names, networks and ports of a rule, one behind the other.
    pub(super) fn words(&self, rule: usize) -> String {
        let mut words: Vec<String> =
            self.names.iter().filter(|(_, owner)| *owner == rule).map(|(name, _)| name.clone()).collect();
        if let Some(rule) = self.rules.get(rule) {
            words.extend(rule.networks.iter().map(ToString::to_string));
            words.extend(rule.ports.iter().map(|port| format!("port {port}")));
        }
        words.join(" ")
    }
}

impl Rule {
    /// Whether address and port are what the rule says, where it says any.
    fn holds(&self, endpoint: &Endpoint<'_>) -> bool {
        let network =
            || self.networks.iter().any(|network| endpoint.addresses().any(|address| network.contains(address)));
        (self.networks.is_empty() || network())
            && (self.ports.is_empty() || endpoint.port.is_some_and(|port| self.ports.contains(&port)))
    }
}

impl Endpoint<'_> {
    /// The address, and the one that was meant where that was named by a number.
    fn addresses(&self) -> impl Iterator<Item = IpAddr> {
        let is_number = |name: &&[u8]| name.first().is_some_and(|byte| byte.is_ascii_digit() || b"[:".contains(byte));
        let named = self.name.filter(is_number).map(host);
        let named = named.and_then(|name| std::str::from_utf8(name).ok()?.trim_matches(['[', ']']).parse().ok());
        self.address.into_iter().chain(named)
    }
}

/// A name without a port that may follow it.
fn host(name: &[u8]) -> &[u8] {
    let digits = name.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let head = name[..name.len() - digits].strip_suffix(b":").filter(|_| digits > 0);
    // Without brackets, more than one colon is an IPv6 address.
    head.filter(|head| head.ends_with(b"]") || !head.contains(&b':')).unwrap_or(name)
}

/// A name in lower case, without the dot that may end it and a port that may follow it.
fn lower(name: &[u8]) -> Cow<'_, [u8]> {
    let name = host(name);
    let name = name.strip_suffix(b".").unwrap_or(name);
    if name.iter().any(u8::is_ascii_uppercase) { name.to_ascii_lowercase().into() } else { name.into() }
}

/// Refuses what cannot be the name of a host.
fn check(name: &str) -> Result<(), String> {
    let is_wrong = |char: char| !(char.is_ascii_alphanumeric() || "-_.*".contains(char));
    let what = match name.find(is_wrong) {
        _ if name.trim_matches(['*', '.']).is_empty() => "it would match any name",
        Some(at) if name[at..].starts_with(':') => "a port belongs into `ports`",
        Some(_) => "it holds what no name of a host has, such as a scheme or a path",
        None => return Ok(()),
    };
    Err(format!("the name `{name}` cannot be used: {what}; expected one such as `api.example.org` or `*.example.org`"))
}

#[cfg(test)]
mod tests {
    use super::{Class, Endpoint, Endpoints};

    fn rules() -> Endpoints {
        let mut rules = Endpoints::default();
        rules.add(Class::ModelEndpoint, &["api.example.org", "*.models.example"], Vec::new(), Vec::new()).unwrap();
        rules.add(Class::TelemetryEndpoint, &["telemetry.*", "in-*.example"], Vec::new(), Vec::new()).unwrap();
        rules.add(Class::PackageRegistry, &["local.example"], Vec::new(), vec![8081]).unwrap();
        rules
            .add::<&str>(
                Class::LocalEndpoint,
                &[],
                vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()],
                Vec::new(),
            )
            .unwrap();
        rules
    }

    fn of(name: &str, port: u16) -> String {
        let endpoint = Endpoint { name: Some(name.as_bytes()), port: Some(port), ..Endpoint::default() };
        let rules = rules();
        let classes = rules.classes(&endpoint);
        let explained = rules.explain(&endpoint).into_iter().map(|(rule, _)| rules.rules[rule].class);
        assert_eq!(classes, explained.collect(), "{name}");
        classes.iter().map(Class::name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_are_whole_or_below_a_name() {
        assert_eq!(of("api.example.org", 443), "model_endpoint");
        assert_eq!(of("API.Example.ORG.", 443), "model_endpoint");
        assert_eq!(of("api.example.org:443", 443), "model_endpoint");
        assert_eq!(of("eu.models.example", 443), "model_endpoint");
        assert_eq!(of("a.b.models.example", 443), "model_endpoint");
        assert_eq!(of("models.example", 443), "");
        assert_eq!(of("notmodels.example", 443), "");
        assert_eq!(of("api.example.org.attacker.test", 443), "");
        assert_eq!(of("telemetry.any.test", 443), "telemetry_endpoint");
        assert_eq!(of("in-eu.example", 443), "telemetry_endpoint");
    }

    #[test]
    fn a_rule_with_a_port_wants_it() {
        assert_eq!(of("local.example", 8081), "package_registry");
        assert_eq!(of("local.example", 80), "");
    }

    #[test]
    fn a_number_in_place_of_a_name_is_an_address() {
        assert_eq!(of("127.0.0.1:8080", 3128), "local_endpoint");
        assert_eq!(of("[::1]:8080", 3128), "local_endpoint");
        assert_eq!(of("127.0.0.1", 3128), "local_endpoint");
        assert_eq!(of("8.8.8.8", 3128), "");
    }

    #[test]
    fn what_is_no_name_of_a_host_is_refused() {
        for name in ["", "*", "*.", "a:80", "https://a", "a/b", "a b"] {
            let added = Endpoints::default().add(Class::Noise, &[name], Vec::new(), Vec::new());
            assert!(added.unwrap_err().contains("expected one such as"), "{name}");
        }
        assert!(Endpoints::default().add::<&str>(Class::Noise, &[], Vec::new(), Vec::new()).is_err());
    }
}
