//! A recording for the screen: read through the pipeline as fast as the screen takes it.

use std::{cell::RefCell, path::Path};

use agentsnoop_pipeline::{
    Record,
    input::{Control, Input},
};
use anyhow::{Result, anyhow};
use tokio::sync::mpsc::{Sender, UnboundedReceiver};

use super::{
    hub::{BATCH, News, Wish},
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

/// Plays a recording for a screen: reads it, and again as often as that is wished, until the screen is gone. What was read last.
///
/// # Errors
///
/// As [`Judged::open`] and [`Judged::next`].
pub fn play(
    file: &Path,
    mut judged: Judged,
    reading: Reading,
    news: &Sender<News>,
    wishes: &mut UnboundedReceiver<Wish>,
) -> Result<Judged> {
    loop {
        let mut wished = None;
        tell(&mut judged, reading, &mut |told| {
            wished = wishes.try_recv().ok();
            wished.is_none() && news.blocking_send(told).is_ok()
        })?;
        match wished.or_else(|| wishes.blocking_recv()) {
            Some(Wish::Reread) if news.blocking_send(News::Restarted).is_ok() => judged = Judged::open(file)?,
            // A recording takes no marks, and what needs an index is not wished for without one.
            Some(Wish::Mark(_) | Wish::Seek { .. } | Wish::Older(_) | Wish::Newer(_)) => {}
            _ => return Ok(judged),
        }
    }
}

/// Reads a recording until it ends, or until `told` says that nobody listens.
///
/// # Errors
///
/// As [`Judged::next`].
pub fn tell(judged: &mut Judged, reading: Reading, told: &mut impl FnMut(News) -> bool) -> Result<()> {
    let told = RefCell::new(told);
    let batch: RefCell<Vec<Record>> = RefCell::default();
    // Of a recording that is not written at the moment it is also asked whether anybody still listens.
    let send = || (told.borrow_mut())(News::Records(batch.take()));
    let mut records = Vec::new();
    let mut why = "the recording was not closed".to_owned();
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
        if !goes_on || ((is_full || input.is_none()) && !send()) {
            return Ok(());
        }
        if input.is_none() {
            (told.borrow_mut())(News::Ended(why));
            return Ok(());
        }
    }
}

/// What ends the waiting when nobody listens any more.
const GONE: &str = "nobody listens";
