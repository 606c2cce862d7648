//! Inputs into a recording. A failure to record never ends the observation; it is kept to be shown.

use std::path::Path;

use agentsnoop_pipeline::input::{Closed, Gap, Input};
use anyhow::Result;

use crate::store::{
    frame,
    writer::{Options, Status, Writer},
};

/// Boot time after which a [`Input::Tick`] flushes, nanoseconds. With a tick a second at least, no more than a
/// second of inputs is at risk when the process is killed.
const FLUSH_NS: u64 = 500_000_000;

/// Writes inputs and keeps the errors.
pub struct Recording {
    writer: Writer,
    flushed_ns: u64,
    trouble: Option<anyhow::Error>,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create(path: &Path, options: Options) -> Result<Self> {
        Ok(Self { writer: Writer::create(path, options)?, flushed_ns: 0, trouble: None })
    }

    /// Takes one input. Ticks flush, so that what was observed is soon on disk, and so does what a reader needs first.
    pub fn push(&mut self, input: &Input) {
        let mut result = self.writer.push(input);
        let due = match input {
            Input::Tick(tick) => tick.boot_ns >= self.flushed_ns.saturating_add(FLUSH_NS),
            Input::Config(_) => true,
            _ => false,
        };
        if due && result.is_ok() {
            self.flushed_ns = frame::time(input).unwrap_or(self.flushed_ns);
            result = self.writer.flush();
        }
        if let Err(error) = result {
            self.trouble = Some(error);
        }
    }

    /// The failure since the last call, to be shown; a failure that lasts is reported once.
    pub const fn trouble(&mut self) -> Option<anyhow::Error> {
        self.trouble.take()
    }

    /// The gap that a failure left, once writing works again; to be pushed to the pipeline and to here.
    pub fn gap(&mut self) -> Option<Gap> {
        self.writer.gap()
    }

    /// What is on disk by now.
    #[must_use]
    pub fn status(&self) -> Status {
        self.writer.status()
    }

    /// Closes the recording and fills in [`Closed::inputs`].
    ///
    /// # Errors
    ///
    /// As [`Writer::close`].
    pub fn close(self, closed: &mut Closed) -> Result<Status> {
        self.writer.close(closed)
    }
}
