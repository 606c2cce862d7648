//! The list of events: which of them are shown, found step by step, so that a filter over a million events stops nobody.

use std::collections::VecDeque;

use agentsnoop_pipeline::{Filter, Lines, Record};

use super::order::{By, Sorted};
use crate::tui::{
    action::Step,
    model::{Key, Tree, touch},
    store::Store,
};

/// Events that are looked at in one go, between two frames: some 5 ms of the slowest filter.
pub const STRIDE: u64 = 20_000;

/// The events that are shown, and which one is selected.
#[derive(Debug, Default)]
pub struct List {
    rows: VecDeque<u64>,
    /// The same in another order, where one is wanted.
    sorted: Sorted,
    /// Events before this one have been looked at.
    scanned: u64,
    /// Events that match and are only what every program does.
    hidden: u64,
    filter: Option<Filter>,
    /// The node of the tree whose events are shown.
    scope: Option<Key>,
    /// Whether noise is shown.
    pub noise: bool,
    /// The selected event; none follows the last one.
    selected: Option<u64>,
    /// The row at the top.
    pub top: usize,
}

impl List {
    /// Begins again, with another filter.
    pub fn set_filter(&mut self, filter: Option<Filter>) {
        self.filter = filter;
        self.restart();
    }

    /// Begins again, with the events of another node.
    pub fn set_scope(&mut self, scope: Option<Key>) {
        if self.scope != scope {
            self.scope = scope;
            self.restart();
        }
    }

    /// The node whose events are shown; none shows all.
    #[must_use]
    pub const fn scope(&self) -> Option<&Key> {
        self.scope.as_ref()
    }

    /// Looks at everything again.
    pub fn restart(&mut self) {
        self.rows.clear();
        self.sorted.restart();
        self.scanned = 0;
        self.hidden = 0;
    }

    /// Looks at more events, at most [`STRIDE`]; whether there are still more.
    pub fn look(&mut self, store: &Store, tree: &Tree, head: u64) -> bool {
        self.scanned = self.scanned.max(store.first());
        while self.rows.front().is_some_and(|first| *first < store.first()) {
            self.rows.pop_front();
            self.top = self.top.saturating_sub(1);
        }
        let until = head.min(self.scanned + STRIDE);
        while self.scanned < until {
            let Some(record) = store.get(self.scanned) else { break };
            if self.wants(record, tree) {
                self.rows.push_back(self.scanned);
            }
            self.scanned += 1;
        }
        self.scanned < head
    }

    /// Looks at the events that were put before all others, up to `until`. A filter that follows processes begins anew with them.
    pub fn look_back(&mut self, store: &Store, tree: &Tree, until: u64) {
        if self.scanned < until {
            // Nothing was looked at yet.
            return;
        }
        let filter = self.filter.clone();
        let older: Vec<u64> = (store.first()..until)
            .filter(|number| store.get(*number).is_some_and(|record| self.wants(record, tree)))
            .collect();
        self.filter = filter;
        self.top += older.len();
        older.into_iter().rev().for_each(|number| self.rows.push_front(number));
    }

    fn wants(&mut self, record: &Record, tree: &Tree) -> bool {
        // A filter must be shown every record, in their order.
        let matches = self.filter.as_mut().is_none_or(|filter| filter.matches(record));
        if !matches || !Lines::has(record) || !self.scope.as_ref().is_none_or(|scope| is_below(scope, record, tree)) {
            return false;
        }
        if touch::is_noise(record) && !self.noise {
            self.hidden += 1;
            return false;
        }
        true
    }

    /// Forgets what is later than the head, where the time was put back.
    pub fn put_back(&mut self, head: u64) {
        while self.rows.back().is_some_and(|last| *last >= head) {
            self.rows.pop_back();
        }
        self.sorted.put_back(head);
        if self.scanned > head {
            // What was hidden is not known event by event.
            self.restart();
        }
        if self.selected.is_some_and(|selected| selected >= head) {
            self.selected = None;
        }
    }

