//! Hooks on demand: those of the calls are attached when the first process is tracked, and let go of when none is left.

use agentsnoop_pipeline::input::{Coverage, Gap, Hook, Input};

use super::{Live, clock};

/// Nanoseconds without a tracked process after which the hooks are let go of: long enough that an agent that is started
/// again and again does not have them come and go each time, short enough that a machine without one soon pays nothing.
const IDLE_NS: u64 = 10_000_000_000;

/// Why calls were not observed.
const CALLS: &str = "hooks came on demand: calls were not observed before";
/// Why look-ups were not observed.
const LOOK_UPS: &str = "hooks came on demand: getenv was not observed before";

/// Hooks that have come on demand, and when they had.
pub(super) struct Engaged {
    since_ns: u64,
    calls: (Vec<Hook>, u64),
    look_ups: (Vec<Hook>, u64),
}

impl Live {
    /// Whether the hooks of the calls wait for the first process that may be an agent.
    #[must_use]
    pub fn is_waiting(&self) -> bool {
        self.kernel.is_waiting()
    }

    /// Attaches what waits, if a process is tracked by now; `since_ns` is when its tracking began. What has come is to be
    /// told behind what the process did until then.
    pub(super) fn engage_since(&mut self, since_ns: u64) -> Option<Engaged> {
        if !self.kernel.is_waiting() || !self.is_tracking() {
            return None;
        }
        let calls = (self.kernel.engage_calls(), clock::boot_ns());
        let look_ups = (self.kernel.engage_libcs(), clock::boot_ns());
        self.idle_since_ns = None;
        Some(Engaged { since_ns, calls, look_ups })
    }

    /// Tells which hooks have come, and what was not observed before.
    pub(super) fn tell(&mut self, engaged: Engaged) {
        for ((hooks, to_ns), cause) in [(engaged.calls, CALLS), (engaged.look_ups, LOOK_UPS)] {
            self.cover(hooks, to_ns);
            // No record that was made is missing.
            let gap = Gap { from_ns: engaged.since_ns, to_ns, cause: cause.to_owned(), inputs: Some(0) };
            self.feed(Input::Gap(gap));
        }
    }

    /// Attaches what waits before a process is tracked, so that nothing of it is missed.
    pub(super) fn engage(&mut self) {
        if self.kernel.is_waiting() {
            let hooks = self.kernel.engage_calls().into_iter().chain(self.kernel.engage_libcs()).collect();
            self.idle_since_ns = None;
            self.cover(hooks, clock::boot_ns());
        }
    }

    /// Lets go of the hooks when nothing has been tracked for long enough.
    pub(super) fn disengage_if_idle(&mut self, now_ns: u64) {
        if !self.on_demand || self.kernel.is_waiting() {
            return;
        }
        if self.is_tracking() {
            self.idle_since_ns = None;
            return;
        }
        let since = *self.idle_since_ns.get_or_insert(now_ns);
        if now_ns.saturating_sub(since) < IDLE_NS {
            return;
        }
        let hooks = self.kernel.disengage();
        self.loaders.forget();
        let gone_ns = clock::boot_ns();
        self.cover(hooks, gone_ns);
        // A process that has become tracked meanwhile has lost its hooks at this moment.
        if let Some(engaged) = self.engage_since(gone_ns) {
            self.tell(engaged);
        }
    }

    /// Tells which hooks somebody has taken down since the last look.
    pub(super) fn tell_lost_hooks(&mut self, boot_ns: u64) {
        let gone = self.kernel.lost_hooks();
        self.lost_hooks.extend(gone.iter().map(|hook| hook.name.clone()));
        self.cover(gone, boot_ns);
    }

    fn cover(&mut self, hooks: Vec<Hook>, boot_ns: u64) {
        for hook in hooks {
            self.feed(Input::Coverage(Coverage { boot_ns, hook }));
        }
    }
}
