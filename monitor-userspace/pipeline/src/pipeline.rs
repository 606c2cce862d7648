//! The middle as one state machine.

use crate::{
    DataError, Record, Request,
    input::{Config, Input, Opened},
    ledger::Ledger,
};

/// Decodes, attributes and classifies inputs.
#[derive(Debug, Default)]
pub struct Pipeline {
    ledger: Ledger,
    opened: Option<Box<Opened>>,
    config: Option<Box<Config>>,
}

impl Pipeline {
    /// With the built-in data.
    ///
    /// # Errors
    ///
    /// When a built-in data set cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Ok(Self::default())
    }

    /// Takes the next input of the recording and appends the records that it gives to `out`.
    ///
    /// The requests are to be answered live; replay ignores them.
    pub fn push(&mut self, input: &Input, out: &mut Vec<Record>) -> Vec<Request> {
        let _ = (input, out);
        Vec::new()
    }

    /// The counts so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the recording was opened with.
    #[must_use]
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_deref()
    }

    /// The data that was in force when the inputs were taken; compare with [`crate::data::list`] to know whether they
    /// are judged again with other data.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_deref()
    }
}
