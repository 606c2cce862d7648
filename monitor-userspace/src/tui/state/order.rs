//! Events in another order than that in which they came.

use std::collections::VecDeque;

use agentsnoop_pipeline::{
    Record, lines,
    record::{Kind, Text},
};

use super::{jump, table::rank};
use crate::tui::{model::touch, store::Store};

/// Events that are put into another order at most: so many are sorted in some 30 ms. More are shown in their own, which is said.
pub const SORTED: usize = 200_000;

/// What the list of events is ordered by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum By {
    /// The time, which is the order in which they came.
    #[default]
    Time,
    /// What matters most: secrets before the project before noise, then the latest.
    Class,
    /// The program, then the process.
    Program,
    /// What was done.
    Kind,
    /// What failed before what did not.
    Outcome,
    /// The path, byte by byte; what has none comes last.
    Path,
}

impl By {
    const ALL: [Self; 6] = [Self::Time, Self::Class, Self::Path, Self::Program, Self::Kind, Self::Outcome];

    /// The next one.
    #[must_use]
    pub fn next(self) -> Self {
        let at = Self::ALL.iter().position(|by| *by == self).unwrap_or(0);
        Self::ALL[(at + 1) % Self::ALL.len()]
    }

    /// The name, for the border of the pane.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Class => "what matters",
            Self::Program => "program",
            Self::Kind => "kind",
            Self::Outcome => "outcome",
            Self::Path => "path",
        }
    }

    /// Where an event stands; those that stand at the same place follow their time.
    fn key(self, number: u64, record: &Record) -> Key {
        let wide = |place: usize| (place as u128) << 64;
        let place = match self {
            Self::Time => 0,
            Self::Path => match jump::path(record) {
                Some(path) => return (0, path.as_bytes().into()),
                None => 1,
            },
            Self::Class => {
                let (is_noise, place) = rank(record.classes);
                let is_noise = is_noise || touch::is_noise(record);
                wide(usize::from(is_noise) << 8 | place) | u128::from(u64::MAX - number)
            }
            Self::Program => record.process.as_ref().map_or(u128::MAX, |process| {
                let comm = process.image.comm.as_ref().map(Text::as_bytes).unwrap_or_default();
                // A name has at most 15 bytes (TASK_COMM_LEN), of which the first twelve are enough.
                let mut name = [0; 16];
                for (to, from) in name.iter_mut().zip(comm.iter().take(12)) {
                    *to = *from;
                }
                u128::from_be_bytes(name) | u128::from(process.image.id.pid)
            }),
            Self::Kind => wide(Kind::ALL.iter().position(|kind| *kind == record.kind()).unwrap_or(Kind::ALL.len())),
            Self::Outcome => {
                let mut scratch = String::new();
                wide(usize::from(!lines::ended(record, &mut scratch)))
            }
        };
        (place, Box::default())
    }
}

/// Where an event stands: its place, and among those of one place its text.
type Key = (u128, Box<[u8]>);

/// Rows in an order of their own.
#[derive(Debug, Default)]
pub(super) struct Sorted {
    /// What they are ordered by.
    pub(super) by: By,
    /// The other way round.
    pub(super) reverse: bool,
    /// Where each stands, and its number.
    rows: Vec<(Key, u64)>,
    /// Events before this one were put before the others later, and are not among them yet.
    first: u64,
    /// Nor are events from this one on.
    next: u64,
}

impl Sorted {
    /// None yet, in such an order.
    pub(super) const fn new(by: By, reverse: bool) -> Self {
        Self { by, reverse, rows: Vec::new(), first: 0, next: 0 }
    }

    /// Whether the rows are not simply in the order in which they came.
    pub(super) const fn is_on(&self) -> bool {
        !matches!(self.by, By::Time) || self.reverse
    }

    /// Begins again.
    pub(super) fn restart(&mut self) {
        self.rows.clear();
        self.next = 0;
    }

    /// Forgets the events from a number on.
    pub(super) fn put_back(&mut self, head: u64) {
        self.rows.retain(|(_, number)| *number < head);
        self.next = self.next.min(head);
    }

    /// Takes the rows that are new, and puts all into their order; `false` where they are too many.
    pub(super) fn arrange(&mut self, rows: &VecDeque<u64>, store: &Store) -> bool {
        if !self.is_on() {
            return true;
        }
        if rows.len() > SORTED {
            *self = Self::default();
            return false;
        }
        let first = rows.front().copied().unwrap_or(0);
        if first < self.first {
            self.restart();
        }
        self.first = first;
        if self.rows.len() > rows.len() {
            let first = store.first();
            self.rows.retain(|(_, number)| *number >= first);
        }
        let known = self.rows.len();
        for number in rows.iter().skip(rows.partition_point(|row| *row < self.next)) {
            if let Some(record) = store.get(*number) {
                self.rows.push((self.by.key(*number, record), *number));
            }
            self.next = number + 1;
        }
        if self.rows.len() > known {
            // The most are in their order already, of which this sort makes use.
            self.rows.sort();
        }
        true
    }

    /// The event of a row.
    pub(super) fn get(&self, row: usize) -> Option<u64> {
        let row = if self.reverse { self.rows.len().checked_sub(row + 1)? } else { row };
        self.rows.get(row).map(|(_, number)| *number)
    }

    /// The row of an event.
    pub(super) fn row_of(&self, number: u64) -> Option<usize> {
        let at = self.rows.iter().position(|(_, other)| *other == number)?;
        Some(if self.reverse { self.rows.len() - 1 - at } else { at })
    }
}
