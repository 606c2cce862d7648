//! The head: which events are shown, and how it moves through time.

use std::sync::Arc;

use agentsnoop_pipeline::{Record, input::Opened, record::Time};

use super::{
    Motion, State,
    screen::{MARKS, Mark},
    travel::NEAR,
};
use crate::tui::{
    action::Way,
    hub::{BATCH, News, Outline, Place},
    model::touch,
    words,
};

/// The speeds that playing has.
pub(super) const SPEEDS: [f64; 10] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0];

/// The place of real time among them.
pub(super) const REAL: usize = 0;

/// Events that one step of playing shows; a faster player falls behind its speed rather than behind its keys.
const STEP: u64 = 50_000;

const SECOND_NS: u64 = 1_000_000_000;

/// Sensitive touches that the time line shows; more would be all of it.
pub const TOUCHED: usize = 10_000;

impl State {
    /// Takes what it is told.
    pub fn hear(&mut self, news: News) {
        match news {
            News::Restarted => self.awaits = false,
            News::Outlined(outline) => self.outlined(outline),
            News::Moved(moved) => self.moved(*moved),
            News::Older(records) => self.older(records),
            News::Newer(records) => self.newer(records),
            News::Unindexed => self.without_index(),
            News::Recorder(listens) => self.recorder(listens),
            // What comes is of the place before.
            _ if self.awaits || self.asked.is_some() => {}
            News::Opened(opened) => self.opened(*opened),
            News::Records(records) => self.take(records),
            News::Marked(mark) => self.marked(mark),
            News::Read(part) => self.read = part,
            News::Ended(why) => self.end(why),
        }
    }

    /// Learns how the observation began. A recording of several segments has one for each; the first one counts.
    pub fn opened(&mut self, opened: Opened) {
        self.opened.get_or_insert(opened);
    }

