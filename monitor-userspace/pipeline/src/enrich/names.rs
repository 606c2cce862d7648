//! The names of endpoints: who was meant by an address.
//!
//! Two things tell. The first bytes of a stream name the host, and the name belongs to that connection alone. Answers of
//! name servers name addresses, and such a name belongs to whoever received the answer: the answers of one tree of
//! processes name nothing in another one, which may have asked other servers or believe other answers. Within a tree what
//! the process received itself comes first, since one address can have many names; then what any process of the tree did,
//! because a resolver can work for its relatives. The last answer counts. How long an answer was to be kept is not asked:
//! the address was given to the process under that name, and what it connects to later it got from there.
//!
//! A name by DNS is what a server claimed, and a process that talks to a server of its own can have it claim anything.

use std::{collections::BTreeMap, hash::Hash, net::IpAddr};

use crate::{
    hash::Map,
    input::{AddressOwner as Owner, Known},
    record::{NameSource, ProcessId, Text},
};

/// Addresses with a name, over all trees, each counted once for the process and once for the tree; the oldest go first,
/// and what they named has no name from there on.
const ADDRESSES: usize = 16 * 1024;

/// Connections with a name; the oldest go first.
const STREAMS: usize = 16 * 1024;

/// A process, and the tree that it belongs to by the pid of its tracking root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) process: ProcessId,
    pub(crate) root: u32,
}

/// A name and how it is known.
pub(crate) type Named = (Text, NameSource);

/// The names that are known.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    addresses: Aging<(Owner, IpAddr), Text>,
    streams: Aging<u64, Named>,
}

impl Default for Names {
    fn default() -> Self {
        Self { addresses: Aging::new(ADDRESSES), streams: Aging::new(STREAMS) }
    }
}

impl Names {
    /// A process received an answer: a name has these addresses.
    pub(crate) fn learn_addresses(&mut self, to: Member, name: &Text, addresses: &[IpAddr]) {
        if addresses.is_empty() {
            return;
        }
        // Resolvers write names in upper and lower case at random, so that answers are harder to forge.
        let name = Text::from(name.as_bytes().to_ascii_lowercase());
        for address in addresses {
            let address = address.to_canonical();
            self.addresses.insert((Owner::Process(to.process), address), name.clone());
            self.addresses.insert((Owner::Tree(to.root), address), name.clone());
        }
    }

    /// A connection, by the inode of its socket, has a name. A better source replaces a lesser one and the same source
    /// its own earlier word; a lesser one changes nothing. Nothing is learned of an inode that could not be read.
    pub(crate) fn learn_stream(&mut self, inode: u64, name: &Text, source: NameSource) {
        let better = self.streams.get(&inode).is_none_or(|(_, known)| rank(source) >= rank(*known));
        if inode != 0 && better {
            self.streams.insert(inode, (name.detached(), source));
        }
    }

    /// A socket is connected to an address: what was said through it before is no longer about its peer. The name of the
    /// address, if it has one, stays that of the connection.
    pub(crate) fn connected(&mut self, by: Member, inode: u64, address: Option<IpAddr>) -> Option<Named> {
        self.streams.remove(&inode);
        let named = self.by_address(by, address?)?;
        self.learn_stream(inode, &named.0, named.1);
        Some(named)
    }

    /// The name of a connection: its own, else that of its peer's address.
    pub(crate) fn of(&self, by: Member, inode: Option<u64>, address: Option<IpAddr>) -> Option<Named> {
        let own = inode.and_then(|inode| self.by_stream(inode));
        own.or_else(|| self.by_address(by, address?))
    }

    /// The name of a connection by the inode of its socket.
    pub(crate) fn by_stream(&self, inode: u64) -> Option<Named> {
        self.streams.get(&inode).cloned()
    }

    /// The name that a process knows for an address.
    pub(crate) fn by_address(&self, by: Member, address: IpAddr) -> Option<Named> {
        let address = address.to_canonical();
        let own = self.addresses.get(&(Owner::Process(by.process), address));
        let name = own.or_else(|| self.addresses.get(&(Owner::Tree(by.root), address)))?;
        Some((name.clone(), NameSource::Dns))
    }

    /// Appends every name, the oldest first.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        out.extend(self.addresses.by_age().map(|((owner, address), name)| Known::Address {
            owner: *owner,
            address: *address,
            name: name.clone(),
        }));
        out.extend(self.streams.by_age().map(|(inode, (name, source))| Known::Stream {
            inode: *inode,
            name: name.clone(),
            source: *source,
        }));
    }

    /// Takes a piece; one that is of something else is left alone.
    pub(crate) fn resume(&mut self, known: &Known) {
        match known {
            Known::Address { owner, address, name } => self.addresses.insert((*owner, *address), name.clone()),
            Known::Stream { inode, name, source } => self.streams.insert(*inode, (name.clone(), *source)),
            _ => {}
        }
    }

    /// A tree begins below a root whose pid may have been that of another one.
    pub(crate) fn begin(&mut self, root: u32) {
        self.addresses.retain(|(owner, _)| *owner != Owner::Tree(root));
    }
}

