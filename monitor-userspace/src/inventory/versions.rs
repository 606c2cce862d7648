//! Which version a program of an agent is.

use std::path::Path;

use agentsnoop_pipeline::attribute::agents::Catalogue;
use anyhow::{Context as _, Result};

use super::{files::Problems, programs, rules::Rules};

/// Tells versions.
#[derive(Debug)]
pub struct Versions {
    catalogue: Catalogue,
    rules: Rules,
}

impl Versions {
    /// By the built-in data.
    ///
    /// # Errors
    ///
    /// A data set cannot be used, which a test excludes.
    pub fn new() -> Result<Self> {
        let catalogue = Catalogue::new().context("cannot read the built-in catalogue of agents")?;
        let rules = Rules::built_in(&catalogue)?;
        Ok(Self { catalogue, rules })
    }

    /// The version of a program or script of an agent, and the name of its package, where something tells them.
    #[must_use]
    pub fn of(&self, agent: &str, path: &Path) -> (Option<String>, Option<String>) {
        of(&self.catalogue, &self.rules, agent, path)
    }
}

/// The same.
pub(super) fn of(catalogue: &Catalogue, rules: &Rules, agent: &str, path: &Path) -> (Option<String>, Option<String>) {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let package = programs::package(catalogue, agent, &path);
    let rules_of = rules.agent.iter().find(|rules| rules.name == agent);
    // What cannot be read beside a running program is a gap in what is said of it, and no problem of its own.
    let told = || programs::told_version(rules_of?, &path, &mut Problems::default());
    let placed = || programs::method(rules, &path.to_string_lossy()).1;
    let version = package.as_ref().and_then(|package| package.version.clone()).or_else(told).or_else(placed);
    (version, package.map(|package| package.name))
}
