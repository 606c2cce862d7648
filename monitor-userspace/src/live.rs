//! The live side: kernel → scrub → admit → recording and pipeline → outputs.
//!
//! [`Live`] owns everything and is driven by whoever has the loop: the monitor of `run`, or `watch`. It never waits.

mod binaries;
pub mod clock;
mod demand;
mod loaders;
mod opening;
mod outputs;
pub mod pump;
mod rotating;
mod seeding;
pub mod sweep;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use agentsnoop_pipeline::input::{Binary, Closed, Control, Counters, Gap, Input, Observed, Tick, Why};
use agentsnoop_pipeline::{Admit, Pipeline, Record, Request, Scrub};
use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use monitor_common::counters::Fault;
use monitor_common::syscall::of_number;
use monitor_common::task::call;
use monitor_common::{Header, from_bytes};
use serde::{Deserialize, Serialize};

pub use opening::Options;
pub use outputs::Outputs;

use crate::extensions::Extensions;
use crate::source::kernel::Kernel;
use crate::source::procfs;

/// Records of one drain; between two drains the loop looks at everything else.
const DRAIN: usize = 16 * 1024;

/// Bytes of the arena that ring records are copied into; a record holds its part of the arena by reference count.
const ARENA_BYTES: usize = 256 * 1024;

/// How often [`Live::tick`] is to be called. What was observed since the last one can be lost when the process is killed, with
/// what a tick takes: a second together (docs/recording.md).
pub const TICK_EVERY: Duration = Duration::from_millis(750);

/// How long what is recorded may wait for the disk while somebody looks at the recording and more comes. A quarter of what is wanted from an
/// event to its row (docs/tui.md).
pub const SHOWN_EVERY: Duration = Duration::from_millis(25);

/// Nanoseconds between two inputs with counters while events arrive.
const COUNTERS_EVERY_NS: u64 = 5_000_000_000;

/// How long counters are read again that do not agree with what was drained: a program that runs while they are read makes
/// them differ, and is done within microseconds, unless a tracked process never pauses.
const SETTLE: Duration = Duration::from_millis(50);

/// Faults behind which something is that was not seen, in words that follow their count.
const HIDING: [(Fault, &str); 3] = [
    (Fault::TaskMapFull, "threads were not tracked, since the map of threads was full"),
    (Fault::CompatCall, "32-bit system calls were not recorded"),
    (
        Fault::DescriptorGone,
        "calls that may have sent or received are not recorded: their descriptors were closed meanwhile",
    ),
];

/// An observation under way.
pub struct Live {
    kernel: Kernel,
    scrub: Scrub,
    admit: Admit,
    pipeline: Pipeline,
    outputs: Outputs,
    arena: BytesMut,
    /// Ring records taken so far.
    received: u64,
    /// `received` at the last tick.
    received_at_tick: u64,
    counters_at_ns: u64,
    sweep: sweep::Sweep,
    loaders: loaders::Loaders,
    /// Programs that may be agents are tracked from their exec on.
    agents: bool,
    /// The files of users in force.
    extensions: Extensions,
    binaries: binaries::Binaries,
    on_demand: bool,
    /// Since when no process is tracked, where hooks come on demand.
    idle_since_ns: Option<u64>,
    /// The hooks that were lost on the way.
    lost_hooks: Vec<String>,
    /// When [`Live::show_recorded`] last did so.
    saved: Instant,
    admitted: Vec<Input>,
    records: Vec<Record>,
}

/// What is said of an observation at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The summary, a screenful.
    pub summary: String,
    /// What went wrong, one line each.
    pub notes: String,
    /// Whether anything was lost, or may have been.
    pub lost: bool,
}

/// What a drain found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Ring records taken.
    pub records: usize,
    /// There may be more.
    pub at_limit: bool,
}

impl Live {
    /// Takes one input through the whole flow.
    pub fn feed(&mut self, input: Input) {
        let input = self.scrub.apply(input);
        let requests = self.admit.push(input, &mut self.admitted);
        self.answer(requests);
        self.deliver();
    }

