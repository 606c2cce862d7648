//! The rules in force, and how they are applied.

use std::ops::Range;

use super::{
    Place, file,
    grams::{self, Grams},
    mask,
    ordinary::Ordinary,
    programs::{Carried, Programs, Steps},
    rule::Rule,
};

/// Times that a string is gone over at most, so that no string takes for ever. One in which something is found even then is
/// masked as a whole.
const ROUNDS: usize = 12;

/// The id of the mask of such a string.
const EXCESS: &str = "excess";

/// The rules in force.
#[derive(Debug)]
pub(super) struct Rules {
    programs: Programs,
    rules: Vec<Rule>,
    ordinary: Ordinary,
    /// What those of one or two bytes begin with, which is found faster apart.
    bytes: Vec<u8>,
    /// The others: one pass over a string tells whether any rule that has some can match.
    grams: Grams,
    /// Whether a rule looks at each path, whatever it holds.
    has_eager: bool,
    /// How often each rule masked: programs first.
    counts: Vec<u64>,
}

impl Rules {
    pub(super) fn new(parts: file::Parts) -> Self {
        let file::Parts { programs, rules, ordinary, mut literals } = parts;
        literals.sort_unstable();
        literals.dedup();
        let (short, literals): (Vec<String>, Vec<String>) =
            literals.into_iter().partition(|literal| literal.len() < grams::GRAM);
        let mut bytes: Vec<u8> = short.iter().filter_map(|literal| literal.bytes().next()).collect();
        bytes.dedup();
        let grams = Grams::new(literals.iter().map(String::as_bytes));
        let has_eager = rules.iter().any(|rule| rule.looks_at(Place::Path, false));
        let counts = vec![0; programs.all().len() + rules.len()];
        Self { programs, rules, ordinary, bytes, grams, has_eager, counts }
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        let ids = self.programs.all().iter().map(|program| program.id.as_str());
        ids.chain(self.rules.iter().map(|rule| rule.id.as_str())).zip(self.counts.iter().copied())
    }

    /// Whether a string of paths could hold a secret: the quick look that most strings end with.
    pub(super) fn is_suspect(&self, bytes: &[u8]) -> bool {
        self.has_eager || self.has_key(bytes)
    }

    fn has_byte(&self, bytes: &[u8]) -> bool {
        self.bytes.iter().any(|byte| bytes.contains(byte))
    }

    /// Whether one of the literals is there.
    fn has_key(&self, bytes: &[u8]) -> bool {
        self.has_byte(bytes) || self.has_literal(bytes)
    }

    /// Whether one of the longer literals is there.
    pub(super) fn has_literal(&self, bytes: &[u8]) -> bool {
        self.grams.is_in(bytes)
    }

    /// The string with its secrets masked, or `None` when it holds none.
    pub(super) fn mask(&mut self, place: Place, bytes: &[u8]) -> Option<Vec<u8>> {
        self.mask_behind(place, bytes, &Carried::default())
    }

    /// The same of a string in which these programs run on.
    pub(super) fn mask_behind(&mut self, place: Place, bytes: &[u8], carried: &Carried) -> Option<Vec<u8>> {
        let mut steps = Steps::of(bytes.len());
        let mut masked: Option<Vec<u8>> = None;
        // A mask is a boundary, behind which another secret may begin that was part of a longer word before.
        for _ in 0..=ROUNDS {
            let found = self.round(place, masked.as_deref().unwrap_or(bytes), carried, &mut steps);
            if steps.is_over() {
                break;
            }
            if found.is_none() {
                return masked;
            }
            masked = found;
        }
        Some(mask::of(EXCESS))
    }

    /// The programs that run on behind the end of a command line that was cut there.
    pub(super) fn carried(&self, bytes: &[u8]) -> Carried {
        self.programs.carried(bytes)
    }

    /// Where the secrets of a string are, and the mask of each, where no byte may be added or taken away.
    pub(super) fn find(&mut self, place: Place, bytes: &[u8]) -> Vec<(Range<usize>, Vec<u8>)> {
        let first = self.programs.all().len();
        let is_suspect = self.has_key(bytes);
        let mut all: Vec<(Range<usize>, usize)> = Vec::new();
        for (at, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.looks_at(place, is_suspect)) {
            all.extend(rule.find(bytes, &self.ordinary).into_iter().map(|range| (range, at)));
        }
        apart(&mut all);
        for (_, rule) in &all {
            self.counts[first + rule] += 1;
        }
        all.into_iter().map(|(range, rule)| (range, mask::of(&self.rules[rule].id))).collect()
    }

    fn round(&mut self, place: Place, bytes: &[u8], carried: &Carried, steps: &mut Steps) -> Option<Vec<u8>> {
        let first = self.programs.all().len();
        let mut masked: Option<Vec<u8>> = None;
        if place == Place::Argv {
            let mut found = self.programs.find(bytes, carried, steps);
            mask::keep_without(bytes, &mut found, |(range, _)| range);
            apart(&mut found);
            for (_, program) in &found {
                self.counts[*program] += 1;
            }
            let ids = self.programs.all();
            masked = replaced(bytes, found.into_iter().map(|(range, at)| (range, mask::of(&ids[at].id))));
        }
        let is_suspect = self.has_key(bytes);
        for (at, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.looks_at(place, is_suspect)) {
            let bytes = masked.as_deref().unwrap_or(bytes);
            let found = rule.find(bytes, &self.ordinary);
            self.counts[first + at] += found.len() as u64;
            masked = replaced(bytes, found.into_iter().map(|range| (range, mask::of(&rule.id)))).or(masked);
        }
        masked
    }
}

impl Rule {
    fn looks_at(&self, place: Place, is_suspect: bool) -> bool {
        self.places.contains(&place) && (is_suspect || !self.has_literals)
    }
}

/// Sorts what was found, and leaves out what begins within another.
fn apart(found: &mut Vec<(Range<usize>, usize)>) {
    found.sort_by(|left, right| (left.0.start, right.0.end).cmp(&(right.0.start, left.0.end)));
    let mut end = 0;
    found.retain(|(range, _)| {
        let is_apart = range.start >= end;
        if is_apart {
            end = range.end;
        }
        is_apart
    });
}

/// The string with these parts replaced, which follow each other; `None` when there is none.
fn replaced(bytes: &[u8], parts: impl Iterator<Item = (Range<usize>, Vec<u8>)>) -> Option<Vec<u8>> {
    let (mut out, mut copied) = (Vec::new(), 0);
    for (range, mask) in parts {
        out.extend_from_slice(&bytes[copied..range.start]);
        out.extend_from_slice(&mask);
        copied = range.end;
    }
    if copied == 0 {
        return None;
    }
    out.extend_from_slice(&bytes[copied..]);
    Some(out)
}
