//! Bursts of look-ups that cover the environment become one record.
//!
//! `{...process.env}` makes Node call getenv for each name that the program was given, one to three times in a row, within
//! a millisecond; taken one by one they would read as so many targeted look-ups. What tells such a burst: one
//! thread asks for names of its environment, none of them twice but in a row, with no other recorded event of
//! the thread between them and no pause of [`PAUSE_NS`], until [`COVERED`] of all names are asked for.
//!
//! Whether a look-up begins a burst is known only later, so from one that might on all records are held back, in their
//! order: until the thread does something else, or asks again for a name, or pauses. That is decided by the inputs
//! alone, so a replay folds as live did. The record of a burst has the id and the time of its first look-up.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use crate::{
    attribute::{Environment, Tree},
    enrich::Class,
    record::{Body, Getenv, GetenvKind, ProcessId, Record},
};

/// Nanoseconds without a look-up after which a burst is over, and so how long a lone look-up can be held back. Node was seen to
/// pause for 0.6 ms, to collect garbage.
const PAUSE_NS: u64 = 5_000_000;

/// Tenths of the names that a burst must ask for: a program may have taken a few out of its environment.
const COVERED: usize = 9;

/// Names that a burst must ask for: a program that was given next to nothing may well ask for all of it one by one.
const NAMES: usize = 8;

/// Records that are held back at once; when more come, everything is decided by what is known. Five milliseconds
/// of the busiest agent are some 500.
const HELD: usize = 8 * 1024;

/// Threads whose look-ups are followed at once; when one more comes, everything is decided by what is known.
const THREADS: usize = 64;

/// The records that are held back, and the bursts for which they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fold {
    /// The records in their order; `None` for one that became part of another.
    held: VecDeque<Option<Record>>,
    /// The number of the first of them.
    first: u64,
    /// By thread.
    bursts: BTreeMap<u32, Burst>,
}

/// Look-ups of one thread that may become a burst.
#[derive(Clone, Debug)]
struct Burst {
    process: ProcessId,
    environment: Arc<Environment>,
    /// The number of each look-up, and the place of its name in the environment.
    calls: VecDeque<(u64, usize)>,
    /// Whether the name of a place was asked for.
    asked: Vec<bool>,
    /// How many of them were.
    names: usize,
    /// The time of the last look-up.
    last_ns: u64,
    /// The time of the pipeline when it came: of records that admit held back, that is much later.
    came_ns: u64,
}

impl Fold {
    /// When what is held back is free to go, if nothing happens until then.
    pub(crate) fn due_ns(&self) -> Option<u64> {
        self.bursts.values().map(|burst| burst.came_ns.saturating_add(PAUSE_NS + 1)).min()
    }

    /// Takes the records of `out` from `before` on and puts those in their place that are free to go.
    pub(crate) fn pass(&mut self, out: &mut Vec<Record>, before: usize, now_ns: u64, tree: &Tree) {
        let may_begin = |record: &Record| look_up(record).is_some();
        if self.bursts.is_empty() && !out[before..].iter().any(may_begin) {
            return;
        }
        for record in out.drain(before..) {
            self.take(record, now_ns, tree);
        }
        let over = |burst: &Burst| now_ns.saturating_sub(burst.came_ns) > PAUSE_NS;
        let paused: Vec<u32> = self.bursts.iter().filter(|(_, burst)| over(burst)).map(|(tid, _)| *tid).collect();
        for tid in paused {
            self.end(tid);
        }
        if self.held.len() > HELD || self.bursts.len() > THREADS {
            self.decide();
        }
        self.release(out);
    }

    /// Decides everything by what is known, and lets it go.
    pub(crate) fn finish(&mut self, out: &mut Vec<Record>) {
        self.decide();
        self.release(out);
    }

    fn decide(&mut self) {
        while let Some(tid) = self.bursts.keys().next().copied() {
            self.end(tid);
        }
    }

    fn take(&mut self, record: Record, now_ns: u64, tree: &Tree) {
        let number = self.first + self.held.len() as u64;
        if let Some((tid, process, name)) = look_up(&record) {
            let environment = tree.get(process).and_then(|entry| entry.environment.as_ref());
            // A name that the program was not given neither belongs to a burst nor ends one.
            if let Some(environment) = environment.filter(|environment| environment.len() >= NAMES)
                && let Some(place) = environment.place(name)
            {
                let (environment, at_ns) = (Arc::clone(environment), record.boot_ns);
                self.held.push_back(Some(record));
                self.ask(tid, process, &environment, (number, place), (at_ns, now_ns));
                return;
            }
        } else if let (Some(process), false) = (&record.process, matches!(record.body, Body::Getenv(_))) {
            self.end(process.tid);
        }
        self.held.push_back(Some(record));
    }

