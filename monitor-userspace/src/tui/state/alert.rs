//! What is told without anybody looking: sensitive touches of what happens now, whatever the screen shows, paused or not.

use agentsnoop_pipeline::{Record, lines};

use super::State;
use crate::tui::{action::Effect, escape, model::touch};

/// Nanoseconds from one alert to the next at least: a burst is told once, with its number.
const EVERY_NS: u64 = 5_000_000_000;

/// Columns of what was touched; desktops show little more.
const ABOUT: usize = 120;

/// How a sensitive touch is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Alert {
    /// The terminal rings, and the desktop is told where the terminal knows how.
    #[default]
    Both,
    /// Only the desktop is told.
    Desktop,
    /// The terminal only rings.
    Bell,
    /// Not at all.
    Off,
}

impl Alert {
    /// Every way, in the order in which a key goes through them.
    pub const ALL: [Self; 4] = [Self::Both, Self::Desktop, Self::Bell, Self::Off];

    /// The name, as `AGENTSNOOP_ALERT` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Both => "both",
            Self::Desktop => "desktop",
            Self::Bell => "bell",
            Self::Off => "off",
        }
    }

    /// The way of a name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|alert| alert.name() == name)
    }

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|alert| *alert == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// What it does, in words.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Both => "sensitive touches ring, and tell the desktop",
            Self::Desktop => "sensitive touches tell the desktop",
            Self::Bell => "sensitive touches ring",
            Self::Off => "sensitive touches are told nowhere but here",
        }
    }

    /// Whether the terminal rings.
    #[must_use]
    pub const fn rings(self) -> bool {
        matches!(self, Self::Both | Self::Bell)
    }

    /// Whether the desktop is told.
    #[must_use]
    pub const fn notifies(self) -> bool {
        matches!(self, Self::Both | Self::Desktop)
    }
}

/// What waits to be told.
#[derive(Clone, Debug, Default)]
pub(super) struct Alarm {
    /// The last touch, and how many there were since the last alert.
    waiting: Option<(String, u64)>,
    /// Nanoseconds since the last alert; none before the first one.
    since_ns: Option<u64>,
}

impl State {
    /// Takes notice of an event that has just come. What a recording tells was long ago and alarms nobody.
    pub(super) fn notice(&mut self, record: &Record) {
        if !self.source.is_live || self.alert == Alert::Off || !touch::is_sensitive(record) {
            return;
        }
        let mut about = String::new();
        lines::about(record, &mut about);
        let comm = record.process.as_ref().and_then(|process| process.image.comm.as_ref());
        let by = comm.map(|comm| format!(" by {}", escape::bytes(comm.as_bytes()))).unwrap_or_default();
        let what = format!("{} {}{by}", record.kind().name(), escape::fit(&about, ABOUT, escape::Cut::Middle));
        let count = self.alarm.waiting.take().map_or(0, |(_, count)| count);
        self.alarm.waiting = Some((what, count + 1));
    }

    /// Lets so much time pass, and tells what waits.
    pub(super) fn alarm(&mut self, nanoseconds: u64) {
        self.alarm.since_ns = self.alarm.since_ns.map(|since| since.saturating_add(nanoseconds));
        if self.alarm.since_ns.is_some_and(|since| since < EVERY_NS) {
            return;
        }
        let Some((what, count)) = self.alarm.waiting.take() else { return };
        self.alarm.since_ns = Some(0);
        let text = if count > 1 { format!("{what}, and {} more", count - 1) } else { what };
        self.effects.push(Effect::Alert { text, alert: self.alert });
    }
}
