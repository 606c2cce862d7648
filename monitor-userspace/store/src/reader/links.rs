//! Follows the chain of blocks, and finds back to it behind a block that does not belong.

use std::collections::{HashSet, VecDeque};

use super::super::{
    damage::Damage,
    format::{BlockHeader, Chain, FILE_HEADER, genesis},
};

/// Blocks that are remembered so that their copies are recognised, some two megabytes of links: the copy of one that is
/// further back is reported all the same, but its inputs are given again.
const REMEMBERED: usize = 65_536;

/// A block, as its successor sees it.
#[derive(Clone, Copy)]
struct Link {
    chain: Chain,
    /// The number of the successor.
    next: u64,
    /// Inputs up to and with the block.
    inputs: u64,
}

impl Link {
    const fn of(header: &BlockHeader) -> Self {
        Self {
            chain: header.chain,
            next: header.number.saturating_add(1),
            inputs: header.first_input.saturating_add(header.inputs as u64),
        }
    }

    fn leads_to(&self, header: &BlockHeader, payload: &[u8]) -> bool {
        self.next == header.number
            && self.inputs == header.first_input
            && header.link(&self.chain, payload) == header.chain
    }
}

/// Where the chain stands.
pub(super) struct Links {
    /// The block that was read last.
    head: Link,
    /// The last block that follows another one: what an inserted block cannot take away.
    trusted: Link,
    given: Given,
}

/// The blocks whose inputs were given, by the first bytes of their links.
#[derive(Default)]
struct Given {
    order: VecDeque<u64>,
    links: HashSet<u64>,
}

impl Given {
    fn key(chain: &Chain) -> u64 {
        chain.first_chunk().map_or(0, |first| u64::from_le_bytes(*first))
    }

    fn contains(&self, chain: &Chain) -> bool {
        self.links.contains(&Self::key(chain))
    }

    fn insert(&mut self, chain: &Chain) {
        if self.order.len() == REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.links.remove(&oldest);
        }
        let key = Self::key(chain);
        if self.links.insert(key) {
            self.order.push_back(key);
        }
    }
}

impl Links {
    /// Before the first block of a file with this header.
    pub(super) fn new(file_header: &[u8; FILE_HEADER]) -> Self {
        let start = Link { chain: genesis(file_header), next: 0, inputs: 0 };
        Self { head: start, trusted: start, given: Given::default() }
    }

    /// Before a block in the middle: `chain` is the link of the one before, which has `inputs` up to its end.
    pub(super) fn at(chain: Chain, number: u64, inputs: u64) -> Self {
        let start = Link { chain, next: number, inputs };
        Self { head: start, trusted: start, given: Given::default() }
    }

    /// The link of the block that was read last.
    pub(super) const fn head(&self) -> Chain {
        self.head.chain
    }

    /// The number of the block that should be next.
    pub(super) const fn expected(&self) -> u64 {
        self.head.next
    }

    /// Takes a block whose payload is sound: what is wrong with its place, and whether its inputs are to be read.
    pub(super) fn follow(&mut self, header: &BlockHeader, payload: &[u8], offset: u64) -> (Option<Damage>, bool) {
        let expected = self.head.next;
        let number = header.number;
        if self.given.contains(&header.chain) {
            return (Some(Damage::OutOfPlace { number, offset, expected }), false);
        }
        if [self.head, self.trusted].iter().any(|link| link.leads_to(header, payload)) {
            self.head = Link::of(header);
            self.trusted = self.head;
            self.given.insert(&header.chain);
            return (None, true);
        }
        let missing = header.first_input.saturating_sub(self.head.inputs);
        self.head = Link::of(header);
        self.given.insert(&header.chain);
        (Some(Damage::Unlinked { number, offset, expected, missing }), true)
    }

    /// Takes the link that a block with a damaged payload claims, so that its successor can be checked.
    pub(super) const fn claim(&mut self, header: &BlockHeader) {
        self.head = Link::of(header);
    }
}
