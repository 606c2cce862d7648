//! Where agents are installed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use agentsnoop_pipeline::attribute::agents::Catalogue;
use serde_json::Value;

use super::{
    Scope,
    files::{self, Machine, Problems},
    homes::Home,
    programs,
    report::Installation,
    rules::{AgentRules, Rules},
    text_of,
};
use crate::owner::as_owner;

/// Looks for installations.
pub(super) struct Finder<'a> {
    catalogue: &'a Catalogue,
    rules: &'a Rules,
    machine: &'a Machine,
    problems: &'a mut Problems,
    /// By agent and by what makes it one: the folder of its package, or its program.
    found: BTreeMap<(String, PathBuf), Installation>,
    /// Commands that are no program of an agent: where they lead to, and where they are.
    scripts: Vec<(PathBuf, String)>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(
        catalogue: &'a Catalogue,
        rules: &'a Rules,
        machine: &'a Machine,
        problems: &'a mut Problems,
    ) -> Self {
        Self { catalogue, rules, machine, problems, found: BTreeMap::new(), scripts: Vec::new() }
    }

    /// The installations, each with the name of its agent; what is in a home is looked at with the rights of its user.
    pub(super) fn look(mut self, scope: &Scope) -> Vec<(String, Installation)> {
        let within = |folder: &Path, home: &Home| folder.starts_with(&home.path);
        if scope.system {
            let own = scope.commands.iter().filter(|folder| !scope.homes.iter().any(|home| within(folder, home)));
            let folders: Vec<PathBuf> = own.cloned().collect();
            self.place(None, &folders);
        }
        for home in &scope.homes {
            let folders: Vec<PathBuf> = scope.commands.iter().filter(|folder| within(folder, home)).cloned().collect();
            let looked = as_owner(home.owner, || {
                self.place(Some(home), &folders);
                Ok(())
            });
            if let Err(error) = looked {
                self.problems.add(&home.path, format!("{error:#}"));
            }
        }
        self.finish()
    }

    fn place(&mut self, home: Option<&Home>, more: &[PathBuf]) {
        let rules = self.rules;
        let mut folders: BTreeSet<PathBuf> = more.iter().cloned().collect();
        folders.extend(self.expand(&rules.commands, home));
        for folder in &folders {
            for agent in &rules.agent {
                for command in &agent.commands {
                    self.program(&folder.join(command), home, true);
                }
            }
        }
        let shared = self.expand(&rules.packages, home);
        for agent in &rules.agent {
            let own = self.expand(&agent.packages_in, home);
            for folder in shared.iter().chain(&own) {
                for package in self.catalogue.packages_of(&agent.name) {
                    self.package(&folder.join(package), package, home);
                }
            }
            for path in self.expand(&agent.files, home) {
                self.program(&path, home, false);
            }
        }
        for folder in self.expand(&rules.extensions, home) {
            for path in files::list(&folder, self.problems) {
                self.extension(&path, home);
            }
        }
    }

    fn expand(&mut self, patterns: &[String], home: Option<&Home>) -> Vec<PathBuf> {
        patterns.iter().flat_map(|pattern| self.machine.expand(pattern, home, self.problems)).collect()
    }

    /// The programs of a package, where it is the one that its place says.
    fn package(&mut self, folder: &Path, name: &str, home: Option<&Home>) {
        let path = folder.join("package.json");
        let Some(content) = files::read(&path, self.problems) else { return };
        let package: Value = match serde_json::from_slice(&content) {
            Ok(package) => package,
            Err(error) => return self.problems.push(super::document::broken_json(&path, &error)),
        };
        if package.get("name").and_then(Value::as_str) != Some(name) {
            return;
        }
        let bins: Vec<&str> = match package.get("bin") {
            Some(Value::String(bin)) => vec![bin],
            Some(Value::Object(bins)) => bins.values().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        for bin in bins {
            let bin = Path::new(bin.trim_start_matches("./"));
            if files::is_plain(bin) {
                self.program(&folder.join(bin), home, false);
            }
        }
    }

    /// A program, if the catalogue recognises what its path leads to.
    fn program(&mut self, path: &Path, home: Option<&Home>, is_command: bool) {
        if path.symlink_metadata().is_err() {
            return;
        }
        let real = match std::fs::canonicalize(path) {
            Ok(real) => real,
            Err(error) => {
                // A link that leads nowhere is what an installer has left, and would else look like nothing at all.
                return self.problems.add(path, format!("it cannot be followed: {error}"));
            }
        };
        let shown = text_of(&self.machine.shown(path));
        match programs::agent_in(self.catalogue, self.machine, &real) {
            Ok(Some(name)) => self.installed(name, &real, is_command.then_some(shown), home),
            Ok(None) if is_command => self.scripts.push((real, shown)),
            Ok(None) => {}
            Err(error) => self.problems.unless_absent(path, &error),
        }
    }

    fn installed(&mut self, name: &str, real: &Path, command: Option<String>, home: Option<&Home>) {
        let Some(rules) = self.rules.agent.iter().find(|agent| agent.name == name) else { return };
        let shown = text_of(&self.machine.shown(real));
        let package = programs::package(self.catalogue, name, real);
        let key = package.as_ref().map_or_else(|| real.to_owned(), |package| package.folder.clone());
        if !self.found.contains_key(&(name.to_owned(), key.clone())) {
            let (method, placed) = programs::method(self.rules, &shown);
            let version = package.as_ref().and_then(|package| package.version.clone());
            let version = version.or_else(|| programs::told_version(rules, real, self.problems)).or(placed);
            let installation = Installation {
                version,
                method: method.map(str::to_owned),
                path: shown.clone(),
                package: package.map(|package| package.name),
                commands: Vec::new(),
                user: home.map(|home| home.user.clone()),
            };
            self.found.insert((name.to_owned(), key.clone()), installation);
        }
        let installation = self.found.get_mut(&(name.to_owned(), key));
        if let (Some(installation), Some(command)) = (installation, command.filter(|command| *command != shown))
            && !installation.commands.contains(&command)
        {
            installation.commands.push(command);
        }
    }

    /// An extension of an editor, by the publisher and the name in its package.json.
    fn extension(&mut self, folder: &Path, home: Option<&Home>) {
        let Some(entry) = folder.file_name().and_then(|name| name.to_str()) else { return };
        let entry = entry.to_ascii_lowercase();
        let is_of = |id: &&String| entry.strip_prefix(id.as_str()).is_some_and(|rest| rest.starts_with('-'));
        let find = |agent: &'a AgentRules| Some((agent, agent.extensions.iter().find(is_of)?));
        let Some((agent, id)) = self.rules.agent.iter().find_map(find) else { return };
        let path = folder.join("package.json");
        let Some(content) = files::read(&path, self.problems) else { return };
        let package: Value = match serde_json::from_slice(&content) {
            Ok(package) => package,
            Err(error) => return self.problems.push(super::document::broken_json(&path, &error)),
        };
        let field = |name: &str| package.get(name).and_then(Value::as_str).unwrap_or_default();
        if !format!("{}.{}", field("publisher"), field("name")).eq_ignore_ascii_case(id) {
            return;
        }
        let shown = text_of(&self.machine.shown(folder));
        let installation = Installation {
            version: Some(field("version").to_owned()).filter(|version| !version.is_empty()),
            method: programs::method(self.rules, &shown).0.map(str::to_owned),
            path: shown,
            package: Some(id.clone()),
            commands: Vec::new(),
            user: home.map(|home| home.user.clone()),
        };
        self.found.insert((agent.name.clone(), folder.to_owned()), installation);
    }

    /// A command that is a script beside an agent's program starts it.
    fn finish(mut self) -> Vec<(String, Installation)> {
        for (real, command) in std::mem::take(&mut self.scripts) {
            let shown = self.machine.shown(&real);
            let beside = |installation: &&mut Installation| Path::new(&installation.path).parent() == shown.parent();
            let is_elsewhere = text_of(&shown) != command;
            if let Some(installation) = self.found.values_mut().find(beside).filter(|_| is_elsewhere)
                && !installation.commands.contains(&command)
            {
                installation.commands.push(command);
            }
        }
        self.found.into_iter().map(|((name, _), installation)| (name, installation)).collect()
    }
}
