//! The hand-over between whoever has records and the thread that draws.
//!
//! It is bounded. The live side never waits for it: what the screen cannot take is held for a while, then left out and counted, and a
//! recording has it all. A player waits, since a recording does not run away.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use agentsnoop_pipeline::{
    Record,
    input::Opened,
    record::{Id, Time},
};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::{
    Receiver, Sender, UnboundedReceiver, UnboundedSender, channel, error::TrySendError, unbounded_channel,
};

use super::{
    action::Effect,
    model::{Moment, compact},
    state::Mark,
};
use crate::sink::Sink;

/// Batches that wait for the screen.
const QUEUE: usize = 64;

/// Events of a batch: what is learned between two looks at the keys, some 3 ms.
pub const BATCH: usize = 2_048;

/// Events that are held while the queue is full, some 100 MB; those beyond are left out.
const HELD: usize = 200_000;

/// What the screen is told.
#[derive(Debug)]
pub enum News {
    /// How the observation began.
    Opened(Box<Opened>),
    /// What happened.
    Records(Vec<Record>),
    /// A moment was marked.
    Marked(Mark),
    /// Whether whoever writes the recording takes marks from now on.
    Recorder(bool),
    /// What comes from now on is from the beginning again.
    Restarted,
    /// The recording has an index: from now on only what is wished for comes.
    Outlined(Arc<Outline>),
    /// Another place of the recording.
    Moved(Box<Moved>),
    /// The events before those that came.
    Older(Vec<Record>),
    /// The events behind those that came.
    Newer(Vec<Record>),
    /// The index can no longer be read.
    Unindexed,
    /// How much of the recording was read, in a hundred parts.
    Read(u8),
    /// No more comes, and why.
    Ended(String),
}

/// What is known of a whole recording beforehand.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outline {
    /// Its events.
    pub events: u64,
    /// The boot times of the first and the last one, nanoseconds.
    pub range: (u64, u64),
    /// The time of the last one.
    #[serde(with = "compact::time")]
    pub last: Time,
    /// The first sensitive touches: the number of the event and its boot time.
    pub touched: Vec<(u64, u64)>,
    /// Why it was closed.
    pub why: String,
}

/// A place in the time of a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Behind so many events.
    Behind(u64),
    /// Before the first event that is later than a time, but behind at least and at most so many events.
    Time {
        /// Boot clock, nanoseconds.
        boot_ns: u64,
        /// Events before it, at least.
        least: u64,
        /// Events before it, at most.
        most: u64,
    },
    /// Behind the event with an id, or the one in its place where it was folded into another.
    Event(Id),
}

impl Place {
    /// A time, wherever it is.
    #[must_use]
    pub const fn time(boot_ns: u64) -> Self {
        Self::Time { boot_ns, least: 0, most: u64::MAX }
    }
}

/// What a screen needs to go on at another place of a recording.
#[derive(Clone, Debug)]
pub struct Moved {
    /// That of the wish; 0 where the recording is opened.
    pub serial: u64,
    /// The number of the first event.
    pub first: u64,
    /// Events around the place.
    pub records: Vec<Record>,
    /// The model before one of them.
    pub moment: Box<Moment>,
    /// How many events are before the place.
    pub head: u64,
    /// The event that was meant, where one was.
    pub selected: Option<u64>,
}

/// What the screen wants of the live side or of the player.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// A mark in the recording.
    Mark(Mark),
    /// The recording again, from its beginning.
    Reread,
    /// A place of a recording with an index. Of several wishes the last one counts.
    Seek {
        /// How many such wishes there were with this one.
        serial: u64,
        /// The place.
        place: Place,
    },
    /// Events before this one.
    Older(u64),
    /// Events from this one on.
    Newer(u64),
    /// An end. It is also wished where the screen is gone.
    Quit,
}

/// The screen's end of the hand-over.
#[derive(Debug)]
pub struct Ear {
    /// What comes.
    pub news: Receiver<News>,
    /// What is wished.
    pub wishes: UnboundedSender<Wish>,
    missed: Arc<AtomicU64>,
}

