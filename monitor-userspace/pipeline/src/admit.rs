//! Holds what provisionally tracked processes do until it is known whether they are an agent's.
//!
//! The kernel half tracks a program whose name is an agent's from its first instruction. Whether it is one is decided
//! here, from its exec record and, for a script, from its package. Until then its inputs are held, within bounds; so
//! nothing of a process that turns out to be no agent is recorded or shown, and nothing of an agent is missed.

mod dropped;
mod rejected;
mod room;
mod verdict;

use std::collections::BTreeMap;

use bytes::Bytes;
use monitor_common::{Header, Kind, kind::KINDS};

use crate::{
    DataError, Request,
    attribute::{Packages, agents::Catalogue},
    data,
    event::peek,
    input::{Control, Input, Observed, Why},
};
use dropped::Dropped;
use rejected::{Cause, Rejections};
pub use rejected::{PROCESS, Rejected};

/// Nanoseconds after which a process that is still undecided counts as no agent: a launcher executes its agent within
/// a fraction of it, and a person who looks on should not wait longer.
pub const DECISION_NS: u64 = 2_000_000_000;

/// Inputs that are held at once, of all trees: a second of the busiest program measured (docs/limits.md). When there
/// are more, the tree that holds most counts as no agent's.
pub const HELD_INPUTS: usize = 32 * 1024;

/// Bytes that are held at once, likewise.
pub const HELD_BYTES: usize = 16 * 1024 * 1024;

/// Verdicts that are remembered. When there are more, one about a tree that is no agent's is forgotten; what may still
/// come of that tree is held until the deadline and then dropped.
pub const VERDICTS: usize = 4096;

/// What is known about the tree of a root.
#[derive(Debug)]
enum State {
    Held(Held),
    Agent,
    Other,
}

/// A tree without a verdict.
#[derive(Debug, Default)]
struct Held {
    inputs: Vec<Bytes>,
    bytes: usize,
    since_ns: u64,
    /// Processes of the tree that have not ended, as far as was seen.
    alive: i64,
    /// The scripts whose packages decide.
    asked: Vec<std::sync::Arc<str>>,
}

/// Holds, releases and drops inputs; see [`Admit::push`].
#[derive(Debug)]
pub struct Admit {
    catalogue: Catalogue,
    packages: Packages,
    roots: BTreeMap<u32, State>,
    inputs: usize,
    bytes: usize,
    dropped: Dropped,
    rejections: Rejections,
}

