//! The flags of calls that name files, by name.

use std::borrow::Cow;

use super::named::names;

/// `AT_SYMLINK_NOFOLLOW` (linux/fcntl.h).
pub const SYMLINK_NOFOLLOW: u64 = 0x100;
/// `AT_SYMLINK_FOLLOW`.
pub const SYMLINK_FOLLOW: u64 = 0x400;
/// `AT_EMPTY_PATH`.
pub const EMPTY_PATH: u64 = 0x1000;

/// The flags of unlinkat, linkat, fchownat and fchmodat2.
pub static AT: [(u64, &str); 5] = [
    (SYMLINK_NOFOLLOW, "AT_SYMLINK_NOFOLLOW"),
    (0x200, "AT_REMOVEDIR"),
    (SYMLINK_FOLLOW, "AT_SYMLINK_FOLLOW"),
    (0x800, "AT_NO_AUTOMOUNT"),
    (EMPTY_PATH, "AT_EMPTY_PATH"),
];

/// The flags of renameat2 (linux/fs.h).
pub static RENAME: [(u64, &str); 3] = [(1, "RENAME_NOREPLACE"), (2, "RENAME_EXCHANGE"), (4, "RENAME_WHITEOUT")];

/// The flags that are set, what has no name as one hexadecimal number.
#[must_use]
pub fn named(bits: u64, table: &'static [(u64, &'static str)]) -> Vec<Cow<'static, str>> {
    let (found, rest) = names(bits, table);
    let rest = (rest != 0).then(|| Cow::Owned(format!("{rest:#x}")));
    found.into_iter().map(Cow::Borrowed).chain(rest).collect()
}
