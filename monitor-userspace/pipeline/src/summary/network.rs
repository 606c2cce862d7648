//! Endpoints, the names that were asked for, and the bytes that went to and fro.

use super::{layout::Layout, shown, tally::Tally};
use crate::{
    enrich::Class,
    hash::Map,
    record::{Connect, Direction, Dns, Record, Text, Traffic},
};

/// Classes whose endpoints are named.
const NAMED: [Class; 6] = [
    Class::OffLimits,
    Class::Credential,
    Class::ModelEndpoint,
    Class::TelemetryEndpoint,
    Class::PackageRegistry,
    Class::AllowedEndpoint,
];

/// What a run did over the network.
#[derive(Debug, Default)]
pub(super) struct Network {
    endpoints: Tally,
    failed_endpoints: Tally,
    quiet_connects: u64,
    /// Names that somebody connected to, greeted or asked for, by what they are for.
    names: Map<Class, Tally>,
    /// Questions to name servers.
    asked: Tally,
    /// Bytes of bursts that are over, on sockets of any kind.
    sent: u64,
    received: u64,
}

impl Network {
    /// A connect, with the record that it is of.
    pub(super) fn connect(&mut self, record: &Record, connect: &Connect) {
        // Netlink and the like are no endpoints, and what is noise is only counted.
        let is_endpoint = connect.address.is_some() || connect.path.is_some();
        if !is_endpoint || record.classes.contains(Class::Noise) {
            self.quiet_connects += 1;
            return;
        }
        self.known(record, connect.name.as_ref().or(connect.path.as_ref()));
        let mut name = String::new();
        crate::lines::about(record, &mut name);
        if let Some(protocol) = connect.protocol.as_deref().filter(|protocol| *protocol != "tcp") {
            name.push(' ');
            name.push_str(protocol);
        }
        let refused = connect.error.as_deref().filter(|error| *error != "EINPROGRESS");
        match refused {
            Some(error) => self.failed_endpoints.count(&format!("{name} {error}"), 1),
            None => self.endpoints.count(&name, 1),
        }
    }

    /// A burst; one that goes on is told again when it is over.
    pub(super) fn traffic(&mut self, traffic: &Traffic) {
        if traffic.ended.is_none() || traffic.address.is_none() {
            return;
        }
        let sum = if traffic.direction == Direction::Sent { &mut self.sent } else { &mut self.received };
        *sum = sum.saturating_add(traffic.bytes);
    }

    /// Notes a name for what it is for.
    pub(super) fn known(&mut self, record: &Record, name: Option<&Text>) {
        // Resolvers write names in upper and lower case at random.
        let Some(name) = name.map(|name| shown(name).to_ascii_lowercase()) else { return };
        for class in record.classes.iter().filter(|class| NAMED.contains(class)) {
            self.names.entry(class).or_default().count(&name, 1);
        }
    }

    /// A message of a name server, or to one.
    pub(super) fn dns(&mut self, record: &Record, dns: &Dns) {
        self.known(record, dns.question.as_ref());
        if let (false, Some(question)) = (dns.response, &dns.question) {
            let mut name = String::new();
            question.escape_into(&mut name);
            self.asked.count(&name, 1);
        }
    }

    /// The rows of the network.
    pub(super) fn lines(&self, layout: &mut Layout) {
        layout.list("endpoints", &self.endpoints.top(usize::MAX), 4);
        layout.list("refused", &self.failed_endpoints.top(usize::MAX), 3);
        if self.endpoints.different() + self.failed_endpoints.different() == 0 {
            layout.row("endpoints", "none");
        }
        for class in NAMED {
            if let Some(names) = self.names.get(&class) {
                layout.sublist(class.name(), &names.names(), 2);
            }
        }
        layout.list("asked for", &self.asked.top(usize::MAX), 2);
        if self.sent + self.received > 0 {
            layout.row("moved", &format!("{} sent, {} received", bytes(self.sent), bytes(self.received)));
        }
    }
}

/// Bytes with the unit that makes them short: powers of 1,000 (IEC 80000-13).
fn bytes(count: u64) -> String {
    match count {
        0..10_000 => format!("{count} B"),
        10_000..10_000_000 => format!("{} kB", count / 1_000),
        _ => format!("{} MB", count / 1_000_000),
    }
}
