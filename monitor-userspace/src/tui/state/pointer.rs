//! The mouse.

use super::{Focus, State, Tab};
use crate::tui::{
    action::Step,
    view::layout::{Areas, Place},
};

impl State {
    /// A click selects, gives the keys to the pane, and on the time line seeks; a second one on the same row opens it.
    pub(super) fn click(&mut self, x: u16, y: u16) {
        if self.help.take().is_some() {
            return;
        }
        match Areas::of(self).at(x, y) {
            Some(Place::Tree(row)) => {
                let row = self.trunk.top + row;
                let again = self.focus == Focus::Tree && self.trunk.at(&self.model.tree) == row;
                self.focus = Focus::Tree;
                if row < self.trunk.rows().len() {
                    self.trunk.select_row(&self.model.tree, row);
                    let key = self.trunk.selected().clone();
                    if again && !self.trunk.set_open(&key, true) {
                        self.trunk.set_open(&key, false);
                    }
                    self.narrow();
                }
            }
            Some(Place::Main(row)) => {
                self.focus = Focus::Main;
                self.details_top = 0;
                if self.tab == Tab::Events {
                    let row = self.list.top + row;
                    if row < self.list.len() {
                        self.list.select_row(row);
                    }
                } else {
                    let table = self.table_mut();
                    let row = table.top + row;
                    if row < table.rows().len() {
                        table.select_row(row);
                    }
                }
            }
            Some(Place::Details) => self.focus = Focus::Details,
            Some(Place::Tab(place)) => {
                self.tab = Tab::ALL.get(place).copied().unwrap_or_default();
                self.focus = Focus::Main;
            }
            Some(Place::Line(part, whole)) => {
                let (first, last) = self.range();
                let span = u128::from(last.saturating_sub(first)) * u128::from(part) / u128::from(whole.max(1));
                let boot_ns = first.saturating_add(u64::try_from(span).unwrap_or(u64::MAX));
                self.go_to_time(boot_ns);
            }
            None => {}
        }
    }

    /// The wheel moves the pane under it.
    pub(super) fn wheel(&mut self, x: u16, y: u16, rows: i32) {
        if self.help.is_none() {
            match Areas::of(self).at(x, y) {
                Some(Place::Tree(_)) => self.focus = Focus::Tree,
                Some(Place::Main(_)) => self.focus = Focus::Main,
                Some(Place::Details) => self.focus = Focus::Details,
                _ => {}
            }
        }
        self.step(Step::Rows(rows));
    }
}
