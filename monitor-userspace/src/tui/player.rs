//! A recording for the screen: read through the pipeline as fast as the screen takes it.

use std::cell::RefCell;

use agentsnoop_pipeline::{
    Record,
    input::{Control, Input},
};
use anyhow::{Result, anyhow};
use tokio::sync::mpsc::Sender;

use super::{
    hub::{BATCH, News},
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

/// Reads a recording until it ends, or until nobody listens.
///
/// # Errors
///
/// As [`Judged::next`].
pub fn play(judged: &mut Judged, reading: Reading, news: &Sender<News>) -> Result<()> {
    tell(judged, reading, &mut |told| news.blocking_send(told).is_ok())
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
