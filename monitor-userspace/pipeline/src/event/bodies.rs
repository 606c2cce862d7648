//! Bodies of records from bodies of the wire. Strings share the memory of the raw record.

mod change;
mod environment;
mod file;
mod host;
mod io_uring;
mod network;
mod process;

use bytes::Bytes;
use monitor_common::{TextState, decode::Str};

pub use change::{change, pair, readlink};
pub use environment::getenv;
pub use file::{open, stat};
pub use host::{host_call, raised};
pub use io_uring::io_uring;
pub use network::{connect, dns, name, socket, traffic};
pub use process::{exec, exit, fork};

use crate::record::{State, Text};

/// The text of a string, where there is one, and its state.
fn text(string: Str<'_>, bytes: &Bytes) -> (Option<Text>, State) {
    let state = State::from(string.state);
    let present = state.has_text() || !string.bytes.is_empty();
    (present.then(|| Text::new(bytes.slice_ref(string.bytes))), state)
}

/// Whether any string of a raw record was masked.
#[must_use]
pub fn is_masked(texts: &[Str<'_>]) -> bool {
    texts.iter().any(|string| string.state == TextState::Masked)
}
