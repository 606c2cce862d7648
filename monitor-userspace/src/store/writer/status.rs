//! What the writer knows of its file.

use std::sync::{Mutex, PoisonError, atomic::AtomicU64};

/// What is on disk, and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// Bytes of the file.
    pub bytes: u64,
    /// Blocks in it.
    pub blocks: u64,
    /// Inputs in it.
    pub inputs: u64,
    /// Inputs that were not stored, and from when to when; reset by [`super::Writer::gap`].
    pub missed: Option<Missed>,
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
