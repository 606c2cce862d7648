//! The data: where agents are installed, and what the keys of their settings mean.

use std::collections::BTreeMap;

use agentsnoop_pipeline::attribute::agents::Catalogue;
use anyhow::{Context as _, Result, bail};
use regex::Regex;
use serde::{Deserialize, Deserializer, de::Error as _};

use super::{document::Format, report::Account};

/// The built-in set.
const BUILT_IN: &str = include_str!("../../data/inventory.toml");

/// The whole set.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    #[expect(dead_code, reason = "it tells people which revision they read")]
    version: u32,
    /// Folders of commands.
    pub(super) commands: Vec<String>,
    /// Folders of globally installed packages for Node.
    pub(super) packages: Vec<String>,
    /// Folders of extensions of editors.
    pub(super) extensions: Vec<String>,
    /// How programs came here, the first that matches.
    pub(super) method: Vec<Method>,
    /// Variables of all agents.
    pub(super) variables: Variables,
    pub(super) agent: Vec<AgentRules>,
}

/// A way to install, told by the path of a program.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Method {
    pub(super) name: String,
    /// The group `version` of it is the version.
    #[serde(deserialize_with = "expression")]
    pub(super) path: Regex,
}

/// Names of variables, by what they mean.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Variables {
    #[serde(default)]
    pub(super) endpoint: Vec<String>,
    #[serde(default)]
    pub(super) proxy: Vec<String>,
    #[serde(default)]
    pub(super) telemetry: Vec<String>,
    #[serde(default)]
    pub(super) account: BTreeMap<String, Account>,
}

/// What is known of one agent.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgentRules {
    /// Its name in the catalogue.
    pub(super) name: String,
    /// Names of its commands.
    pub(super) commands: Vec<String>,
    /// Where its programs lie besides.
    #[serde(default)]
    pub(super) files: Vec<String>,
    /// Folders of packages that are its own.
    #[serde(default)]
    pub(super) packages_in: Vec<String>,
    /// Ids of its extensions: `publisher.name`.
    #[serde(default)]
    pub(super) extensions: Vec<String>,
    /// Files that tell its version (`version`), from the folder of the program.
    #[serde(default)]
    pub(super) version_files: Vec<String>,
    /// The name of its distribution for Python.
    pub(super) distribution: Option<String>,
    /// Folders of settings and state.
    pub(super) folders: Vec<String>,
    /// Options that change what it may do; one that ends with `=` has a value.
    #[serde(default)]
    pub(super) options: Vec<String>,
    #[serde(default)]
    pub(super) variables: Variables,
    #[serde(default)]
    pub(super) settings: Vec<Settings>,
}

/// Files of one form.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    #[expect(dead_code, reason = "it tells people where the facts are from")]
    link: String,
    pub(super) format: Format,
    #[serde(default)]
    pub(super) user: Vec<String>,
    /// From the folder of a project.
    #[serde(default)]
    pub(super) project: Vec<String>,
    #[serde(default)]
    pub(super) managed: Vec<String>,
    /// Servers by name.
    #[serde(default)]
    pub(super) mcp: Vec<Key>,
    /// Commands by event.
    #[serde(default)]
    pub(super) hooks: Vec<Key>,
    /// Objects whose keys are projects.
    #[serde(default)]
    pub(super) projects: Vec<Key>,
    /// Objects whose keys are variables.
    #[serde(default)]
    pub(super) env: Vec<Key>,
    #[serde(default)]
    pub(super) permissions: Vec<Key>,
    #[serde(default)]
    pub(super) endpoint: Vec<Key>,
    #[serde(default)]
    pub(super) proxy: Vec<Key>,
    #[serde(default)]
    pub(super) telemetry: Vec<Key>,
    #[serde(default)]
    pub(super) account: Vec<AccountRule>,
}

/// What a key says of the account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AccountRule {
    pub(super) at: Key,
    /// The kinds that its values stand for.
    #[serde(default)]
    pub(super) is: BTreeMap<String, Account>,
    /// The kind that there is anything stands for.
    pub(super) present: Option<Account>,
}

/// The way to a value in a document.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Key(pub(super) Vec<Step>);

/// One step of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Name(String),
    Each,
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let steps = text.strip_prefix('/').ok_or_else(|| format!("the key `{text}` must begin with `/`"))?;
        let step = |name: &str| if name == "*" { Step::Each } else { Step::Name(name.to_owned()) };
        Ok(Self(steps.split('/').map(step).collect()))
    }
}

