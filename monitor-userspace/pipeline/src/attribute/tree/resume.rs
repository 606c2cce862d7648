//! The trees piece by piece, and from pieces again.

use std::sync::Arc;

use super::{
    super::{
        environment::Environment,
        session::{Life, agent},
        table::{Entry, PROCESSES},
    },
    ROOTS, Tree,
};
use crate::{
    hash::Map,
    input::{Known, KnownProcess, KnownSession},
    record::{Image, ProcessId},
};

/// The number of each session, by the address of what its processes share.
type Numbers = Map<usize, u32>;

impl Tree {
    /// Appends every piece, sessions before what names them.
    pub(crate) fn restate(&self, out: &mut Vec<Known>) {
        let numbers = self.sessions(out);
        let number = |life: &Arc<Life>| numbers.get(&address(life)).copied();
        let calls = self.calls.restate(self.table.all().filter_map(|(_, entry)| entry.call.as_ref()), out);
        for (key, entry) in self.table.all() {
            let session = entry.session.as_ref().and_then(number);
            let call = entry.call.as_ref().and_then(|call| calls.get(&call.root).copied());
            out.push(Known::Process(Box::new(process(key, entry, session, call))));
        }
        self.peers.restate(number, out);
        out.extend(self.table.in_grace().map(|(ended_ns, key)| Known::Ended { key, ended_ns }));
        let mut existing: Vec<_> = self.existing.iter().map(|(pid, key)| (*pid, *key)).collect();
        existing.sort_unstable();
        out.extend(existing.into_iter().map(|(pid, key)| Known::Existing { pid, key }));
        let mut exact: Vec<_> = self.exact.iter().map(|(id, key)| (*id, *key)).collect();
        exact.sort_unstable();
        out.extend(exact.into_iter().map(|(id, key)| Known::Exact { id, key }));
        out.extend(self.tracked.iter().map(|(pid, why)| Known::Tracked { pid: *pid, why: *why }));
        let roots = self.roots.iter().filter_map(|(pid, life)| Some((*pid, number(life)?)));
        out.extend(roots.map(|(pid, session)| Known::Root { pid, session }));
        let packages = self.packages.known().into_iter();
        out.extend(packages.map(|(script, answer)| Known::Package {
            script: script.to_owned(),
            answered: answer.is_some(),
            answer: answer.flatten().map(str::to_owned),
        }));
        self.projects.restate(out);
    }

    /// Every session that anything names; those that are alive first, in their order.
    fn sessions(&self, out: &mut Vec<Known>) -> Numbers {
        let mut numbers = Numbers::default();
        let live = self.sessions.live().iter().map(|life| (life, true));
        let of_processes = self.table.all().filter_map(|(_, entry)| entry.session.as_ref());
        let named = of_processes.chain(self.roots.values()).chain(self.peers.sessions()).map(|life| (life, false));
        for (life, live) in live.chain(named) {
            let number = numbers.len() as u32;
            if numbers.contains_key(&address(life)) {
                continue;
            }
            numbers.insert(address(life), number);
            out.push(Known::Session(Box::new(KnownSession {
                number,
                name: life.agent.name.clone(),
                root: life.root,
                started_ns: life.started_ns,
                known_by: life.known_by.to_string(),
                project: life.project.clone(),
                within: life.within.as_deref().map(str::to_owned),
                live,
            })));
        }
        numbers
    }

    /// Takes a piece; one that is of something else is left alone.
    pub(crate) fn resume(&mut self, known: &Known) {
        match known {
            Known::Session(session) => self.resume_session(session),
            Known::Call(call) => self.calls.resume(call),
            Known::Listens { process, path } => self.peers.listens(*process, path),
            Known::Client { daemon, session } => {
                if let Some(life) = self.resumed(*session) {
                    self.peers.resume_client(*daemon, life);
                }
            }
            Known::Process(process) => self.resume_process(process),
            Known::Ended { key, ended_ns } => self.table.resume_end(*key, *ended_ns),
            Known::Existing { pid, key } if self.existing.len() < PROCESSES => drop(self.existing.insert(*pid, *key)),
            Known::Exact { id, key } if self.exact.len() < 2 * PROCESSES => drop(self.exact.insert(*id, *key)),
            Known::Tracked { pid, why } if self.tracked.len() < ROOTS => drop(self.tracked.insert(*pid, *why)),
            Known::Root { pid, session } => {
                if let Some(life) = self.resumed(*session).filter(|_| self.roots.len() < ROOTS) {
                    self.roots.insert(*pid, life);
                }
            }
            Known::Package { script, answer: None, answered: false } => drop(self.packages.ask(script)),
            Known::Package { script, answer, .. } => self.packages.answer(script, answer.as_deref()),
            Known::Project { cwd, root } => self.projects.answer(cwd, Some(root)),
            _ => {}
        }
    }

    fn resumed(&self, number: u32) -> Option<Arc<Life>> {
        self.resumed.get(number as usize).cloned()
    }

    fn resume_session(&mut self, session: &KnownSession) {
        let life = Arc::new(Life {
            agent: Arc::new(agent(&session.name, session.root)),
            root: session.root,
            started_ns: session.started_ns,
            known_by: session.known_by.clone().into(),
            project: session.project.clone(),
            within: session.within.as_deref().map(Arc::from),
        });
        if session.live {
            self.sessions.resume(Arc::clone(&life));
        }
        if self.resumed.len() < PROCESSES {
            self.resumed.push(life);
        }
    }

    fn resume_process(&mut self, process: &KnownProcess) {
        let mut entry = Entry::new(process.image.clone(), process.learned);
        entry.exec_seq = process.exec_seq;
        entry.uid = process.uid;
        entry.parent = process.parent;
        entry.children = process.children;
        entry.session = process.session.and_then(|number| self.resumed(number));
        entry.cwd = process.cwd.clone();
        entry.namespaces = process.namespaces;
        entry.environment = process.environment.clone().map(|names| self.shared(process.parent, names));
        entry.asked = process.asked.as_deref().map(Arc::from);
        entry.ended_ns = process.ended_ns;
        entry.is_agent = process.is_agent;
        entry.is_meant = process.is_meant;
        entry.call = process.call.and_then(|number| self.calls.resumed(number));
        self.table.resume(process.key, entry);
    }

    /// An environment, in the memory of the parent's where that is the same.
    fn shared(&self, parent: Option<ProcessId>, names: Vec<u32>) -> Arc<Environment> {
        let environment = Environment::resumed(names);
        let above = parent.and_then(|parent| self.table.get(parent)).and_then(|above| above.environment.as_ref());
        match above.filter(|above| ***above == environment) {
            Some(above) => Arc::clone(above),
            None => Arc::new(environment),
        }
    }
}

/// What tells a session from others here: what its processes share.
fn address(life: &Arc<Life>) -> usize {
    Arc::as_ptr(life) as usize
}

fn process(key: ProcessId, entry: &Entry, session: Option<u32>, call: Option<u32>) -> KnownProcess {
    KnownProcess {
        key,
        image: Image::clone(&entry.image),
        exec_seq: entry.exec_seq,
        uid: entry.uid,
        parent: entry.parent,
        children: entry.children,
        learned: entry.learned,
        session,
        cwd: entry.cwd.clone(),
        namespaces: entry.namespaces,
        environment: entry.environment.as_ref().map(|environment| environment.hashes().to_vec()),
        asked: entry.asked.as_deref().map(str::to_owned),
        ended_ns: entry.ended_ns,
        is_agent: entry.is_agent,
        is_meant: entry.is_meant,
        call,
    }
}
