//! A recording for the screen: read through the pipeline as fast as the screen takes it.

use std::{cell::RefCell, path::Path};

use agentsnoop_pipeline::{
    Record,
    input::{Control, Input},
};
use anyhow::{Result, anyhow};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

use super::{
    browser::{Begin, Browser, Served},
    hub::{BATCH, News, Wish},
    index::{self, Builder, Index, Indexing},
    state::Mark,
};
use crate::source::judged::Judged;

/// How a recording is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// To its end.
    Whole,
    /// To its end for now, and on with what is recorded until it is closed.
    Following,
}

/// Whoever writes the recording that is followed.
pub trait Recorder {
    /// Whether it takes marks by now. To be asked now and then: it learns by it that somebody looks.
    fn listens(&mut self) -> bool;

    /// Has it record a mark.
    fn mark(&mut self, mark: &Mark);
}

/// Bytes from which on a recording is worth an index: smaller ones are in memory as a whole, and that soon.
const WORTH: u64 = 8 << 20;

/// Plays a recording for a screen until the screen is gone: by its index where there is one, else by reading it, and again as often as that
/// is wished. What was read last.
///
/// # Errors
///
/// As [`Judged::open`] and [`Judged::next`].
pub fn play(file: &Path, judged: Judged, news: &Sender<News>, wishes: &mut UnboundedReceiver<Wish>) -> Result<Judged> {
    let is_worth = std::fs::metadata(file).is_ok_and(|about| about.is_file() && about.len() >= WORTH);
    let indexing = if is_worth { Indexing::of(file) } else { None };
    play_with(file, judged, indexing.as_ref(), news, wishes)
}

/// Shows a recording while `recorder` writes it, and has it record what is marked.
///
/// # Errors
///
/// As [`play`].
pub fn follow(
    file: &Path,
    judged: Judged,
    recorder: &mut dyn Recorder,
    news: &Sender<News>,
    wishes: &mut UnboundedReceiver<Wish>,
) -> Result<Judged> {
    serve(file, judged, Some(recorder), None, news, wishes)
}

/// The same, with this index or without one.
///
/// # Errors
///
/// As [`play`].
pub fn play_with(
    file: &Path,
    judged: Judged,
    indexing: Option<&Indexing>,
    news: &Sender<News>,
    wishes: &mut UnboundedReceiver<Wish>,
) -> Result<Judged> {
    serve(file, judged, None, indexing, news, wishes)
}

fn serve(
    file: &Path,
    mut judged: Judged,
    mut recorder: Option<&mut dyn Recorder>,
    indexing: Option<&Indexing>,
    news: &Sender<News>,
    wishes: &mut UnboundedReceiver<Wish>,
) -> Result<Judged> {
    let reading = if recorder.is_some() { Reading::Following } else { Reading::Whole };
    let mut listened = false;
    let mut found = indexing.and_then(|indexing| index::load(&indexing.path));
    loop {
        let mut wished = None;
        let served = if let Some(index) = found.take() {
            let served = Browser::new(file, index).serve(news, wishes, Begin::There);
            judged = judged.in_part();
            Some(served)
        } else {
            let mut maker = indexing.map(|indexing| Maker::new(&mut judged, indexing));
            let mut told = |told| {
                if let Some(listens) = recorder.as_mut().map(|recorder| recorder.listens()).filter(|is| *is != listened)
                {
                    listened = listens;
                    if news.blocking_send(News::Recorder(listens)).is_err() {
                        return false;
                    }
                }
                while wished.is_none()
                    && let Ok(wish) = wishes.try_recv()
                {
                    match (wish, &mut recorder) {
                        (Wish::Mark(mark), Some(recorder)) => recorder.mark(&mark),
                        (wish @ (Wish::Reread | Wish::Quit), _) => wished = Some(wish),
                        // What needs an index is not wished for without one, and a recording by itself takes no marks.
                        _ => {}
                    }
                }
                wished.is_none() && news.blocking_send(told).is_ok()
            };
            read(&mut judged, reading, &mut told, &mut |judged, input, records| match &mut maker {
                Some(making) => making.take(judged, input, records),
                None => Ok(()),
            })?;
            let index = maker.filter(|_| wished.is_none()).and_then(|maker| maker.finish(&judged));
            index.map(|index| Browser::new(file, index).serve(news, wishes, Begin::Here))
        };
        if served == Some(Served::Gone) {
            return Ok(judged);
        }
        // It is read to its end: there is nobody left who would take a mark.
        while !matches!(wished, Some(Wish::Reread | Wish::Quit)) {
            wished = Some(wishes.blocking_recv().unwrap_or(Wish::Quit));
        }
        if wished == Some(Wish::Quit) || news.blocking_send(News::Restarted).is_err() {
            return Ok(judged);
        }
        judged = Judged::open(file)?;
    }
}

