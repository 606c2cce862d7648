//! The middle as one state machine.

mod decoded;
mod lives;
mod resume;
mod touched;

pub(crate) use decoded::DELEGATED;

use crate::{
    DataError, Record, Request,
    attribute::{Tree, agents::Catalogue},
    data,
    enrich::{Classes, Delegates, Names, Rules},
    event::Repeats,
    fold::Fold,
    input::{Clock, Config, Control, Data, Hook, HookState, Input, Observed, Opened},
    ledger::Ledger,
    record::{Body, Id, Time},
    scrub,
};

/// Decodes, attributes and classifies inputs. A copy goes on from where this one is, and shares the data with it.
#[derive(Clone, Debug)]
pub struct Pipeline {
    tree: Tree,
    rules: Rules,
    delegates: Delegates,
    names: Names,
    ledger: Ledger,
    fold: Fold,
    repeats: Repeats,
    clock: Clock,
    opened: Option<Box<Opened>>,
    config: Option<Box<Config>>,
    /// The id of the next record.
    next: Id,
    /// The latest time that any input told, boot clock.
    now_ns: u64,
    /// The latest time before which all records have come, boot clock: that of a record or of a [`Input::Tick`]. What
    /// userspace found out by itself can be ahead of records that still wait in the ring.
    come_ns: u64,
    scratch: Vec<u8>,
}

