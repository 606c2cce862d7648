//! Inputs from a recording.

use std::{fs::File, path::Path};

use agentsnoop_pipeline::input::Input;
use anyhow::Result;

use agentsnoop_store::{
    Damage, End, Item, Reader, format,
    reader::{Place, Progress},
};

/// Damage that is kept to be shown; the rest is counted.
pub const DAMAGE_KEPT: usize = 100;

/// Gives the inputs of a recording and keeps what is damaged.
pub struct Recording {
    reader: Reader<File>,
    damage: Vec<Damage>,
    damaged: u64,
}

impl Recording {
    /// Opens a recording.
    ///
    /// # Errors
    ///
    /// As [`Reader::open`].
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { reader: Reader::open(path)?, damage: Vec::new(), damaged: 0 })
    }

    /// The first [`DAMAGE_KEPT`] places that are damaged, as far as was read.
    #[must_use]
    pub fn damage(&self) -> &[Damage] {
        &self.damage
    }

    /// How many places are damaged, as far as was read.
    #[must_use]
    pub const fn damaged(&self) -> u64 {
        self.damaged
    }

    /// What tells the recording from every other, hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        format::hex_id(&self.reader.id())
    }

    /// What was read so far.
    #[must_use]
    pub const fn progress(&self) -> Progress {
        self.reader.progress()
    }

    /// What reads it.
    #[must_use]
    pub const fn reader(&self) -> &Reader<File> {
        &self.reader
    }

    /// Goes on at another block.
    pub fn go_to(&mut self, place: &Place) {
        self.reader.go_to(place);
    }

    /// How it ends, once the iterator has returned `None`.
    #[must_use]
    pub const fn end(&self) -> End {
        self.reader.end()
    }

    /// The chain's head, hexadecimal, once the iterator has returned `None`.
    #[must_use]
    pub fn head(&self) -> String {
        format::hex(&self.reader.head())
    }
}

impl Iterator for Recording {
    type Item = Input;

    fn next(&mut self) -> Option<Input> {
        loop {
            match self.reader.next()? {
                Item::Input(_, input) => return Some(input),
                Item::Damage(damage) => {
                    self.damaged += 1;
                    if self.damage.len() < DAMAGE_KEPT {
                        self.damage.push(damage);
                    }
                }
            }
        }
    }
}
