//! The files that the rules are read from (TOML): the built-in one, and those of users, which add to it.

use serde::Deserialize;
use toml::Spanned;

use super::super::{
    Class,
    endpoints::Endpoints,
    network::Network,
    paths::{Paths, globs},
    wildcard,
};
use crate::data::{RuleError, Source};

/// Patterns and names of one file of a user; a file with more is refused.
const PATTERNS: usize = 4096;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// It tells people which revision they read; the digest tells the program.
    #[serde(default, rename = "version")]
    _version: u32,
    #[serde(default)]
    path: Vec<PathEntry>,
    #[serde(default)]
    socket: Vec<PathEntry>,
    #[serde(default)]
    variable: Vec<VariableEntry>,
    #[serde(default)]
    endpoint: Vec<Spanned<EndpointEntry>>,
    #[serde(default)]
    off_limits: Vec<OffLimitsEntry>,
    #[serde(default)]
    allowed: Vec<Spanned<AllowedEntry>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PathEntry {
    class: Class,
    #[serde(default)]
    reason: String,
    link: Option<String>,
    patterns: Vec<Spanned<String>>,
    #[serde(default)]
    except: Vec<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VariableEntry {
    class: Class,
    #[serde(default)]
    reason: String,
    link: Option<String>,
    names: Vec<String>,
    #[serde(default)]
    except: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct EndpointEntry {
    class: Class,
    #[serde(default)]
    reason: String,
    link: Option<String>,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    networks: Vec<Network>,
    #[serde(default)]
    ports: Vec<u16>,
}

/// Folders that are off limits, with everything below them.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OffLimitsEntry {
    #[serde(default)]
    reason: String,
    paths: Vec<Spanned<String>>,
}

/// Endpoints that are expected.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AllowedEntry {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    networks: Vec<Network>,
    #[serde(default)]
    ports: Vec<u16>,
}

/// What an entry says of what it matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct About {
    pub(super) class: Class,
    pub(super) reason: String,
    pub(super) link: Option<String>,
    /// The file that it is from.
    pub(super) file: String,
}

/// Variables of a class.
#[derive(Debug)]
pub(super) struct Variables {
    pub(super) class: Class,
    pub(super) names: Vec<String>,
    pub(super) except: Vec<String>,
}

impl Variables {
    /// The pattern that a name matches.
    pub(super) fn find(&self, name: &[u8]) -> Option<&String> {
        let matches = |pattern: &&String| wildcard::matches(pattern.as_bytes(), name);
        self.names.iter().find(matches).filter(|_| !self.except.iter().any(|pattern| matches(&pattern)))
    }
}

/// Matchers of one sort, with what the entries say, in the same order.
#[derive(Debug)]
pub(super) struct Kept<T> {
    pub(super) rules: T,
    pub(super) about: Vec<About>,
}

impl<T: Default> Default for Kept<T> {
    fn default() -> Self {
        Self { rules: T::default(), about: Vec::new() }
    }
}

/// What the files say.
#[derive(Debug, Default)]
pub(super) struct Parts {
    pub(super) paths: Kept<Paths>,
    pub(super) sockets: Kept<Paths>,
    pub(super) variables: Kept<Vec<Variables>>,
    pub(super) endpoints: Kept<Endpoints>,
}

impl Parts {
    /// Adds the content of a file.
    pub(super) fn add(&mut self, source: &Source, is_built_in: bool) -> Result<(), RuleError> {
        let file: File = if is_built_in { source.parse()? } else { source.parse_bounded()? };
        let count = file.patterns();
        if !is_built_in && count > PATTERNS {
            return Err(source.whole(format!("it has {count} patterns and names; expected at most {PATTERNS}")));
        }
        let about = |class, reason, link| About { class, reason, link, file: source.name.clone() };
        for entry in file.off_limits {
            let below = |path: &Spanned<String>| {
                let (at, folder) = (path.span().start, path.as_ref().trim_end_matches("/**").trim_end_matches('/'));
                if folder.is_empty() {
                    let what =
                        format!("the path `{}` would put everything off limits; expected a folder", path.as_ref());
                    return Err(source.error(at, format!("class `{}`: {what}", Class::OffLimits)));
                }
                Ok((at, format!("{folder}/**")))
            };
            let patterns = entry.paths.iter().map(below).collect::<Result<Vec<_>, _>>()?;
            add_paths(&mut self.paths, about(Class::OffLimits, entry.reason, None), &patterns, &[], source)?;
        }
        for (entries, kept) in [(file.path, &mut self.paths), (file.socket, &mut self.sockets)] {
            for entry in entries {
                let patterns = entry.patterns.iter().map(|it| (it.span().start, it.as_ref().clone()));
                let patterns: Vec<_> = patterns.collect();
                add_paths(kept, about(entry.class, entry.reason, entry.link), &patterns, &entry.except, source)?;
            }
        }
        for entry in file.variable {
            self.variables.rules.push(Variables { class: entry.class, names: entry.names, except: entry.except });
            self.variables.about.push(about(entry.class, entry.reason, entry.link));
        }
        let allowed = file.allowed.into_iter().map(|entry| {
            let at = entry.span().start;
            let AllowedEntry { reason, names, networks, ports } = entry.into_inner();
            (at, EndpointEntry { class: Class::AllowedEndpoint, reason, link: None, names, networks, ports })
        });
        let endpoints = file.endpoint.into_iter().map(|entry| (entry.span().start, entry.into_inner()));
        for (at, entry) in endpoints.chain(allowed) {
            let EndpointEntry { class, reason, link, names, networks, ports } = entry;
            let added = self.endpoints.rules.add(class, &names, networks, ports);
            added.map_err(|what| source.error(at, format!("class `{class}`: {what}")))?;
            self.endpoints.about.push(about(class, reason, link));
        }
        Ok(())
    }
}

/// Adds an entry; each pattern comes with the byte of the file at which it stands.
fn add_paths(
    kept: &mut Kept<Paths>,
    about: About,
    patterns: &[(usize, String)],
    except: &[Spanned<String>],
    source: &Source,
) -> Result<(), RuleError> {
    let class = about.class;
    let wrong = |at: usize, what: String| source.error(at, format!("class `{class}`: {what}"));
    let at = except.first().map_or(0, |pattern| pattern.span().start);
    let except = globs(except.iter().map(|pattern| pattern.as_ref().as_str())).map_err(|what| wrong(at, what))?;
    kept.rules.rule(class, except);
    kept.about.push(about);
    patterns.iter().try_for_each(|(at, pattern)| kept.rules.add(pattern).map_err(|what| wrong(*at, what)))
}

impl File {
    /// Patterns and names.
    fn patterns(&self) -> usize {
        let paths = self.path.iter().chain(&self.socket).map(|entry| entry.patterns.len() + entry.except.len());
        let variables = self.variable.iter().map(|entry| entry.names.len() + entry.except.len());
        let endpoints = self.endpoint.iter().map(Spanned::as_ref);
        let endpoints = endpoints.map(|entry| entry.names.len() + entry.networks.len() + entry.ports.len());
        let allowed = self.allowed.iter().map(Spanned::as_ref);
        let allowed = allowed.map(|entry| entry.names.len() + entry.networks.len() + entry.ports.len());
        let off_limits = self.off_limits.iter().map(|entry| entry.paths.len());
        paths.chain(variables).chain(endpoints).chain(allowed).chain(off_limits).sum()
    }
}
