//! What was masked, by the rule that did it.

use std::collections::BTreeMap;

use monitor_common::{
    TextState,
    decode::{Body as Wire, Str},
};

use crate::{input::Existing, scrub::mask::masks};

/// Rules that are counted apart: the built-in ones and those of some files. What is beyond counts as [`OTHERS`]; more only
/// come from programs that imitate masks.
const RULES: usize = 512;

/// Counts for rules beyond [`RULES`].
const OTHERS: &str = "others";

/// Counts of masks.
#[derive(Clone, Debug, Default)]
pub(super) struct Masked {
    /// Records in which something was masked.
    pub(super) records: u64,
    /// Values that were masked, by the id of the rule.
    pub(super) by_rule: BTreeMap<String, u64>,
}

impl Masked {
    /// Counts the masks of a record.
    pub(super) fn count(&mut self, body: &Wire<'_>) {
        match body {
            Wire::Open(_, texts) | Wire::Stat(_, texts) => self.texts(texts),
            Wire::Call(_, _, texts) => self.texts(texts),
            Wire::Exec(_, texts) => self.texts(texts),
            Wire::Dns(_, texts) => self.texts(texts),
            Wire::Name(_, texts) => self.texts(texts),
            Wire::Connect(_, text) | Wire::Getenv(_, text) | Wire::Traffic(_, text) => self.texts(&[*text]),
            Wire::Fork(_) | Wire::Exit(_) => {}
        }
    }

    /// Counts the masks of what /proc told of a process; how its strings came is not told.
    pub(super) fn existing(&mut self, existing: &Existing) {
        let texts = existing.argv.iter().chain(&existing.exe).chain(&existing.cwd);
        texts.for_each(|text| self.text(text.as_bytes()));
    }

    /// A path that is told as it was asked for and as it was resolved is one value.
    fn texts(&mut self, texts: &[Str<'_>]) {
        if !crate::event::bodies::is_masked(texts) {
            return;
        }
        self.records += 1;
        for (at, text) in texts.iter().enumerate().filter(|(_, text)| text.state == TextState::Masked) {
            let holds = |(other, longer): (usize, &Str<'_>)| {
                let is_longer = longer.bytes.len() > text.bytes.len() || other > at;
                other != at && is_longer && longer.bytes.ends_with(text.bytes)
            };
            if !texts.iter().enumerate().any(holds) {
                self.text(text.bytes);
            }
        }
    }

    fn text(&mut self, text: &[u8]) {
        for (_, id) in masks(text) {
            let id = if self.by_rule.len() < RULES || self.by_rule.contains_key(id) { id } else { OTHERS };
            match self.by_rule.get_mut(id) {
                Some(count) => *count = count.saturating_add(1),
                None => drop(self.by_rule.insert(id.to_owned(), 1)),
            }
        }
    }
}
