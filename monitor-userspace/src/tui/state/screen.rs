//! The state as one value.

use std::sync::Arc;

use agentsnoop_pipeline::{
    Filter,
    filter::Span,
    input::Opened,
    record::{Id, Time},
};
use serde::{Deserialize, Serialize};

use super::{
    Alert, List, Moments, Table, Trunk, alert::Alarm, list::STRIDE, narrow::Narrow, order::SORTED, travel::Asked,
};
use crate::tui::{
    action::{Effect, Way},
    hub::{Outline, Place},
    model::{Catalog, Key, Model},
    prompt::{History, Prompt},
    store::Store,
    theme::{ASCII, Glyphs, Theme, UNICODE},
    view::layout::Areas,
    why,
    words::number,
};

/// Where the events come from, in words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Source {
    /// What is watched or replayed.
    pub name: String,
    /// Whether it happens now.
    pub is_live: bool,
    /// The recording that has everything, where there is one.
    pub recording: Option<String>,
}

/// A view of the large pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tab {
    /// Event by event.
    #[default]
    Events,
    /// By file.
    Files,
    /// By endpoint.
    Endpoints,
    /// By variable of the environment.
    Variables,
    /// By fact about the host.
    Host,
    /// What could be seen and what could not.
    Coverage,
}

impl Tab {
    /// Every view, in the order of its number key.
    pub const ALL: [Self; 6] =
        [Self::Events, Self::Files, Self::Endpoints, Self::Variables, Self::Host, Self::Coverage];

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Events => "Events",
            Self::Files => "Files",
            Self::Endpoints => "Endpoints",
            Self::Variables => "Environment",
            Self::Host => "Host",
            Self::Coverage => "Coverage",
        }
    }

    /// Its place in [`Tab::ALL`].
    #[must_use]
    pub fn place(self) -> usize {
        Self::ALL.iter().position(|tab| *tab == self).unwrap_or(0)
    }
}

/// The pane that has the keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Focus {
    /// Agents, tool calls, processes.
    Tree,
    /// The view.
    #[default]
    Main,
    /// The details of an event.
    Details,
}

/// How the time goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Motion {
    /// What comes is shown at once.
    #[default]
    Follow,
    /// It stands still; what comes is counted.
    Pause,
    /// It plays, so many times as fast as it happened.
    Play(f64),
}

/// A moment that a person has marked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// The note.
    pub note: String,
}

/// Frames for which an event is selected until the reasons of its classes are looked up, which takes milliseconds.
const RESTED: u8 = 3;

/// Marks that are kept; those beyond are in the recording alone.
pub const MARKS: usize = 1_000;

