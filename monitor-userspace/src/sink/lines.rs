//! Records as lines for people.

use std::io::{self, Write};

use agentsnoop_pipeline::{Record, input::Opened, lines};

use super::{BUFFER_BYTES, Sink};

/// Writes one line a record.
#[derive(Debug)]
pub struct Lines<W> {
    out: W,
    lines: lines::Lines,
    buffer: String,
}

impl<W: Write> Lines<W> {
    /// Lines in UTC until [`Sink::opened`] says otherwise.
    pub const fn new(out: W, paint: lines::Paint) -> Self {
        Self { out, lines: lines::Lines { utc_offset: 0, paint }, buffer: String::new() }
    }
}

impl<W: Write> Sink for Lines<W> {
    fn opened(&mut self, opened: &Opened) {
        self.lines.utc_offset = opened.utc_offset;
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.lines.render(record, &mut self.buffer);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(self.buffer.as_bytes()).and_then(|()| self.out.flush());
        // What a failing writer did not take is not kept: it would only grow.
        self.buffer.clear();
        written
    }
}