    /// Gives what was admitted to the recording and the pipeline, and its records to the outputs.
    fn deliver(&mut self) {
        let mut admitted = std::mem::take(&mut self.admitted);
        for input in admitted.drain(..) {
            self.outputs.input(&input);
            let requests = self.pipeline.push(&input, &mut self.records);
            let records = std::mem::take(&mut self.records);
            for record in &records {
                self.outputs.record(record);
                if let Some((pid, libc)) = outputs::mapped_libc(record) {
                    self.attach_libc(pid, &libc);
                }
                self.attach_loader(record);
            }
            self.records = records;
            self.records.clear();
            self.answer(requests);
        }
        // The allocation is kept for the next input, unless answering a request has put new inputs in its place.
        if self.admitted.is_empty() {
            self.admitted = admitted;
        }
    }

    /// Carries out what the middle asks for.
    fn answer(&mut self, requests: Vec<Request>) {
        for request in requests {
            match request {
                // The provisional flag tells how tracking began; the verdict is known here and in the recording.
                Request::Promote { .. } => {}
                Request::Untrack { root } => {
                    // What is still tracked of a tree that forks faster is filtered, which is counted.
                    let _ = self.kernel.untrack_root(root);
                }
                Request::Package { script } => {
                    let name = procfs::package_of(Path::new(&script));
                    self.feed(Input::Observed(Observed::Package { script, name }));
                }
                Request::Project { pid, cwd } => {
                    let root = procfs::project_of(pid, &cwd);
                    self.feed(Input::Observed(Observed::Project { cwd, root }));
                }
                Request::Binary { process, agent, path, is_program } => {
                    self.binaries.ask(process, agent, path, is_program);
                }
            }
        }
    }

    /// Tells of files that agents run.
    fn identified(&mut self, found: Vec<Binary>) {
        for binary in found {
            self.feed(Input::Observed(Observed::Binary(Box::new(binary))));
        }
    }

    /// Probes a libc that a tracked process has opened, through that process's own root.
    fn attach_libc(&mut self, pid: u32, path: &str) {
        let inside = format!("/proc/{pid}/root{path}");
        let found = if Path::new(&inside).exists() { inside } else { path.to_owned() };
        for hook in self.kernel.attach_libc(Path::new(&found)) {
            let coverage = agentsnoop_pipeline::input::Coverage { boot_ns: clock::boot_ns(), hook };
            self.feed(Input::Coverage(coverage));
        }
    }

    /// Takes records from the ring, at most 16,384.
    pub fn drain(&mut self) -> Drained {
        let boot_ns = clock::boot_ns();
        let mut arena = std::mem::take(&mut self.arena);
        let mut batch: Vec<Bytes> = Vec::new();
        let records = self.kernel.drain(DRAIN, |bytes| {
            if arena.capacity() < bytes.len() {
                arena = BytesMut::with_capacity(ARENA_BYTES.max(bytes.len()));
            }
            arena.extend_from_slice(bytes);
            batch.push(arena.split().freeze());
        });
        self.arena = arena;
        self.received += records as u64;
        // Before anything else: each moment is one in which calls are not observed.
        let engaged = batch.first().and_then(|first| self.engage_since(peek_time(first).unwrap_or(boot_ns)));
        for bytes in batch {
            self.feed(Input::Raw(bytes));
        }
        if let Some(engaged) = engaged {
            self.tell(engaged);
        }
        // What was made before this time has come, so what the pipeline holds back need not wait for the next second.
        let is_due = records == 0 && self.pipeline.due_ns().is_some_and(|due| due <= boot_ns);
        if is_due {
            self.feed(Input::Tick(Tick { boot_ns }));
        }
        if records > 0 || is_due {
            self.outputs.show();
        }
        Drained { records, at_limit: records == DRAIN }
    }

    /// Takes what is in the ring now, as far as that has an end.
    pub fn drain_all(&mut self) {
        // As many as empty the ring when it is full of records that are no more than a header: a tree that never stops would else
        // keep this from ending.
        let drains = self.kernel.ring_bytes() as usize / (DRAIN * size_of::<Header>()) + 1;
        for _ in 0..drains {
            if !self.drain().at_limit {
                break;
            }
        }
    }

