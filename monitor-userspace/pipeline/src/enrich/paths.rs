//! Patterns on absolute paths, arranged so that a path is compared with few of them.
//!
//! Most patterns say a name that the path must have: the path's components are looked up in a map of those names, and
//! only the patterns found there are compared. So the cost grows with the path, not with the number of patterns.

use globset::{GlobBuilder, GlobMatcher, GlobSet, GlobSetBuilder};

use super::{Class, Classes, wildcard};
use crate::{event::path::base_name, hash::Map};

/// What is compared once a name has been found.
#[derive(Debug)]
enum Shape {
    /// `**/a/b`: the path ends with it.
    Suffix(Vec<u8>),
    /// `**/a/b/**`: the path has these components; the folder itself counts too.
    Inside(Vec<u8>),
    /// `/a/b/**`: the path begins with it; the folder itself counts too.
    Prefix(Vec<u8>),
    /// Anything else.
    Glob(GlobMatcher),
}

#[derive(Debug)]
struct Pattern {
    shape: Shape,
    rule: usize,
}

#[derive(Debug)]
struct Rule {
    class: Class,
    except: GlobSet,
}

/// Patterns of classes.
#[derive(Debug, Default)]
pub(super) struct Paths {
    rules: Vec<Rule>,
    exact: Map<Vec<u8>, Vec<usize>>,
    named: Map<Vec<u8>, Vec<Pattern>>,
    /// Wildcards on the last component.
    base: Vec<(Vec<u8>, usize)>,
    /// Patterns that say no name at all.
    rest: Vec<(GlobMatcher, usize)>,
    /// All of them as they were written, each with its rule.
    patterns: Vec<(String, usize)>,
}

impl Paths {
    /// Begins a rule of a class: what matches one of `except` does not count.
    pub(super) fn rule(&mut self, class: Class, except: GlobSet) {
        self.rules.push(Rule { class, except });
    }

    /// Adds a pattern to the rule that was begun last.
    pub(super) fn add(&mut self, pattern: &str) -> Result<(), String> {
        if !pattern.starts_with('/') && !pattern.starts_with("**/") {
            let near = pattern.trim_start_matches("~/").trim_start_matches("./");
            return Err(format!(
                "the pattern `{pattern}` must begin with `/` or `**/`, as `**/{near}` does for any folder"
            ));
        }
        let rule = self.rules.len().saturating_sub(1);
        self.arrange(pattern, rule)?;
        self.patterns.push((pattern.to_owned(), rule));
        Ok(())
    }

    fn arrange(&mut self, pattern: &str, rule: usize) -> Result<(), String> {
        let matcher = glob(pattern)?.compile_matcher();
        let inner = pattern.strip_prefix("**/");
        let shape = match (inner, pattern.strip_suffix("/**")) {
            (None, None) if is_literal(pattern) => {
                self.exact.entry(pattern.as_bytes().to_vec()).or_default().push(rule);
                return Ok(());
            }
            (None, Some(folder)) if is_literal(folder) => Shape::Prefix(folder.as_bytes().to_vec()),
            (Some(inner), None) if is_literal(inner) => Shape::Suffix([b"/", inner.as_bytes()].concat()),
            (Some(inner), Some(_)) if inner.strip_suffix("/**").is_some_and(is_literal) => {
                Shape::Inside([b"/", inner.strip_suffix("/**").unwrap_or(inner).as_bytes()].concat())
            }
            (Some(inner), None) if !inner.contains(['/', '?', '[', '{', '\\']) => {
                self.base.push((inner.as_bytes().to_vec(), rule));
                return Ok(());
            }
            (_, folder) => {
                // The folder itself counts too, as it does in the simple shapes.
                if let Some(folder) = folder.filter(|folder| !folder.is_empty() && *folder != "**") {
                    self.arrange(folder, rule)?;
                }
                Shape::Glob(matcher.clone())
            }
        };
        match name(pattern) {
            Some(name) => self.named.entry(name.as_bytes().to_vec()).or_default().push(Pattern { shape, rule }),
            None => self.rest.push((matcher, rule)),
        }
        Ok(())
    }

