//! The state of the pipeline piece by piece, and from pieces again.

use super::Pipeline;
use crate::{
    Record,
    input::{Config, Known, Opened},
    record::Id,
};

impl Pipeline {
    /// Everything that the records to come depend on. What was held back is released first, into `out`.
    ///
    /// A pipeline that takes the pieces behind the same `Opened` and `Config` gives the same records from here on.
    pub fn restate(&mut self, out: &mut Vec<Record>) -> Vec<Known> {
        self.fold.finish(out);
        let mut known = vec![Known::Times { now_ns: self.now_ns, come_ns: self.come_ns }];
        self.ledger.restate(&mut known);
        self.tree.restate(&mut known);
        self.names.restate(&mut known);
        self.repeats.restate(&mut known);
        self.delegates.restate(&mut known);
        known
    }

    /// Whether records are held back, so that it is better to wait before [`Self::restate`].
    #[must_use]
    pub fn holds_back(&self) -> bool {
        self.fold.due_ns().is_some()
    }

    /// The id of the first record of the next input.
    #[must_use]
    pub const fn next_id(&self) -> Id {
        self.next
    }

    /// Numbers what comes from here on: after the first inputs of a segment that only repeat what is known here, or in the
    /// middle of a recording.
    pub const fn go_on_at(&mut self, next: Id) {
        self.next = next;
    }

    /// Goes on from where another pipeline was that had seen `opened` and `config`, told `known`, and would give `next`.
    pub fn resume(&mut self, opened: &Opened, config: Option<&Config>, known: &[Known], next: Id) {
        self.clock = opened.clock;
        self.opened = Some(Box::new(opened.clone()));
        if let Some(config) = config {
            // What it says of the observation was said at its beginning.
            self.configure(config, &mut Vec::new());
        }
        known.iter().for_each(|known| self.resume_piece(known));
        self.next = next;
    }

    pub(super) fn resume_piece(&mut self, known: &Known) {
        if let Known::Times { now_ns, come_ns } = known {
            self.now_ns = *now_ns;
            self.come_ns = *come_ns;
        }
        self.ledger.resume(known);
        self.tree.resume(known);
        self.names.resume(known);
        self.repeats.resume(known);
        self.delegates.resume(known);
    }
}
