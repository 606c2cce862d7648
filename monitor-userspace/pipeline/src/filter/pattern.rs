//! What a text is tested for.

use globset::GlobBuilder;
use regex::bytes::{Regex, RegexBuilder};

use super::lexer::{Operator, Test};

/// Bytes that an expression takes at most when it is compiled: it comes from a person, whose slip must not take all memory.
const REGEX_BYTES: usize = 4 << 20;

/// How a text of a field is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look {
    /// As a whole.
    Whole,
    /// A path: what has no `/` is compared with its last component.
    Path,
}

/// What a text is tested for.
#[derive(Clone, Debug)]
pub(super) enum Pattern {
    /// It is this.
    Equal(Vec<u8>),
    /// The last component of the path is this.
    Named(Vec<u8>),
    /// It matches the wildcards.
    Glob(Regex),
    /// The last component of the path does.
    NamedGlob(Regex),
    /// The expression is found in it.
    Regex(Regex),
}

impl Pattern {
    /// Understands a test.
    ///
    /// # Errors
    ///
    /// What is wrong.
    pub(super) fn parse(test: &Test, look: Look) -> Result<Self, String> {
        let named = look == Look::Path && !test.value.contains('/');
        let literal = test.value.clone().into_bytes();
        match test.operator {
            Operator::Regex => {
                let regex = RegexBuilder::new(&test.value).size_limit(REGEX_BYTES).build();
                regex.map(Self::Regex).map_err(|error| format!("this expression cannot be read: {}", last_line(&error)))
            }
            Operator::Equal => Ok(Self::Equal(literal)),
            Operator::Like if !test.quoted && test.value.contains(['*', '?', '[', '{']) => {
                let glob = glob(&test.value).map_err(|what| format!("these wildcards cannot be read: {what}"))?;
                Ok(if named { Self::NamedGlob(glob) } else { Self::Glob(glob) })
            }
            Operator::Like => Ok(if named { Self::Named(literal) } else { Self::Equal(literal) }),
            Operator::Less | Operator::AtMost | Operator::Greater | Operator::AtLeast => {
                Err("text is not greater or less than other text; put it in quotes if the sign is part of it"
                    .to_owned())
            }
        }
    }

    pub(super) fn matches(&self, text: &[u8]) -> bool {
        match self {
            Self::Equal(literal) => text == literal,
            Self::Named(literal) => last(text) == literal,
            Self::NamedGlob(glob) => glob.is_match(last(text)),
            Self::Glob(regex) | Self::Regex(regex) => regex.is_match(text),
        }
    }
}

/// Wildcards as the expression that globset makes of them, which it would compile without a bound.
fn glob(text: &str) -> Result<Regex, String> {
    let glob = GlobBuilder::new(text).literal_separator(false).build().map_err(|error| error.kind().to_string())?;
    let mut regex = RegexBuilder::new(glob.regex());
    regex.dot_matches_new_line(true).size_limit(REGEX_BYTES).build().map_err(|error| last_line(&error))
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// The expression's own message comes with a picture of the place; its last line says what is wrong.
fn last_line(error: &regex::Error) -> String {
    let text = error.to_string();
    let line = text.lines().last().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_owned()
}
