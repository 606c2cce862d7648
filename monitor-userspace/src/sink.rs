//! Where inputs and records go.

use std::io;

use agentsnoop_pipeline::{Record, input::Opened, lines::Paint};

pub mod columns;
pub mod json;
pub mod lines;
pub mod recording;
pub mod sqlite;
pub mod standard;
pub mod unblocked;
pub mod whole;

/// Takes records. A sink collects what it is given and writes it in large pieces; [`Sink::flush`] writes the rest.
///
/// A broken pipe is an error here like any other; the command line takes it for success, since the reader has seen
/// enough.
pub trait Sink {
    /// Learns how the observation began, before the first record.
    fn opened(&mut self, opened: &Opened);

    /// Takes one record.
    ///
    /// # Errors
    ///
    /// The error of the writer behind the sink.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Writes everything that was taken.
    ///
    /// # Errors
    ///
    /// The error of the writer behind the sink.
    fn flush(&mut self) -> io::Result<()>;
}

/// Bytes that a sink collects before it writes them.
const BUFFER_BYTES: usize = 64 * 1024;

/// The sink for lines or JSON.
pub fn to(out: impl io::Write + 'static, json: bool, paint: Paint) -> Box<dyn Sink> {
    if json { Box::new(json::Json::new(out)) } else { Box::new(lines::Lines::new(out, paint)) }
}

/// Colour for a terminal, unless `NO_COLOR` is set and not empty (no-color.org).
#[must_use]
pub fn paint(out: &impl io::IsTerminal) -> Paint {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    if out.is_terminal() && !refused { Paint::Ansi } else { Paint::Plain }
}