    /// A thread asks for a name of its environment.
    fn ask(
        &mut self,
        tid: u32,
        process: ProcessId,
        environment: &Arc<Environment>,
        call: (u64, usize),
        (at_ns, now_ns): (u64, u64),
    ) {
        let goes_on = |burst: &Burst| {
            burst.process == process
                && Arc::ptr_eq(&burst.environment, environment)
                && at_ns.saturating_sub(burst.last_ns) <= PAUSE_NS
                && !(burst.is_repeated(call.1) && burst.covers())
        };
        if self.bursts.get(&tid).is_some_and(|burst| !goes_on(burst)) {
            self.end(tid);
        }
        let burst = self.bursts.entry(tid).or_insert_with(|| Burst::new(process, environment));
        burst.ask(call);
        (burst.last_ns, burst.came_ns) = (at_ns, now_ns);
    }

    /// The look-ups of a thread are over: they become one record, or stay what they are.
    fn end(&mut self, tid: u32) {
        let Some(burst) = self.bursts.remove(&tid) else { return };
        let (Some(&(first, _)), Some(&(last, _)), true) = (burst.calls.front(), burst.calls.back(), burst.covers())
        else {
            return;
        };
        let at = |number: u64| usize::try_from(number - self.first).unwrap_or(usize::MAX);
        let (first, last) = (at(first), at(last));
        let mut count = 0;
        for held in self.held.iter_mut().take(last + 1).skip(first + 1) {
            // Between two names of the environment also one that the program has put there itself.
            if held.as_ref().and_then(look_up).is_some_and(|(of, _, _)| of == tid) {
                *held = None;
                count += 1;
            }
        }
        if let Some(Some(record)) = self.held.get_mut(first) {
            record.body = Body::Getenv(Getenv {
                kind: GetenvKind::Enumeration,
                count: count + 1,
                names: Some(burst.names as u64),
                duration_ns: Some(burst.last_ns.saturating_sub(record.boot_ns)),
                ..Getenv::default()
            });
            record.classes = Class::Environment.into();
        }
    }

    /// Lets the records go that no burst holds back.
    fn release(&mut self, out: &mut Vec<Record>) {
        let began = self.bursts.values().filter_map(|burst| burst.calls.front()).map(|(number, _)| *number).min();
        let end = began.unwrap_or(self.first + self.held.len() as u64);
        while self.first < end {
            out.extend(self.held.pop_front().flatten());
            self.first += 1;
        }
    }
}

impl Burst {
    fn new(process: ProcessId, environment: &Arc<Environment>) -> Self {
        Self {
            process,
            environment: Arc::clone(environment),
            calls: VecDeque::new(),
            asked: vec![false; environment.len()],
            names: 0,
            last_ns: 0,
            came_ns: 0,
        }
    }

    /// Whether a name was asked for before, other than just now.
    fn is_repeated(&self, place: usize) -> bool {
        self.asked[place] && self.calls.back().is_none_or(|(_, last)| *last != place)
    }

    fn covers(&self) -> bool {
        self.names >= NAMES && self.names * 10 >= self.environment.len() * COVERED
    }

    /// Takes a look-up. When its name was asked for before, the burst can only have begun after that.
    fn ask(&mut self, (number, place): (u64, usize)) {
        if self.is_repeated(place) {
            while self.asked[place] {
                let Some((_, gone)) = self.calls.pop_front() else { break };
                self.forget(gone);
            }
        }
        if !std::mem::replace(&mut self.asked[place], true) {
            self.names += 1;
        }
        self.calls.push_back((number, place));
    }

    /// The first look-up of a name is no part of the burst any more, and so none that repeats it at once.
    fn forget(&mut self, place: usize) {
        while self.calls.front().is_some_and(|(_, next)| *next == place) {
            self.calls.pop_front();
        }
        self.asked[place] = false;
        self.names -= 1;
    }
}

/// The thread, the process and the name of a record that is a look-up by getenv of a name that came whole.
fn look_up(record: &Record) -> Option<(u32, ProcessId, &[u8])> {
    let (Body::Getenv(getenv), Some(process)) = (&record.body, &record.process) else { return None };
    let name = getenv.name.as_ref().filter(|_| getenv.name_state.is_complete() && !getenv.secure)?;
    Some((process.tid, process.image.id, name.as_bytes()))
}