    /// Takes events, in their order.
    pub fn take(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            self.idle_ns = 0;
            self.latest = (self.latest.0.max(record.boot_ns), self.latest.1.max(record.time));
            self.notice(&record);
            if self.outline.is_none() && touch::is_sensitive(&record) && self.touched.len() < TOUCHED {
                self.touched.push((self.store.end(), record.boot_ns));
            }
            // What is given up must have been learned.
            if self.store.is_full() && self.head == self.store.first() {
                self.learn_to(self.head + 1);
            }
            self.store.push(record);
        }
        self.head = self.head.max(self.store.first());
        self.moments.forget(self.store.first());
        if self.motion == Motion::Follow {
            let end = self.store.end();
            let stop = self.until.and_then(|place| self.reached(place));
            self.learn_to(stop.unwrap_or(end));
            if stop.is_some() {
                self.until = None;
                self.motion = Motion::Pause;
                self.clock_ns = self.now_ns();
            }
        }
    }

    /// Whether nothing more may come for now: of a recording, what is to be looked at next would be forgotten for it.
    #[must_use]
    pub fn holds(&self) -> bool {
        let is_behind = self.motion != Motion::Follow && self.head < self.store.end();
        // Where there is an index, only what is asked for comes.
        is_behind && self.outline.is_none() && !self.awaits && !self.source.is_live && !self.store.has_room(2 * BATCH)
    }

    /// Takes a mark of the recording, which may be one that was made here and is recorded now.
    fn marked(&mut self, mark: Mark) {
        if let Some(at) = self.unrecorded.iter().position(|(_, own)| own.boot_ns == mark.boot_ns) {
            let (id, own) = self.unrecorded.remove(at);
            // A secret in its note is masked by now.
            self.marks.retain(|other| *other != own);
            self.say(format!("event {id} is marked, in the recording too"));
        }
        self.mark(mark);
    }

    /// Takes a mark.
    pub fn mark(&mut self, mark: Mark) {
        if self.marks.len() < MARKS && !self.marks.contains(&mark) {
            let at = self.marks.partition_point(|other| other.boot_ns <= mark.boot_ns);
            self.marks.insert(at, mark);
        }
    }

    /// Learns whether whoever writes the recording takes marks.
    fn recorder(&mut self, listens: bool) {
        self.recorder = listens;
        if !listens && self.ended.is_none() {
            self.say("the recording takes no marks any more; they are on this screen only");
        }
    }

    /// No more events come.
    pub fn end(&mut self, why: String) {
        self.ended = Some(why);
        self.idle_ns = 0;
        if let count @ 1.. = std::mem::take(&mut self.unrecorded).len() {
            self.say(format!("the recording ended before {count} marks reached it: they are on this screen only"));
        }
    }

    /// Learns the events before a number that are not shown yet.
    pub(super) fn learn_to(&mut self, number: u64) {
        while self.head < number {
            self.moments.pass(self.head, &self.model);
            if let Some(record) = self.store.get(self.head) {
                self.model.learn(self.head, record);
            }
            self.head += 1;
        }
        self.is_stale = true;
    }

    /// Learns of the whole recording what is known of it beforehand.
    fn outlined(&mut self, outline: Arc<Outline>) {
        self.touched.clone_from(&outline.touched);
        self.ended = Some(outline.why.clone());
        self.outline = Some(outline);
    }

    /// How many events there are, in memory or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.outline.as_ref().map_or(0, |outline| outline.events).max(self.store.end())
    }

    /// The latest boot time of the events that are shown.
    #[must_use]
    pub fn now_ns(&self) -> u64 {
        if self.model.now_ns > 0 {
            return self.model.now_ns;
        }
        let last = self.head.checked_sub(1).and_then(|last| self.store.get(last));
        last.or_else(|| self.store.get(self.head)).map_or(0, |record| record.boot_ns)
    }

    /// A time of the boot clock as `HH:MM:SS.mmm` of the recorder; empty where nothing has been observed yet.
    #[must_use]
    pub fn clock_at(&self, boot_ns: u64) -> String {
        let Some(opened) = &self.opened else { return String::new() };
        let after = boot_ns.wrapping_sub(opened.clock.boot_ns).cast_signed();
        words::clock(Time(opened.clock.real_ns.saturating_add(after)), opened.utc_offset)
    }

    /// The boot times of the first and the last event that can be shown.
    #[must_use]
    pub fn range(&self) -> (u64, u64) {
        if let Some(outline) = &self.outline {
            return outline.range;
        }
        let first = self.store.get(self.store.first()).map_or(0, |record| record.boot_ns);
        (first, self.latest.0)
    }

    /// The boot time that is shown: that of the last event, and what has passed since where it is observed now.
    #[must_use]
    pub fn shown_ns(&self) -> u64 {
        let idle = if self.motion == Motion::Follow { self.idle_ns } else { 0 };
        self.model.now_ns.saturating_add(idle)
    }

    /// Lets the time go on where nothing happens; whether another second is full, which durations and the rate show.
    fn idle(&mut self, nanoseconds: u64) -> bool {
        if !self.is_going_on() || self.model.events == 0 {
            return false;
        }
        let before = self.idle_ns / SECOND_NS;
        self.idle_ns = self.idle_ns.saturating_add(nanoseconds);
        self.motion == Motion::Follow && before != self.idle_ns / SECOND_NS
    }

    /// Lets the time pass, nanoseconds of the wall: a player goes on. Whether anything is new.
    pub fn pass(&mut self, nanoseconds: u64) -> bool {
        self.alarm(nanoseconds);
        let is_later = self.idle(nanoseconds);
        let Motion::Play(speed) = self.motion else { return is_later };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a part of a frame does not show"
        )]
        let passed = (nanoseconds as f64 * speed) as u64;
        self.clock_ns = self.clock_ns.saturating_add(passed);
        let until = self.store.find(self.head, self.store.end(), |record| record.boot_ns > self.clock_ns);
        let until = until.unwrap_or_else(|| self.store.end());
        self.learn_to(until.min(self.head + STEP));
        if self.head == self.total() && self.ended.is_some() {
            self.motion = Motion::Pause;
            self.say("the recording ends here");
        }
        true
    }

    /// Whether it happens now.
    #[must_use]
    pub const fn is_going_on(&self) -> bool {
        self.source.is_live && self.ended.is_none()
    }

    pub(super) fn pause(&mut self) {
        let goes_on = self.is_going_on();
        match self.motion {
            Motion::Follow if goes_on => self.motion = Motion::Pause,
            Motion::Pause if goes_on => self.follow(),
            Motion::Play(_) => self.motion = Motion::Pause,
            Motion::Follow | Motion::Pause => self.play(),
        }
    }

    /// Plays, from the beginning where nothing follows.
    fn play(&mut self) {
        let motion = Motion::Play(SPEEDS[self.speed]);
        if self.head == self.total() {
            self.rewind();
        }
        if let Some(asked) = &mut self.asked {
            asked.then = motion;
        } else if !self.awaits {
            self.clock_ns = self.now_ns();
            self.motion = motion;
        }
    }

    pub(super) fn follow(&mut self) {
        self.until = None;
        let end = self.total();
        let is_far = self.outline.is_some() && (self.store.end() < end || end - self.head > NEAR);
        if is_far || self.asked.is_some() {
            return self.ask_for(Place::Behind(end), Motion::Follow, None);
        }
        self.motion = Motion::Follow;
        self.go_to(end);
    }

    pub(super) fn faster(&mut self, way: Way) {
        self.speed = match way {
            Way::Next => (self.speed + 1).min(SPEEDS.len() - 1),
            Way::Previous => self.speed.saturating_sub(1),
        };
        if let Motion::Play(speed) = &mut self.motion {
            *speed = SPEEDS[self.speed];
        }
        self.say(format!("speed ×{}", SPEEDS[self.speed]));
    }

    /// Stands still from now on.
    pub(super) fn stop(&mut self) {
        if self.motion == Motion::Follow {
            self.motion = Motion::Pause;
        }
    }

    /// Shows everything up to an event and selects it.
    pub(super) fn show(&mut self, number: u64) {
        if number >= self.head {
            self.stop();
            self.go_to(number + 1);
        }
        self.list.select(number);
    }

    /// To the next sensitive touch, or to the one before.
    pub(super) fn touch(&mut self, way: Way) {
        let from = self.list.current();
        let found = match way {
            // Behind the newest event nothing is; who follows means the one that was just told of.
            Way::Next if from.is_some() && self.list.follows() => self.store.find_back(self.head, touch::is_sensitive),
            Way::Next => self.store.find(from.map_or(0, |from| from + 1), self.store.end(), touch::is_sensitive),
            Way::Previous => self.store.find_back(from.unwrap_or(self.head), touch::is_sensitive),
        };
        let found = found.or_else(|| self.touch_elsewhere(way));
        match found {
            Some(number) if self.store.get(number).is_none() => {
                self.ask_for(Place::Behind(number + 1), Motion::Pause, Some(number));
            }
            Some(number) => {
                self.tab = super::Tab::Events;
                self.reveal(number);
                self.show(number);
            }
            None => self.say(match way {
                Way::Next => "no sensitive touch behind this event; @ goes back",
                Way::Previous => "no sensitive touch before this event; ! goes on",
            }),
        }
    }

    /// The next sensitive touch behind what is in memory, or the last one before it, by what is known of the whole recording.
    fn touch_elsewhere(&self, way: Way) -> Option<u64> {
        let touched = &self.outline.as_ref()?.touched;
        let (first, end) = (self.store.first(), self.store.end());
        let at = |bound: u64| touched.partition_point(|(number, _)| *number < bound);
        let before = || at(first).checked_sub(1);
        let place = match way {
            Way::Next if self.list.follows() => before(),
            Way::Next => Some(at(end)),
            Way::Previous => before(),
        };
        touched.get(place?).map(|(number, _)| *number)
    }

    /// Takes away what keeps an event from being shown: the filter, the selection of the tree.
    pub(super) fn reveal(&mut self, number: u64) {
        let Some(record) = self.store.get(number) else { return };
        let is_noise = touch::is_noise(record);
        if self.list.scope().is_some() || !self.filter.is_empty() {
            self.filter.clear();
            self.list.set_filter(None);
            self.list.set_scope(None);
            let all = crate::tui::model::Key::All;
            self.trunk.select(&self.model.tree, &all);
        }
        if is_noise && !self.list.noise {
            self.list.noise = true;
            self.list.restart();
        }
    }
}