    /// The classes of a path.
    pub(super) fn classes(&self, path: &[u8]) -> Classes {
        let mut classes = Classes::NONE;
        for rule in self.exact.get(path).into_iter().flatten() {
            self.count(*rule, path, &mut classes);
        }
        let mut start = 0;
        while start < path.len() {
            let end = path[start..].iter().position(|byte| *byte == b'/').map_or(path.len(), |at| start + at);
            // The lookup hashes the name, so that a component costs some nanoseconds whatever the number of patterns.
            if end > start
                && let Some(patterns) = self.named.get(&path[start..end])
            {
                for pattern in patterns {
                    if pattern.shape.matches(path, end) {
                        self.count(pattern.rule, path, &mut classes);
                    }
                }
            }
            start = end + 1;
        }
        let base = base_name(path);
        for (pattern, rule) in &self.base {
            if wildcard::matches(pattern, base) {
                self.count(*rule, path, &mut classes);
            }
        }
        for (matcher, rule) in &self.rest {
            if matcher.is_match(as_path(path)) {
                self.count(*rule, path, &mut classes);
            }
        }
        classes
    }

    /// Each rule that counts for a path, with the pattern that matched, in the order of the file: slowly, by comparing
    /// every pattern.
    pub(super) fn explain(&self, path: &[u8]) -> impl Iterator<Item = (usize, &str)> {
        let matches = |pattern: &str| glob(pattern).is_ok_and(|glob| glob.compile_matcher().is_match(as_path(path)));
        // Only rules of these classes can be among them, and a pattern costs more to read than to compare.
        let classes = self.classes(path);
        let counts = move |rule: usize| self.rules.get(rule).is_some_and(|rule| classes.contains(rule.class));
        self.patterns.iter().filter(move |(_, rule)| counts(*rule)).filter_map(move |(pattern, rule)| {
            let found = matches(pattern) || pattern.strip_suffix("/**").is_some_and(matches);
            let is_excepted = self.rules.get(*rule).is_some_and(|rule| rule.except.is_match(as_path(path)));
            (found && !is_excepted).then_some((*rule, pattern.as_str()))
        })
    }

    /// The patterns of a rule, one behind the other.
    pub(super) fn patterns(&self, rule: usize) -> String {
        let own = self.patterns.iter().filter(|(_, owner)| *owner == rule).map(|(pattern, _)| pattern.as_str());
        own.collect::<Vec<_>>().join(" ")
    }

    fn count(&self, rule: usize, path: &[u8], classes: &mut Classes) {
        let Some(rule) = self.rules.get(rule) else { return };
        if rule.except.is_empty() || !rule.except.is_match(as_path(path)) {
            classes.insert(rule.class);
        }
    }
}

impl Shape {
    /// Whether the path matches, given that the name which the shape is filed under ends at `end`.
    fn matches(&self, path: &[u8], end: usize) -> bool {
        match self {
            Self::Suffix(suffix) => end == path.len() && path.ends_with(suffix),
            Self::Inside(inner) => path[..end].ends_with(inner),
            Self::Prefix(folder) => end == folder.len() && path.starts_with(folder),
            Self::Glob(matcher) => matcher.is_match(as_path(path)),
        }
    }
}

/// Patterns of what does not count.
pub(super) fn globs<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<GlobSet, String> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(glob(pattern)?);
    }
    set.build().map_err(|error| error.to_string())
}

fn is_literal(text: &str) -> bool {
    !text.is_empty() && !text.contains(['*', '?', '[', '{', '\\'])
}

/// A name that a path must have to match a pattern: the last component that says one.
fn name(pattern: &str) -> Option<&str> {
    let mut depth = 0usize;
    let is_in_braces = pattern.chars().any(|char| {
        match char {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        char == '/' && depth > 0
    });
    // A component within braces is one of several that may stand there.
    if is_in_braces { None } else { pattern.rsplit('/').find(|component| is_literal(component)) }
}

pub(super) fn glob(pattern: &str) -> Result<globset::Glob, String> {
    let built = GlobBuilder::new(pattern).literal_separator(true).build();
    built.map_err(|error| format!("the pattern `{pattern}` cannot be read: {}", error.kind()))
}

pub(super) fn as_path(bytes: &[u8]) -> &std::path::Path {
    use std::os::unix::ffi::OsStrExt as _;
    std::path::Path::new(std::ffi::OsStr::from_bytes(bytes))
}
