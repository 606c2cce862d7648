//! Records as a table for people, or as comma-separated values.

use std::io::{self, Write};

use agentsnoop_pipeline::{Record, columns::Column, input::Opened};

use super::{BUFFER_BYTES, Sink};

/// Writes comma-separated values with a head (RFC 4180).
pub struct Csv<W: Write> {
    out: csv::Writer<W>,
    columns: Vec<Column>,
}

impl<W: Write> Csv<W> {
    /// Writes to `out`.
    ///
    /// # Errors
    ///
    /// The head cannot be written.
    pub fn new(out: W, columns: Vec<Column>) -> io::Result<Self> {
        let mut out = csv::WriterBuilder::new().buffer_capacity(BUFFER_BYTES).from_writer(out);
        out.write_record(columns.iter().map(Column::name))?;
        Ok(Self { out, columns })
    }
}

impl<W: Write> Sink for Csv<W> {
    fn opened(&mut self, _opened: &Opened) {}

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let values = self.columns.iter().map(|column| {
            let mut value = String::new();
            column.show(record, &mut value);
            value
        });
        Ok(self.out.write_record(values)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes a table. A column is as wide as its longest value so far, at most 60 characters, so that nothing is held back.
pub struct Table<W> {
    out: W,
    columns: Vec<(Column, usize)>,
    buffer: String,
}

/// Characters to which a column widens; a longer value pushes the rest of its line to the right.
const WIDEST: usize = 60;

impl<W: Write> Table<W> {
    /// Writes to `out`.
    pub fn new(out: W, columns: Vec<Column>) -> Self {
        let sized = |column: Column| {
            let width = column.width();
            (column, width)
        };
        let columns: Vec<_> = columns.into_iter().map(sized).collect();
        let mut table = Self { out, columns, buffer: String::new() };
        let head = table.columns.iter().map(|(column, _)| column.name().to_owned()).collect();
        table.line(head);
        table
    }

    fn line(&mut self, values: Vec<String>) {
        let last = values.len().saturating_sub(1);
        for (at, (value, (_, width))) in values.into_iter().zip(&mut self.columns).enumerate() {
            let used = value.chars().count();
            *width = used.min(WIDEST).max(*width);
            self.buffer.push_str(&value);
            if at < last {
                self.buffer.extend(std::iter::repeat_n(' ', width.saturating_sub(used) + 2));
            }
        }
        let length = self.buffer.trim_end_matches(' ').len();
        self.buffer.truncate(length);
        self.buffer.push('\n');
    }
}

impl<W: Write> Sink for Table<W> {
    fn opened(&mut self, _opened: &Opened) {}

    fn record(&mut self, record: &Record) -> io::Result<()> {
        let values = self.columns.iter().map(|(column, _)| {
            let mut value = String::new();
            column.show(record, &mut value);
            value
        });
        let values = values.collect();
        self.line(values);
        if self.buffer.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        let written = self.out.write_all(self.buffer.as_bytes()).and_then(|()| self.out.flush());
        // What a failing writer did not take is not kept: it would only grow.
        self.buffer.clear();
        written
    }
}
