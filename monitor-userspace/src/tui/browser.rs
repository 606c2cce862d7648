//! A recording with an index, for the screen: what is wished for is read from the checkpoint before it.

use std::{collections::VecDeque, path::Path, sync::Arc};

use agentsnoop_pipeline::Record;
use anyhow::{Result, ensure};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

use super::{
    hub::{Moved, News, Place, Wish},
    index::Index,
};
use crate::source::judged::Judged;

/// Events before a place that come with it, at least: more than a screen has rows, noise among them.
const AROUND: u64 = 4_096;

/// Events that are read at once behind those that came.
const AHEAD: u64 = 1 << 16;

/// Where a screen begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begin {
    /// Where it is: it has read everything.
    Here,
    /// At the end of the recording, of which it knows nothing yet.
    There,
}

/// How serving ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Served {
    /// The screen is gone.
    Gone,
    /// The index, or the recording behind it, is damaged.
    Damaged,
}

/// Serves a screen.
#[derive(Debug)]
pub(super) struct Browser<'a> {
    file: &'a Path,
    index: Index,
    /// What was read last.
    reader: Option<Reader>,
}

/// Reads events in their order.
struct Reader {
    judged: Judged,
    /// The number of the next event.
    at: u64,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").field("at", &self.at).finish_non_exhaustive()
    }
}

impl Reader {
    /// Reads on until `is_enough` says so of the events that were read, or the recording ends.
    fn read(
        &mut self,
        events: u64,
        out: &mut Vec<Record>,
        mut is_enough: impl FnMut(u64, &[Record]) -> bool,
    ) -> Result<()> {
        while !is_enough(self.at, out) {
            let before = out.len();
            let goes_on = self.judged.next(out)?.is_some();
            self.at += (out.len() - before) as u64;
            ensure!(self.judged.recording().damaged() == 0, "the recording is damaged");
            if !goes_on {
                ensure!(self.at == events, "the recording is not that of its index");
                break;
            }
        }
        Ok(())
    }
}

impl<'a> Browser<'a> {
    pub(super) const fn new(file: &'a Path, index: Index) -> Self {
        Self { file, index, reader: None }
    }

    /// Does what a screen wishes until it is gone.
    pub(super) fn serve(mut self, news: &Sender<News>, wishes: &mut UnboundedReceiver<Wish>, begin: Begin) -> Served {
        let tell = |told| news.blocking_send(told).is_ok();
        if !tell(News::Outlined(Arc::clone(self.index.outline()))) {
            return Served::Gone;
        }
        if begin == Begin::There {
            tell(News::Opened(Box::new(self.index.opened().clone())));
            for mark in self.index.marks() {
                tell(News::Marked(mark.clone()));
            }
        }
        let end = Place::Behind(self.index.outline().events);
        let mut waiting = VecDeque::new();
        if begin == Begin::There {
            waiting.push_back(Wish::Seek { serial: 0, place: end });
        }
        while let Some(wish) = next(&mut waiting, wishes) {
            let told = match wish {
                Wish::Seek { serial, place } => self.go(serial, place).map(|moved| News::Moved(Box::new(moved))),
                Wish::Older(number) => self.older(number).map(News::Older),
                Wish::Newer(number) => self.newer(number).map(News::Newer),
                // A recording takes no marks, and where there is an index nothing is read again.
                Wish::Mark(_) | Wish::Reread | Wish::Quit => continue,
            };
            let is_damaged = told.is_err();
            if !tell(told.unwrap_or(News::Unindexed)) {
                return Served::Gone;
            }
            if is_damaged {
                return Served::Damaged;
            }
        }
        Served::Gone
    }

    fn events(&self) -> u64 {
        self.index.outline().events
    }

    /// To a place. The first one, where the recording is opened, has the number 0.
    fn go(&mut self, serial: u64, place: Place) -> Result<Moved> {
        let checkpoint = self.index.before(place);
        let moment = Box::new(self.index.moment(checkpoint)?);
        let (judged, at) = self.index.judge(self.file, checkpoint)?;
        if serial == 0 && checkpoint.is_some() {
            judged.tell_other_rules();
        }
        let (mut reader, mut records) = (Reader { judged, at }, Vec::new());
        let (mut found, mut looked_at) = (None, 0);
        reader.read(self.events(), &mut records, |_, records| {
            while let (None, Some(record)) = (found, records.get(looked_at)) {
                found = is_there(place, at + looked_at as u64, record);
                looked_at += 1;
            }
            found.is_some()
        })?;
        // What is behind all events is reached with the last one.
        let head = found.unwrap_or(reader.at);
        let selected = match place {
            Place::Event(_) if found.is_some() => head.checked_sub(1),
            _ => None,
        };
        let mut first = at;
        if head - at < AROUND && at > 0 {
            let mut around = self.older(at)?;
            first -= around.len() as u64;
            around.append(&mut records);
            records = around;
        }
        self.reader = Some(reader);
        Ok(Moved { serial, first, records, moment, head, selected })
    }

    /// The events from the checkpoint before one up to it.
    fn older(&mut self, number: u64) -> Result<Vec<Record>> {
        let Some(last) = number.checked_sub(1) else { return Ok(Vec::new()) };
        let checkpoint = self.index.before(Place::Behind(last));
        let (judged, at) = self.index.judge(self.file, checkpoint)?;
        let (mut reader, mut records) = (Reader { judged, at }, Vec::new());
        reader.read(self.events(), &mut records, |at, _| at >= number)?;
        records.truncate(usize::try_from(number - at)?);
        Ok(records)
    }

    /// The events from one on.
    fn newer(&mut self, number: u64) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut reader = match self.reader.take().filter(|reader| reader.at == number) {
            Some(reader) => reader,
            None => {
                let checkpoint = self.index.before(Place::Behind(number));
                let (judged, at) = self.index.judge(self.file, checkpoint)?;
                let mut reader = Reader { judged, at };
                reader.read(self.events(), &mut records, |at, _| at >= number)?;
                records.drain(..usize::try_from(number - at)?.min(records.len()));
                reader
            }
        };
        reader.read(self.events(), &mut records, |at, _| at >= number.saturating_add(AHEAD))?;
        self.reader = Some(reader);
        Ok(records)
    }
}

/// The next wish. Of those that wait, the last one for a place is the only one that counts: all others are of the place before.
fn next(waiting: &mut VecDeque<Wish>, wishes: &mut UnboundedReceiver<Wish>) -> Option<Wish> {
    if waiting.is_empty() {
        waiting.push_back(wishes.blocking_recv()?);
    }
    while let Ok(wish) = wishes.try_recv() {
        waiting.push_back(wish);
    }
    if waiting.contains(&Wish::Quit) {
        return None;
    }
    if let Some(last) = waiting.iter().rposition(|wish| matches!(wish, Wish::Seek { .. })) {
        waiting.drain(..last);
    }
    waiting.pop_front()
}

/// How many events are before a place, where it stands before or behind the event with a number.
fn is_there(place: Place, number: u64, record: &Record) -> Option<u64> {
    match place {
        Place::Behind(behind) => (number >= behind).then_some(number),
        Place::Time { boot_ns, least, most } => {
            let is_later = record.boot_ns > boot_ns && number >= least;
            (is_later || number >= most.max(least)).then_some(number)
        }
        Place::Event(id) => (record.id >= id).then_some(number + 1),
    }
}
