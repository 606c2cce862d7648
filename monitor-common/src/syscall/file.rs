//! Calls about files.

use super::Syscall;
use crate::{Kind, programs::family};

/// `open(const char *path, int flags, mode_t mode)`.
pub const OPEN: u64 = 2;
/// `creat(const char *path, mode_t mode)`.
pub const CREAT: u64 = 85;
/// `openat(int dfd, const char *path, int flags, mode_t mode)`.
pub const OPENAT: u64 = 257;
/// `openat2(int dfd, const char *path, struct open_how *how, size_t size)`.
pub const OPENAT2: u64 = 437;

/// The calls of this file.
pub(super) const FILES: &[Syscall] = &[
    Syscall::new(OPEN, "open", Kind::Open, family::OPEN),
    Syscall::new(CREAT, "creat", Kind::Open, family::OPEN),
    Syscall::new(OPENAT, "openat", Kind::Open, family::OPEN),
    Syscall::new(OPENAT2, "openat2", Kind::Open, family::OPEN),
];