    /// How much of what there is was looked at, per cent, where that is not all.
    #[must_use]
    pub fn progress(&self, store: &Store, head: u64) -> Option<u64> {
        let all = head.saturating_sub(store.first());
        let done = self.scanned.saturating_sub(store.first());
        (done + STRIDE < all).then(|| done * 100 / all.max(1))
    }

    /// Puts the rows into their order, to be called after [`Self::look`]; `false` where they are too many for another one than time.
    pub(super) fn arrange(&mut self, store: &Store) -> bool {
        self.sorted.arrange(&self.rows, store)
    }

    /// What the rows are ordered by, and whether the other way round.
    #[must_use]
    pub const fn order(&self) -> (By, bool) {
        (self.sorted.by, self.sorted.reverse)
    }

    /// Orders the rows by something else, the first of them selected.
    pub(super) fn set_order(&mut self, by: By, reverse: bool) {
        self.sorted = Sorted::new(by, reverse);
        self.selected = None;
        self.top = 0;
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The event of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<u64> {
        if self.sorted.is_on() { self.sorted.get(row) } else { self.rows.get(row).copied() }
    }

    /// Whether the rows are in another order than that in which they came.
    #[must_use]
    pub const fn is_sorted(&self) -> bool {
        self.sorted.is_on()
    }

    /// Events that are not shown since every program does so.
    #[must_use]
    pub const fn hidden(&self) -> u64 {
        self.hidden
    }

    /// Whether the last event is selected, whichever it is.
    #[must_use]
    pub const fn follows(&self) -> bool {
        self.selected.is_none() && !self.sorted.is_on()
    }

    /// The row of the selected event.
    #[must_use]
    pub fn at(&self) -> usize {
        let last = self.rows.len().saturating_sub(1);
        if self.sorted.is_on() {
            return self.selected.and_then(|selected| self.sorted.row_of(selected)).unwrap_or(0);
        }
        self.selected.map_or(last, |selected| self.rows.partition_point(|row| *row < selected).min(last))
    }

    /// The selected event.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        self.get(self.at())
    }

    /// Selects an event, or the one behind it where it is not shown.
    pub const fn select(&mut self, number: u64) {
        self.selected = Some(number);
    }

    /// Selects the last event, whichever it is.
    pub const fn follow(&mut self) {
        self.selected = None;
    }

    /// Selects a row.
    pub fn select_row(&mut self, row: usize) {
        self.selected = self.get(row.min(self.rows.len().saturating_sub(1)));
    }

    /// Moves the selection. Beyond the last row it follows.
    pub fn step(&mut self, step: Step, page: usize) {
        match target(step, self.at(), self.rows.len(), page) {
            Some(row) => self.select_row(row),
            None if self.sorted.is_on() => self.select_row(self.rows.len()),
            None => self.selected = None,
        }
    }
}

/// The row to which a step leads; none beyond the last one.
#[must_use]
pub fn target(step: Step, at: usize, rows: usize, page: usize) -> Option<usize> {
    let moved = match step {
        Step::Rows(by) => at.saturating_add_signed(by as isize),
        Step::Pages(by) => at.saturating_add_signed(by as isize * page.max(1) as isize),
        Step::First => 0,
        Step::Last => return None,
    };
    (moved < rows).then_some(moved)
}

/// Whether a record belongs to a node: of its session, its tool call, or a process below it.
pub(super) fn is_below(scope: &Key, record: &Record, tree: &Tree) -> bool {
    match scope {
        Key::All => true,
        Key::Session(session) => record.agent.as_ref().is_some_and(|agent| *agent.session == **session),
        Key::Call(call) => record.tool_call.as_ref() == Some(call),
        Key::Process(_) => {
            let Some(process) = &record.process else { return false };
            let Some(mut place) = tree.find(&Key::Process(process.image.id)) else { return false };
            loop {
                let node = tree.node(place);
                if node.key == *scope {
                    return true;
                }
                if node.parent == place {
                    return false;
                }
                place = node.parent;
            }
        }
    }
}
