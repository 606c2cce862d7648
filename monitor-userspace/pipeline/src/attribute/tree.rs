//! Trees of processes: who made whom, what each executes, and which session it belongs to.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use monitor_common::{Header, body};

mod identify;
mod resume;
mod tools;

use super::{
    agents::{Catalogue, Program, Verdict},
    calls::Calls,
    environment::Environment,
    packages::{Answer, Packages},
    peers::Peers,
    projects::Projects,
    session::{COMMAND, Change, Life, Sessions, agent},
    table::{Entry, Table},
};
use crate::{
    Request,
    hash::Map,
    input::{Existing, Learned, Why},
    record::{Exec, Exit, Image, Namespaces, ProcessId, State, Text},
};

/// Tracking roots that are remembered; the lowest pid is forgotten first, and what is left of its tree keeps the
/// sessions that its processes already have.
const ROOTS: usize = 4096;

/// A clock tick of /proc (`USER_HZ` 100), nanoseconds: how exact [`Existing::start_ticks_ns`] is.
const TICK_NS: u64 = 10_000_000;

/// Generations that are followed upwards; a longer lineage counts as ending there.
const GENERATIONS: usize = 256;

/// Every tree that is observed.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    catalogue: Arc<Catalogue>,
    table: Table,
    /// Processes known from /proc by pid, with the start time in ticks under which they are in the table.
    existing: Map<u32, ProcessId>,
    /// The same by exact identity, once a record has told it.
    exact: Map<ProcessId, ProcessId>,
    tracked: BTreeMap<u32, Why>,
    /// The session of each tracking root.
    roots: BTreeMap<u32, Arc<Life>>,
    packages: Packages,
    pub(crate) projects: Projects,
    sessions: Sessions,
    calls: Calls,
    peers: Peers,
    requests: Vec<Request>,
    /// The files that were asked for, each with the first process of its session.
    identified: BTreeSet<(ProcessId, String)>,
    /// The sessions that were resumed, by number.
    resumed: Vec<Arc<Life>>,
}

impl Tree {
    pub(crate) fn new(catalogue: Catalogue) -> Self {
        Self {
            catalogue: Arc::new(catalogue),
            table: Table::default(),
            existing: Map::default(),
            exact: Map::default(),
            tracked: BTreeMap::new(),
            roots: BTreeMap::new(),
            packages: Packages::default(),
            projects: Projects::default(),
            sessions: Sessions::default(),
            calls: Calls::default(),
            peers: Peers::default(),
            requests: Vec::new(),
            identified: BTreeSet::new(),
            resumed: Vec::new(),
        }
    }

    pub(crate) fn set_catalogue(&mut self, catalogue: Catalogue) {
        self.catalogue = Arc::new(catalogue);
    }

    pub(crate) fn requests(&mut self) -> Vec<Request> {
        std::mem::take(&mut self.requests)
    }

