//! Agents, their tool calls, their processes.

use std::sync::Arc;

use agentsnoop_pipeline::{
    Record,
    record::{Agent, ProcessId},
};
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::{Pieces, compact};

/// Nodes that are kept. Processes beyond them have no row of their own: their events count for their tool call and their agent, and
/// the tree says how many there are.
pub const NODES: usize = 50_000;

/// Nodes beyond [`NODES`] that agents and tool calls have for themselves, so that processes leave room for them: a hard-working
/// session makes some hundred calls. The events of what is beyond them too count for what is above it, and the tree says how many there are.
pub const GROUPS: usize = 10_000;

/// A clock tick of /proc (`USER_HZ` 100), nanoseconds.
const TICK_NS: u64 = 10_000_000;

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Key {
    /// Everything that is observed.
    All,
    /// A session of an agent.
    Session(#[serde(with = "compact::text")] Arc<str>),
    /// A tool call.
    Call(#[serde(with = "compact::text")] Arc<str>),
    /// A process.
    Process(#[serde(with = "compact::process")] ProcessId),
}

/// How something ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ending {
    /// Not yet.
    #[default]
    Running,
    /// With a code.
    Code(u8),
    /// By a signal.
    Signal(String),
    /// It is not known how.
    Unknown,
}

impl Ending {
    /// Whether it is the end of something that did what it should.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Code(0) | Self::Unknown)
    }
}

/// A node of the tree.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// What it stands for.
    pub key: Key,
    /// The node above it; the root's is itself.
    pub parent: usize,
    /// Where it hangs, and what hangs below it.
    links: Links,
    /// Of a process: the one before it with the same pid, or [`NOWHERE`].
    same_pid: usize,
    /// The command line, the command, the agent's name; escaped.
    pub title: String,
    /// The name of the program, escaped.
    pub comm: String,
    /// The process, of a tool call and a session their first one.
    pub pid: u32,
    /// When it began, boot clock, nanoseconds.
    pub began_ns: u64,
    /// When it ended, likewise.
    pub ended_ns: Option<u64>,
    /// How it ended.
    pub ending: Ending,
    /// Its events; those of everything below a tool call, a session and the whole.
    pub events: u64,
    /// Those that failed.
    pub failed: u64,
    /// Sensitive touches.
    pub touches: u64,
    /// The last of them, escaped.
    pub touch: String,
    /// The number of its first event and of its last.
    pub span: (u64, u64),
}

/// How nodes hang together: each knows its neighbours, so that a node changes little however many there are below it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Links {
    /// The first and the last node below, or [`NOWHERE`].
    below: (usize, usize),
    /// The node before and the one behind it below the same parent, or [`NOWHERE`].
    beside: (usize, usize),
}

/// No node. The place of the whole serves for it, which hangs below nothing and beside nothing.
const NOWHERE: usize = 0;

/// The tree. Place 0 is everything.
#[derive(Clone, Debug)]
pub struct Tree {
    shown: Shown,
    places: HashMap<Key, usize>,
    /// The newest process of each pid.
    pids: HashMap<u32, usize>,
}

/// All of a tree but how its nodes are found, which its nodes tell.
#[derive(Clone, Debug)]
pub struct Shown {
    /// Everything: it is there before anything has happened.
    pub all: Node,
    /// The nodes from place 1 on.
    pub nodes: Pieces<Node>,
    /// Events of agents, tool calls and processes beyond the bounds.
    pub further: u64,
    /// The node that was active last, below which no tool call is.
    pub latest: usize,
}

impl Default for Tree {
    fn default() -> Self {
        let all = Node::new(Key::All, NOWHERE, 0, 0);
        let shown = Shown { all, nodes: Pieces::default(), further: 0, latest: 0 };
        Self { shown, places: HashMap::from([(Key::All, 0)]), pids: HashMap::new() }
    }
}