impl Admit {
    /// With the built-in catalogue of agents.
    ///
    /// # Errors
    ///
    /// When the built-in catalogue cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Ok(Self::with(Catalogue::new()?))
    }

    /// With a catalogue of agents.
    #[must_use]
    pub fn with(catalogue: Catalogue) -> Self {
        Self {
            catalogue,
            packages: Packages::default(),
            roots: BTreeMap::new(),
            inputs: 0,
            bytes: 0,
            dropped: Dropped::default(),
            rejections: Rejections::default(),
        }
    }

    /// Takes the next input and appends to `out` what is to be recorded and judged now: what was held in its order,
    /// behind a [`Control::Track`] that tells why. What was dropped is told by [`Observed::Filtered`] facts,
    /// and who was rejected by [`Input::Coverage`], both with the next tick, counters or end.
    ///
    /// The requests are to be carried out: [`Request::Promote`] and [`Request::Untrack`] in the kernel half,
    /// [`Request::Package`] by an [`Observed::Package`].
    pub fn push(&mut self, input: Input, out: &mut Vec<Input>) -> Vec<Request> {
        let mut requests = Vec::new();
        match input {
            Input::Raw(bytes) if peek::is_provisional(&bytes) => self.provisional(bytes, out, &mut requests),
            Input::Tick(tick) => {
                self.expire(tick.boot_ns, &mut requests);
                self.tell(out);
                out.push(input);
            }
            // Counters are compared with what came before them, and what was dropped is part of that.
            Input::Counters(_) | Input::Closed(_) | Input::Gap(_) => {
                self.tell(out);
                out.push(input);
            }
            Input::Observed(Observed::Package { ref script, ref name }) => {
                let (script, name) = (script.clone(), name.clone());
                out.push(input);
                self.answered(&script, name.as_deref(), out, &mut requests);
            }
            Input::Config(ref config) => {
                let (whole, added) = config.sources(data::AGENTS);
                // One that cannot be read was refused before it came here, and leaves the one before in force.
                if let Ok(catalogue) = Catalogue::read(&whole, &added) {
                    self.catalogue = catalogue;
                }
                out.push(input);
            }
            Input::Control(Control::Track { pid, .. }) => {
                out.push(input);
                self.release(pid, out);
                self.roots.insert(pid, State::Agent);
            }
            Input::Control(Control::Untrack { pid }) => {
                self.drop_held(pid, out);
                self.roots.insert(pid, State::Other);
                out.push(input);
            }
            other => out.push(other),
        }
        requests
    }

    /// Ends: what is still undecided counts as no agent's. To be called before the recording is closed.
    pub fn finish(&mut self, out: &mut Vec<Input>) -> Vec<Request> {
        let mut requests = Vec::new();
        self.expire(u64::MAX, &mut requests);
        self.tell(out);
        requests
    }

    /// The catalogue in force.
    #[must_use]
    pub const fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Records that were dropped because their process was no agent's, by [`Kind::index`].
    #[must_use]
    pub const fn filtered(&self) -> &[u64; KINDS] {
        self.dropped.counts()
    }

    /// Candidates that turned out to be no agent since this was last called, at most the last 64: whoever watches is
    /// told of them.
    pub fn rejected(&mut self) -> Vec<Rejected> {
        self.rejections.take()
    }

    /// Inputs that are held at the moment.
    #[must_use]
    pub const fn held(&self) -> usize {
        self.inputs
    }

    /// The comms that make a process a candidate in the kernel half, NUL-padded, sorted, without duplicates.
    #[must_use]
    pub fn candidates(&self) -> Vec<[u8; 16]> {
        self.catalogue.candidates()
    }

    /// Takes a record of a tree whose tracking began in the kernel half.
    fn provisional(&mut self, bytes: Bytes, out: &mut Vec<Input>, requests: &mut Vec<Request>) {
        let Some(header) = peek::header(&bytes) else {
            // It cannot be attributed to a tree; the pipeline counts it as malformed.
            out.push(Input::Raw(bytes));
            return;
        };
        let root = header.root;
        if header.pid == root && peek::is_candidate(&bytes) {
            // The pid may have belonged to another process, about which the verdict says nothing.
            self.drop_held(root, out);
            self.roots.remove(&root);
        }
        match self.roots.get(&root) {
            Some(State::Agent) => out.push(Input::Raw(bytes)),
            Some(State::Other) => self.dropped.count(&bytes, out),
            Some(State::Held(_)) | None => self.hold(&header, &bytes, out, requests),
        }
    }

    fn hold(&mut self, header: &Header, bytes: &Bytes, out: &mut Vec<Input>, requests: &mut Vec<Request>) {
        let root = header.root;
        if !self.roots.contains_key(&root) {
            self.make_room();
            self.roots.insert(root, State::Held(Held { since_ns: header.time, alive: 1, ..Held::default() }));
        }
        let Some(State::Held(held)) = self.roots.get_mut(&root) else { return };
        held.bytes += bytes.len();
        // In memory of its own: what is held must not keep alive all that arrived at the same time.
        held.inputs.push(Bytes::copy_from_slice(bytes));
        self.inputs += 1;
        self.bytes += bytes.len();
        match peek::kind(bytes) {
            Some(Kind::Fork) => held.alive += 1,
            Some(Kind::Exit) => held.alive -= 1,
            _ => {}
        }
        let is_over = held.alive <= 0;
        match self.judge(header, bytes, requests) {
            Some(true) => self.promote(root, out, requests),
            Some(false) => self.reject(root, Cause::Unknown, requests),
            None if is_over => self.reject(root, Cause::Ended, requests),
            None => {}
        }
        while self.inputs > HELD_INPUTS || self.bytes > HELD_BYTES {
            let Some(largest) = self.largest() else { break };
            self.reject(largest, Cause::Bound, requests);
        }
        self.dropped.tell_many(out);
        self.rejections.tell_many(out);
    }

    fn tell(&mut self, out: &mut Vec<Input>) {
        self.dropped.tell(out);
        self.rejections.tell(out);
    }

    fn promote(&mut self, root: u32, out: &mut Vec<Input>, requests: &mut Vec<Request>) {
        out.push(Input::Control(Control::Track { pid: root, why: Why::Agent }));
        self.release(root, out);
        self.roots.insert(root, State::Agent);
        requests.push(Request::Promote { root });
    }

    fn reject(&mut self, root: u32, cause: Cause, requests: &mut Vec<Request>) {
        if let Some(held) = self.take(root) {
            if let Some(rejected) = Rejected::new(root, &held.inputs, cause) {
                self.rejections.add(rejected);
            }
            for bytes in &held.inputs {
                self.dropped.add(bytes);
            }
        }
        self.roots.insert(root, State::Other);
        requests.push(Request::Untrack { root });
    }

    /// Gives what is held of a tree, in its order.
    fn release(&mut self, root: u32, out: &mut Vec<Input>) {
        if let Some(held) = self.take(root) {
            out.extend(held.inputs.into_iter().map(Input::Raw));
        }
    }

    fn drop_held(&mut self, root: u32, out: &mut Vec<Input>) {
        if let Some(held) = self.take(root) {
            for bytes in &held.inputs {
                self.dropped.add(bytes);
            }
            self.dropped.tell_many(out);
        }
    }

    fn take(&mut self, root: u32) -> Option<Held> {
        match self.roots.remove(&root) {
            Some(State::Held(held)) => {
                self.inputs -= held.inputs.len();
                self.bytes -= held.bytes;
                Some(held)
            }
            Some(other) => {
                self.roots.insert(root, other);
                None
            }
            None => None,
        }
    }

    fn expire(&mut self, now_ns: u64, requests: &mut Vec<Request>) {
        let is_late =
            |state: &State| matches!(state, State::Held(held) if now_ns.saturating_sub(held.since_ns) >= DECISION_NS);
        let late: Vec<u32> = self.roots.iter().filter(|(_, state)| is_late(state)).map(|(root, _)| *root).collect();
        for root in late {
            self.reject(root, Cause::Late, requests);
        }
    }
}
