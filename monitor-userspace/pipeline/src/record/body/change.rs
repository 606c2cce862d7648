//! Calls that read a link, or that make, remove, rename or change a file.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::record::text::{State, Text};

/// readlink or readlinkat has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readlink {
    /// The absolute path; with the state `unresolved` what was asked for, whose folders may be symbolic links.
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
    /// What the caller learned of what the link says: as much as its buffer took (readlink(2)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Text>,
    /// How `target` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub target_state: State,
    /// The bytes of the target, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The folder that the path starts from, or the link itself, had been removed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlinked: bool,
    /// The path is not absolute for the task: it starts from a place that is not under its root.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside_root: bool,
}

/// rename, link or symlink has returned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pair {
    /// The name of the system call.
    pub call: Cow<'static, str>,
    /// The absolute path of the source, as [`Readlink::path`]; of a symbolic link what it says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Text>,
    /// How `from` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub from_state: State,
    /// The absolute path of the destination, as [`Readlink::path`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Text>,
    /// How `to` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub to_state: State,
    /// The source that the caller asked for; absent where `from` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_from: Option<Text>,
    /// How `requested_from` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub requested_from_state: State,
    /// The destination that the caller asked for; absent where `to` is the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested_to: Option<Text>,
    /// How `requested_to` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub requested_to_state: State,
    /// The flags asked for, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Cow<'static, str>>,
    /// What the call returned: 0, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The source had no name before, or a folder that one of the paths starts from had been removed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlinked: bool,
    /// One of the paths is not absolute for the task: it starts from a place that is not under its root.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside_root: bool,
}

impl Pair {
    /// Whether both files have changed places (`RENAME_EXCHANGE`, renameat2(2)).
    #[must_use]
    pub fn exchanges(&self) -> bool {
        self.flags.iter().any(|flag| flag == "RENAME_EXCHANGE")
    }
}

/// A file or a folder was made, removed, or its attributes were changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The name of the system call.
    pub call: Cow<'static, str>,
    /// The absolute path: of a descriptor that of its file; with the state `unresolved` what was asked for, whose
    /// components may be symbolic links.
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
    /// The permissions asked for, of mknod with the type of the file (inode(7)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<u32>,
    /// The owner asked for; absent where it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<u32>,
    /// The group asked for; absent where it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<u32>,
    /// The length asked for, bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub length: Option<i64>,
    /// The flags asked for, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<Cow<'static, str>>,
    /// What the call returned: 0, or a negative errno.
    pub result: i64,
    /// The errno's name when the call failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'static, str>>,
    /// The kernel's name of a file that has no path, such as `memfd:name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymous: Option<Text>,
    /// The file of the descriptor, or the folder that the path starts from, had been removed.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlinked: bool,
    /// The path is not absolute for the task: it starts from a place that is not under its root.
    #[serde(default, skip_serializing_if = "is_false")]
    pub outside_root: bool,
}

impl Change {
    /// Whether what is removed is a folder (rmdir(2), unlinkat(2)).
    #[must_use]
    pub fn removes_folder(&self) -> bool {
        self.call == "rmdir" || self.flags.iter().any(|flag| flag == "AT_REMOVEDIR")
    }
}
