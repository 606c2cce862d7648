//! The tree as it is shown: which nodes are unfolded, and which one is selected.

use hashbrown::HashSet;

use super::list::target;
use crate::tui::{
    action::Step,
    model::{Key, Tree},
};

/// A row of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The node.
    pub place: usize,
    /// By level above the node: whether more comes below there; the last is the node's own.
    pub goes_on: Vec<bool>,
    /// Whether it has something below it.
    pub has_more: bool,
    /// Whether that is shown.
    pub is_open: bool,
    /// How many below it are not shown, since there are too many: the ones that came first.
    pub earlier: usize,
}

/// The tree as it is shown.
#[derive(Debug)]
pub struct Trunk {
    open: HashSet<Key>,
    shut: HashSet<Key>,
    selected: Key,
    rows: Vec<Row>,
    /// The newest come first.
    pub newest_first: bool,
    /// The row at the top.
    pub top: usize,
}

impl Default for Trunk {
    fn default() -> Self {
        let (open, shut, rows) = (HashSet::new(), HashSet::new(), Vec::new());
        Self { open, shut, selected: Key::All, rows, newest_first: false, top: 0 }
    }
}

impl Trunk {
    /// Whether a node is unfolded: sessions are until a person folds them, the rest when a person unfolds it.
    fn is_open(&self, key: &Key) -> bool {
        match key {
            Key::All => true,
            Key::Session(_) => !self.shut.contains(key),
            Key::Call(_) | Key::Process(_) => self.open.contains(key),
        }
    }

    /// Unfolds or folds a node; whether that changed anything.
    pub fn set_open(&mut self, key: &Key, open: bool) -> bool {
        match key {
            Key::All => false,
            Key::Session(_) if open => self.shut.remove(key),
            Key::Session(_) => self.shut.insert(key.clone()),
            _ if open => self.open.insert(key.clone()),
            _ => self.open.remove(key),
        }
    }

    /// Finds the rows anew.
    pub fn unfold(&mut self, tree: &Tree) {
        let mut rows = std::mem::take(&mut self.rows);
        rows.clear();
        // What is selected is shown, wherever it is.
        let selected = tree.find(&self.selected).unwrap_or(0);
        let up = |place: &usize| Some(tree.node(*place).parent).filter(|_| *place != 0);
        let path: Vec<usize> = std::iter::successors(Some(selected), up).collect();
        self.below(tree, 0, &[], &path, &mut rows);
        self.rows = rows;
    }

    fn below(&self, tree: &Tree, place: usize, goes_on: &[bool], path: &[usize], rows: &mut Vec<Row>) {
        let node = tree.node(place);
        let (has_more, is_open) = (node.has_more(), self.is_open(&node.key));
        // A tree of processes that is deeper than any terminal is wide is not followed further down.
        let is_followed = is_open && goes_on.len() < DEPTH;
        let all = if is_followed { tree.below(place, false).count() } else { 0 };
        let earlier = all.saturating_sub(BESIDE);
        rows.push(Row { place, goes_on: goes_on.to_vec(), has_more, is_open, earlier });
        if !is_followed {
            return;
        }
        let shown = if self.newest_first { 0..all - earlier } else { earlier..all };
        let below = tree.below(place, self.newest_first).enumerate();
        let mut below = below.filter(|(at, child)| shown.contains(at) || path.contains(child)).peekable();
        while let Some((_, child)) = below.next() {
            let mut levels = goes_on.to_vec();
            levels.push(below.peek().is_some());
            self.below(tree, child, &levels, path, rows);
        }
    }

    /// The rows.
    #[must_use]
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The selected node.
    #[must_use]
    pub const fn selected(&self) -> &Key {
        &self.selected
    }

    /// The row of a node; that of the whole where it is not shown.
    #[must_use]
    pub fn row_of(&self, tree: &Tree, key: &Key) -> Option<usize> {
        self.rows.iter().position(|row| tree.node(row.place).key == *key)
    }

    /// The row of the selected node.
    #[must_use]
    pub fn at(&self, tree: &Tree) -> usize {
        self.row_of(tree, &self.selected).unwrap_or(0)
    }

    /// Selects a node, and unfolds what is above it.
    pub fn select(&mut self, tree: &Tree, key: &Key) {
        if let Some(place) = tree.find(key) {
            let mut above = tree.node(place).parent;
            while above != 0 {
                let node = tree.node(above);
                self.set_open(&node.key, true);
                above = node.parent;
            }
        }
        self.selected = key.clone();
        self.unfold(tree);
    }

    /// Selects a row.
    pub fn select_row(&mut self, tree: &Tree, row: usize) {
        if let Some(row) = self.rows.get(row.min(self.rows.len().saturating_sub(1))) {
            self.selected = tree.node(row.place).key.clone();
        }
    }

    /// Moves the selection.
    pub fn step(&mut self, tree: &Tree, step: Step, page: usize) {
        let row = target(step, self.at(tree), self.rows.len(), page);
        self.select_row(tree, row.unwrap_or(usize::MAX));
    }
}

/// Levels that are shown.
const DEPTH: usize = 64;

/// Nodes below the same one that are shown, the newest: a frame has some milliseconds, and nobody scrolls through more. The row above says how
/// many there are besides; what is selected from an event is shown with them.
pub const BESIDE: usize = 1_000;