/// The state.
#[derive(Debug, Default)]
pub struct State {
    /// Where the events come from.
    pub source: Source,
    /// How the observation began.
    pub opened: Option<Opened>,
    /// The events that are kept.
    pub store: Store,
    /// Events before this one are shown.
    pub head: u64,
    /// What is known of them.
    pub model: Model,
    /// How the head moves.
    pub motion: Motion,
    /// The boot time to which the playing has come, nanoseconds.
    pub(super) clock_ns: u64,
    /// The speed that playing goes on with.
    pub(super) speed: usize,
    /// How much of a recording was read, in a hundred parts.
    pub read: u8,
    /// Why no more events come.
    pub ended: Option<String>,
    /// The latest time of an event that was taken, boot clock, nanoseconds, and of the wall. What is told late, a loss for example, is of an
    /// earlier one.
    pub(super) latest: (u64, Time),
    /// How long nothing has come of what happens now, nanoseconds of the wall.
    pub(super) idle_ns: u64,
    /// Events that came faster than they could be taken.
    pub missed: u64,
    /// Marks, by their time.
    pub marks: Vec<Mark>,
    /// Whoever writes the recording takes marks, and what is recorded comes back.
    pub(super) recorder: bool,
    /// Marks that have not come back yet, with their events.
    pub(super) unrecorded: Vec<(Id, Mark)>,
    /// Sensitive touches: the number of the event and its boot time, of all events that were taken.
    pub touched: Vec<(u64, u64)>,
    /// Moments of the model, from which those between them are learned.
    pub moments: Moments,
    /// The whole recording, where there is an index of it; then only a part of its events is in memory.
    pub outline: Option<Arc<Outline>>,
    /// The pane that has the keys.
    pub focus: Focus,
    /// The view.
    pub tab: Tab,
    /// The tree.
    pub trunk: Trunk,
    /// The events.
    pub list: List,
    /// The tables, by the place of their view.
    pub tables: [Table; 6],
    /// Whether details are shown, and the line at their top.
    pub details: bool,
    /// See [`State::details`].
    pub details_top: usize,
    /// The filter in force.
    pub filter: String,
    /// What was searched for last.
    pub search: Option<(String, Filter)>,
    /// A line that is being typed.
    pub prompt: Option<Prompt>,
    /// Lines that were typed.
    pub history: History,
    /// The line at the top of the help, where it is shown.
    pub help: Option<usize>,
    /// A sentence for the last line, until the next key.
    pub note: Option<String>,
    /// Columns and rows.
    pub size: (u16, u16),
    /// The colours.
    pub theme: Theme,
    /// ASCII alone.
    pub ascii: bool,
    /// How sensitive touches are told.
    pub alert: Alert,
    /// Those that wait to be told.
    pub(super) alarm: Alarm,
    /// What the views of things are of.
    pub(super) narrow: Narrow,
    /// The recording is read again: what comes is of before until it begins.
    pub(super) awaits: bool,
    /// Reading stops at this place.
    pub(super) until: Option<Place>,
    /// Places that were asked for so far.
    pub(super) serial: u64,
    /// The last of them, until it comes.
    pub(super) asked: Option<Asked>,
    /// The events before this one were asked for, and those from this one on.
    pub(super) asked_older: Option<u64>,
    /// See [`State::asked_older`].
    pub(super) asked_newer: Option<u64>,
    /// The event that was selected before the last frame, and for how many frames.
    pub(super) rested: (Option<u64>, u8),
    /// Why the event that was selected for some frames has its classes, a line each.
    pub why: Vec<String>,
    pub(super) effects: Vec<Effect>,
    /// The tables are to be ordered anew.
    pub(super) is_stale: bool,
}

impl State {
    /// The state before anything has come.
    #[must_use]
    pub fn new(source: Source, size: (u16, u16), theme: Theme) -> Self {
        let mut state = Self { source, size, theme, details: true, speed: super::time::REAL, ..Self::default() };
        state.trunk.unfold(&state.model.tree);
        state
    }

