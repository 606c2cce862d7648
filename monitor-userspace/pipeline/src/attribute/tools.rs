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
    #[serde(default)]
    without: Vec<String>,
    script: Option<String>,
    #[serde(default)]
    quoted: bool,
    #[serde(default)]
    any_program: bool,
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
    /// The names of its environment; absent of what ran before it was tracked.
    pub(crate) env_names: Option<&'a [Text]>,
    pub(crate) stdio: &'a [Text],
    /// It is of a tool call that waits for its command.
    pub(crate) is_awaited: bool,
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
            if tool.any_program && (script.is_some() || tool.env.is_empty()) {
                return Err(wrong(
                    "`any_program` takes the arguments for the command: expected `env`, and no `script`".to_owned(),
                ));
            }
            Ok(Rule { tool: tool.clone(), script })
        };
        Ok(Self { rules: tools.iter().map(rule).collect::<Result<_, _>>()?, terminals: terminals.to_vec() })
    }

    /// Whether there is a rule at all.
    pub(super) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the first rule that fits makes of a program; `is_own` tells which names are in the environment of the agent itself.
    pub(super) fn find(&self, started: Started<'_>, is_shell: bool, is_own: impl Fn(&[u8]) -> bool) -> Option<Shape> {
        let terminal = |terminal: &Terminal| terminal.fits(started);
        if is_shell && self.terminals.iter().any(terminal) {
            return Some(Shape::Terminal);
        }
        let script = if is_shell { shell::script(started.argv) } else { None };
        // An agent that works in a tool call of its own kind has the variables too, and gives them to whatever it starts. What
        // tells its tools by more is to be believed then.
        let is_told_by_more = self.rules.iter().any(|rule| !rule.is_by_variables());
        let is_inherited = |name: &[u8]| is_told_by_more && is_own(name);
        let mut fitting = self.rules.iter().filter(|rule| rule.is_given(started, &is_inherited, &is_own));
        fitting.find_map(|rule| rule.shape(started, is_shell, script))
    }
}

/// The group of a rule's regular expression that is the command.
const COMMAND: &str = "command";

impl Rule {
    /// Whether nothing but variables tells it.
    const fn is_by_variables(&self) -> bool {
        self.tool.names.is_empty() && self.tool.arguments.is_empty() && self.script.is_none()
    }

    /// Whether a program was given the variables that it has to be.
    fn is_given(
        &self,
        started: Started<'_>,
        is_inherited: &impl Fn(&[u8]) -> bool,
        is_own: &impl Fn(&[u8]) -> bool,
    ) -> bool {
        let Tool { env, without, any_program, .. } = &self.tool;
        // Where the variables are not known, what the program was called with has to tell.
        let Some(given) = started.env_names else { return started.is_awaited || !self.is_by_variables() };
        let is_set = |name: &String| given.iter().any(|given| given.as_bytes() == name.as_bytes());
        let is_news = |name: &String| match () {
            () if started.is_awaited || !self.is_by_variables() => true,
            () if *any_program => !is_own(name.as_bytes()),
            () => !is_inherited(name.as_bytes()),
        };
        !without.iter().any(is_set) && (env.is_empty() || env.iter().any(|name| is_set(name) && is_news(name)))
    }

    /// What it makes of a program that was given its variables.
    fn shape(&self, started: Started<'_>, is_shell: bool, script: Option<&[u8]>) -> Option<Shape> {
        let Tool { names, arguments, quoted, any_program, .. } = &self.tool;
        let name = started.argv.first().map(|name| base_name(name.as_bytes())).unwrap_or_default();
        let is_named = names.is_empty() || names.iter().any(|known| known.as_bytes() == name);
        let mut after = started.argv.iter().skip(1);
        let has = |word: &Text| arguments.iter().any(|known| known.as_bytes() == word.as_bytes());
        if !is_named || !(arguments.is_empty() || after.any(has)) {
            return None;
        }
        let command = |command: Vec<u8>| Shape::Command(Text::from(command), started.argv_state);
        let Some(wanted) = &self.script else {
            return match script {
                _ if !names.is_empty() || !arguments.is_empty() => Some(Shape::Prepares),
                Some(whole) => Some(command(whole.to_vec())),
                None if *any_program => Some(command(shell::quoted(started.argv))),
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
        let Some(given) = started.env_names else { return false };
        let has = |name: &String| given.iter().any(|given| given.as_bytes() == name.as_bytes());
        let is_terminal = started.stdio.first().is_some_and(|input| input.as_bytes().starts_with(b"/dev/pts/"));
        is_terminal && (self.env.is_empty() || self.env.iter().any(has)) && !self.without.iter().any(has)
    }
}