impl Pipeline {
    /// With the built-in data.
    ///
    /// # Errors
    ///
    /// When a built-in data set cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Ok(Self {
            tree: Tree::new(Catalogue::new()?),
            rules: Rules::new()?,
            delegates: Delegates::new()?,
            names: Names::default(),
            ledger: Ledger::default(),
            fold: Fold::default(),
            repeats: Repeats::default(),
            clock: Clock::default(),
            opened: None,
            config: None,
            next: Id::default(),
            now_ns: 0,
            come_ns: 0,
            scratch: Vec::new(),
        })
    }

    /// Takes the next input of the recording and appends the records that it gives to `out`.
    ///
    /// While a program looks its environment up, records are held back, at most until the first input that is
    /// 5 ms later; so an input can give those of earlier ones. Their order stays.
    ///
    /// The requests are to be answered live; replay ignores them.
    pub fn push(&mut self, input: &Input, out: &mut Vec<Record>) -> Vec<Request> {
        let before = out.len();
        if let Input::Known(known) = input {
            // It tells of before, so it makes no record, and nothing ends by it.
            self.resume_piece(known);
            self.next = Id { index: self.next.index + 1, part: 0, ..self.next };
            return Vec::new();
        }
        match input {
            Input::Raw(bytes) => self.raw(bytes, out),
            Input::Opened(opened) => self.open(opened, out),
            Input::Config(config) => self.configure(config, out),
            Input::Observed(Observed::Binary(binary)) => self.identified(binary, out),
            Input::Observed(observed) => self.observe(observed),
            Input::Control(control) => self.control(control),
            Input::Coverage(coverage) => {
                self.advance(coverage.boot_ns);
                self.emit(coverage.boot_ns, Body::Coverage(Box::new(coverage.hook.clone())), out);
            }
            Input::Gap(gap) => {
                self.advance(gap.to_ns);
                self.emit(gap.from_ns, Body::Gap(Box::new(gap.clone())), out);
            }
            Input::Counters(counters) => self.advance(counters.boot_ns),
            Input::Tick(tick) => self.come(tick.boot_ns),
            Input::Closed(closed) => self.come(closed.boot_ns),
            Input::Known(_) => {}
        }
        if !matches!(input, Input::Raw(_)) {
            self.ledger.push(input, self.next);
            self.tree.tick(self.now_ns);
        }
        if matches!(input, Input::Closed(_)) {
            self.tree.close(self.now_ns);
        }
        self.lives(out);
        if self.ledger.has_losses() {
            for loss in self.ledger.losses() {
                self.emit(loss.boot_ns, Body::Loss(Box::new(loss.body)), out);
            }
        }
        self.next = Id { index: self.next.index + 1, part: 0, ..self.next };
        self.fold.pass(out, before, self.come_ns, &self.tree);
        // Whoever asks what a command did wants all of it, and after the last input none comes to release anything.
        if matches!(input, Input::Closed(_) | Input::Observed(Observed::CommandEnded { .. })) {
            self.fold.finish(out);
        }
        self.tree.requests()
    }

    /// Releases what is held back; to be called where a recording ends without `Closed`.
    pub fn finish(&mut self, out: &mut Vec<Record>) {
        self.fold.finish(out);
    }

    /// Of records that are held back: the time, boot clock, from which on a [`Input::Tick`] releases some of them.
    #[must_use]
    pub fn due_ns(&self) -> Option<u64> {
        self.fold.due_ns()
    }

    /// The counts so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// What the recording was opened with.
    #[must_use]
    pub fn opened(&self) -> Option<&Opened> {
        self.opened.as_deref()
    }

    /// The data that was in force when the inputs were taken; compare with [`data::list`] to know whether they are
    /// judged again with other data.
    #[must_use]
    pub fn config(&self) -> Option<&Config> {
        self.config.as_deref()
    }

    /// Processes that are known at the moment.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.tree.processes()
    }

    /// The latest time that any input told is never put back: inputs of one time may come in another order.
    fn advance(&mut self, boot_ns: u64) {
        self.now_ns = self.now_ns.max(boot_ns);
    }

    /// Notes that the records before a time have come.
    fn come(&mut self, boot_ns: u64) {
        self.advance(boot_ns);
        self.come_ns = self.come_ns.max(boot_ns);
    }

    /// Boot clock to wall clock.
    fn time(&self, boot_ns: u64) -> Time {
        Time(self.clock.real_ns.saturating_add(boot_ns.wrapping_sub(self.clock.boot_ns).cast_signed()))
    }

    /// The id of the next record of this input.
    const fn id(&mut self) -> Id {
        let id = self.next;
        self.next.part += 1;
        id
    }

    /// A record about the observation itself.
    fn emit(&mut self, boot_ns: u64, body: Body, out: &mut Vec<Record>) {
        let (id, time) = (self.id(), self.time(boot_ns));
        let record = Record {
            id,
            time,
            boot_ns,
            process: None,
            agent: None,
            tool_call: None,
            body,
            seccomp: false,
            classes: Classes::NONE,
        };
        out.push(record);
    }

    fn open(&mut self, opened: &Opened, out: &mut Vec<Record>) {
        self.clock = opened.clock;
        self.next.segment = opened.segment;
        self.advance(opened.clock.boot_ns);
        for hook in &opened.hooks {
            self.emit(opened.clock.boot_ns, Body::Coverage(Box::new(hook.clone())), out);
        }
        self.opened = Some(Box::new(opened.clone()));
    }

    /// Judges with the data that is in force from here on: what a recording carries, and what is built in of the rest. A set
    /// that cannot be read, which was refused before it came to be in force, leaves the one before.
    fn configure(&mut self, config: &Config, out: &mut Vec<Record>) {
        let before = self.config.take().map(|before| before.data).unwrap_or_default();
        for set in data::JUDGING {
            let of_set = |data: &&Data| data.name == set && data.content.is_some();
            if before.iter().filter(of_set).eq(config.data.iter().filter(of_set)) {
                continue;
            }
            let (whole, added) = config.sources(set);
            match set {
                data::AGENTS => Catalogue::read(&whole, &added).map_or((), |it| self.tree.set_catalogue(it)),
                data::DELEGATES => Delegates::read(&whole, &added).map_or((), |it| self.delegates.replace(it)),
                _ => Rules::read(&whole, &added).map_or((), |it| self.rules = it),
            }
        }
        // Every reader of records says so by this, whatever it is.
        if config.is_unscrubbed() {
            let hook = Hook {
                name: "scrub".to_owned(),
                feature: scrub::SECRETS.to_owned(),
                state: HookState::Unavailable { reason: scrub::OFF.to_owned() },
            };
            self.emit(self.now_ns, Body::Coverage(Box::new(hook)), out);
        }
        self.config = Some(Box::new(config.clone()));
    }

    fn observe(&mut self, observed: &Observed) {
        match observed {
            Observed::Process(existing) => self.tree.existing(existing, self.now_ns),
            Observed::Package { script, name } => self.tree.package(script, name.as_deref(), self.now_ns),
            Observed::Project { cwd, root } => self.tree.projects.answer(cwd, root.as_deref()),
            Observed::Filtered(filtered) => self.advance(filtered.boot_ns),
            Observed::Binary(_)
            | Observed::User { .. }
            | Observed::Sealed { .. }
            | Observed::Removed { .. }
            | Observed::CommandEnded { .. } => {}
        }
    }

    fn control(&mut self, control: &Control) {
        match control {
            Control::Track { pid, why } => {
                self.tree.track(*pid, *why);
                self.names.begin(*pid);
            }
            Control::Untrack { pid } => self.tree.untrack(*pid),
            Control::Mark { boot_ns, .. } => self.advance(*boot_ns),
        }
    }
}
