//! Which files of settings there are, and what each of them says.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::{
    Scope,
    clean::Clean,
    document,
    facts::{Facts, select},
    files::{self, Machine, Problems},
    homes::{self, Home},
    report::{Folder, Level, Settings},
    rules,
    rules::{AgentRules, Rules},
    text_of,
};
use crate::owner::as_owner;

/// Projects of one home that are looked at, in the order of their paths; of more it is told.
const PROJECTS: usize = 500;

/// What there is of one agent.
#[derive(Default)]
pub(super) struct Found {
    pub(super) folders: Vec<Folder>,
    pub(super) settings: Vec<Settings>,
}

/// Reads settings.
pub(super) struct Reader<'a> {
    rules: &'a Rules,
    machine: &'a Machine,
    clean: &'a mut Clean,
    problems: &'a mut Problems,
    found: BTreeMap<&'a str, Found>,
    /// Projects whose settings were looked for.
    looked: BTreeSet<PathBuf>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        rules: &'a Rules,
        machine: &'a Machine,
        clean: &'a mut Clean,
        problems: &'a mut Problems,
    ) -> Self {
        Self { rules, machine, clean, problems, found: BTreeMap::new(), looked: BTreeSet::new() }
    }

    /// Looks at what is for all users, at each home and at the projects that its settings name, with the rights of its
    /// user, and at other projects with those of whom they belong to.
    pub(super) fn look(&mut self, scope: &Scope, projects: Vec<PathBuf>) {
        if scope.system {
            let _ = self.place(None);
        }
        for home in &scope.homes {
            let looked = as_owner(home.owner, || {
                let named = self.place(Some(home));
                if named.len() > PROJECTS {
                    self.problems.add(
                        &home.path,
                        format!("its settings name more than {PROJECTS} projects; the rest was not looked at"),
                    );
                }
                named.iter().take(PROJECTS).for_each(|project| self.project(project, Some(&home.user)));
                Ok(())
            });
            if let Err(error) = looked {
                self.problems.add(&home.path, format!("{error:#}"));
            }
        }
        for project in projects.into_iter().filter(|project| files::is_plain(project)) {
            let Ok(owner) = homes::named(&project) else { continue };
            let looked = as_owner(owner.owner, || {
                self.project(&owner.path, None);
                Ok(())
            });
            if let Err(error) = looked {
                self.problems.add(&project, format!("{error:#}"));
            }
        }
    }

    /// What is in one home, or for all users; the projects that it names.
    fn place(&mut self, home: Option<&Home>) -> BTreeSet<PathBuf> {
        let rules = self.rules;
        let mut projects = BTreeSet::new();
        for agent in &rules.agent {
            for folder in self.expand(&agent.folders, home).into_iter().filter(|folder| folder.is_dir()) {
                let path = self.clean.text(&text_of(&self.machine.shown(&folder)));
                let folder = Folder { path, user: home.map(|home| home.user.clone()) };
                self.found.entry(&agent.name).or_default().folders.push(folder);
            }
            let level = if home.is_some() { Level::User } else { Level::Managed };
            let user = home.map(|home| home.user.as_str());
            for rules in &agent.settings {
                let patterns = if home.is_some() { &rules.user } else { &rules.managed };
                for path in self.expand(patterns, home) {
                    self.file(agent, rules, &path, level, user, &mut projects);
                }
            }
        }
        projects
    }

    /// What is in one project, once.
    fn project(&mut self, folder: &Path, user: Option<&str>) {
        if !self.looked.insert(folder.to_owned()) {
            return;
        }
        let rules = self.rules;
        for agent in &rules.agent {
            for rules in &agent.settings {
                for path in &rules.project {
                    let path = folder.join(path);
                    // A home that is worked in has the same files as a user's and as a project's.
                    let shown = self.clean.text(&text_of(&self.machine.shown(&path)));
                    let found = self.found.get(agent.name.as_str());
                    if found.is_none_or(|found| found.settings.iter().all(|settings| settings.file != shown)) {
                        self.file(agent, rules, &path, Level::Project, user, &mut BTreeSet::new());
                    }
                }
            }
        }
    }

    fn expand(&mut self, patterns: &[String], home: Option<&Home>) -> Vec<PathBuf> {
        patterns.iter().flat_map(|pattern| self.machine.expand(pattern, home, self.problems)).collect()
    }

    /// Reads one file, if it is there.
    fn file(
        &mut self,
        agent: &'a AgentRules,
        rules: &'a rules::Settings,
        path: &Path,
        scope: Level,
        user: Option<&str>,
        projects: &mut BTreeSet<PathBuf>,
    ) {
        let Some(content) = files::read(path, self.problems) else { return };
        let shown = self.machine.shown(path);
        let document = match document::parse(rules.format, &shown, &content) {
            Ok(document) => document,
            Err(problem) => return self.problems.push(problem),
        };
        let file = self.clean.text(&text_of(&shown));
        let mut settings = Settings { file, scope, user: user.map(str::to_owned), ..Settings::default() };
        let mut facts = Facts { clean: self.clean, document: &document, into: &mut settings };
        facts.permissions(&rules.permissions);
        facts.endpoints(&rules.endpoint);
        facts.proxies(&rules.proxy);
        facts.telemetry(&rules.telemetry);
        facts.servers(&rules.mcp);
        facts.hooks(&rules.hooks);
        facts.variables(&rules.env, [&self.rules.variables, &agent.variables]);
        facts.accounts(&rules.account);
        self.found.entry(&agent.name).or_default().settings.push(settings);
        let named = rules.projects.iter().flat_map(|key| select(&document, key)).flat_map(|found| found.keys());
        projects.extend(named.map(PathBuf::from).filter(|path| files::is_plain(path) && path.is_absolute()));
    }

    /// The projects whose settings were looked for.
    pub(super) fn projects(&mut self) -> Vec<String> {
        self.looked.iter().map(|path| self.clean.text(&text_of(path))).collect()
    }

    pub(super) fn finish(self) -> BTreeMap<&'a str, Found> {
        self.found
    }
}
