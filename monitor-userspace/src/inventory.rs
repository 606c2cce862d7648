//! Which agents are installed and run on this machine, and how they are set up, without running anything of theirs.
//!
//! ```text
//! homes ─┬─▶ places ── the catalogue recognises? ──▶ installations ─┐
//!        └─▶ settings ── document ── facts ─────────▶ settings ──────┼─▶ Inventory ─▶ show, JSON
//! /proc ───▶ running ── the catalogue recognises? ──▶ sessions ──────┘
//! ```
//!
//! Where to look and what keys mean is data (`data/inventory.toml`). What is in a user's home is read with that user's
//! rights; every file is opened without waiting, must be a regular one, and is read up to a bound. Of what was read only
//! names, hosts, switches and command lines are kept, and each of those strings is masked like everything that is shown.

mod clean;
mod document;
mod facts;
mod files;
pub mod homes;
mod places;
mod programs;
pub mod report;
mod rules;
mod running;
mod settings;
mod show;
mod versions;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::attribute::agents::Catalogue;
use agentsnoop_pipeline::data::Source;
use anyhow::{Context as _, Result};

use self::{
    clean::Clean,
    files::{Machine, Problems},
    homes::Home,
    report::{Agent, Inventory, Looked},
    rules::Rules,
};
pub use show::text;
pub use versions::Versions;

/// Where is looked.
#[derive(Clone, Debug)]
pub struct Scope {
    /// What stands for `/` of what is for all users; another folder in tests.
    pub root: PathBuf,
    /// The homes.
    pub homes: Vec<Home>,
    /// Whether what is installed and set up for all users counts.
    pub system: bool,
    /// Folders of commands besides those that are known: those of `PATH`.
    pub commands: Vec<PathBuf>,
    /// Folders whose project settings count, besides those that agents' settings and running agents name.
    pub projects: Vec<PathBuf>,
    /// Whether installations and settings are looked for.
    pub installed: bool,
    /// Whether running agents are looked for.
    pub running: bool,
    /// The files that add agents.
    pub agents: Vec<Source>,
}

/// Looks around. Of a process with one thread only, since it takes the rights of the owners of homes meanwhile.
///
/// # Errors
///
/// A data set cannot be used, which a test excludes of the built-in ones, or /proc cannot be listed.
pub fn look(scope: &Scope) -> Result<Inventory> {
    let catalogue = Catalogue::with(&scope.agents).context("cannot read the catalogue of agents")?;
    let rules = Rules::built_in(&catalogue)?;
    let mut clean = Clean::new()?;
    let machine = Machine::new(&scope.root);
    let mut problems = Problems::default();
    let mut agents: BTreeMap<&str, Agent> = rules
        .agent
        .iter()
        .map(|rules| (rules.name.as_str(), Agent::new(&rules.name, catalogue.title(&rules.name))))
        .collect();
    let mut looked = Looked::new(scope);
    let mut projects = scope.projects.clone();
    if scope.running {
        let found = running::find(&catalogue, &rules, &mut clean)?;
        looked.processes = Some(found.processes);
        looked.hidden_processes = found.hidden;
        projects.extend(found.folders);
        for (name, session) in found.sessions {
            if let Some(agent) = agents.get_mut(name.as_str()) {
                agent.running.push(session);
            }
        }
    }
    if scope.installed {
        let finder = places::Finder::new(&catalogue, &rules, &machine, &mut problems);
        for (name, installation) in finder.look(scope) {
            if let Some(agent) = agents.get_mut(name.as_str()) {
                agent.installations.push(installation.cleaned(&mut clean));
            }
        }
        let mut reader = settings::Reader::new(&rules, &machine, &mut clean, &mut problems);
        reader.look(scope, projects);
        looked.projects = reader.projects();
        for (name, found) in reader.finish() {
            if let Some(agent) = agents.get_mut(name) {
                agent.folders = found.folders;
                agent.settings = found.settings;
            }
        }
    }
    let mut agents: Vec<Agent> = agents.into_values().filter(|agent| !agent.is_empty()).collect();
    // Agents that are there come before what is left of others.
    agents.sort_by_key(|agent| (agent.installations.is_empty() && agent.running.is_empty(), agent.name.clone()));
    Ok(Inventory::new(looked, agents, problems.finish(&mut clean)))
}

/// The folders of `PATH`, those that are absolute.
#[must_use]
pub fn path_folders() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect()
}

/// A path as text; what is no UTF-8 is replaced.
fn text_of(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
