//! Which segments are missing between recordings that are read one after the other.

use std::path::{Path, PathBuf};

use agentsnoop_pipeline::input::{Closed, Opened};

use agentsnoop_store::segments;

/// What the files say that were read so far.
#[derive(Debug, Default)]
pub struct Links {
    /// The file that is read, once its beginning was.
    read: Option<Segment>,
    /// The one before it.
    before: Option<Segment>,
}

#[derive(Debug)]
struct Segment {
    file: PathBuf,
    number: u32,
    id: String,
    goes_on: bool,
}

impl Links {
    /// Takes the beginning of a file. What it says is how it continues another one than the segment before it.
    pub fn begin(&mut self, file: &Path, opened: &Opened, id: String) -> Option<String> {
        let segment = Segment { file: file.to_owned(), number: opened.segment, id, goes_on: false };
        let first_of = |segment: &Segment| segments::first_of(&segment.file, segment.number);
        let is_missing = self.before.take().is_some_and(|before| {
            let is_next = opened.continues.as_ref().is_none_or(|id| *id == before.id);
            let is_of_it = first_of(&segment).is_some() && first_of(&segment) == first_of(&before);
            !is_next && opened.segment > before.number && is_of_it
        });
        let said = is_missing.then(|| format!("it continues segment {}, which is missing", opened.segment - 1));
        self.read = Some(segment);
        said
    }

    /// Takes the end of the file.
    pub fn close(&mut self, closed: &Closed) {
        if let Some(read) = &mut self.read {
            read.goes_on = closed.next.is_some();
        }
    }

    /// The next file comes; `is_next` unless one between was there and was removed.
    pub fn next(&mut self, is_next: bool) {
        self.before = self.read.take().filter(|_| is_next);
    }

    /// Whether the file that is read was closed and goes on in another one.
    #[must_use]
    pub fn goes_on(&self) -> bool {
        self.read.as_ref().is_some_and(|read| read.goes_on)
    }

    /// No file comes any more. What it says is that there should be one.
    pub fn end(&mut self) -> Option<&'static str> {
        let goes_on = self.goes_on();
        self.read = None;
        goes_on.then_some("it goes on in another file, which is missing")
    }
}
