//! To another place in time: in memory where it is there, else by way of the recording.

use agentsnoop_pipeline::{
    Record,
    record::{Id, Time},
};

use super::{Motion, State, list::STRIDE, moments::EVERY};
use crate::tui::{
    action::Effect,
    hub::{Moved, Place},
    model::Model,
    store::Store,
};

const SECOND_NS: u64 = 1_000_000_000;

/// Events that are rather learned one by one than left to the recording's index.
pub(super) const NEAR: u64 = 2 * EVERY;

/// Events that are asked for at once, before the others or behind them.
const AHEAD: usize = EVERY as usize;

/// A place that was asked for and has not come yet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    place: Place,
    /// Where that is about, boot clock, nanoseconds: from there it goes on when somebody moves on before it has come.
    boot_ns: u64,
    /// How the time goes on there.
    pub(super) then: Motion,
    /// The event to select.
    select: Option<u64>,
}

impl State {
    /// To a place; what is later is not shown.
    pub fn travel(&mut self, place: Place) {
        match self.number_of(place) {
            Some(number) => {
                self.stop();
                self.go_to(number);
                if let Place::Event(_) = place {
                    self.tab = super::Tab::Events;
                    self.reveal(number - 1);
                    self.list.select(number - 1);
                }
            }
            None if self.outline.is_some() => self.ask_for(place, Motion::Pause, None),
            None => match place {
                Place::Event(id) if self.source.is_live || self.store.first() == 0 => {
                    self.say(format!("event {id} is not in memory"));
                }
                _ if self.source.is_live => {
                    let first = self.moments.first().map_or(self.head, |moment| moment.number);
                    self.stop();
                    self.go_to(first);
                    self.say("what was before is no longer in memory");
                }
                _ => self.reread(Some(place)),
            },
        }
    }

    /// To a time of the boot clock.
    pub fn go_to_time(&mut self, boot_ns: u64) {
        self.travel(Place::time(boot_ns));
    }

    /// To the beginning, or as near to it as is known of what is observed live.
    pub(super) fn rewind(&mut self) {
        let first = self.moments.first().map_or(self.head, |moment| moment.number);
        self.travel(Place::Behind(if self.source.is_live { first } else { 0 }));
    }

    /// Moves in time by seconds.
    pub(super) fn seek(&mut self, seconds: i64) {
        let now = self.asked.map_or_else(|| self.now_ns(), |asked| asked.boot_ns);
        let boot_ns = now.saturating_add_signed(seconds.saturating_mul(SECOND_NS.cast_signed()));
        // A way on leads on, however long nothing happened.
        let (least, most) = match self.asked {
            Some(_) => (0, u64::MAX),
            None if seconds > 0 => (self.head + 1, u64::MAX),
            None => (0, self.head.saturating_sub(1)),
        };
        self.travel(Place::Time { boot_ns, least, most });
    }

    /// How many events are before a place, where it is reached at once by what is in memory.
    fn number_of(&self, place: Place) -> Option<u64> {
        let (first, end) = (self.store.first(), self.store.end());
        let number = match place {
            Place::Behind(number) => number,
            Place::Time { boot_ns, least, most } => {
                let from = self.moments.until(boot_ns)?.number;
                let found = self.store.find(from, end, |record| record.boot_ns > boot_ns);
                found.or((end == self.total()).then_some(end))?.clamp(least, most.max(least))
            }
            Place::Event(id) => self.behind(id)?,
        };
        let number = if place == Place::Behind(number) { number } else { number.min(end) };
        let is_known = number >= self.head || self.moments.before(number).is_some();
        let nearest = self.moments.before(number).map_or(0, |moment| moment.number).max(self.head);
        let is_near = number < self.head || number - nearest <= NEAR || self.outline.is_none();
        ((first..=end).contains(&number) && is_known && is_near).then_some(number)
    }

    /// How many events there are up to that with an id, or up to the one in its place where it was folded into another.
    fn behind(&self, id: Id) -> Option<u64> {
        let of = |number| self.store.get(number).map(|record| record.id);
        let (first, end) = (self.store.first(), self.store.end());
        let is_before = of(first).is_some_and(|first| first > id) && first > 0;
        let is_behind = of(end.checked_sub(1)?).is_some_and(|last| last < id) && end < self.total();
        if is_before || is_behind { None } else { self.store.by_id(id).map(|number| number + 1) }
    }

    /// Asks for a place of the recording.
    pub(super) fn ask_for(&mut self, place: Place, then: Motion, select: Option<u64>) {
        let boot_ns = match place {
            Place::Time { boot_ns, .. } => boot_ns,
            Place::Behind(0) => self.range().0,
            _ => self.range().1,
        };
        self.serial += 1;
        self.asked = Some(Asked { place, boot_ns, then, select });
        self.effects.push(Effect::Seek { serial: self.serial, place });
    }

