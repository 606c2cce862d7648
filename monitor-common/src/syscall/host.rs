//! Calls about the host, and calls that deserve attention.

use super::Syscall;

/// `uname(struct utsname *name)`.
pub const UNAME: u64 = 63;

/// The calls of this file.
pub(super) const HOST: &[Syscall] = &[];
