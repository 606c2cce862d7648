//! Counts by name, bounded.

use super::{DIFFERENT, layout::number};
use crate::hash::Map;

/// Counts by name. Its order is by count, then by name, so that it does not depend on the map.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: Map<String, u64>,
    /// Counted beyond [`DIFFERENT`] names.
    beyond: u64,
}

impl Tally {
    pub(super) fn count(&mut self, name: &str, count: u64) {
        if let Some(sum) = self.counts.get_mut(name) {
            *sum = sum.saturating_add(count);
        } else if self.counts.len() < DIFFERENT {
            self.counts.insert(name.to_owned(), count);
        } else {
            self.beyond = self.beyond.saturating_add(count);
        }
    }

    /// Takes a name out, and gives its count.
    pub(super) fn take(&mut self, name: &str) -> u64 {
        self.counts.remove(name).unwrap_or(0)
    }

    pub(super) fn different(&self) -> usize {
        self.counts.len()
    }

    /// How many different names there are, as `3 names`; beyond [`DIFFERENT`], `at least` so many.
    pub(super) fn how_many(&self, what: &str) -> String {
        let most = if self.beyond > 0 { "at least " } else { "" };
        format!("{most}{}", number(self.counts.len() as u64, what))
    }

    fn sorted(&self) -> Vec<(&String, u64)> {
        let mut all: Vec<(&String, u64)> = self.counts.iter().map(|(name, count)| (name, *count)).collect();
        all.sort_unstable_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(right.0)));
        all
    }

    /// The names, the most frequent first.
    pub(super) fn names(&self) -> Vec<String> {
        self.sorted().into_iter().map(|(name, _)| name.clone()).collect()
    }

    /// The same with those that begin with `prefix` as one, where there are several: `LC_* ×12`.
    pub(super) fn names_folded(&self, prefix: &str) -> Vec<String> {
        let (folded, mut names): (Vec<String>, Vec<String>) =
            self.names().into_iter().partition(|name| name.starts_with(prefix));
        match folded.len() {
            0 => {}
            1 => names.extend(folded),
            several => names.push(format!("{prefix}* ×{several}")),
        }
        names
    }

    /// The most frequent, with their counts where there is more than one.
    pub(super) fn top(&self, limit: usize) -> Vec<String> {
        let shown = |(name, count): (&String, u64)| if count > 1 { format!("{name} ×{count}") } else { name.clone() };
        let mut top: Vec<String> = self.sorted().into_iter().take(limit).map(shown).collect();
        if self.beyond > 0 {
            top.push(format!("others ×{}", self.beyond));
        }
        top
    }
}
