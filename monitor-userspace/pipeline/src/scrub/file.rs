//! Reads files of rules (TOML): the built-in one, and those of users, which add to it.

use std::collections::BTreeMap;

use regex::bytes::{RegexBuilder, RegexSetBuilder};
use serde::Deserialize;
use toml::Spanned;

use super::{
    Place, mask,
    ordinary::{Need, Ordinary},
    programs::{Program, Programs},
    rule::Rule,
    usage::{Habits, Usage},
};
use crate::data::{self, RuleError, Source};

/// Rules of one file, and names and usages of one program; a file with more is refused.
const RULES: usize = 256;

/// Bytes that a pattern of a user may take once compiled, so that no rule takes all memory or a second for each string;
/// time is linear in the string whatever the pattern is (the regex crate).
const PATTERN_BYTES: usize = 1 << 20;

/// What the files say, ready for use.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) programs: Programs,
    pub(super) rules: Vec<Rule>,
    pub(super) ordinary: Ordinary,
    pub(super) literals: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    version: u32,
    /// Parts of patterns, by name.
    fragments: BTreeMap<String, String>,
    ordinary: OrdinaryEntry,
    rule: Vec<Entry>,
    program: Vec<ProgramEntry>,
}

/// What users may add: nothing that takes a built-in rule back.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Added {
    #[serde(default)]
    rule: Vec<Entry>,
    #[serde(default)]
    program: Vec<ProgramEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OrdinaryEntry {
    values: Vec<String>,
    names: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: Spanned<String>,
    #[expect(dead_code, reason = "it tells people why the rule is there")]
    #[serde(default)]
    reason: String,
    #[serde(default = "everywhere", rename = "where")]
    places: Vec<Place>,
    #[serde(default)]
    literals: Vec<String>,
    #[serde(default)]
    needs: Vec<Need>,
    #[serde(default)]
    named: bool,
    #[serde(default)]
    joined: bool,
    pattern: Spanned<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProgramEntry {
    id: Spanned<String>,
    #[expect(dead_code, reason = "it tells people why the rule is there")]
    #[serde(default)]
    reason: String,
    names: Vec<String>,
    usage: Vec<Spanned<String>>,
    #[serde(default)]
    flags: String,
    #[serde(default)]
    values: Vec<String>,
    #[serde(default)]
    until_argument: bool,
}

fn everywhere() -> Vec<Place> {
    vec![Place::Argv, Place::Path, Place::Name, Place::Env, Place::Host]
}

/// Reads the built-in rules and what users add to them; also the version of the built-in ones.
pub(super) fn read(built_in: &str, added: &[Source]) -> Result<(Parts, u32), RuleError> {
    let source = Source { name: format!("{}.toml", data::SCRUB), content: built_in.to_owned() };
    let reader = Reader { source: &source, fragments: &BTreeMap::new(), limit: usize::MAX };
    let file: BuiltIn = source.parse()?;
    let set = |patterns: &[String]| {
        let set = RegexSetBuilder::new(patterns).unicode(false).build();
        set.map_err(|error| reader.error(0, format!("an ordinary value: {}", plain(&error))))
    };
    let ordinary = Ordinary { values: set(&file.ordinary.values)?, names: set(&file.ordinary.names)? };
    let mut parts = Parts { programs: Programs::default(), rules: Vec::new(), ordinary, literals: Vec::new() };
    Reader { fragments: &file.fragments, ..reader }.add(file.rule, file.program, &mut parts)?;
    for source in added {
        let reader = Reader { source, fragments: &file.fragments, limit: PATTERN_BYTES };
        let Added { rule, program } = source.parse_bounded()?;
        reader.add(rule, program, &mut parts)?;
    }
    Ok((parts, file.version))
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    source: &'a Source,
    fragments: &'a BTreeMap<String, String>,
    /// Bytes of a compiled pattern.
    limit: usize,
}

impl Reader<'_> {
    fn error(&self, line: usize, message: String) -> RuleError {
        RuleError { file: self.source.name.clone(), line, message }
    }

    fn line(&self, at: usize) -> usize {
        self.source.line(at)
    }

    fn add(&self, rules: Vec<Entry>, programs: Vec<ProgramEntry>, parts: &mut Parts) -> Result<(), RuleError> {
        if rules.len() + programs.len() > RULES {
            let count = rules.len() + programs.len();
            return Err(self.error(0, format!("it has {count} rules; expected at most {RULES}")));
        }
        for entry in programs {
            let program = self.program(&entry)?;
            parts.programs.add(&entry.names, program);
        }
        for entry in rules {
            if let Some(empty) = entry.literals.iter().position(String::is_empty) {
                let line = self.line(entry.id.span().start);
                return Err(self.error(line, format!("literal {} of `{}` is empty", empty + 1, entry.id.as_ref())));
            }
            let rule = self.rule(&entry)?;
            parts.rules.push(rule);
            parts.literals.extend(entry.literals);
        }
        Ok(())
    }

    fn id(&self, id: &Spanned<String>) -> Result<String, RuleError> {
        if mask::is_id(id.as_ref().as_bytes()) {
            return Ok(id.as_ref().clone());
        }
        let expected = format!("expected 1 to {} lower-case letters, digits and `-`", mask::ID_BYTES);
        Err(self.error(self.line(id.span().start), format!("`{}` cannot be the id of a rule; {expected}", id.as_ref())))
    }

    fn rule(&self, entry: &Entry) -> Result<Rule, RuleError> {
        let id = self.id(&entry.id)?;
        let line = self.line(entry.pattern.span().start);
        let wrong = |what: String| self.error(line, format!("rule `{id}`: {what}"));
        let pattern = self.expanded(entry.pattern.as_ref()).map_err(wrong)?;
        // Bytes, not Unicode: what a program is called with need not be UTF-8.
        let built = RegexBuilder::new(&pattern).unicode(false).size_limit(self.limit).build();
        let pattern = built.map_err(|error| wrong(plain(&error)))?;
        if pattern.is_match(b"") {
            return Err(wrong(
                "the pattern matches an empty string; expected one that a secret is needed for".to_owned(),
            ));
        }
        let mut rule = Rule::new(id, entry.places.clone(), pattern);
        rule.has_literals = !entry.literals.is_empty();
        rule.needs.clone_from(&entry.needs);
        rule.is_named = entry.named;
        rule.is_joined = entry.joined;
        Ok(rule)
    }

    /// A pattern with `{{NAME}}` replaced by the fragments of that name.
    fn expanded(&self, pattern: &str) -> Result<String, String> {
        let mut pattern = pattern.to_owned();
        for (name, fragment) in self.fragments {
            pattern = pattern.replace(&format!("{{{{{name}}}}}"), fragment);
        }
        match pattern.split_once("{{") {
            Some((_, rest)) => {
                let known: Vec<&str> = self.fragments.keys().map(String::as_str).collect();
                let name: String = rest.chars().take_while(|c| *c != '}').take(mask::ID_BYTES).collect();
                Err(format!("there is no fragment `{name}`; expected one of {}", known.join(", ")))
            }
            None => Ok(pattern),
        }
    }

    fn program(&self, entry: &ProgramEntry) -> Result<Program, RuleError> {
        let id = self.id(&entry.id)?;
        let line = self.line(entry.id.span().start);
        if entry.names.is_empty() || entry.usage.is_empty() {
            let what = format!("rule `{id}` has no name or no usage; expected one of each at least");
            return Err(self.error(line, what));
        }
        if entry.names.len() > RULES || entry.usage.len() > RULES {
            return Err(self.error(line, format!("rule `{id}` has too many names or usages; expected at most {RULES}")));
        }
        let usage = |usage: &Spanned<String>| {
            let line = self.line(usage.span().start);
            Usage::parse(usage.as_ref()).map_err(|what| self.error(line, format!("rule `{id}`: {what}")))
        };
        let usages = entry.usage.iter().map(usage).collect::<Result<_, _>>()?;
        let habits = Habits {
            flags: entry.flags.bytes().collect(),
            values: entry.values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            until_argument: entry.until_argument,
        };
        Ok(Program { id, usages, habits })
    }
}

/// What is wrong with a pattern, in one line.
fn plain(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!(
                "the pattern takes more than {limit} bytes once compiled; expected a shorter one, or smaller repetitions"
            )
        }
        other => {
            let text = other.to_string();
            let what = text.rsplit("error: ").next().unwrap_or(&text).trim().replace('\n', " ");
            format!("the pattern is no regular expression: {what}; expected the syntax of the regex crate")
        }
    }
}
