//! The environment.

use serde::{Deserialize, Serialize};

use super::is_false;
use crate::record::text::{State, Text};

/// How a variable was looked up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GetenvKind {
    /// One call for one name.
    #[default]
    Lookup,
    /// A burst of calls that covers the environment, as `{...process.env}` makes them.
    Enumeration,
}

/// libc's getenv or secure_getenv was called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Getenv {
    /// The name asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Text>,
    /// How `name` came.
    #[serde(default, skip_serializing_if = "State::is_complete")]
    pub name_state: State,
    /// How it was looked up.
    pub kind: GetenvKind,
    /// Calls that this record stands for.
    pub count: u64,
    /// Of an enumeration: the names of the program's environment that were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub names: Option<u64>,
    /// Of an enumeration: nanoseconds from the first call to the last; the record's time is that of the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ns: Option<u64>,
    /// The function was secure_getenv.
    #[serde(default, skip_serializing_if = "is_false")]
    pub secure: bool,
}