    /// Is at another place of the recording, unless one more was asked for since.
    pub(super) fn moved(&mut self, moved: Moved) {
        if moved.serial != self.serial {
            return;
        }
        let asked = self.asked.take();
        let Moved { first, records, moment, head, selected, .. } = moved;
        let (events, bytes) = self.store.limits();
        self.store = Store::bounded(events, bytes).from(first);
        records.into_iter().for_each(|record| {
            self.store.push(record);
        });
        self.model.become_as(&moment);
        self.head = moment.number;
        self.moments.clear();
        self.moments.keep(*moment);
        self.learn_to(head);
        self.list.restart();
        self.list.follow();
        (self.asked_older, self.asked_newer) = (None, None);
        self.motion = asked.map_or(Motion::Follow, |asked| asked.then);
        if self.motion == Motion::Follow {
            self.learn_to(self.store.end());
        }
        self.clock_ns = self.now_ns();
        // The last rows are those that are shown.
        for _ in 0..=(self.store.end() - first) / STRIDE {
            self.list.look(&self.store, &self.model.tree, self.head);
        }
        if let Some(number) = selected.or_else(|| asked?.select) {
            self.tab = super::Tab::Events;
            self.reveal(number);
            self.list.select(number);
        }
        self.is_stale = true;
    }

    /// The recording has no index any more: what was asked for is looked for by reading.
    pub(super) fn without_index(&mut self) {
        self.outline = None;
        let asked = self.asked.filter(|asked| asked.then != Motion::Follow);
        self.reread(asked.map(|asked| asked.place));
    }

    /// How many events are before a place, once it is among those that came.
    pub(super) fn reached(&self, place: Place) -> Option<u64> {
        let (head, end) = (self.head, self.store.end());
        match place {
            Place::Behind(number) => (number <= end).then_some(number.max(head)),
            Place::Time { boot_ns, .. } => self.store.find(head, end, |record| record.boot_ns > boot_ns),
            Place::Event(id) => self.store.find(head, end, |record| record.id >= id).map(|number| number + 1),
        }
    }

    /// Takes events that are older than those in memory.
    pub(super) fn older(&mut self, records: Vec<Record>) {
        let first = self.store.first();
        let is_next =
            records.last().is_some_and(|_| self.asked_older == Some(first)) && self.store.has_room(records.len());
        self.asked_older = None;
        if is_next {
            records.into_iter().rev().for_each(|record| self.store.put_before(record));
            self.list.look_back(&self.store, &self.model.tree, first);
        }
    }

    /// Takes events that are newer than those in memory.
    pub(super) fn newer(&mut self, records: Vec<Record>) {
        let is_next = self.asked_newer.take() == Some(self.store.end()) && self.asked.is_none();
        if is_next {
            self.take(records);
        }
    }

    /// Asks for older events where the first ones are shown and there is room, and for newer ones before they are needed.
    pub(super) fn ask_for_more(&mut self) {
        if self.outline.is_none() || self.asked.is_some() {
            return;
        }
        let (first, end) = (self.store.first(), self.store.end());
        if self.asked_older.is_none() && self.wants_older() && self.store.has_room(AHEAD) {
            self.asked_older = Some(first);
            self.effects.push(Effect::Older(first));
        }
        if self.asked_newer.is_none() && end < self.total() && end - self.head < EVERY {
            self.asked_newer = Some(end);
            self.effects.push(Effect::Newer(end));
        }
    }

    /// Whether the events before those in memory would be shown now.
    fn wants_older(&self) -> bool {
        let is_found = self.list.progress(&self.store, self.head).is_none();
        self.store.first() > 0
            && self.tab == super::Tab::Events
            && self.list.top == 0
            && !self.list.is_sorted()
            && is_found
    }

    /// Whether what is shown is not yet what was asked for.
    #[must_use]
    pub fn is_underway(&self) -> bool {
        let is_opening = self.outline.as_ref().is_some_and(|outline| outline.events > 0) && self.store.end() == 0;
        is_opening || self.asked.is_some() || self.awaits
    }

    /// Whether anything was asked for that has not come yet.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.is_underway() || self.asked_older.is_some() || self.asked_newer.is_some()
    }

    /// Whether older events than those in memory were looked for as far as there is room.
    #[must_use]
    pub fn is_full_of_older(&self) -> bool {
        self.store.first() > 0 && !self.store.has_room(AHEAD)
    }

    /// Has the recording read again, up to a place or to its end.
    fn reread(&mut self, until: Option<Place>) {
        let limits = self.store.limits();
        self.store = Store::bounded(limits.0, limits.1);
        (self.head, self.model, self.ended) = (0, Model::default(), None);
        self.latest = (0, Time(0));
        (self.asked, self.asked_older, self.asked_newer) = (None, None, None);
        self.moments.clear();
        self.touched.clear();
        self.list.restart();
        self.list.follow();
        (self.awaits, self.until, self.motion) = (true, until, Motion::Follow);
        self.effects.push(Effect::Reread);
        self.say("reading the recording again, since this is no longer in memory");
    }

    /// Shows the events before a number and no later ones. Where what was known before it is not in memory, the first ones of which it is.
    pub fn go_to(&mut self, number: u64) {
        let number = number.clamp(self.store.first(), self.store.end());
        let moment = self.moments.before(number).or_else(|| self.moments.first());
        if let Some(moment) = moment.filter(|moment| number < self.head || moment.number > self.head) {
            self.model.become_as(moment);
            self.head = moment.number;
        }
        self.learn_to(number);
        self.list.put_back(self.head);
        self.clock_ns = self.now_ns();
        self.list.follow();
    }
}
