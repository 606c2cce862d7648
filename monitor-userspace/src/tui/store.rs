//! The events that are kept in memory, by the order in which they came.

use std::collections::VecDeque;

use agentsnoop_pipeline::{
    Record,
    record::{Body, Id, Text},
};

/// Events that are kept. Beyond them the oldest are given up, counted, and shown as such; a recording has them all.
pub const EVENTS: usize = 1_000_000;

/// Bytes that they may take, about. A million of the usual ones take some 500 MB; long command lines make it fewer.
pub const BYTES: usize = 768 << 20;

/// Bytes of a ring record, which the strings of its event share: the mean of real sessions, rounded up.
const RAW_BYTES: usize = 192;

/// Events by number: the first that came is 0, and a number is never given twice.
#[derive(Debug)]
pub struct Store {
    records: VecDeque<Record>,
    first: u64,
    bytes: usize,
    limit: (usize, usize),
}

impl Default for Store {
    fn default() -> Self {
        Self::bounded(EVENTS, BYTES)
    }
}

impl Store {
    /// Keeps at most so many events, and so many bytes of them.
    #[must_use]
    pub const fn bounded(events: usize, bytes: usize) -> Self {
        Self { records: VecDeque::new(), first: 0, bytes: 0, limit: (events, bytes) }
    }

    /// Adds an event, and gives the oldest up where there is no room; its number.
    pub fn push(&mut self, record: Record) -> u64 {
        self.bytes += weight(&record);
        self.records.push_back(record);
        while self.records.len() > self.limit.0.max(1) || (self.bytes > self.limit.1 && self.records.len() > 1) {
            if let Some(oldest) = self.records.pop_front() {
                self.bytes -= weight(&oldest);
                self.first += 1;
            }
        }
        self.end() - 1
    }

    /// Begins with the event of a number, while there is none.
    #[must_use]
    pub fn from(mut self, first: u64) -> Self {
        if self.records.is_empty() {
            self.first = first;
        }
        self
    }

    /// Adds the event before the first one. Whoever does so asks before whether there is room.
    pub fn put_before(&mut self, record: Record) {
        if let Some(first) = self.first.checked_sub(1) {
            self.first = first;
            self.bytes += weight(&record);
            self.records.push_front(record);
        }
    }

    /// Whether the next event may cost the oldest one.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.records.len() >= self.limit.0 || self.bytes >= self.limit.1
    }

    /// Whether so many more of the usual events fit without costing any.
    #[must_use]
    pub fn has_room(&self, events: usize) -> bool {
        let each = size_of::<Record>() + RAW_BYTES;
        self.records.len() + events <= self.limit.0 && self.bytes.saturating_add(events * each) <= self.limit.1
    }

    /// The number of the first event that is kept. Those before were given up, or not read.
    #[must_use]
    pub const fn first(&self) -> u64 {
        self.first
    }

    /// The number of the next event.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// An event, where it is kept.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<&Record> {
        self.records.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Bytes that the events take, about.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Bytes that they may take.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit.1
    }

    /// Events and bytes that are kept at most.
    #[must_use]
    pub const fn limits(&self) -> (usize, usize) {
        self.limit
    }

    /// The first event from `from` on that is wanted.
    pub fn find(&self, from: u64, to: u64, mut wanted: impl FnMut(&Record) -> bool) -> Option<u64> {
        (from.max(self.first)..to.min(self.end())).find(|number| self.get(*number).is_some_and(&mut wanted))
    }

    /// The last event before `to` that is wanted.
    pub fn find_back(&self, to: u64, mut wanted: impl FnMut(&Record) -> bool) -> Option<u64> {
        (self.first..to.min(self.end())).rev().find(|number| self.get(*number).is_some_and(&mut wanted))
    }

    /// The event with an id, or the one in its place where it was folded into another.
    #[must_use]
    pub fn by_id(&self, id: Id) -> Option<u64> {
        let exact = self.find(self.first, self.end(), |record| record.id == id);
        exact.or_else(|| self.find(self.first, self.end(), |record| record.id >= id))
    }
}

/// Bytes that an event takes in memory, about.
fn weight(record: &Record) -> usize {
    let texts = |texts: &[Text]| texts.iter().map(|text| size_of::<Text>() + text.as_bytes().len()).sum::<usize>();
    let more = match &record.body {
        Body::Exec(exec) => size_of_val(&**exec) + texts(&exec.argv) + texts(&exec.env_names),
        Body::ToolCall(call) => {
            size_of_val(&**call)
                + [&call.programs, &call.written, &call.removed].map(|list| texts(list)).iter().sum::<usize>()
        }
        _ => 0,
    };
    size_of::<Record>() + RAW_BYTES + more
}
