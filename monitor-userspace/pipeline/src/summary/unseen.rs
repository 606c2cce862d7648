//! What could not be seen.

use super::{
    HOOKS, Summary,
    layout::{Layout, number},
};
use crate::{
    input::Gap,
    record::{Loss, escape_into},
};

/// As it is shown: a recording can have been made by anybody.
fn escaped(text: &str) -> String {
    let mut shown = String::new();
    escape_into(text.as_bytes(), &mut shown);
    shown
}

impl Summary {
    pub(super) fn loss(&mut self, loss: &Loss) {
        self.lost = self.lost.saturating_add(loss.count);
        self.losses += 1;
    }

    pub(super) fn gap(&mut self, gap: &Gap) {
        self.gaps.count(&escaped(&gap.cause), 1);
        match gap.inputs {
            Some(inputs) => self.unrecorded = self.unrecorded.saturating_add(inputs),
            None => self.uncounted += 1,
        }
    }

    /// A hook is not attached.
    pub(super) fn lacks(&mut self, name: &str, reason: &str) {
        let name = escaped(name);
        if self.unavailable.len() < HOOKS || self.unavailable.contains_key(&name) {
            self.unavailable.insert(name, escaped(reason));
        } else {
            self.further_unavailable += 1;
        }
    }

    /// `name` begins with the pid, without which the same program is counted as such.
    pub(super) fn reject(&mut self, name: &str) {
        let program = name.splitn(3, ' ').nth(2).unwrap_or(name);
        self.rejected.count(&escaped(program), 1);
    }

    pub(super) fn blind(&self, layout: &mut Layout) {
        let mut own = self.own_environment.names();
        own.extend(self.without_libc.values().cloned());
        own.sort_unstable();
        own.dedup();
        if !own.is_empty() {
            layout.list_after("not seen", "look-ups of variables by programs without a libc", &own, 2);
        }
        if self.further_images > 0 {
            let further = number(self.further_images, "further program");
            layout.row("not seen", &format!("of {further} it is not known whether a libc looks variables up for them"));
        }
        layout.list_after("not seen", "no known agents", &self.rejected.top(usize::MAX), 2);
        let shown = layout.limit(4, 1);
        for (name, reason) in self.unavailable.iter().take(shown) {
            layout.row("not seen", &format!("{name}: {reason}"));
        }
        let more = (self.unavailable.len().saturating_sub(shown) as u64).saturating_add(self.further_unavailable);
        if more > 0 {
            let more = number(more, "more hook");
            layout.row("not seen", &format!("and {more}; `agentsnoop doctor` lists them"));
        }
        layout.list("gaps", &self.gaps.top(usize::MAX), 2);
        layout.row("lost", &self.missing());
    }

    /// What was lost, and what gaps left out.
    fn missing(&self) -> String {
        let mut parts = Vec::new();
        if self.lost > 0 {
            parts.push(format!("{} at {}", number(self.lost, "event"), number(self.losses, "place")));
        }
        if self.unrecorded > 0 {
            parts.push(format!("{} not recorded", number(self.unrecorded, "input")));
        }
        if self.uncounted > 0 {
            parts.push(format!("an unknown number in {}", number(self.uncounted, "gap")));
        }
        if parts.is_empty() { "nothing".to_owned() } else { parts.join("; ") }
    }
}
