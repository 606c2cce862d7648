//! Why something has its classes.

use serde::Serialize;

use super::{Rules, file::About};
use crate::enrich::{Class, Endpoint};

/// A rule that counts for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Why {
    /// The class.
    pub class: Class,
    /// What of the rule matched.
    pub pattern: String,
    /// Why the rule is there; empty where a user gave no reason.
    pub reason: String,
    /// A page that says more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The file that the rule is from.
    pub file: String,
    /// It holds only where nothing more is known, and something is (docs/classes.md).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

impl Rules {
    /// Every rule that counts for an absolute path, of which what lies below `project` is a project file.
    #[must_use]
    pub fn explain_path(&self, path: &[u8], project: Option<&[u8]>) -> Vec<Why> {
        let found = self.parts.paths.rules.explain(path);
        let mut whys: Vec<Why> =
            found.filter_map(|(rule, pattern)| why(&self.parts.paths.about, rule, pattern)).collect();
        if let Some(project) = project.filter(|project| super::is_below(path, project)) {
            whys.push(known(
                Class::ProjectFile,
                &format!("{}/**", String::from_utf8_lossy(project)),
                "it lies in the project",
            ));
        }
        settled(whys)
    }

    /// Every rule that counts for the name of a variable.
    #[must_use]
    pub fn explain_variable(&self, name: &[u8]) -> Vec<Why> {
        let mut whys = Vec::new();
        for (at, rule) in self.parts.variables.rules.iter().enumerate() {
            whys.extend(rule.find(name).and_then(|pattern| why(&self.parts.variables.about, at, pattern)));
        }
        if whys.is_empty() {
            whys.push(known(Class::Environment, "*", "a variable of which nothing more is known"));
        }
        settled(whys)
    }

    /// Every rule that counts for an endpoint.
    #[must_use]
    pub fn explain_endpoint(&self, endpoint: &Endpoint<'_>) -> Vec<Why> {
        let mut whys: Vec<Why> = Vec::new();
        if let Some(path) = endpoint.path {
            let found = self.parts.sockets.rules.explain(path);
            whys.extend(found.filter_map(|(rule, pattern)| why(&self.parts.sockets.about, rule, pattern)));
            if whys.is_empty() {
                whys.push(known(Class::LocalEndpoint, "unix", "a unix socket is on this machine (unix(7))"));
            }
        } else {
            let found = self.parts.endpoints.rules.explain(endpoint);
            whys.extend(found.into_iter().filter_map(|(rule, what)| why(&self.parts.endpoints.about, rule, &what)));
            if whys.is_empty() {
                whys.push(known(Class::OtherEndpoint, "*", "an endpoint of which nothing more is known"));
            }
        }
        settled(whys)
    }

    /// Every rule in force, in the order of the files: what it is about (`path`, `socket`, `variable`, `endpoint`), and
    /// the rule with all of its patterns in place of the one that matched.
    #[must_use]
    pub fn list(&self) -> Vec<(&'static str, Why)> {
        let parts = &*self.parts;
        let mut all = Vec::new();
        for (sort, kept) in [("path", &parts.paths), ("socket", &parts.sockets)] {
            all.extend(listed(sort, &kept.about, |rule| kept.rules.patterns(rule)));
        }
        let names = |rule: usize| parts.variables.rules.get(rule).map_or_else(String::new, |it| it.names.join(" "));
        all.extend(listed("variable", &parts.variables.about, names));
        all.extend(listed("endpoint", &parts.endpoints.about, |rule| parts.endpoints.rules.words(rule)));
        all
    }
}

fn listed(sort: &'static str, about: &[About], patterns: impl Fn(usize) -> String) -> Vec<(&'static str, Why)> {
    let rules = 0..about.len();
    rules.filter_map(|rule| Some((sort, why(about, rule, &patterns(rule))?))).collect()
}

fn why(about: &[About], rule: usize, pattern: &str) -> Option<Why> {
    let About { class, reason, link, file } = about.get(rule)?.clone();
    Some(Why { class, pattern: pattern.to_owned(), reason, link, file, yields: false })
}

/// What the program knows without a file.
fn known(class: Class, pattern: &str, reason: &str) -> Why {
    let file = "built in".to_owned();
    Why { class, pattern: pattern.to_owned(), reason: reason.to_owned(), link: None, file, yields: false }
}

/// Notes which of them only hold where nothing else does.
fn settled(mut whys: Vec<Why>) -> Vec<Why> {
    let classes: crate::enrich::Classes = whys.iter().map(|why| why.class).collect();
    let left = classes.settled();
    for why in &mut whys {
        why.yields = !left.contains(why.class);
    }
    whys
}