/// The nodes that an event counts for: everything, the session, the tool call, the process.
#[derive(Clone, Copy, Debug, Default)]
pub struct Places {
    /// The session.
    pub session: Option<usize>,
    /// The tool call.
    pub call: Option<usize>,
    /// The process.
    pub process: Option<usize>,
}

impl Places {
    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = usize> {
        [Some(0), self.session, self.call, self.process].into_iter().flatten()
    }
}

impl Node {
    const fn new(key: Key, parent: usize, boot_ns: u64, number: u64) -> Self {
        Self {
            key,
            parent,
            links: Links { below: (NOWHERE, NOWHERE), beside: (NOWHERE, NOWHERE) },
            same_pid: NOWHERE,
            title: String::new(),
            comm: String::new(),
            pid: 0,
            began_ns: boot_ns,
            ended_ns: None,
            ending: Ending::Running,
            events: 0,
            failed: 0,
            touches: 0,
            touch: String::new(),
            span: (number, number),
        }
    }

    /// Whether something is below it.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.links.below.0 != NOWHERE
    }
}

impl Tree {
    /// All nodes, the whole first.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.shown.all).chain(self.shown.nodes.iter())
    }

    /// How many nodes there are.
    fn len(&self) -> usize {
        self.shown.nodes.len() + 1
    }

    /// A node; the whole where there is none.
    #[must_use]
    pub fn node(&self, place: usize) -> &Node {
        place.checked_sub(1).and_then(|at| self.shown.nodes.get(at)).unwrap_or(&self.shown.all)
    }

    /// A node, to change it; the whole where there is none.
    pub fn node_mut(&mut self, place: usize) -> &mut Node {
        place.checked_sub(1).and_then(|at| self.shown.nodes.get_mut(at)).unwrap_or(&mut self.shown.all)
    }

    /// Where something is.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<usize> {
        let place = self.places.get(key).copied();
        place.or_else(|| if let Key::Process(id) = key { self.known_by_ticks(*id) } else { None })
    }

    /// Where a process is that was first known from /proc, by its start in clock ticks, and is known by its exact start since.
    fn known_by_ticks(&self, id: ProcessId) -> Option<usize> {
        self.pids.get(&id.pid).copied().filter(|place| match self.node(*place).key {
            Key::Process(known) => {
                known.start_ns.is_multiple_of(TICK_NS) && known.start_ns.abs_diff(id.start_ns) < 2 * TICK_NS
            }
            _ => false,
        })
    }

    /// Events of agents, tool calls and processes without a node.
    #[must_use]
    pub const fn further(&self) -> u64 {
        self.shown.further
    }

    /// The tool call, or the session where there is none, that was active last.
    #[must_use]
    pub const fn latest(&self) -> usize {
        self.shown.latest
    }

    /// The nodes below a node in the order in which they came, or the last one first.
    pub fn below(&self, place: usize, newest_first: bool) -> impl Iterator<Item = usize> {
        let end = |(first, last): (usize, usize)| if newest_first { last } else { first };
        let next = move |(before, behind): (usize, usize)| if newest_first { before } else { behind };
        let is_one = |place: &usize| *place != NOWHERE;
        let first = Some(end(self.node(place).links.below)).filter(is_one);
        std::iter::successors(first, move |at| Some(next(self.node(*at).links.beside)).filter(is_one))
    }

    /// The sessions, in the order in which they came.
    pub fn sessions(&self) -> impl Iterator<Item = &Node> {
        self.below(0, false).map(|place| self.node(place)).filter(|node| matches!(node.key, Key::Session(_)))
    }

    fn add(&mut self, key: Key, parent: usize, boot_ns: u64, number: u64) -> usize {
        let place = self.len();
        self.shown.nodes.push(Node::new(key.clone(), parent, boot_ns, number));
        self.places.insert(key, place);
        self.hang(place, parent);
        place
    }

    /// The nodes of a record's session, tool call and process, made where they are new.
    pub fn places(&mut self, number: u64, record: &Record) -> Places {
        let session = record.agent.as_deref().and_then(|agent| self.session(agent, number, record.boot_ns));
        let call = record.tool_call.as_ref().and_then(|id| self.call(id, session.unwrap_or(0), number, record.boot_ns));
        let group = call.or(session).unwrap_or(0);
        let process = record.process.as_ref().and_then(|process| {
            let (id, parent) = (process.image.id, process.image.ppid);
            self.process(id, parent, group, number, record.boot_ns)
        });
        if group != 0 {
            self.shown.latest = group;
        }
        let has_all = session.is_some() == record.agent.is_some()
            && call.is_some() == record.tool_call.is_some()
            && process.is_some() == record.process.is_some();
        self.shown.further += u64::from(!has_all);
        Places { session, call, process }
    }

    /// Adds an agent or a tool call; none where there are too many.
    fn add_group(&mut self, key: Key, parent: usize, boot_ns: u64, number: u64) -> Option<usize> {
        (self.len() < NODES + GROUPS).then(|| self.add(key, parent, boot_ns, number))
    }

    fn session(&mut self, agent: &Agent, number: u64, boot_ns: u64) -> Option<usize> {
        let key = Key::Session(Arc::from(agent.session.as_str()));
        if let Some(place) = self.find(&key) {
            return Some(place);
        }
        let place = self.add_group(key, 0, boot_ns, number)?;
        let node = self.node_mut(place);
        node.title = crate::tui::escape::bytes(agent.name.as_bytes());
        node.pid = agent.root_pid;
        Some(place)
    }

    fn call(&mut self, id: &Arc<str>, session: usize, number: u64, boot_ns: u64) -> Option<usize> {
        let key = Key::Call(Arc::clone(id));
        self.find(&key).or_else(|| self.add_group(key, session, boot_ns, number))
    }

    /// A process below its parent, where that is of the same tool call; a process that becomes a tool call's moves there.
    fn process(&mut self, id: ProcessId, ppid: Option<u32>, group: usize, number: u64, boot_ns: u64) -> Option<usize> {
        let key = Key::Process(id);
        if let Some(place) = self.find(&key) {
            if self.group(place) != group && group != 0 {
                self.unhang(place);
                self.hang(place, group);
            }
            return Some(place);
        }
        if self.len() >= NODES {
            return None;
        }
        let parent = ppid.and_then(|pid| self.relative(pid, group)).unwrap_or(group);
        let began = if id.start_ns == 0 { boot_ns } else { id.start_ns };
        let place = self.add(key, parent, began, number);
        let before = self.pids.insert(id.pid, place);
        let node = self.node_mut(place);
        node.pid = id.pid;
        node.same_pid = before.unwrap_or(NOWHERE);
        Some(place)
    }

    /// The newest process with this pid, where it is of a group.
    fn relative(&self, pid: u32, group: usize) -> Option<usize> {
        self.pids.get(&pid).copied().filter(|place| self.group(*place) == group)
    }

    /// The tool call, the session or the whole that a process belongs to.
    #[must_use]
    pub fn group(&self, place: usize) -> usize {
        let mut at = place;
        while matches!(self.node(at).key, Key::Process(_)) && self.node(at).parent != at {
            at = self.node(at).parent;
        }
        at
    }

    /// Puts a node behind those below another one.
    fn hang(&mut self, place: usize, parent: usize) {
        let (first, last) = self.node(parent).links.below;
        self.node_mut(parent).links.below = (if first == NOWHERE { place } else { first }, place);
        if last != NOWHERE {
            self.node_mut(last).links.beside.1 = place;
        }
        let node = self.node_mut(place);
        (node.parent, node.links.beside) = (parent, (last, NOWHERE));
    }

    /// Takes a node from where it hangs.
    fn unhang(&mut self, place: usize) {
        let Node { parent, links, .. } = *self.node(place);
        let (before, behind) = links.beside;
        match before {
            NOWHERE => self.node_mut(parent).links.below.0 = behind,
            _ => self.node_mut(before).links.beside.1 = behind,
        }
        match behind {
            NOWHERE => self.node_mut(parent).links.below.1 = before,
            _ => self.node_mut(behind).links.beside.0 = before,
        }
    }

    /// What is to be kept of this moment.
    #[must_use]
    pub const fn shown(&self) -> &Shown {
        &self.shown
    }

    /// Becomes as it was, or will be, at another moment of the same events. Nodes come in the same order each time, so only those that
    /// are in one of the two are to be found anew.
    pub fn become_as(&mut self, other: &Shown) {
        let (old, new) = (self.shown.nodes.len(), other.nodes.len());
        for place in (new + 1..=old).rev() {
            let node = self.node(place);
            let (key, pid, same_pid) = (node.key.clone(), node.pid, node.same_pid);
            self.places.remove(&key);
            if matches!(key, Key::Process(_)) {
                match same_pid {
                    NOWHERE => self.pids.remove(&pid),
                    before => self.pids.insert(pid, before),
                };
            }
        }
        self.shown = other.clone();
        for place in old + 1..=new {
            let node = self.node(place);
            let (key, pid) = (node.key.clone(), node.pid);
            if matches!(key, Key::Process(_)) {
                self.pids.insert(pid, place);
            }
            self.places.insert(key, place);
        }
    }
}

