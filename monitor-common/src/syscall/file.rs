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

/// `stat(const char *path, struct stat *to)`.
pub const STAT: u64 = 4;
/// `fstat(int fd, struct stat *to)`.
pub const FSTAT: u64 = 5;
/// `lstat(const char *path, struct stat *to)`.
pub const LSTAT: u64 = 6;
/// `access(const char *path, int mode)`.
pub const ACCESS: u64 = 21;
/// `newfstatat(int dfd, const char *path, struct stat *to, int flags)`.
pub const NEWFSTATAT: u64 = 262;
/// `faccessat(int dfd, const char *path, int mode)`.
pub const FACCESSAT: u64 = 269;
/// `statx(int dfd, const char *path, int flags, unsigned mask, struct statx *to)`.
pub const STATX: u64 = 332;
/// `faccessat2(int dfd, const char *path, int mode, int flags)`.
pub const FACCESSAT2: u64 = 439;

/// The calls of this file.
pub(super) const FILES: &[Syscall] = &[
    Syscall::new(OPEN, "open", Kind::Open, family::OPEN),
    Syscall::new(CREAT, "creat", Kind::Open, family::OPEN),
    Syscall::new(OPENAT, "openat", Kind::Open, family::OPEN),
    Syscall::new(OPENAT2, "openat2", Kind::Open, family::OPEN),
    Syscall::new(STAT, "stat", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(FSTAT, "fstat", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(LSTAT, "lstat", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(ACCESS, "access", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(NEWFSTATAT, "newfstatat", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(FACCESSAT, "faccessat", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(STATX, "statx", Kind::Stat, family::STAT).exit_only(),
    Syscall::new(FACCESSAT2, "faccessat2", Kind::Stat, family::STAT).exit_only(),
];
