//! The rules, and how one is applied.

use regex::bytes::{Captures, Regex, RegexBuilder};
use serde::Deserialize;

use super::Place;
use crate::{DataError, data};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    rule: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    id: String,
    #[expect(dead_code, reason = "every rule says why it is there")]
    reason: String,
    #[serde(rename = "where")]
    places: Vec<Place>,
    #[serde(default)]
    literals: Vec<String>,
    #[serde(default)]
    needs: Vec<Need>,
    pattern: String,
}

/// What a secret must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Need {
    Digit,
    Letter,
}

#[derive(Debug)]
struct Rule {
    id: String,
    places: Vec<Place>,
    /// Whether the rule is only tried where one of the literals was found.
    has_literals: bool,
    needs: Vec<Need>,
    pattern: Regex,
    /// The groups that hold the secret, and whether a shell would expand what is there.
    groups: Vec<(usize, bool)>,
    mask: Vec<u8>,
    count: u64,
}

/// Times that a string is gone over at most, so that no string takes for ever.
const ROUNDS: usize = 8;

/// The rules in force.
#[derive(Debug)]
pub(super) struct Rules {
    version: u32,
    rules: Vec<Rule>,
    /// The literals of all rules: one pass over a string tells whether any of those rules can match.
    literals: Regex,
    /// Those that are one byte, which are found faster apart: among longer ones they would slow the pass for all.
    bytes: Vec<u8>,
}

impl Rules {
    pub(super) fn parse(content: &str) -> Result<Self, DataError> {
        let file: File = data::parse(data::SCRUB, content)?;
        let (bytes, literals): (Vec<&String>, Vec<&String>) =
            file.rule.iter().flat_map(|entry| &entry.literals).partition(|literal| literal.len() == 1);
        let bytes = bytes.into_iter().flat_map(|literal| literal.bytes()).collect();
        // Where `sk-` is found there is no need to look for `sk-ant-`: fewer literals are found faster.
        let is_shortest =
            |literal: &&&String| !literals.iter().any(|other| other != *literal && literal.contains(other.as_str()));
        let literals: Vec<String> = literals.iter().filter(is_shortest).map(|literal| regex::escape(literal)).collect();
        let wrong = |id: &str, error: regex::Error| DataError::new(data::SCRUB, format!("rule `{id}`: {error}"));
        // Without any literal this matches nothing, so that the rules without literals are the only ones tried.
        let any = if literals.is_empty() { "[^\\x00-\\xff]".to_owned() } else { literals.join("|") };
        let literals = regex(&any).map_err(|error| wrong("literals", error))?;
        let rules = file.rule.into_iter().map(|entry| {
            let pattern = regex(&entry.pattern).map_err(|error| wrong(&entry.id, error))?;
            let secret = |(group, name): (usize, Option<&str>)| {
                let name = name.filter(|name| name.starts_with("secret"))?;
                Some((group, name.starts_with("secret_shell")))
            };
            let mut groups: Vec<(usize, bool)> = pattern.capture_names().enumerate().filter_map(secret).collect();
            if groups.is_empty() {
                groups.push((0, false));
            }
            let mask = format!("[masked:{}]", entry.id).into_bytes();
            let Entry { id, places, literals, needs, .. } = entry;
            Ok(Rule { id, places, has_literals: !literals.is_empty(), needs, pattern, groups, mask, count: 0 })
        });
        Ok(Self { version: file.version, rules: rules.collect::<Result<_, DataError>>()?, literals, bytes })
    }

    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rules.iter().map(|rule| (rule.id.as_str(), rule.count))
    }

    /// Whether a string of paths could hold a secret: the quick look that most strings end with.
    pub(super) fn is_suspect(&self, bytes: &[u8]) -> bool {
        self.bytes.iter().any(|byte| bytes.contains(byte)) || self.literals.is_match(bytes)
    }

    /// The string with its secrets masked, or `None` when it holds none.
    pub(super) fn mask(&mut self, place: Place, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut masked = self.round(place, bytes)?;
        // A mask is a boundary, behind which another secret may begin that was part of a longer word before.
        for _ in 1..ROUNDS {
            match self.round(place, &masked) {
                Some(more) => masked = more,
                None => break,
            }
        }
        Some(masked)
    }

    fn round(&mut self, place: Place, bytes: &[u8]) -> Option<Vec<u8>> {
        let is_suspect = self.is_suspect(bytes);
        let mut masked: Option<Vec<u8>> = None;
        for rule in &mut self.rules {
            if rule.places.contains(&place) && (is_suspect || !rule.has_literals) {
                masked = rule.mask(masked.as_deref().unwrap_or(bytes)).or(masked);
            }
        }
        masked
    }
}

/// Bytes, not Unicode: what a program is called with need not be UTF-8.
fn regex(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern).unicode(false).build()
}

impl Rule {
    fn mask(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.pattern.is_match(bytes) {
            return None;
        }
        let (mut out, mut copied) = (Vec::new(), 0);
        for captures in self.pattern.captures_iter(bytes) {
            let Some((start, end)) = self.secret(&captures) else { continue };
            out.extend_from_slice(&bytes[copied..start]);
            out.extend_from_slice(&self.mask);
            copied = end;
            self.count += 1;
        }
        if copied == 0 {
            return None;
        }
        out.extend_from_slice(&bytes[copied..]);
        Some(out)
    }

    /// Where the secret of a match is, unless it is masked already or lacks what it needs.
    fn secret(&self, captures: &Captures<'_>) -> Option<(usize, usize)> {
        let of_group = |(group, is_shell): &(usize, bool)| captures.get(*group).map(|found| (found, *is_shell));
        let (found, is_shell) = self.groups.iter().find_map(of_group)?;
        let secret = found.as_bytes();
        let has = |need: &Need| match need {
            Need::Digit => secret.iter().any(u8::is_ascii_digit),
            Need::Letter => secret.iter().any(u8::is_ascii_alphabetic),
        };
        let is_named = is_shell && is_reference(secret);
        let is_secret = !secret.is_empty() && !is_mask(secret) && !is_named && self.needs.iter().all(has);
        is_secret.then_some((found.start(), found.end()))
    }
}

/// Whether a string is one mask and nothing else.
fn is_mask(bytes: &[u8]) -> bool {
    let inner = bytes.strip_prefix(b"[masked:").and_then(|rest| rest.strip_suffix(b"]"));
    inner.is_some_and(|id| !id.is_empty() && id.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'-'))
}

/// Whether a shell's word only names a variable: `$NAME` or `${NAME}`.
fn is_reference(word: &[u8]) -> bool {
    let Some(name) = word.strip_prefix(b"$") else { return false };
    let name = name.strip_prefix(b"{").and_then(|name| name.strip_suffix(b"}")).unwrap_or(name);
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && !name[0].is_ascii_digit() && name.iter().all(is_part)
}
