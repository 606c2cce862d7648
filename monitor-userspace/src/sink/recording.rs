//! Inputs into a recording. A failure to record never ends the observation; it is kept to be shown.

use std::path::Path;

use agentsnoop_pipeline::input::{Closed, Gap, Input};
use anyhow::Result;

use crate::store::writer::{Options, Status, Writer};

/// Writes inputs and keeps the errors.
pub struct Recording {
    writer: Writer,
    trouble: Option<anyhow::Error>,
}

impl Recording {
    /// Creates the file.
    ///
    /// # Errors
    ///
    /// As [`Writer::create`].
    pub fn create(path: &Path, options: Options) -> Result<Self> {
        Ok(Self { writer: Writer::create(path, options)?, trouble: None })
    }

    /// Takes one input.
    pub fn push(&mut self, input: &Input) {
        if let Err(error) = self.writer.push(input) {
            self.trouble = Some(error);
        }
        // What the rest is understood by goes into a block of its own: a small one fits where a full one does not.
        if matches!(input, Input::Config(_)) {
            self.flush();
        }
    }

    /// Sends what was taken to the disk. Called at least once a second, so that no more is at risk when the process is
    /// killed.
    pub fn flush(&mut self) {
        if let Err(error) = self.writer.flush() {
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

    /// Inputs that were not stored so far, in all, whether a gap says so already or not.
    #[must_use]
    pub fn missed(&self) -> u64 {
        self.writer.missed()
    }

    /// Closes the recording and fills in [`Closed::inputs`]. The pipeline of the live side is to take [`Status::gap`] and
    /// then `closed`, as the recording ends with them.
    ///
    /// # Errors
    ///
    /// As [`Writer::close`].
    pub fn close(self, closed: &mut Closed) -> Result<Status> {
        self.writer.close(closed)
    }
}