    pub(crate) fn changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.sessions.changes)
    }

    pub(crate) fn has_changes(&self) -> bool {
        !self.sessions.changes.is_empty()
    }

    pub(crate) fn get(&self, id: ProcessId) -> Option<&Entry> {
        self.table.get(id).or_else(|| self.table.get(*self.exact.get(&id)?))
    }

    /// The process of a record, learned from the record where nothing was known.
    pub(crate) fn see(&mut self, header: &Header) -> ProcessId {
        let id = self.known(header);
        let Some(entry) = self.table.get_mut(id) else { return id };
        entry.uid = header.uid;
        if header.exec_seq > entry.exec_seq {
            // The record of the last exec was lost, so the image that is known is not the one that runs.
            entry.exec_seq = header.exec_seq;
            let image = Image {
                comm: None,
                exe: None,
                exe_state: State::NotAsked,
                from_proc: false,
                ..Image::clone(&entry.image)
            };
            entry.image = Arc::new(image);
            entry.environment = None;
        }
        let starts = header.pid == header.root && entry.session.is_none() && entry.learned == Learned::Record;
        if starts && self.tracked.get(&header.root) == Some(&Why::Run) {
            self.begin(id, COMMAND, "run", header.time);
        }
        id
    }

    /// The key of the process of a record in the table, where it is put if it is not there.
    fn known(&mut self, header: &Header) -> ProcessId {
        let id = ProcessId { pid: header.pid, start_ns: header.start };
        if self.table.get(id).is_some() {
            return id;
        }
        if let Some(key) = self.exact.get(&id) {
            return *key;
        }
        if let Some(key) = self.existing.get(&header.pid).copied()
            && header.start.abs_diff(key.start_ns) < 2 * TICK_NS
            && let Some(entry) = self.table.get_mut(key)
        {
            entry.image = Arc::new(Image { id, ..Image::clone(&entry.image) });
            self.exact.insert(id, key);
            return key;
        }
        let mut entry = Entry::new(Image { id, exe_state: State::NotAsked, ..Image::default() }, Learned::Record);
        entry.exec_seq = header.exec_seq;
        entry.session = self.roots.get(&header.root).filter(|_| header.pid != header.root).cloned();
        self.table.insert(id, entry);
        id
    }

    /// A process was made.
    pub(crate) fn fork(&mut self, parent: ProcessId, child: &body::Fork) -> ProcessId {
        let id = ProcessId { pid: child.child_pid, start_ns: child.child_start };
        let Some(above) = self.table.get(parent) else { return id };
        let image = Image { id, ppid: Some(above.image.id.pid), ..Image::clone(&above.image) };
        let mut entry = Entry::new(image, Learned::Fork);
        entry.uid = above.uid;
        entry.parent = Some(parent);
        entry.session = above.session.clone();
        entry.is_agent = above.is_agent;
        entry.call = above.call.clone();
        entry.is_meant = above.is_meant;
        if let Some(call) = &entry.call {
            self.calls.joined(call, id);
        }
        entry.cwd = above.cwd.clone();
        entry.environment = above.environment.clone();
        self.table.insert(id, entry);
        id
    }

    /// A process has executed a program.
    pub(crate) fn exec(&mut self, header: &Header, parent: u32, comm: Text, exec: &Exec) -> ProcessId {
        let id = self.known(header);
        let Some(entry) = self.table.get_mut(id) else { return id };
        entry.exec_seq = header.exec_seq;
        entry.cwd = exec.cwd.as_ref().map(Text::detached);
        entry.asked = None;
        if entry.namespaces.is_unknown() {
            entry.namespaces = exec.namespaces;
        }
        // Most programs are given the environment of their parent, and share it here.
        let environment = Environment::new(&exec.env_names);
        if entry.environment.as_deref() != Some(&environment) {
            entry.environment = Some(Arc::new(environment));
        }
        entry.image = Arc::new(Image {
            id: entry.image.id,
            ppid: entry.image.ppid.or(Some(parent)),
            comm: Some(comm),
            exe: exec.path.as_ref().map(Text::detached),
            exe_state: exec.path_state,
            from_proc: false,
        });
        entry.is_agent = false;
        self.recognise(id, &exec.argv, header.time);
        self.tool(id, exec, header.time);
        self.see(header)
    }

    /// The names of the namespaces in which a process differs from the first one of its session.
    pub(crate) fn apart(&self, id: ProcessId, namespaces: Namespaces) -> impl Iterator<Item = &'static str> {
        let root = self.get(id).and_then(|entry| entry.session.as_ref()).and_then(|life| self.get(life.root));
        namespaces.apart_from(root.map(|root| root.namespaces).unwrap_or_default())
    }

    /// A process has ended.
    pub(crate) fn exit(&mut self, id: ProcessId, exit: &Exit, now_ns: u64) {
        if let Some(call) = self.table.get(id).and_then(|entry| entry.call.as_ref()) {
            self.calls.left(call, id, exit, now_ns);
        }
        self.table.end(id, now_ns);
        self.sessions.end(id);
    }

    /// Time passes.
    pub(crate) fn tick(&mut self, now_ns: u64) {
        self.table.expire(now_ns);
        if self.exact.len() > super::PROCESSES {
            let table = &self.table;
            self.exact.retain(|_, key| table.get(*key).is_some());
        }
    }

    /// A tree is tracked.
    pub(crate) fn track(&mut self, pid: u32, why: Why) {
        self.tracked.insert(pid, why);
        self.roots.remove(&pid);
        if self.tracked.len() > ROOTS {
            self.tracked.pop_first();
        }
    }

    /// A tree is no longer tracked.
    pub(crate) fn untrack(&mut self, pid: u32) {
        self.tracked.remove(&pid);
        let roots: Vec<_> = self.sessions.live().iter().map(|life| life.root).filter(|id| id.pid == pid).collect();
        for root in roots {
            self.sessions.end(root);
        }
        self.roots.remove(&pid);
    }

    /// A process existed before it was tracked.
    pub(crate) fn existing(&mut self, existing: &Existing, now_ns: u64) {
        let id = ProcessId { pid: existing.pid, start_ns: existing.start_ticks_ns };
        let is_known = self.existing.get(&existing.pid) == Some(&id) && self.table.get(id).is_some();
        // An ancestor of several trees is told with each of them, and so is an agent in a tool call of another one.
        if is_known && existing.root == Existing::UNTRACKED {
            return;
        }
        if is_known && let Some(life) = self.live_session(id) {
            if existing.pid == existing.root {
                self.roots.insert(existing.pid, life);
            }
            return;
        }
        let parent = self.existing.get(&existing.parent).copied().filter(|parent| *parent != id);
        let image = Image {
            id,
            ppid: Some(existing.parent),
            comm: Some(Text::from(existing.comm.as_str())),
            exe: existing.exe.as_deref().map(Text::from),
            exe_state: if existing.exe.is_some() { State::Complete } else { State::Unreadable },
            from_proc: true,
        };
        let mut entry = Entry::new(image, Learned::Existing);
        entry.uid = existing.uid;
        entry.parent = parent;
        if let Some(above) = parent.and_then(|parent| self.table.get(parent)) {
            entry.session = above.session.clone();
            (entry.call, entry.is_meant) = (above.call.clone(), above.is_meant);
        }
        entry.session = entry.session.or_else(|| self.roots.get(&existing.root).cloned());
        entry.cwd = existing.cwd.as_deref().map(Text::from);
        if let Some(call) = &entry.call {
            self.calls.joined(call, id);
        }
        self.table.insert(id, entry);
        if self.existing.len() >= super::PROCESSES {
            self.existing.clear();
        }
        self.existing.insert(existing.pid, id);
        // Nothing above a tracked tree is observed, and no session begins there.
        if existing.root == Existing::UNTRACKED {
            return;
        }
        let argv: Vec<Text> = existing.argv.iter().map(|argument| Text::from(argument.as_str())).collect();
        self.recognise(id, &argv, now_ns);
        self.tool_before(id, &argv, now_ns);
    }

    /// The session of a process, where it is alive.
    fn live_session(&self, id: ProcessId) -> Option<Arc<Life>> {
        let life = self.get(id)?.session.as_ref()?;
        self.sessions.live().iter().find(|live| Arc::ptr_eq(live, life)).cloned()
    }

    /// The package of a script is known.
    pub(crate) fn package(&mut self, script: &str, name: Option<&str>, now_ns: u64) {
        self.packages.answer(script, name);
        let Some(agent) = name.and_then(|name| self.catalogue.package(name)).map(str::to_owned) else { return };
        let waits = |id: &ProcessId| self.table.get(*id).is_some_and(|entry| entry.asked.as_deref() == Some(script));
        let waiting: Vec<ProcessId> = self.table.ids().filter(waits).collect();
        for id in waiting {
            self.become_agent(id, &agent, "package", now_ns);
            self.identify(id, "package", Some(script.as_bytes().to_vec()));
        }
    }

    fn recognise(&mut self, id: ProcessId, argv: &[Text], now_ns: u64) {
        let Some(entry) = self.table.get(id) else { return };
        let (image, cwd) = (Arc::clone(&entry.image), entry.cwd.clone());
        let program =
            Program { exe: image.exe.as_ref().map(Text::as_bytes), argv, cwd: cwd.as_ref().map(Text::as_bytes) };
        let (name, known_by) = match self.catalogue.recognise(program) {
            Verdict::Agent { name, known_by } => (name.to_owned(), known_by),
            Verdict::Ask { script } => {
                let (script, answer, is_new) = self.packages.ask(&script);
                if is_new {
                    self.requests.push(Request::Package { script: script.to_string() });
                }
                if let Some(entry) = self.table.get_mut(id) {
                    entry.asked = Some(script);
                }
                let Answer::Known(Some(package)) = answer else { return };
                let Some(name) = self.catalogue.package(&package) else { return };
                (name.to_owned(), "package")
            }
            Verdict::Helper { .. } | Verdict::Wrapper | Verdict::None => return,
        };
        let script = self.catalogue.script_of(program);
        self.become_agent(id, &name, known_by, now_ns);
        self.identify(id, known_by, script);
    }

    /// A process turned out to be an agent. A native program below its launcher is the same agent, and so is a launcher
    /// that is recognised after its native program.
    fn become_agent(&mut self, id: ProcessId, name: &str, known_by: &'static str, now_ns: u64) {
        let Some(entry) = self.table.get_mut(id) else { return };
        entry.is_agent = true;
        // What a tool starts is no part of the agent that started the tool, also where it is the same program.
        let within = entry.call.as_ref().map(|call| Arc::clone(&call.id));
        let is_same = |life: &Arc<Life>| life.agent.name == name && life.within == within;
        if entry.session.as_ref().is_some_and(is_same) {
            return;
        }
        let is_below = |life: &&Arc<Life>| is_same(life) && self.descends(life.root, id);
        let below = self.sessions.named(name).find(is_below).cloned();
        match below {
            Some(life) => self.join(id, &life),
            None => self.begin(id, name, known_by, now_ns),
        }
    }

    /// Begins a session whose first process this is.
    fn begin(&mut self, id: ProcessId, name: &str, known_by: &'static str, now_ns: u64) {
        let Some(entry) = self.table.get(id) else { return };
        let request = self.projects.ask(id.pid, entry.cwd.as_ref());
        self.requests.extend(request);
        let within = entry.call.as_ref().map(|call| Arc::clone(&call.id));
        // What was started turned out to be an agent: there is nothing else that it would be the session of.
        if entry.session.as_ref().is_some_and(|life| life.root == id && life.agent.name == COMMAND) {
            self.sessions.end(id);
        }
        let life = self.sessions.begin(Life {
            agent: Arc::new(agent(name, id)),
            root: id,
            started_ns: now_ns,
            known_by: known_by.into(),
            project: entry.cwd.clone(),
            within,
        });
        self.join(id, &life);
    }

    /// Puts a process into a session, with those of its descendants that were in the session which it leaves.
    fn join(&mut self, id: ProcessId, life: &Arc<Life>) {
        let Some(entry) = self.table.get_mut(id) else { return };
        let left = entry.session.replace(Arc::clone(life));
        let has_children = entry.has_children();
        if self.tracked.contains_key(&id.pid) || entry.learned == Learned::Record {
            self.roots.insert(id.pid, Arc::clone(life));
            if self.roots.len() > ROOTS {
                self.roots.pop_first();
            }
        }
        if !has_children {
            return;
        }
        let same = |other: &Option<Arc<Life>>| match (other, &left) {
            (Some(other), Some(left)) => Arc::ptr_eq(other, left),
            (None, None) => true,
            _ => false,
        };
        let follows = |other: &ProcessId| {
            self.table.get(*other).is_some_and(|entry| same(&entry.session)) && self.descends(*other, id)
        };
        let followers: Vec<ProcessId> = self.table.ids().filter(follows).collect();
        for other in followers {
            if let Some(entry) = self.table.get_mut(other) {
                entry.session = Some(Arc::clone(life));
            }
        }
    }

    /// Whether a process is a descendant of another.
    fn descends(&self, id: ProcessId, ancestor: ProcessId) -> bool {
        let parent = |id: &ProcessId| self.table.get(*id).and_then(|entry| entry.parent);
        std::iter::successors(parent(&id), parent).take(GENERATIONS).any(|id| id == ancestor)
    }

    pub(crate) fn processes(&self) -> usize {
        self.table.len()
    }
}
