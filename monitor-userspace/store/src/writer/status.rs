//! What the writer knows of its file.

use std::sync::{Mutex, PoisonError, atomic::AtomicU64};

use agentsnoop_pipeline::input::Gap;

/// What is on disk, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Inputs in it.
    pub inputs: u64,
    /// Inputs of the first block while it waits in memory, since it could not be written.
    pub held: u64,
    /// Inputs that were not stored, and from when to when; reset by [`super::Writer::gap`].
    pub missed: Option<Missed>,
    /// Inputs that were not stored since the beginning.
    pub missed_in_all: u64,
    /// The gap that [`super::Writer::close`] wrote before the end.
    pub gap: Option<Gap>,
    /// Whether the end is in the file.
    pub closed: bool,
    /// Why nothing is stored for now; `None` while all is well.
    pub error: Option<String>,
    /// The chain's head, hexadecimal.
    pub head: String,
}

/// Inputs that a failing disk did not take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Missed {
    /// How many.
    pub inputs: u64,
    /// The boot time of the first, nanoseconds.
    pub from_ns: u64,
    /// The boot time of the last, nanoseconds.
    pub to_ns: u64,
    /// The error of the first.
    pub cause: String,
}

impl Missed {
    /// What a gap stands for; `None` when it does not say how many inputs.
    pub(super) fn of(gap: &Gap) -> Option<Self> {
        let Gap { from_ns, to_ns, cause, inputs } = gap;
        Some(Self { inputs: (*inputs)?, from_ns: *from_ns, to_ns: *to_ns, cause: cause.clone() })
    }

    pub(super) fn into_gap(self) -> Gap {
        let Self { inputs, from_ns, to_ns, cause } = self;
        Gap { from_ns, to_ns, cause, inputs: Some(inputs) }
    }

    /// Both together; the cause is that of the first.
    pub(super) fn and(self, other: &Self) -> Self {
        let from_ns = match (self.from_ns, other.from_ns) {
            // A block without any time says nothing about the span.
            (0, from_ns) | (from_ns, 0) => from_ns,
            (one, two) => one.min(two),
        };
        Self {
            inputs: self.inputs.saturating_add(other.inputs),
            from_ns,
            to_ns: self.to_ns.max(other.to_ns),
            cause: self.cause,
        }
    }
}

/// What the writer and its thread share.
#[derive(Default)]
pub(super) struct Shared {
    status: Mutex<Status>,
    /// Counts failures, so that `push` sees a new one without a lock.
    pub(super) failures: AtomicU64,
}

impl Shared {
    pub(super) fn with<T>(&self, with: impl FnOnce(&mut Status) -> T) -> T {
        // The status is valid after each of its assignments, so a poisoned lock does no harm.
        with(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
