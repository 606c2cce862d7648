//! What the views of things are of: of everything, or of what is selected in the tree.

use agentsnoop_pipeline::record::Time;

use super::{
    State,
    list::{STRIDE, is_below},
};
use crate::tui::{
    model::{Key, Model, Tree},
    store::Store,
};

/// The things that the events of one node touched, found step by step as the rows of the list are. Events that are no longer in memory
/// count for the views of everything alone.
#[derive(Debug, Default)]
pub struct Narrow {
    scope: Option<Key>,
    model: Model,
    /// Events before this one were not looked at.
    first: u64,
    /// Events before this one were, from the first one on.
    scanned: u64,
}

impl Narrow {
    /// Begins with the things of another node; whether it is another one.
    pub(super) fn set(&mut self, scope: Option<&Key>) -> bool {
        let is_other = self.scope.as_ref() != scope;
        if is_other {
            *self = Self { scope: scope.cloned(), first: u64::MAX, ..Self::default() };
        }
        is_other
    }

    /// Looks at more events, at most [`STRIDE`]; whether there are still more.
    pub(super) fn look(&mut self, store: &Store, tree: &Tree, head: u64) -> bool {
        let Some(scope) = &self.scope else { return false };
        // The time was put back, older events have come, or others than those that follow.
        if self.scanned > head || store.first() < self.first || store.first() > self.scanned {
            // Before its first event a node has none.
            let first = tree.find(scope).map_or(0, |place| tree.node(place).span.0);
            (self.model, self.first) = (Model::default(), store.first());
            self.scanned = first.max(store.first()).min(head);
        }
        let until = head.min(self.scanned + STRIDE);
        while self.scanned < until {
            let Some(record) = store.get(self.scanned) else { break };
            if is_below(scope, record, tree) {
                self.model.touched(self.scanned, record);
            }
            self.scanned += 1;
        }
        self.scanned < head
    }
}

impl State {
    /// What is known of the things that the views of files, endpoints, variables and the host show.
    #[must_use]
    pub const fn things(&self) -> &Model {
        if self.narrow.scope.is_some() { &self.narrow.model } else { &self.model }
    }

    /// From which time on the views of things know of what is selected, where its first events are no longer in memory.
    #[must_use]
    pub fn known_since(&self) -> Option<Time> {
        let node = self.model.tree.node(self.list.scope().and_then(|key| self.model.tree.find(key))?);
        let first = self.store.first();
        self.store.get(first).filter(|_| node.span.0 < first).map(|record| record.time)
    }

    /// What the views are of, in words.
    #[must_use]
    pub fn scope_name(&self) -> Option<String> {
        let node = self.model.tree.node(self.list.scope().and_then(|key| self.model.tree.find(key))?);
        Some(match &node.key {
            Key::All => return None,
            Key::Session(_) => format!("{} {}", node.title, node.pid),
            Key::Call(_) if node.title.is_empty() => "a tool call".to_owned(),
            Key::Call(_) => node.title.clone(),
            Key::Process(_) => {
                let below = if node.has_more() { " and below" } else { "" };
                format!("{}{below} {}", node.pid, if node.title.is_empty() { &node.comm } else { &node.title })
            }
        })
    }
}