/// What says better who was meant: the target asked of a proxy, whose address says nothing; the server name that a
/// certificate is checked against; what an HTTP request says; a name that the address has among others.
const fn rank(source: NameSource) -> u8 {
    match source {
        NameSource::ConnectHost => 3,
        NameSource::Sni => 2,
        NameSource::HttpHost => 1,
        NameSource::Dns => 0,
    }
}

/// A map of at most so many entries: the one that was written longest ago goes first.
#[derive(Clone, Debug)]
struct Aging<K, V> {
    room: usize,
    entries: Map<K, (V, u64)>,
    by_age: BTreeMap<u64, K>,
    next: u64,
}

impl<K: Clone + Eq + Hash, V> Aging<K, V> {
    fn new(room: usize) -> Self {
        Self { room, entries: Map::default(), by_age: BTreeMap::new(), next: 0 }
    }

    fn get(&self, key: &K) -> Option<&V> {
        self.entries.get(key).map(|(value, _)| value)
    }

    /// All, the one that was written longest ago first.
    fn by_age(&self) -> impl Iterator<Item = (&K, &V)> {
        self.by_age.values().filter_map(|key| Some((key, self.get(key)?)))
    }

    fn insert(&mut self, key: K, value: V) {
        if let Some((_, age)) = self.entries.insert(key.clone(), (value, self.next)) {
            self.by_age.remove(&age);
        }
        self.by_age.insert(self.next, key);
        self.next += 1;
        if self.entries.len() > self.room
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &K) {
        if let Some((_, age)) = self.entries.remove(key) {
            self.by_age.remove(&age);
        }
    }

    fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.by_age.values().filter(|key| !keep(key)).cloned().collect();
        gone.iter().for_each(|key| self.remove(key));
    }
}

#[cfg(test)]
mod tests {
    use super::{ADDRESSES, Member, Names};
    use crate::record::{NameSource, ProcessId, Text};
    use std::net::{IpAddr, Ipv4Addr};

    const ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

    fn member(pid: u32, root: u32) -> Member {
        Member { process: ProcessId { pid, start_ns: u64::from(pid) }, root }
    }

    fn name(names: &Names, by: Member) -> Option<String> {
        names.by_address(by, ADDRESS).map(|(name, _)| name.to_str().into_owned())
    }

    #[test]
    fn an_address_has_the_name_that_the_process_itself_was_told() {
        let mut names = Names::default();
        names.learn_addresses(member(1, 1), &"one.example".into(), &[ADDRESS]);
        names.learn_addresses(member(2, 1), &"TWO.example".into(), &[ADDRESS]);
        assert_eq!(name(&names, member(1, 1)).as_deref(), Some("one.example"));
        assert_eq!(name(&names, member(2, 1)).as_deref(), Some("two.example"));
        assert_eq!(
            name(&names, member(3, 1)).as_deref(),
            Some("two.example"),
            "a relative asked, the last answer counts"
        );
        let mapped = IpAddr::V6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        assert!(names.by_address(member(3, 1), mapped).is_some(), "an IPv4 address in IPv6 clothes is the same");
    }

    #[test]
    fn the_answers_of_one_tree_name_nothing_in_another() {
        let mut names = Names::default();
        names.learn_addresses(member(1, 1), &"one.example".into(), &[ADDRESS]);
        assert_eq!(name(&names, member(5, 5)), None);
        names.begin(1);
        assert_eq!(name(&names, member(3, 1)), None, "another tree below the same pid");
    }

    #[test]
    fn the_better_source_names_a_connection_until_it_is_connected_again() {
        let mut names = Names::default();
        let by = member(1, 1);
        let of = |names: &Names| {
            names.of(by, Some(7), Some(ADDRESS)).map(|(name, source)| (name.to_str().into_owned(), source))
        };
        names.learn_addresses(by, &"cdn.example".into(), &[ADDRESS]);
        assert_eq!(names.connected(by, 7, Some(ADDRESS)), Some((Text::from("cdn.example"), NameSource::Dns)));
        names.learn_addresses(by, &"other.example".into(), &[ADDRESS]);
        assert_eq!(
            of(&names),
            Some(("cdn.example".into(), NameSource::Dns)),
            "the name at the time of the connect stays"
        );
        names.learn_stream(7, &"shop.example".into(), NameSource::Sni);
        names.learn_stream(7, &"host.example".into(), NameSource::HttpHost);
        assert_eq!(of(&names), Some(("shop.example".into(), NameSource::Sni)));
        names.connected(by, 7, None);
        assert_eq!(of(&names), Some(("other.example".into(), NameSource::Dns)));
        names.learn_stream(0, &"x".into(), NameSource::Sni);
        assert_eq!(names.by_stream(0), None, "0 is no inode");
    }

    #[test]
    fn the_oldest_names_go_first() {
        let mut names = Names::default();
        let by = member(1, 1);
        names.learn_addresses(by, &"old.example".into(), &[ADDRESS]);
        let others = |from: usize| (from..from + ADDRESSES / 2).map(|at| IpAddr::V4(Ipv4Addr::from(at as u32)));
        names.learn_addresses(by, &"new.example".into(), &others(0).collect::<Vec<_>>());
        assert_eq!(name(&names, by), None);
        assert_eq!((names.addresses.entries.len(), names.addresses.by_age.len()), (ADDRESSES, ADDRESSES));
    }
}