    /// The characters to draw with.
    #[must_use]
    pub const fn glyphs(&self) -> &'static Glyphs {
        if self.ascii { &ASCII } else { &UNICODE }
    }

    /// The table of the view.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.tables[self.tab.place()]
    }

    /// The same, to change it.
    pub(super) fn table_mut(&mut self) -> &mut Table {
        &mut self.tables[self.tab.place()]
    }

    /// The event that the details are of.
    #[must_use]
    pub fn current(&self) -> Option<u64> {
        match self.tab {
            Tab::Events => self.list.current(),
            Tab::Files => self.last_of(&self.things().files),
            Tab::Endpoints => self.last_of(&self.things().endpoints),
            Tab::Variables => self.last_of(&self.things().variables),
            Tab::Host => self.last_of(&self.things().host),
            Tab::Coverage => None,
        }
    }

    /// The last event of the selected thing.
    fn last_of<T>(&self, things: &Catalog<T>) -> Option<u64> {
        things.get(self.table().current()?).map(|thing| thing.seen.last)
    }

    /// The time that the events are of.
    #[must_use]
    pub fn span(&self) -> Span {
        let Some(opened) = &self.opened else { return Span::default() };
        let newest = self.outline.as_ref().map_or(self.latest.1, |outline| outline.last).0;
        Span { start: opened.clock.real_ns, end: newest.max(opened.clock.real_ns), utc_offset: opened.utc_offset }
    }

    /// What is to be done outside; each is given once.
    pub fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// Says something on the last line.
    pub(super) fn say(&mut self, what: impl Into<String>) {
        self.note = Some(what.into());
    }

    /// To be called before each frame: finds what is to be shown, for a bounded time. Whether there is more to find.
    pub fn settle(&mut self) -> bool {
        let mut more = self.list.look(&self.store, &self.model.tree, self.head);
        if !self.list.arrange(&self.store) {
            self.say(format!(
                "more than {} events are too many to sort: a filter (f) or the tree makes them fewer",
                number(SORTED as u64)
            ));
        }
        more |= self.narrowed();
        if self.is_stale {
            self.is_stale = false;
            self.trunk.unfold(&self.model.tree);
            if self.tab != Tab::Events {
                let (tab, noise) = (self.tab, self.list.noise);
                let mut table = std::mem::take(self.table_mut());
                table.arrange(tab, if tab == Tab::Coverage { &self.model } else { self.things() }, noise);
                *self.table_mut() = table;
            }
        }
        self.scroll();
        self.ask_for_more();
        let current = self.current();
        self.rested = (current, if self.rested.0 == current { self.rested.1.saturating_add(1) } else { 0 });
        match self.rested.1 {
            0 => self.why.clear(),
            RESTED => self.why = current.and_then(|number| self.store.get(number)).map(why::of).unwrap_or_default(),
            _ => {}
        }
        more || self.rested.1 < RESTED
    }

    /// Finds the things of what is selected, where a view shows them; whether there is more to find.
    fn narrowed(&mut self) -> bool {
        if self.narrow.set(self.list.scope()) {
            self.is_stale = true;
            self.tables.iter_mut().for_each(Table::forget);
        }
        if matches!(self.tab, Tab::Events | Tab::Coverage) {
            return false;
        }
        let more = self.narrow.look(&self.store, &self.model.tree, self.head);
        self.is_stale |= more;
        more
    }

    /// Moves what is shown so that what is selected is among it.
    fn scroll(&mut self) {
        let areas = Areas::of(self);
        let (tree, main) = (areas.tree_rows(), areas.main_rows());
        let follows = self.focus != Focus::Tree && *self.trunk.selected() == Key::All && self.motion == Motion::Follow;
        let latest = follows.then(|| &self.model.tree.node(self.model.tree.latest()).key);
        // Who follows wants to see what is going on, wherever the tree was before.
        let (top, at) = match latest.and_then(|key| self.trunk.row_of(&self.model.tree, key)) {
            Some(row) => (0, row),
            None => (self.trunk.top, self.trunk.at(&self.model.tree)),
        };
        self.trunk.top = within(top, at, tree, self.trunk.rows().len());
        if self.tab == Tab::Events {
            self.list.top = within(self.list.top, self.list.at(), main, self.list.len());
        } else {
            let table = self.table_mut();
            table.top = within(table.top, table.at(), main, table.rows().len());
        }
    }

    /// Finds rows until there is nothing more to find: for tests and pictures, which have no next frame.
    pub fn settle_all(&mut self) {
        let most = self.head.saturating_sub(self.store.first()) / STRIDE + 2 + u64::from(RESTED);
        for _ in 0..most {
            if !self.settle() {
                break;
            }
        }
    }

    /// The next of a set of choices.
    pub(super) const fn turn(at: usize, count: usize, way: Way) -> usize {
        match way {
            Way::Next => (at + 1) % count,
            Way::Previous => (at + count - 1) % count,
        }
    }
}

/// The row at the top, so that a row is shown and no room is left empty. What is far away comes with what is around it.
fn within(top: usize, at: usize, height: usize, rows: usize) -> usize {
    let height = height.max(1);
    let lowest = at.saturating_sub(height - 1);
    let is_far = at + height < top || at > top + 2 * height;
    let top = if is_far { at.saturating_sub(height / 2) } else { top };
    top.clamp(lowest, at).min(rows.saturating_sub(height))
}
