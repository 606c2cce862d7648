//! Records as JSON, one object a line (docs/events.md).

use std::io::{self, Write};

use agentsnoop_pipeline::{Record, input::Opened};

use super::{BUFFER_BYTES, Sink};

/// Writes one object a line.
#[derive(Debug)]
pub struct Json<W> {
    out: W,
    buffer: Vec<u8>,
}

impl<W: Write> Json<W> {
    /// Writes to `out`.
    pub const fn new(out: W) -> Self {
        Self { out, buffer: Vec::new() }
    }
}

impl<W: Write> Sink for Json<W> {
    fn opened(&mut self, _opened: &Opened) {}

    fn record(&mut self, record: &Record) -> io::Result<()> {
        serde_json::to_writer(&mut self.buffer, record)?;
        self.buffer.push(b'\n');
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.buffer).and_then(|()| self.out.flush());
        // What a failing writer did not take is not kept: it would only grow.
        self.buffer.clear();
        written
    }
}
