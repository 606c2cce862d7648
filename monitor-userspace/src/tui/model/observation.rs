//! What could be seen and what could not.

use std::collections::BTreeMap;

use agentsnoop_pipeline::{
    input::{Hook, HookState},
    record::{Body, Loss},
};
use serde::{Deserialize, Serialize};

/// Hooks and gaps that are kept by name; those beyond are counted.
const NAMED: usize = 1_000;

/// Coverage, losses and gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    hooks: BTreeMap<(String, String), HookState>,
    /// Gaps by their cause: how many, how long together, and the number of the last one's event.
    gaps: BTreeMap<String, (u64, u64, u64)>,
    /// Causes of losses: events, and the number of the last one's event.
    losses: BTreeMap<String, (u64, u64)>,
    lost: u64,
    further: u64,
}

/// A row of what is to be known of an observation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// `unavailable`, `degraded`, `lost`, `gap`, `attached`.
    pub state: &'static str,
    /// What is not seen.
    pub feature: String,
    /// The hook, or the cause.
    pub name: String,
    /// Why, or how much.
    pub reason: String,
}

impl Observation {
    /// Takes what a record tells of the observation.
    pub fn note(&mut self, number: u64, body: &Body) {
        match body {
            Body::Coverage(hook) => self.hook(hook),
            Body::Loss(loss) => self.loss(number, loss),
            Body::Gap(gap) if self.gaps.len() < NAMED || self.gaps.contains_key(&gap.cause) => {
                let kept = self.gaps.entry(gap.cause.clone()).or_default();
                *kept = (kept.0 + 1, kept.1 + gap.to_ns.saturating_sub(gap.from_ns), number);
            }
            Body::Gap(_) => self.further += 1,
            _ => {}
        }
    }

    fn hook(&mut self, hook: &Hook) {
        let key = (hook.feature.clone(), hook.name.clone());
        if self.hooks.len() < NAMED || self.hooks.contains_key(&key) {
            self.hooks.insert(key, hook.state.clone());
        } else {
            self.further += 1;
        }
    }

    fn loss(&mut self, number: u64, loss: &Loss) {
        self.lost += loss.count;
        let causes = if loss.causes.is_empty() { "unknown".to_owned() } else { loss.causes.join(", ") };
        if self.losses.len() < NAMED || self.losses.contains_key(&causes) {
            let kept = self.losses.entry(causes).or_default();
            *kept = (kept.0 + loss.count, number);
        }
    }

    /// Events that were lost.
    #[must_use]
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    /// Hooks that are missing or tell less than they could, and gaps: things of which an absence cannot be told.
    #[must_use]
    pub fn blind(&self) -> usize {
        self.hooks.values().filter(|state| !matches!(state, HookState::Attached)).count() + self.gaps.len()
    }

    /// Everything, the worst first.
    #[must_use]
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts: Vec<Fact> = Vec::new();
        for (cause, (count, _)) in &self.losses {
            let reason = format!("{count} events");
            facts.push(Fact { state: "lost", feature: "events".to_owned(), name: cause.clone(), reason });
        }
        for (cause, (count, nanoseconds, _)) in &self.gaps {
            let times = if *count == 1 { String::new() } else { format!("{count} times, ") };
            let reason = format!("{times}{} together", crate::tui::words::duration(*nanoseconds));
            facts.push(Fact { state: "gap", feature: "events".to_owned(), name: cause.clone(), reason });
        }
        for rank in 0..3 {
            for ((feature, name), state) in &self.hooks {
                let (of, state, reason) = match state {
                    HookState::Unavailable { reason } => (0, "unavailable", reason.clone()),
                    HookState::Degraded { reason } => (1, "degraded", reason.clone()),
                    HookState::Attached => (2, "attached", String::new()),
                };
                if of == rank {
                    facts.push(Fact { state, feature: feature.clone(), name: name.clone(), reason });
                }
            }
        }
        facts
    }

    /// Facts beyond the bound.
    #[must_use]
    pub const fn further(&self) -> u64 {
        self.further
    }
}