fn expression<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Regex, D::Error> {
    Regex::new(&String::deserialize(deserializer)?).map_err(D::Error::custom)
}

impl Rules {
    /// The built-in set, with what the catalogue has of users: its names after an exec are those of commands, and where it
    /// names one file, that is looked at. What the settings of their agents mean nobody has said.
    pub(super) fn built_in(catalogue: &Catalogue) -> Result<Self> {
        let mut rules = Self::parse(BUILT_IN, catalogue)?;
        for name in catalogue.names() {
            if !rules.agent.iter().any(|agent| agent.name == name) {
                rules.agent.push(AgentRules { name: name.to_owned(), ..AgentRules::default() });
            }
        }
        for agent in &mut rules.agent {
            let is_file = |path: &&str| path.starts_with('/') && !path.contains(['*', '?', '[', '{', '\\']);
            add(&mut agent.commands, catalogue.comms_of(&agent.name));
            add(&mut agent.files, catalogue.programs_of(&agent.name).filter(is_file));
        }
        Ok(rules)
    }

    /// Reads a set (TOML); a failure tells the line, or the agent.
    pub(super) fn parse(content: &str, catalogue: &Catalogue) -> Result<Self> {
        let rules: Self = toml::from_str(content).context("the data set `inventory` cannot be used")?;
        for agent in &rules.agent {
            let name = &agent.name;
            if !catalogue.names().any(|known| known == name) {
                bail!("the data set `inventory` cannot be used: the catalogue has no agent `{name}`");
            }
            let settings = || agent.settings.iter();
            let absolute = [&agent.files, &agent.packages_in, &agent.folders].into_iter().flatten();
            let absolute = absolute.chain(settings().flat_map(|one| one.user.iter().chain(&one.managed)));
            if let Some(path) = absolute.into_iter().find(|path| !is_absolute(path)) {
                bail!("the data set `inventory` cannot be used: agent `{name}`: `{path}` must begin with `/` or `~/`");
            }
            if let Some(path) = settings().flat_map(|one| &one.project).find(|path| is_absolute(path)) {
                bail!("the data set `inventory` cannot be used: agent `{name}`: `{path}` must be within a project");
            }
        }
        Ok(rules)
    }
}

/// Adds what is not there yet.
fn add<'a>(all: &mut Vec<String>, more: impl Iterator<Item = &'a str>) {
    for one in more {
        if !all.iter().any(|known| known == one) {
            all.push(one.to_owned());
        }
    }
}

fn is_absolute(path: &str) -> bool {
    path.starts_with('/') || path.starts_with("~/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalogue() -> Catalogue {
        Catalogue::new().unwrap()
    }

    #[test]
    fn the_built_in_set_tells_of_every_agent_of_the_catalogue() {
        let (catalogue, rules) = (catalogue(), Rules::built_in(&catalogue()).unwrap());
        let told: Vec<&str> = rules.agent.iter().map(|agent| agent.name.as_str()).collect();
        for name in catalogue.names() {
            assert!(told.contains(&name), "{name}");
        }
    }

    #[test]
    fn a_mistake_is_told_with_its_line_or_its_agent() {
        let head = "version = 1\ncommands = []\npackages = []\nextensions = []\nmethod = []\n[variables]\n";
        let agent = "[[agent]]\nname = \"codex\"\ncommands = []\nfolders = []\n";
        let table = [
            ("[[agent]]\nname = \"codex\"\ncommands = []\nfolders = []\ncolour = 1\n".to_owned(), "line 11"),
            (agent.replace("codex", "nobody"), "no agent `nobody`"),
            (format!("{agent}files = [\"bin/codex\"]\n"), "`bin/codex` must begin with"),
            (
                format!("{agent}[[agent.settings]]\nlink = \"\"\nformat = \"json\"\nmcp = [\"mcpServers\"]\n"),
                "must begin with `/`",
            ),
            (format!("{agent}[[agent.settings]]\nlink = \"\"\nformat = \"ini\"\n"), "line 13"),
        ];
        for (more, what) in table {
            let error = format!("{:#}", Rules::parse(&format!("{head}{more}"), &catalogue()).unwrap_err());
            assert!(error.contains(what), "{what}: {error}");
        }
    }
}