impl Ear {
    /// Wishes what an effect asks of the other end; whether it does. An end that has gone is told of otherwise.
    pub fn wish(&self, effect: &Effect) -> bool {
        let wish = match effect {
            Effect::Reread => Wish::Reread,
            Effect::Seek { serial, place } => Wish::Seek { serial: *serial, place: *place },
            Effect::Older(number) => Wish::Older(*number),
            Effect::Newer(number) => Wish::Newer(*number),
            Effect::Mark { boot_ns, note } => Wish::Mark(Mark { boot_ns: *boot_ns, note: note.clone() }),
            Effect::Quit | Effect::Copy(_) | Effect::Write { .. } | Effect::Alert { .. } | Effect::Suspend => {
                return false;
            }
        };
        let _ = self.wishes.send(wish);
        true
    }

    /// Events that were left out so far.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.missed.load(Ordering::Relaxed)
    }
}

/// The other end: a sink for records, which never waits.
#[derive(Debug)]
pub struct Mouth {
    news: Sender<News>,
    held: Vec<Record>,
    missed: Arc<AtomicU64>,
}

/// A hand-over: for the live side or the player, for the screen, and what the screen wishes. Wishes are a person's, so they need no bound.
#[must_use]
pub fn pair() -> (Mouth, Ear, UnboundedReceiver<Wish>) {
    let (news, heard) = channel(QUEUE);
    let (wishes, wished) = unbounded_channel();
    let missed = Arc::new(AtomicU64::new(0));
    let ear = Ear { news: heard, wishes, missed: Arc::clone(&missed) };
    (Mouth { news, held: Vec::new(), missed }, ear, wished)
}

impl Mouth {
    /// Another sender of news, for what is no record.
    #[must_use]
    pub fn sender(&self) -> Sender<News> {
        self.news.clone()
    }

    /// Gives on what is held, as far as there is room.
    fn offer(&mut self) -> io::Result<()> {
        while !self.held.is_empty() {
            let rest = if self.held.len() > BATCH { self.held.split_off(BATCH) } else { Vec::new() };
            let batch = std::mem::replace(&mut self.held, rest);
            match self.news.try_send(News::Records(batch)) {
                Ok(()) => {}
                Err(TrySendError::Full(News::Records(mut batch))) => {
                    batch.append(&mut self.held);
                    self.held = batch;
                    return Ok(());
                }
                Err(TrySendError::Full(_) | TrySendError::Closed(_)) => return Err(io::ErrorKind::BrokenPipe.into()),
            }
        }
        Ok(())
    }
}

impl Sink for Mouth {
    fn opened(&mut self, opened: &Opened) {
        // The queue is empty yet; of a screen that is gone the next record tells.
        let _ = self.news.try_send(News::Opened(Box::new(opened.clone())));
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.held.len() >= HELD {
            self.missed.fetch_add(1, Ordering::Relaxed);
        } else {
            self.held.push(record.clone());
        }
        if self.held.len() >= BATCH && self.held.len().is_multiple_of(BATCH) { self.offer() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.offer()
    }
}

impl Drop for Mouth {
    fn drop(&mut self) {
        self.missed.fetch_add(self.held.len() as u64, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use agentsnoop_pipeline::{
        Pipeline,
        input::{Control, Input, Why},
        synthetic::Actor,
    };

    use super::*;

    #[test]
    fn a_screen_that_takes_nothing_costs_no_time_and_what_it_misses_is_counted() {
        let mut pipeline = Pipeline::new().unwrap();
        let mut records = Vec::new();
        drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Pid }), &mut records));
        drop(pipeline.push(&Actor::new(7).open("/etc/hosts"), &mut records));
        let record = records.pop().unwrap();
        let (mut mouth, mut ear, _wishes) = pair();
        let all = HELD + QUEUE * BATCH + 1_000;
        for _ in 0..all {
            mouth.record(&record).unwrap();
        }
        mouth.flush().unwrap();
        let missed = usize::try_from(ear.missed()).unwrap();
        assert!(missed > 0);
        let mut taken = 0;
        while let Ok(News::Records(records)) = ear.news.try_recv() {
            assert!(records.len() <= BATCH);
            taken += records.len();
            mouth.flush().unwrap();
        }
        assert_eq!(taken + missed, all);
        drop(ear);
        mouth.record(&record).unwrap();
        assert_eq!(mouth.flush().map_err(|error| error.kind()), Err(io::ErrorKind::BrokenPipe));
    }
}
