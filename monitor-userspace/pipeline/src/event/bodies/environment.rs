//! The environment.

use bytes::Bytes;
use monitor_common::{body, decode::Str};

use super::text;
use crate::record::{Getenv, GetenvKind};

/// getenv or secure_getenv was called.
#[must_use]
pub fn getenv(getenv: &body::Getenv, string: Str<'_>, bytes: &Bytes) -> Getenv {
    let (name, name_state) = text(string, bytes);
    let secure = getenv.flags & body::getenv_flag::SECURE != 0;
    Getenv { name, name_state, kind: GetenvKind::Lookup, count: 1, names: None, duration_ns: None, secure }
}
