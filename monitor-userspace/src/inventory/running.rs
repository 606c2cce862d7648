//! Agents that run.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use agentsnoop_pipeline::attribute::agents::Catalogue;
use agentsnoop_pipeline::input::Existing;
use anyhow::Result;
use jiff::Timestamp;
use nix::unistd::{Uid, User};

use super::{
    clean::Clean,
    report::Session,
    rules::{AgentRules, Rules},
    versions,
};
use crate::live::clock;
use crate::recognition::{agent_in, script_of};
use crate::source::procfs;

/// Generations between a process of an agent and one above it that are followed.
const GENERATIONS: usize = 64;

/// What runs.
pub(super) struct Running {
    /// With the names of the agents, by pid.
    pub(super) sessions: Vec<(String, Session)>,
    /// Where they work.
    pub(super) folders: Vec<PathBuf>,
    /// Processes that were looked at.
    pub(super) processes: u64,
    /// Processes whose program cannot be seen.
    pub(super) hidden: u64,
}

/// Looks at every process. An agent below another process of the same agent belongs to its session, unless another agent
/// stands between them.
pub(super) fn find(catalogue: &Catalogue, rules: &Rules, clean: &mut Clean) -> Result<Running> {
    let processes: BTreeMap<u32, Existing> = procfs::all()?.map(|found| (found.process.pid, found.process)).collect();
    // The threads of the kernel have no program, and no command line either.
    let is_hidden = |process: &&Existing| process.exe.is_none() && !process.argv.is_empty();
    let hidden = processes.values().filter(is_hidden).count() as u64;
    let recognised = |process: &Existing| Some((process.pid, agent_in(catalogue, process)?));
    let agents: BTreeMap<u32, &str> = processes.values().filter_map(recognised).collect();
    let mut sessions: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
    for pid in agents.keys() {
        sessions.entry(root(*pid, &agents, &processes)).or_default().insert(*pid);
    }
    let (mut found, mut folders) = (Vec::new(), Vec::new());
    for (pid, pids) in sessions {
        let (Some(process), Some(name)) = (processes.get(&pid), agents.get(&pid)) else { continue };
        let Some(rules_of) = rules.agent.iter().find(|agent| agent.name == *name) else { continue };
        folders.extend(process.cwd.as_deref().map(PathBuf::from));
        let pids: Vec<&Existing> = pids.iter().filter_map(|pid| processes.get(pid)).collect();
        found.push(((*name).to_owned(), session(catalogue, rules, rules_of, &pids, clean)));
    }
    Ok(Running { sessions: found, folders, processes: processes.len() as u64, hidden })
}

/// The first process of the session that a process of an agent belongs to.
fn root(pid: u32, agents: &BTreeMap<u32, &str>, processes: &BTreeMap<u32, Existing>) -> u32 {
    let parent = |pid: &u32| processes.get(pid).map(|process| process.parent);
    let mut root = pid;
    for above in std::iter::successors(parent(&pid), parent).take(GENERATIONS) {
        match agents.get(&above) {
            Some(name) if agents.get(&pid) == Some(name) => root = above,
            Some(_) => break,
            None => {}
        }
    }
    root
}

/// A session of these processes, of which the first is its root.
fn session(
    catalogue: &Catalogue,
    rules: &Rules,
    agent: &AgentRules,
    processes: &[&Existing],
    clean: &mut Clean,
) -> Session {
    let root = processes.first();
    let program =
        |process: &&Existing| script_of(catalogue, process).or_else(|| process.exe.clone().map(PathBuf::from));
    let paths: Vec<PathBuf> = processes.iter().filter_map(program).collect();
    let version = paths.iter().find_map(|path| versions::of(catalogue, rules, &agent.name, path).0);
    let mut options = Vec::new();
    for process in processes {
        for option in options_in(&agent.options, &process.argv) {
            let option = clean.line(&option);
            if !options.contains(&option) {
                options.push(option);
            }
        }
    }
    let uid = Uid::from_raw(root.map_or(u32::MAX, |root| root.uid));
    Session {
        pid: root.map_or(0, |root| root.pid),
        pids: processes.iter().map(|process| process.pid).collect(),
        user: User::from_uid(uid).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name),
        since: since(root.map_or(0, |root| root.start_ticks_ns)),
        cwd: root.and_then(|root| root.cwd.as_deref()).map(|cwd| clean.text(cwd)),
        path: paths.first().map(|path| clean.text(&path.to_string_lossy())),
        version: version.map(|version| clean.text(&version)),
        options,
    }
}

/// The options of a command line that are known, with their values; a value may be an argument of its own.
fn options_in<'a>(known: &'a [String], argv: &'a [String]) -> Vec<Vec<&'a str>> {
    let mut found = Vec::new();
    for (at, argument) in argv.iter().enumerate().skip(1) {
        for option in known {
            match option.strip_suffix('=') {
                Some(name) if argument == name => {
                    let value = argv.get(at + 1).map(String::as_str);
                    found.push([name].into_iter().chain(value).collect());
                }
                Some(_) if argument.starts_with(option.as_str()) => found.push(vec![argument.as_str()]),
                None if argument == option => found.push(vec![argument.as_str()]),
                _ => {}
            }
        }
    }
    found
}

/// The time at which something began on the boot clock, RFC 3339 with seconds.
fn since(start_ns: u64) -> String {
    let now = clock::anchors();
    let real_ns = now.real_ns.saturating_sub(now.boot_ns.saturating_sub(start_ns).cast_signed());
    let time = Timestamp::from_nanosecond(i128::from(real_ns)).unwrap_or_default();
    format!("{time:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: u32, parent: u32) -> (u32, Existing) {
        (pid, Existing { pid, parent, ..Existing::default() })
    }

    #[test]
    fn a_session_begins_at_the_highest_process_of_its_agent_below_any_other() {
        // A launcher (2), a shell (3), its native program (4), a tool's shell (5), another agent (6), and the first one again (7).
        let processes: BTreeMap<u32, Existing> =
            [(2, 1), (3, 2), (4, 3), (5, 4), (6, 5), (7, 6)].map(|(pid, parent)| process(pid, parent)).into();
        let agents = BTreeMap::from([(2, "codex"), (4, "codex"), (6, "claude-code"), (7, "codex")]);
        let roots = agents.keys().map(|pid| root(*pid, &agents, &processes)).collect::<Vec<_>>();
        assert_eq!(roots, [2, 2, 6, 7]);
    }

    #[test]
    fn options_are_found_with_their_values_and_no_prompt_is() {
        let known = ["--yolo", "--sandbox=", "-s="].map(str::to_owned);
        let argv = ["codex", "exec", "--sandbox=read-only", "-s", "danger-full-access", "--yolo", "say --yolo"];
        let argv = argv.map(str::to_owned);
        let found = options_in(&known, &argv);
        assert_eq!(found, [vec!["--sandbox=read-only"], vec!["-s", "danger-full-access"], vec!["--yolo"]]);
    }
}