    /// To be called every [`TICK_EVERY`]: passes the time on, and everything that waits to the disk.
    pub fn tick(&mut self) {
        let boot_ns = clock::boot_ns();
        // The time is only passed on when all records before it were.
        self.drain_all();
        self.kernel.tell_resting_bursts(boot_ns);
        self.kernel.tell_repeats();
        let news = self.received != self.received_at_tick;
        // A tree that is held has a deadline, which comes also when nothing happens.
        if news || self.admit.held() > 0 {
            self.received_at_tick = self.received;
            self.feed(Input::Tick(Tick { boot_ns }));
            if boot_ns.saturating_sub(self.counters_at_ns) >= COUNTERS_EVERY_NS {
                self.counters_at_ns = boot_ns;
                let counters = self.settled_counters();
                self.feed(Input::Counters(Box::new(counters)));
            }
        }
        let found = self.binaries.found();
        self.identified(found);
        if let Some(gap) = self.outputs.gap() {
            self.feed(gap);
        }
        self.rotate_if_due();
        self.tell_lost_hooks(boot_ns);
        let swept = self.sweep.step(&mut self.kernel);
        if swept > 0 {
            let cause = format!("the end of {swept} threads was not seen; they are no longer tracked");
            self.feed(Input::Gap(Gap { from_ns: boot_ns, to_ns: boot_ns, cause, inputs: Some(0) }));
        }
        self.disengage_if_idle(boot_ns);
        self.outputs.save();
        self.outputs.show();
    }

    /// To be called after each drain while somebody looks at the recording: sends what waits to the disk, at once where nothing more comes
    /// for now (`rests`), and otherwise every [`SHOWN_EVERY`], so that blocks do not get too small.
    pub fn show_recorded(&mut self, rests: bool) {
        if rests || self.saved.elapsed() >= SHOWN_EVERY {
            self.saved = Instant::now();
            self.outputs.save();
        }
    }

    /// The command that was started has ended: everything that it did is taken, counted and flushed.
    pub fn command_ended(&mut self, pid: u32, status: i32) {
        let counters = self.settled_counters();
        self.feed(Input::Observed(Observed::CommandEnded { pid, status }));
        self.feed(Input::Counters(Box::new(counters)));
        self.outputs.save();
        self.outputs.command_ended();
    }

    /// Tracks a process that waits to become a command, before it has done anything.
    ///
    /// # Errors
    ///
    /// The map of threads refuses it.
    pub fn track_new(&mut self, pid: u32) -> Result<()> {
        self.engage();
        self.kernel.track(pid, pid, pid, 0)?;
        self.feed(Input::Control(Control::Track { pid, why: Why::Run }));
        Ok(())
    }

    /// What was observed in all, in one line.
    #[must_use]
    pub fn totals(&self) -> String {
        let lost = self.pipeline.ledger().lost();
        let lost = if lost == 0 { "nothing lost".to_owned() } else { format!("{lost} lost") };
        let filtered = match self.pipeline.ledger().filtered() {
            0 => String::new(),
            records => format!(", {records} of processes that are no agents left out"),
        };
        let skipped = match self.outputs.skipped() {
            0 => String::new(),
            lines => format!(", {lines} lines not shown since their reader is slow"),
        };
        format!("{} events, {lost}{filtered}{skipped}", self.received)
    }

    /// Processes that are tracked.
    #[must_use]
    pub fn tracked_processes(&self) -> usize {
        self.kernel.tasks().map(|(_, task)| task.pid).collect::<BTreeSet<_>>().len()
    }

    /// Whether a process is tracked.
    #[must_use]
    pub fn is_observed(&self, pid: u32) -> bool {
        self.kernel.tasks().any(|(_, task)| task.pid == pid)
    }

    /// Whether any thread is still tracked.
    #[must_use]
    pub fn is_tracking(&self) -> bool {
        self.kernel.tasks().next().is_some()
    }

    /// The summary so far, at most `columns` wide, what went wrong, and whether anything was lost or may have been.
    #[must_use]
    pub fn report(&self, columns: u16) -> Report {
        let mut notes = self.outputs.notes();
        let balance = self.pipeline.ledger().check();
        let hidden = |fault: Fault| balance.faults.iter().find(|(name, _)| *name == fault.name()).map_or(0, |it| it.1);
        let unseen = HIDING.iter().map(|(fault, what)| (hidden(*fault), what)).filter(|(count, _)| *count > 0);
        for (count, what) in unseen {
            notes.push_str(&format!("agentsnoop: {count} {what}\n"));
        }
        if let lost @ 1.. = self.pipeline.ledger().lost() {
            notes.push_str(&format!(
                "agentsnoop: {lost} events were lost; `agentsnoop verify` says of which kind and why\n"
            ));
        }
        if !self.lost_hooks.is_empty() {
            let was = if self.lost_hooks.len() == 1 { "hook was" } else { "hooks were" };
            let (count, names) = (self.lost_hooks.len(), self.lost_hooks.join(", "));
            notes.push_str(&format!("agentsnoop: {count} {was} lost while it was observed: {names}\n"));
        }
        let lost = !notes.is_empty() || !balance.is_lossless();
        Report { summary: self.outputs.summary(columns, self.pipeline.ledger()), notes, lost }
    }