#[cfg(test)]
mod tests {
    use agentsnoop_pipeline::{
        Pipeline,
        input::{Control, Input, Why},
        synthetic::Actor,
    };

    use super::*;

    #[test]
    fn a_process_that_ran_before_the_observation_has_one_node_however_exactly_its_start_is_known() {
        let (mut pipeline, mut records) = (Pipeline::new().unwrap(), Vec::new());
        drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Pid }), &mut records));
        drop(pipeline.push(&Actor::new(7).open("/etc/hosts"), &mut records));
        let mut record = records.pop().unwrap();
        let mut place_of = |tree: &mut Tree, start_ns: u64| {
            let process = record.process.as_mut().unwrap();
            Arc::make_mut(&mut process.image).id.start_ns = start_ns;
            tree.places(0, &record).process.unwrap()
        };
        let mut tree = Tree::default();
        let known = place_of(&mut tree, 100 * TICK_NS);
        assert_eq!(place_of(&mut tree, 100 * TICK_NS + 123), known);
        // Another one with its pid, later.
        let other = place_of(&mut tree, 200 * TICK_NS + 123);
        assert_ne!(other, known);
        assert_ne!(place_of(&mut tree, 200 * TICK_NS + 124), other);
    }

    #[test]
    fn there_are_never_more_nodes_than_the_bounds_and_what_is_beyond_counts_for_what_is_above() {
        let (mut pipeline, mut records) = (Pipeline::new().unwrap(), Vec::new());
        drop(pipeline.push(&Input::Control(Control::Track { pid: 7, why: Why::Pid }), &mut records));
        drop(pipeline.push(&Actor::new(7).open("/etc/hosts"), &mut records));
        let mut record = records.pop().unwrap();
        let mut tree = Tree::default();
        let before = tree.places(0, &record);
        assert!(before.process.is_some() && before.call.is_none());
        let mut calls = 0;
        for number in 0..(NODES + GROUPS) as u64 {
            record.tool_call = Some(Arc::from(number.to_string()));
            let places = tree.places(number, &record);
            calls += usize::from(places.call.is_some());
            assert_eq!(places.process, before.process);
        }
        assert_eq!(tree.len(), NODES + GROUPS);
        assert_eq!(tree.further(), (NODES + GROUPS - calls) as u64);
        assert!(tree.further() > 0);
        // A process finds no room any more, and neither does an agent.
        let process = record.process.as_mut().unwrap();
        Arc::make_mut(&mut process.image).id.pid = 8;
        record.agent = None;
        assert!(tree.places(0, &record).process.is_none());
        assert_eq!(tree.further(), (NODES + GROUPS - calls) as u64 + 1);
        assert_eq!(tree.len(), NODES + GROUPS);
    }
}
