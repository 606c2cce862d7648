//! Things as a table: in which order, and which one is selected.

use std::cmp::Ordering;

use super::{Tab, list::target};
use crate::tui::{
    action::Step,
    model::{Catalog, Model, Thing},
};
use agentsnoop_pipeline::enrich::{Class, Classes};

/// What a table is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// What matters most: secrets before the project before noise, then the latest.
    #[default]
    Class,
    /// The latest first.
    Latest,
    /// The most events first.
    Events,
    /// By name.
    Name,
}

impl Order {
    const ALL: [Self; 4] = [Self::Class, Self::Latest, Self::Events, Self::Name];

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|order| *order == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The name, for the title of the pane.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Class => "what matters",
            Self::Latest => "latest",
            Self::Events => "events",
            Self::Name => "name",
        }
    }
}

/// A table.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<usize>,
    /// Things that are only what every program touches.
    hidden: usize,
    /// What it is ordered by.
    pub order: Order,
    /// The other way round.
    pub reverse: bool,
    selected: Option<usize>,
    /// The row at the top.
    pub top: usize,
}

impl Table {
    /// Orders the things of a view anew.
    pub fn arrange(&mut self, tab: Tab, model: &Model, noise: bool) {
        match tab {
            Tab::Events => {}
            Tab::Files => self.order(&model.files, noise),
            Tab::Endpoints => self.order(&model.endpoints, noise),
            Tab::Variables => self.order(&model.variables, true),
            Tab::Host => self.order(&model.host, noise),
            Tab::Coverage => self.rows = (0..model.observation.facts().len()).collect(),
        }
    }

    fn order<T>(&mut self, catalog: &Catalog<T>, noise: bool) {
        let things: Vec<&Thing<T>> = catalog.things().collect();
        let is_shown = |thing: &Thing<T>| noise || thing.seen.classes != Class::Noise.into();
        self.rows.clear();
        self.rows.extend((0..things.len()).filter(|place| is_shown(things[*place])));
        self.hidden = things.len() - self.rows.len();
        let order = self.order;
        let compare = |one: &usize, other: &usize| {
            let (one, other) = (things[*one], things[*other]);
            match order {
                Order::Class => {
                    rank(one.seen.classes).cmp(&rank(other.seen.classes)).then(other.seen.last.cmp(&one.seen.last))
                }
                Order::Latest => other.seen.last.cmp(&one.seen.last),
                Order::Events => other.seen.events.cmp(&one.seen.events),
                Order::Name => Ordering::Equal,
            }
            .then_with(|| one.name.cmp(&other.name))
        };
        self.rows.sort_unstable_by(compare);
        if self.reverse {
            self.rows.reverse();
        }
    }

    /// The places of the things, in their order.
    #[must_use]
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Things that are not shown since every program touches them.
    #[must_use]
    pub const fn hidden(&self) -> usize {
        self.hidden
    }

    /// Selects nothing any more: the things are others.
    pub fn forget(&mut self) {
        (self.selected, self.top) = (None, 0);
        self.rows.clear();
    }

    /// The row of the selected thing.
    #[must_use]
    pub fn at(&self) -> usize {
        self.selected.and_then(|selected| self.rows.iter().position(|row| *row == selected)).unwrap_or(0)
    }

    /// The place of the selected thing.
    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.rows.get(self.at()).copied()
    }

    /// Selects a row.
    pub fn select_row(&mut self, row: usize) {
        self.selected = self.rows.get(row.min(self.rows.len().saturating_sub(1))).copied();
    }

    /// Moves the selection.
    pub fn step(&mut self, step: Step, page: usize) {
        let row = target(step, self.at(), self.rows.len(), page);
        self.select_row(row.unwrap_or(usize::MAX));
    }
}

/// Where a thing stands by what it is for; what is noise comes last.
pub(super) fn rank(classes: Classes) -> (bool, usize) {
    let class = classes.first();
    // A variable of which nothing more is known says the least.
    let class = class.filter(|class| *class != Class::Environment);
    let place = class.and_then(|class| Class::ALL.iter().position(|other| *other == class));
    // What is of no class is an ordinary file elsewhere, which matters more than noise.
    (classes == Class::Noise.into(), place.unwrap_or(Class::ALL.len()))
}
