//! Things that were touched, each once: files, endpoints, variables, facts about the host.

use std::sync::Arc;

use agentsnoop_pipeline::{Record, enrich::Classes, record::Time};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{Pieces, compact};

/// Different things of a sort that are kept apart. Those that come beyond are counted together as "and N more touches"; their events are
/// in the list of events all the same.
pub const THINGS: usize = 20_000;

/// What all things have: how often they were touched, when, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// Events.
    pub events: u64,
    /// Calls that failed.
    pub failed: u64,
    /// The number of the last event.
    pub last: u64,
    /// Its time.
    #[serde(with = "compact::time")]
    pub time: Time,
    /// The process of the last event, as `comm pid`.
    pub by: String,
    /// What it is for.
    #[serde(with = "compact::classes")]
    pub classes: Classes,
}

impl Seen {
    /// Takes an event, of which so many calls failed.
    pub fn note(&mut self, number: u64, record: &Record, failed: u64) {
        self.events += 1;
        self.failed += failed;
        self.last = number;
        self.time = record.time;
        self.classes = self.classes.union(record.classes);
        if let Some(process) = &record.process {
            self.by.clear();
            if let Some(comm) = &process.image.comm {
                comm.escape_into(&mut self.by);
                self.by.push(' ');
            }
            self.by.push_str(&process.image.id.pid.to_string());
        }
    }
}

/// A thing: its name, what all have, and what those of its sort have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Thing<T> {
    /// What tells it from others.
    pub key: Arc<[u8]>,
    /// The name, escaped.
    pub name: Arc<str>,
    /// What all things have.
    pub seen: Seen,
    /// What things of this sort have.
    pub own: T,
}

/// The things of a sort, in the order in which they came; a place is never given to another one.
#[derive(Clone, Debug)]
pub struct Catalog<T> {
    shown: Shown<T>,
    places: HashMap<Arc<[u8]>, usize>,
}

/// All of a catalog but how its things are found, which they tell.
#[derive(Debug)]
pub struct Shown<T> {
    /// The things.
    pub things: Pieces<Thing<T>>,
    /// Touches of things beyond the bound.
    pub further: u64,
}

impl<T> Clone for Shown<T> {
    fn clone(&self) -> Self {
        Self { things: self.things.clone(), further: self.further }
    }
}

impl<T> Default for Shown<T> {
    fn default() -> Self {
        Self { things: Pieces::default(), further: 0 }
    }
}

impl<T> Default for Catalog<T> {
    fn default() -> Self {
        Self { shown: Shown::default(), places: HashMap::new() }
    }
}

impl<T: Clone + Default> Catalog<T> {
    /// The thing of a key, which is made with the name that `name` gives; `None` beyond the bound, which is counted.
    pub fn at(&mut self, key: &[u8], name: impl FnOnce() -> String) -> Option<&mut Thing<T>> {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None if self.shown.things.len() >= THINGS => {
                self.shown.further += 1;
                return None;
            }
            None => {
                let (key, place): (Arc<[u8]>, _) = (Arc::from(key), self.shown.things.len());
                self.places.insert(Arc::clone(&key), place);
                self.shown.things.push(Thing { key, name: name().into(), seen: Seen::default(), own: T::default() });
                place
            }
        };
        self.shown.things.get_mut(place)
    }
}

impl<T> Catalog<T> {
    /// A thing.
    #[must_use]
    pub fn get(&self, place: usize) -> Option<&Thing<T>> {
        self.shown.things.get(place)
    }

    /// All things.
    pub fn things(&self) -> impl Iterator<Item = &Thing<T>> {
        self.shown.things.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shown.things.len()
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.shown.things.is_empty()
    }

    /// Touches of things that are not kept apart.
    #[must_use]
    pub const fn further(&self) -> u64 {
        self.shown.further
    }

    /// What is to be kept of this moment.
    #[must_use]
    pub const fn shown(&self) -> &Shown<T> {
        &self.shown
    }

    /// Becomes as it was, or will be, at another moment of the same events.
    pub fn become_as(&mut self, other: &Shown<T>) {
        let (old, new) = (self.len(), other.things.len());
        for thing in (new..old).filter_map(|place| self.shown.things.get(place)) {
            self.places.remove(&thing.key);
        }
        self.shown = other.clone();
        for (place, thing) in (old..new).filter_map(|place| Some((place, self.shown.things.get(place)?))) {
            self.places.insert(Arc::clone(&thing.key), place);
        }
    }
}
