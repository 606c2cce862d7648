//! What each action does.

use super::{Focus, State, Tab};
use crate::tui::{
    action::{Action, Effect, Step, Way},
    model::Key,
    view::layout::Areas,
};

impl State {
    /// Does what a person asks for.
    pub fn act(&mut self, action: Action) {
        if !matches!(action, Action::Resize(..) | Action::Edit(_)) {
            self.note = None;
        }
        let leaves_help = !matches!(
            action,
            Action::Help
                | Action::Quit
                | Action::Move(_)
                | Action::Back
                | Action::Click(..)
                | Action::Wheel(..)
                | Action::Resize(..)
                | Action::Theme
        );
        if leaves_help {
            self.help = None;
        }
        match action {
            // Whoever reads wants to leave that, as of a pager.
            Action::Quit if self.help.take().is_some() => {}
            Action::Quit => self.effects.push(Effect::Quit),
            Action::Help => self.help = if self.help.is_some() { None } else { Some(0) },
            Action::Focus(way) => self.turn_focus(way),
            Action::Move(step) => self.step(step),
            Action::Open => self.open(),
            Action::Fold => self.fold(),
            Action::Back => self.back(),
            Action::Tab(place) => self.show_tab(Tab::ALL.get(place).copied().unwrap_or_default()),
            Action::NextTab(way) => self.show_tab(Tab::ALL[Self::turn(self.tab.place(), Tab::ALL.len(), way)]),
            Action::Prompt(purpose) => self.ask(purpose),
            Action::Edit(edit) => self.edit(&edit),
            Action::Search(way) => self.search_on(way),
            Action::Noise => self.turn_noise(),
            Action::Sort => self.sort(),
            Action::Reverse => self.reverse(),
            Action::Pause => self.pause(),
            Action::Follow => self.follow(),
            Action::Speed(way) => self.faster(way),
            Action::Seek(seconds) => self.seek(seconds),
            Action::Rewind => self.rewind(),
            Action::Touch(way) => self.touch(way),
            Action::Parent => self.parent(),
            Action::ToolCall => self.tool_call(),
            Action::Same => self.same(),
            Action::CopyJson => self.copy_json(),
            Action::CopyShell => self.copy_shell(),
            Action::Alert => {
                self.alert = self.alert.next();
                self.say(self.alert.about());
            }
            Action::Suspend if self.is_going_on() => {
                self.say("^Z would stop the observation as well; q ends it");
            }
            Action::Beside | Action::Zoom => self.say("there is no command beside this screen; `run --tui` has one"),
            Action::Suspend => self.effects.push(Effect::Suspend),
            Action::Theme => {
                self.theme = self.theme.next();
                self.say(format!("theme {}", self.theme.name()));
            }
            Action::Borders => self.ascii = !self.ascii,
            Action::Details => self.turn_details(),
            Action::Click(x, y) => self.click(x, y),
            Action::Wheel(x, y, rows) => self.wheel(x, y, rows),
            Action::Resize(columns, rows) => self.size = (columns, rows),
        }
        self.is_stale = true;
    }

    fn turn_focus(&mut self, way: Way) {
        let panes: &[Focus] =
            if self.details { &[Focus::Tree, Focus::Main, Focus::Details] } else { &[Focus::Tree, Focus::Main] };
        let at = panes.iter().position(|pane| *pane == self.focus).unwrap_or(0);
        self.focus = panes[Self::turn(at, panes.len(), way)];
    }

