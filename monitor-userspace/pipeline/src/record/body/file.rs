//! Files.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::is_false;
pub use crate::event::flags::{OpenFlags, ResolveFlags};
use crate::record::text::{State, Text};

/// What a descriptor can be used for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// `O_RDONLY`.
    #[default]
    Read,
    /// `O_WRONLY`.
    Write,
    /// `O_RDWR`, and the access mode 3, which asks for both permissions (open(2)).
    ReadWrite,
    /// `O_PATH`: no content is read.
    Path,
    /// Opened by the kernel to be executed.
    Execute,
}

impl Access {
    /// The name in records.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::ReadWrite => "read_write",
            Self::Path => "path",
            Self::Execute => "execute",
        }
    }

    /// Whether the content can be read through the descriptor.
    #[must_use]
    pub const fn reads(self) -> bool {
        matches!(self, Self::Read | Self::ReadWrite | Self::Execute)
    }

    /// Whether the content can be changed through the descriptor.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self, Self::Write | Self::ReadWrite)
    }
}

/// open, openat, openat2 or creat has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    /// The absolute path of the opened file. Of a failed call, and where the file has no path, the absolute path that
    /// was asked for, with the state `unresolved`: no symbolic link in it was followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// How `path` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub path_state: State,
    /// What the caller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Text>,
    /// How `requested` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub requested_state: State,
    /// What the descriptor can be used for.
    pub access: Access,
    /// The other flags asked for.
    pub flags: OpenFlags,
    /// The permissions asked for a file that the call may create.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// How openat2 was asked to look up the path (`RESOLVE_*`).
    #[serde(default, skip_serializing_if = "ResolveFlags::is_empty")]
    pub resolve: ResolveFlags,
    /// The descriptor, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The kernel's name of a file that has no path, such as `memfd:name`; empty for a pipe or a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Text>,
    /// The file had been unlinked, or never linked (`O_TMPFILE`), when its path was read.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlinked: bool,
    /// The path ends at the top of a mount that is not under the root of the task, so that it is not absolute there.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside_root: bool,
}

/// A call that looks at a file without opening it has returned, or earlier ones were repeated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stat {
    /// The name of the system call; absent for repeats of which the first is not known.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub call: Cow<'static, str>,
    /// The absolute path, as the kernel resolved it; with the state `unresolved` what was asked for, below the folder that it
    /// started from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Text>,
    /// How `path` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub path_state: State,
    /// What the caller asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<Text>,
    /// How `requested` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub requested_state: State,
    /// The call was about an open descriptor and named no path. Repeats are those with the same result, of any descriptor.
    #[serde(default, skip_serializing_if = "is_false")]
    pub descriptor: bool,
    /// The kernel's name of a file that has no path, such as `[eventfd]`; empty for a pipe or a socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Text>,
    /// Of a symbolic link at the end of the path, the link itself was looked at.
    #[serde(default, skip_serializing_if = "is_false")]
    pub nofollow: bool,
    /// What access and its like asked for: `exists`, or letters of `rwx`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<Cow<'static, str>>,
    /// Calls that this record tells.
    pub count: u64,
    /// The calls repeat one that an earlier record of the same process told; else this is the first.
    #[serde(default, skip_serializing_if = "is_false")]
    pub repeats: bool,
    /// 0, or a negative errno; absent for repeats of which the first is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<i64>,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
}
