//! Things that were touched, each once: files, endpoints, variables, facts about the host.

use agentsnoop_pipeline::{Record, enrich::Classes, record::Time};
use hashbrown::HashMap;

/// Different things of a sort that are kept apart. Those that come beyond are counted together as "and N more touches"; their events are
/// in the list of events all the same.
pub const THINGS: usize = 20_000;

/// What all things have: how often they were touched, when, and by whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Events.
    pub events: u64,
    /// Those that failed.
    pub failed: u64,
    /// The number of the last event.
    pub last: u64,
    /// Its time.
    pub time: Time,
    /// The process of the last event, as `comm pid`.
    pub by: String,
    /// What it is for.
    pub classes: Classes,
}

impl Seen {
    /// Takes an event.
    pub fn note(&mut self, number: u64, record: &Record, failed: bool) {
        self.events += 1;
        self.failed += u64::from(failed);
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
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thing<T> {
    /// The name, escaped.
    pub name: String,
    /// What all things have.
    pub seen: Seen,
    /// What things of this sort have.
    pub own: T,
}

/// The things of a sort, in the order in which they came; a place is never given to another one.
#[derive(Clone, Debug)]
pub struct Catalog<T> {
    places: HashMap<Vec<u8>, usize>,
    things: Vec<Thing<T>>,
    /// Touches of things beyond the bound.
    further: u64,
}

impl<T> Default for Catalog<T> {
    fn default() -> Self {
        Self { places: HashMap::new(), things: Vec::new(), further: 0 }
    }
}

impl<T: Default> Catalog<T> {
    /// The thing of a key, which is made with the name that `name` gives; `None` beyond the bound, which is counted.
    pub fn at(&mut self, key: &[u8], name: impl FnOnce() -> String) -> Option<&mut Thing<T>> {
        let place = match self.places.get(key) {
            Some(place) => *place,
            None if self.things.len() >= THINGS => {
                self.further += 1;
                return None;
            }
            None => {
                self.places.insert(key.to_vec(), self.things.len());
                self.things.push(Thing { name: name(), ..Thing::default() });
                self.things.len() - 1
            }
        };
        self.things.get_mut(place)
    }

    /// All things.
    #[must_use]
    pub fn things(&self) -> &[Thing<T>] {
        &self.things
    }

    /// Touches of things that are not kept apart.
    #[must_use]
    pub const fn further(&self) -> u64 {
        self.further
    }
}