/// Reads a recording until it ends, or until `told` says that nobody listens.
///
/// # Errors
///
/// As [`Judged::next`].
pub fn tell(judged: &mut Judged, reading: Reading, told: &mut impl FnMut(News) -> bool) -> Result<()> {
    read(judged, reading, told, &mut |_, _, _| Ok(()))
}

/// What is shown each input with its records.
type Seen<'a> = dyn FnMut(&mut Judged, Option<&Input>, &[Record]) -> Result<()> + 'a;

fn read(judged: &mut Judged, reading: Reading, told: &mut impl FnMut(News) -> bool, seen: &mut Seen<'_>) -> Result<()> {
    let told = RefCell::new(told);
    let batch: RefCell<Vec<Record>> = RefCell::default();
    // Of a recording that is not written at the moment it is also asked whether anybody still listens.
    let send = || (told.borrow_mut())(News::Records(batch.take()));
    let mut records = Vec::new();
    let (mut why, mut part) = (NOT_CLOSED.to_owned(), 0);
    loop {
        let input = match reading {
            Reading::Whole => judged.next(&mut records)?,
            Reading::Following => {
                let waited = judged.wait(&mut records, || if send() { Ok(()) } else { Err(anyhow!(GONE)) });
                match waited {
                    Err(error) if error.to_string() == GONE => return Ok(()),
                    other => other?,
                }
            }
        };
        seen(judged, input.as_ref(), &records)?;
        batch.borrow_mut().append(&mut records);
        let goes_on = match &input {
            Some(Input::Opened(opened)) => (told.borrow_mut())(News::Opened(opened.clone())),
            Some(Input::Control(Control::Mark { boot_ns, note })) => {
                (told.borrow_mut())(News::Marked(Mark { boot_ns: *boot_ns, note: note.clone() }))
            }
            Some(Input::Closed(closed)) => {
                closed.reason.clone_into(&mut why);
                true
            }
            _ => true,
        };
        let is_full = batch.borrow().len() >= BATCH;
        if is_full
            && reading == Reading::Whole
            && let Some(now) = judged.part().filter(|now| *now != part)
        {
            part = now;
            (told.borrow_mut())(News::Read(now));
        }
        if !goes_on || ((is_full || input.is_none()) && !send()) {
            return Ok(());
        }
        if input.is_none() {
            (told.borrow_mut())(News::Ended(why));
            return Ok(());
        }
    }
}

/// Why a recording ends that does not say so.
const NOT_CLOSED: &str = "the recording was not closed";

/// Makes an index while a recording is read. Nothing depends on it, so what fails leaves no index.
struct Maker<'a> {
    builder: Option<Builder>,
    path: &'a Path,
}

impl<'a> Maker<'a> {
    fn new(judged: &mut Judged, indexing: &'a Indexing) -> Self {
        judged.make_snapshots(indexing.every);
        Self { builder: Some(Builder::within(indexing.most)), path: &indexing.path }
    }

    fn take(&mut self, judged: &mut Judged, input: Option<&Input>, records: &[Record]) -> Result<()> {
        let Some(builder) = &mut self.builder else { return Ok(()) };
        match builder.take(judged.snapshot(), input, records) {
            Ok(false) => {}
            Ok(true) => judged.halve_snapshots(),
            Err(_) => self.builder = None,
        }
        Ok(())
    }

    /// The index of what was read as a whole: from the cache, or in memory where it cannot be kept there.
    fn finish(self, judged: &Judged) -> Option<Index> {
        let index = self.builder.filter(|_| judged.can_resume())?.finish(judged.pipeline()).ok()??;
        index::store(self.path, &index).ok().or(Some(index))
    }
}

/// What ends the waiting when nobody listens any more.
const GONE: &str = "nobody listens";
