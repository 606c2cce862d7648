//! Moments of the model that are kept, so that going back in time is to learn a little again and not all.

use std::collections::VecDeque;

use crate::tui::model::{Model, Moment};

/// Events from one moment to the next: learning so many takes some 50 ms.
pub const EVERY: u64 = 1 << 16;

/// Moments that are kept; beyond, every second one is given up. A million events in memory have sixteen. They share what has not changed:
/// in most recordings one costs a few hundred kB, and at most some 20 MB where all files of a view are touched again and again.
const MOST: usize = 32;

/// The moments, by their number of events.
#[derive(Debug)]
pub struct Moments {
    kept: VecDeque<Moment>,
    every: u64,
}

impl Default for Moments {
    fn default() -> Self {
        Self::each(EVERY)
    }
}

impl Moments {
    /// None yet; from one to the next there are so many events.
    #[must_use]
    pub fn each(every: u64) -> Self {
        Self { kept: VecDeque::new(), every: every.max(1) }
    }

    /// Keeps what a model is before it learns the event of a number, where one is due there.
    pub fn pass(&mut self, number: u64, model: &Model) {
        if number.is_multiple_of(self.every) && self.before(number).is_none_or(|moment| moment.number != number) {
            self.keep(model.moment(number));
        }
    }

    /// Keeps a moment.
    pub fn keep(&mut self, moment: Moment) {
        let at = self.kept.partition_point(|other| other.number < moment.number);
        if self.kept.get(at).is_some_and(|other| other.number == moment.number) {
            return;
        }
        self.kept.insert(at, moment);
        if self.kept.len() > MOST {
            self.every *= 2;
            let mut is_kept = false;
            self.kept.retain(|_| {
                is_kept = !is_kept;
                is_kept
            });
        }
    }

    /// The last one at or before a number.
    #[must_use]
    pub fn before(&self, number: u64) -> Option<&Moment> {
        let at = self.kept.partition_point(|moment| moment.number <= number);
        self.kept.get(at.checked_sub(1)?)
    }

    /// The last one before which no event is later than a time of the boot clock.
    #[must_use]
    pub fn until(&self, boot_ns: u64) -> Option<&Moment> {
        let at = self.kept.partition_point(|moment| moment.rest.now_ns <= boot_ns);
        self.kept.get(at.checked_sub(1)?)
    }

    /// The first one.
    #[must_use]
    pub fn first(&self) -> Option<&Moment> {
        self.kept.front()
    }

    /// Gives up those from which the events on are not kept any more.
    pub fn forget(&mut self, first: u64) {
        while self.kept.front().is_some_and(|moment| moment.number < first) {
            self.kept.pop_front();
        }
    }

    /// Gives all up.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_moments_than_the_bound_and_the_first_one_stays() {
        let mut moments = Moments::each(10);
        let model = Model::default();
        for number in 0..10_000 {
            moments.pass(number, &model);
            assert!(moments.kept.len() <= MOST);
        }
        assert_eq!(moments.first().map(|moment| moment.number), Some(0));
        assert!(moments.before(9_999).is_some_and(|moment| moment.number > 9_000));
        assert_eq!(moments.before(5).map(|moment| moment.number), Some(0));
        moments.forget(5_000);
        assert!(moments.before(4_999).is_none());
        assert!(moments.first().is_some_and(|moment| (5_000..6_000).contains(&moment.number)));
    }
}