    fn turn_details(&mut self) {
        self.details = !self.details;
        self.details_top = 0;
        if !self.details && self.focus == Focus::Details {
            self.focus = Focus::Main;
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        let areas = Areas::of(self);
        if let Some(top) = &mut self.help {
            *top = moved(*top, step, areas.help_rows());
            return;
        }
        match self.focus {
            Focus::Tree => {
                self.trunk.step(&self.model.tree, step, areas.tree_rows());
                self.narrow();
            }
            Focus::Main if self.tab == Tab::Events => {
                self.list.step(step, areas.main_rows());
                self.details_top = 0;
            }
            Focus::Main => {
                self.table_mut().step(step, areas.main_rows());
                self.details_top = 0;
            }
            Focus::Details => self.details_top = moved(self.details_top, step, areas.details_rows()),
        }
    }

    /// Shows the events of the selected node.
    pub(super) fn narrow(&mut self) {
        let key = self.trunk.selected().clone();
        self.list.set_scope((key != Key::All).then_some(key));
        self.list.follow();
    }

    fn show_tab(&mut self, tab: Tab) {
        self.tab = tab;
        self.focus = Focus::Main;
        self.details_top = 0;
    }

    fn open(&mut self) {
        match self.focus {
            Focus::Tree => {
                let key = self.trunk.selected().clone();
                let changed = self.trunk.set_open(&key, true);
                if !changed {
                    self.focus = Focus::Main;
                }
            }
            Focus::Main => {
                self.details = true;
                self.focus = Focus::Details;
            }
            Focus::Details => {}
        }
    }

    fn fold(&mut self) {
        match self.focus {
            Focus::Tree => {
                let key = self.trunk.selected().clone();
                let tree = &self.model.tree;
                if self.trunk.set_open(&key, false) {
                    return;
                }
                if let Some(place) = tree.find(&key) {
                    let above = tree.node(tree.node(place).parent).key.clone();
                    self.trunk.select(tree, &above);
                    self.narrow();
                }
            }
            Focus::Main => self.focus = Focus::Tree,
            Focus::Details => self.focus = Focus::Main,
        }
    }

    fn back(&mut self) {
        if self.help.take().is_some() {
            return;
        }
        if self.focus == Focus::Details {
            self.focus = Focus::Main;
        } else if !self.filter.is_empty() {
            self.set_filter("");
        } else if *self.trunk.selected() != Key::All {
            self.trunk.select(&self.model.tree, &Key::All);
            self.narrow();
        } else if self.search.is_some() {
            self.search = None;
        } else if self.tab == Tab::Events {
            self.say("nothing to leave; q ends agentsnoop");
        } else {
            self.show_tab(Tab::Events);
        }
    }

    fn turn_noise(&mut self) {
        self.list.noise = !self.list.noise;
        let current = self.list.current();
        self.list.restart();
        if let Some(number) = current.filter(|_| !self.list.follows()) {
            self.list.select(number);
        }
        self.say(if self.list.noise { "noise is shown" } else { "noise is hidden" });
    }

    fn sort(&mut self) {
        if self.focus == Focus::Tree {
            return self.reverse();
        }
        match self.tab {
            Tab::Events => {
                let (by, reverse) = self.list.order();
                self.list.set_order(by.next(), reverse);
                self.say(format!("by {}", by.next().name()));
            }
            Tab::Coverage => self.say("what could not be seen comes first here, always"),
            _ => {
                let table = self.table_mut();
                table.order = table.order.next();
                let name = table.order.name();
                self.say(format!("by {name}"));
            }
        }
    }

    fn reverse(&mut self) {
        if self.focus == Focus::Tree {
            self.trunk.newest_first = !self.trunk.newest_first;
            self.say(if self.trunk.newest_first { "the newest first" } else { "the oldest first" });
        } else if self.tab == Tab::Events {
            let (by, reverse) = self.list.order();
            self.list.set_order(by, !reverse);
            self.say(format!("by {}{}", by.name(), if reverse { "" } else { ", the other way round" }));
        } else {
            let table = self.table_mut();
            table.reverse = !table.reverse;
        }
    }
}

/// The line at the top of a text that is scrolled; whoever draws it keeps it within the text.
fn moved(top: usize, step: Step, page: usize) -> usize {
    match step {
        Step::Rows(by) => top.saturating_add_signed(by as isize),
        Step::Pages(by) => top.saturating_add_signed(by as isize * page.max(1) as isize),
        Step::First => 0,
        Step::Last => TEXT_END,
    }
}

/// Beyond the end of every text; drawing stops at its last page.
const TEXT_END: usize = 1 << 20;
