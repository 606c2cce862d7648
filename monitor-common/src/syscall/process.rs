//! Calls about processes.

use super::Syscall;

/// `setsid(void)`.
pub const SETSID: u64 = 112;

/// The calls of this file.
pub(super) const PROCESSES: &[Syscall] = &[];
