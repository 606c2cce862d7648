//! What the standard descriptors of an executed program are.

use bytes::Bytes;
use monitor_common::{TextState, body::FileId, decode::Str};

use crate::record::Text;

/// The type bits of a mode and their values (inode(7)).
const S_IFMT: u32 = 0o170_000;
const S_IFSOCK: u32 = 0o140_000;
const S_IFIFO: u32 = 0o010_000;

/// Describes a descriptor as `ls -l /proc/PID/fd` would: its path, `pipe:[inode]`, `socket:[inode]`, the kernel's name
/// for what has no path; `closed` where there is no file, `unknown` where it could not be read, or `is_told` says that
/// this kernel's types do not tell paths.
#[must_use]
pub fn describe(file: &FileId, path: Str<'_>, is_told: bool, bytes: &Bytes) -> Text {
    if !path.bytes.is_empty() {
        return Text::new(bytes.slice_ref(path.bytes));
    }
    let name = match (file.mode & S_IFMT, path.state) {
        (S_IFSOCK, _) => "socket",
        (S_IFIFO, _) => "pipe",
        _ if !is_told => return Text::from_static("unknown"),
        (0, TextState::Unreadable) => return Text::from_static("unknown"),
        (0, _) if file.inode == 0 => return Text::from_static("closed"),
        _ => "anon",
    };
    Text::from(format!("{name}:[{}]", file.inode))
}
