//! Agents, their tool calls, their processes.

use std::sync::Arc;

use agentsnoop_pipeline::{
    Record,
    record::{Agent, ProcessId},
};
use hashbrown::HashMap;

/// Nodes that are kept. Processes beyond them have no row of their own: their events count for their tool call and their agent, and
/// the tree says how many there are.
pub const NODES: usize = 50_000;

/// What a node stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// Everything that is observed.
    All,
    /// A session of an agent.
    Session(Arc<str>),
    /// A tool call.
    Call(Arc<str>),
    /// A process.
    Process(ProcessId),
}

/// How something ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// What it stands for.
    pub key: Key,
    /// The node above it; the root's is itself.
    pub parent: usize,
    /// Those below it, in the order in which they came.
    pub children: Vec<usize>,
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

/// The tree. Node 0 is everything.
#[derive(Clone, Debug)]
pub struct Tree {
    nodes: Vec<Node>,
    places: HashMap<Key, usize>,
    /// The newest process of each pid.
    pids: HashMap<u32, usize>,
    /// Processes beyond the bound, by what was seen of them.
    further: u64,
    /// The node that was active last, below which no tool call is.
    latest: usize,
}

impl Default for Tree {
    fn default() -> Self {
        let mut tree = Self { nodes: Vec::new(), places: HashMap::new(), pids: HashMap::new(), further: 0, latest: 0 };
        tree.add(Key::All, 0, 0, 0);
        tree
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

impl Tree {
    /// The nodes.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// A node.
    #[must_use]
    pub fn node(&self, place: usize) -> &Node {
        // Every place that is handed out is one of a node, and there is always the first.
        self.nodes.get(place).unwrap_or(&self.nodes[0])
    }

    /// A node, to change it.
    pub fn node_mut(&mut self, place: usize) -> &mut Node {
        let place = if place < self.nodes.len() { place } else { 0 };
        &mut self.nodes[place]
    }

    /// Where something is.
    #[must_use]
    pub fn find(&self, key: &Key) -> Option<usize> {
        self.places.get(key).copied()
    }

    /// Processes without a node.
    #[must_use]
    pub const fn further(&self) -> u64 {
        self.further
    }

    /// The tool call, or the session where there is none, that was active last.
    #[must_use]
    pub const fn latest(&self) -> usize {
        self.latest
    }

    /// The sessions, in the order in which they came.
    pub fn sessions(&self) -> impl Iterator<Item = &Node> {
        let top = self.nodes.first().map_or(&[][..], |all| &all.children);
        top.iter().map(|place| self.node(*place)).filter(|node| matches!(node.key, Key::Session(_)))
    }

    fn add(&mut self, key: Key, parent: usize, boot_ns: u64, number: u64) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node {
            key: key.clone(),
            parent,
            children: Vec::new(),
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
        });
        self.places.insert(key, place);
        if place != parent {
            self.nodes[parent].children.push(place);
        }
        place
    }

    /// The nodes of a record's session, tool call and process, made where they are new.
    pub fn places(&mut self, number: u64, record: &Record) -> Places {
        let session = record.agent.as_deref().map(|agent| self.session(agent, number, record.boot_ns));
        let call = record.tool_call.as_ref().map(|id| self.call(id, session.unwrap_or(0), number, record.boot_ns));
        let group = call.or(session).unwrap_or(0);
        let process = record.process.as_ref().and_then(|process| {
            let (id, parent) = (process.image.id, process.image.ppid);
            self.process(id, parent, group, number, record.boot_ns)
        });
        if group != 0 {
            self.latest = group;
        }
        Places { session, call, process }
    }

    fn session(&mut self, agent: &Agent, number: u64, boot_ns: u64) -> usize {
        let key = Key::Session(Arc::from(agent.session.as_str()));
        if let Some(place) = self.find(&key) {
            return place;
        }
        let place = self.add(key, 0, boot_ns, number);
        let node = self.node_mut(place);
        node.title = crate::tui::escape::bytes(agent.name.as_bytes());
        node.pid = agent.root_pid;
        place
    }

    fn call(&mut self, id: &Arc<str>, session: usize, number: u64, boot_ns: u64) -> usize {
        let key = Key::Call(Arc::clone(id));
        self.find(&key).unwrap_or_else(|| self.add(key, session, boot_ns, number))
    }

    /// A process below its parent, where that is of the same tool call; a process that becomes a tool call's moves there.
    fn process(&mut self, id: ProcessId, ppid: Option<u32>, group: usize, number: u64, boot_ns: u64) -> Option<usize> {
        let key = Key::Process(id);
        if let Some(place) = self.find(&key) {
            if self.group(place) != group && group != 0 {
                self.rehang(place, group);
            }
            return Some(place);
        }
        if self.nodes.len() >= NODES {
            self.further += 1;
            return None;
        }
        let parent = ppid.and_then(|pid| self.relative(pid, group)).unwrap_or(group);
        let began = if id.start_ns == 0 { boot_ns } else { id.start_ns };
        let place = self.add(key, parent, began, number);
        self.node_mut(place).pid = id.pid;
        self.pids.insert(id.pid, place);
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

    fn rehang(&mut self, place: usize, parent: usize) {
        let old = self.node(place).parent;
        self.node_mut(old).children.retain(|child| *child != place);
        self.node_mut(place).parent = parent;
        self.node_mut(parent).children.push(place);
    }
}