    /// Whether the reader of the lines has gone.
    #[must_use]
    pub const fn is_unread(&self) -> bool {
        self.outputs.is_closed()
    }

    /// Gives the recording of a command that was never executed up.
    pub fn discard(&mut self) {
        self.outputs.discard();
    }

    /// Ends the observation: nothing is tracked any more, everything seen is taken, the recording is closed.
    ///
    /// # Errors
    ///
    /// The recording cannot be closed; it is readable up to what was written.
    pub fn close(&mut self, reason: &str) -> Result<()> {
        let found = self.binaries.finish();
        self.identified(found);
        let (in_flight, in_flight_by_kind) = self.in_flight();
        // A tree that forks faster than it can be forgotten is cut off when the hooks go down.
        let _ = self.kernel.untrack_all();
        self.kernel.end_bursts();
        self.kernel.tell_repeats();
        let counters = self.settled_counters();
        let held = self.kernel.held_calls();
        let requests = self.admit.finish(&mut self.admitted);
        self.answer(requests);
        self.deliver();
        for news in self.outputs.last_news() {
            self.feed(news);
        }
        let boot_ns = clock::boot_ns();
        let mut closed = Closed {
            boot_ns,
            reason: reason.to_owned(),
            counters,
            in_flight,
            in_flight_by_kind,
            held,
            inputs: 0,
            next: None,
        };
        let closing = self.outputs.close(&mut closed);
        // The recording ends with these inputs; the pipeline must have seen the same.
        let gap = closing.as_ref().ok().and_then(Clone::clone).map(Input::Gap);
        for last in gap.into_iter().chain([Input::Closed(Box::new(closed))]) {
            // Nothing is left that a request could be carried out on.
            let _ = self.pipeline.push(&last, &mut self.records);
        }
        for record in std::mem::take(&mut self.records) {
            self.outputs.record(&record);
        }
        self.outputs.show();
        let closing = closing.map(drop);
        closing.context("cannot close the recording")
    }

    /// Calls that have not returned: how many, and by the kind that their records would have.
    fn in_flight(&self) -> (u64, Vec<(String, u64)>) {
        let numbers = self.kernel.tasks().filter_map(|(_, task)| task.call.checked_sub(call::FIRST));
        let (mut all, mut kinds) = (0, BTreeMap::new());
        for number in numbers {
            all += 1;
            if let Some(call) = of_number(u64::from(number)) {
                *kinds.entry(call.kind.name().to_owned()).or_default() += 1;
            }
        }
        (all, kinds.into_iter().collect())
    }

    /// Drains until the counters that are read agree with what was taken, so that the ledger is exact.
    fn settled_counters(&mut self) -> Counters {
        let mut counters;
        let started = Instant::now();
        loop {
            // What cannot be read stays empty, and the ledger then says that there are no counters.
            let cpus = self.kernel.counters().unwrap_or_default();
            self.drain_all();
            let stored: u64 = cpus.iter().flat_map(|cpu| cpu.stored).sum();
            counters = Counters { boot_ns: clock::boot_ns(), cpus, recursion_misses: Vec::new() };
            if stored == self.received || started.elapsed() > SETTLE {
                break;
            }
            std::thread::yield_now();
        }
        counters.recursion_misses = self.kernel.recursion_misses().unwrap_or_default();
        counters
    }

    /// A duplicate of the ring's descriptor, to wait for.
    ///
    /// # Errors
    ///
    /// No descriptor is left.
    pub fn ring(&self) -> Result<std::os::fd::OwnedFd> {
        self.kernel.fd().try_clone_to_owned().context("cannot duplicate the ring's descriptor")
    }
}

/// The time of a record of the ring, boot clock.
fn peek_time(record: &[u8]) -> Option<u64> {
    let header = record.get(..size_of::<Header>()).and_then(from_bytes::<Header>)?;
    Some(header.time)
}
