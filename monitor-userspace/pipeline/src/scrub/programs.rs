//! The programs that take secrets, by name.

use std::ops::Range;

use super::{
    shell,
    usage::{self, Habits, Usage},
};
use crate::hash::Map;

/// A program, or several that take secrets alike.
#[derive(Debug)]
pub(super) struct Program {
    /// The id of the rule.
    pub(super) id: String,
    pub(super) usages: Vec<Usage>,
    pub(super) habits: Habits,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Programs {
    all: Vec<Program>,
    by_name: Map<Box<[u8]>, Vec<usize>>,
}

impl Programs {
    /// Adds a program by its names.
    pub(super) fn add(&mut self, names: &[String], program: Program) {
        for name in names {
            self.by_name.entry(name.as_bytes().into()).or_default().push(self.all.len());
        }
        self.all.push(program);
    }

    pub(super) fn all(&self) -> &[Program] {
        &self.all
    }

    /// Where the secrets of a command line are, each with the place of its program in [`Programs::all`]. A program is known
    /// wherever its name is a word: behind sudo, ssh, or docker exec.
    pub(super) fn find(&self, line: &[u8]) -> Vec<(Range<usize>, usize)> {
        let mut found = Vec::new();
        shell::each_command(line, &mut |words| {
            for (at, word) in words.iter().enumerate() {
                let name = usage::text(line, word);
                let name = name.rsplit(|byte| *byte == b'/').next().unwrap_or(name);
                for program in self.by_name.get(name).into_iter().flatten() {
                    let mut ranges = Vec::new();
                    for usage in &self.all[*program].usages {
                        usage.find(line, &words[at + 1..], &self.all[*program].habits, &mut ranges);
                    }
                    found.extend(ranges.into_iter().map(|range| (range, *program)));
                }
            }
        });
        found
    }
}
