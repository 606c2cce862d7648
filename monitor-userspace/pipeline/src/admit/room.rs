//! What gives way when there is too much.

use super::{Admit, State, VERDICTS};

impl Admit {
    /// The tree that holds most.
    pub(super) fn largest(&self) -> Option<u32> {
        let held = |(root, state): (&u32, &State)| match state {
            State::Held(held) => Some((held.bytes, *root)),
            State::Agent | State::Other => None,
        };
        self.roots.iter().filter_map(held).max().map(|(_, root)| root)
    }

    /// Room for one more verdict.
    pub(super) fn make_room(&mut self) {
        if self.roots.len() < VERDICTS {
            return;
        }
        let other = self.roots.iter().find(|(_, state)| matches!(state, State::Other)).map(|(root, _)| *root);
        if let Some(root) = other {
            self.roots.remove(&root);
        }
    }
}
