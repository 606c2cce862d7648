//! How agents start what the model asks for: by which shape a program is known to be a tool, and the command that was
//! meant, without what the agent wraps around it.

use regex::bytes::Regex;
use serde::Deserialize;

use super::shell;
use crate::{
    DataError, data,
    event::path::base_name,
    record::{State, Text},
};

/// A rule as the catalogue has it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tool {
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    arguments: Vec<String>,
    #[serde(default)]
    env: Vec<String>,
    script: Option<String>,
    #[serde(default)]
    quoted: bool,
}

/// A rule for the terminals of a person in an agent that is an editor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Terminal {
    #[serde(default)]
    env: Vec<String>,
    #[serde(default)]
    without: Vec<String>,
}

/// A program that an agent has started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Started<'a> {
    /// The absolute path of the executed file, links resolved.
    pub(crate) exe: &'a [u8],
    pub(crate) argv: &'a [Text],
    pub(crate) argv_state: State,
    pub(crate) env_names: &'a [Text],
    pub(crate) stdio: &'a [Text],
}

/// What a program is to the agent that started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// It prepares a tool call; the command comes with a later program.
    Prepares,
    /// A tool call whose commands are not told by any program.
    Begins,
    /// A tool call's command.
    Command(Text, State),
    /// A person's terminal, which is no part of the agent's work.
    Terminal,
}

/// The rules of one agent.
#[derive(Debug, Default)]
pub(super) struct Tools {
    rules: Vec<Rule>,
    terminals: Vec<Terminal>,
}

#[derive(Debug)]
struct Rule {
    tool: Tool,
    script: Option<Regex>,
}

impl Tools {
    /// # Errors
    ///
    /// What is wrong with a rule of the agent.
    pub(super) fn new(agent: &str, tools: &[Tool], terminals: &[Terminal]) -> Result<Self, DataError> {
        let wrong = |what: String| DataError::new(data::AGENTS, format!("agent `{agent}`, tool: {what}"));
        let rule = |tool: &Tool| {
            let script = match tool.script.as_deref().map(Regex::new) {
                None => None,
                Some(Err(error)) => return Err(wrong(format!("`script` cannot be read: {error}"))),
                Some(Ok(script)) if script.capture_names().flatten().all(|name| name != COMMAND) => {
                    return Err(wrong(format!("`script` has no group `(?<{COMMAND}>…)`")));
                }
                Some(Ok(script)) => Some(script),
            };
            if script.is_none() && tool.quoted {
                return Err(wrong("`quoted` tells about the group of `script`, which is not there".to_owned()));
            }
            if script.is_none() && tool.names.is_empty() && tool.arguments.is_empty() && tool.env.is_empty() {
                return Err(wrong("expected one of `names`, `arguments`, `env`, `script`".to_owned()));
            }
            Ok(Rule { tool: tool.clone(), script })
        };
        Ok(Self { rules: tools.iter().map(rule).collect::<Result<_, _>>()?, terminals: terminals.to_vec() })
    }

    /// Whether there is a rule at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the first rule that fits makes of a program.
    pub(super) fn find(&self, started: Started<'_>, is_shell: bool) -> Option<Shape> {
        let terminal = |terminal: &Terminal| terminal.fits(started);
        if is_shell && self.terminals.iter().any(terminal) {
            return Some(Shape::Terminal);
        }
        let script = if is_shell { shell::script(started.argv) } else { None };
        self.rules.iter().find_map(|rule| rule.shape(started, is_shell, script))
    }
}

/// The group of a rule's regular expression that is the command.
const COMMAND: &str = "command";

impl Rule {
    fn shape(&self, started: Started<'_>, is_shell: bool, script: Option<&[u8]>) -> Option<Shape> {
        let Tool { names, arguments, env, quoted, .. } = &self.tool;
        let has = |words: &[String], given: &[Text]| {
            words.is_empty() || given.iter().any(|given| words.iter().any(|word| word.as_bytes() == given.as_bytes()))
        };
        let name = started.argv.first().map(|name| base_name(name.as_bytes())).unwrap_or_default();
        let is_named = names.is_empty() || names.iter().any(|known| known.as_bytes() == name);
        let after = started.argv.get(1..).unwrap_or_default();
        if !is_named || !has(arguments, after) || !has(env, started.env_names) {
            return None;
        }
        let command = |command: Vec<u8>| Shape::Command(Text::from(command), started.argv_state);
        let Some(wanted) = &self.script else {
            return match script {
                _ if !names.is_empty() || !arguments.is_empty() => Some(Shape::Prepares),
                Some(whole) => Some(command(whole.to_vec())),
                // A program that is known by its environment alone is a tool only where it takes commands.
                None => is_shell.then_some(Shape::Begins),
            };
        };
        let found = wanted.captures(script?)?.name(COMMAND)?.as_bytes();
        Some(command(if *quoted { shell::unquoted(found) } else { found.to_vec() }))
    }
}

impl Terminal {
    fn fits(&self, started: Started<'_>) -> bool {
        let has = |name: &String| started.env_names.iter().any(|given| given.as_bytes() == name.as_bytes());
        let is_terminal = started.stdio.first().is_some_and(|input| input.as_bytes().starts_with(b"/dev/pts/"));
        is_terminal && (self.env.is_empty() || self.env.iter().any(has)) && !self.without.iter().any(has)
    }
}
