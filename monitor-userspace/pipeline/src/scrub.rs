//! Masks secrets in inputs, before they are judged, shown or written.
//!
//! Whole strings are masked, before anything is cut out of them. A record without a secret is handed on as it came.

mod domain;
mod file;
mod grams;
mod joined;
pub(crate) mod mask;
mod ordinary;
mod programs;
mod raw;
mod rule;
mod rules;
mod shell;
mod usage;

use bytes::Bytes;

use crate::{
    DataError, data,
    input::{Config, Control, Existing, Input, Observed, Opened},
};
pub use data::{FILE_BYTES, RuleError, Source};
use rules::Rules;

/// The feature of a hook that stands for the masking of secrets.
pub const SECRETS: &str = "secrets";

/// What is said where nothing is masked.
pub(crate) const OFF: &str = "secrets are not masked here, since --no-scrub was asked for";

/// What takes the place of a word that was cut apart before it could be looked at whole: half of a secret is not
/// recognised.
pub const CUT: &str = "[masked:cut]";

/// What kind of string it is that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// A command line: arguments, each ended by a NUL.
    Argv,
    /// A path.
    Path,
    /// The name of a variable that was looked up.
    Name,
    /// Names of an environment, each ended by a NUL.
    Env,
    /// A name of a host, or a DNS message with the names in it written with dots.
    Host,
}

/// Masks secrets; what a rule finds becomes `[masked:<id of the rule>]`. Masking twice changes nothing more.
#[derive(Debug)]
pub struct Scrub {
    /// Absent where nothing is masked.
    rules: Option<Rules>,
    digest: String,
    masked: u64,
}

impl Scrub {
    /// With the built-in rules.
    ///
    /// # Errors
    ///
    /// When the built-in rules cannot be read, which a test excludes.
    pub fn new() -> Result<Self, DataError> {
        Self::with(&[]).map_err(|error| DataError::new(data::SCRUB, error))
    }

    /// With the built-in rules and those of these files, which add to them.
    ///
    /// # Errors
    ///
    /// What is wrong, in which file and line, and what was expected.
    pub fn with(added: &[Source]) -> Result<Self, RuleError> {
        let content = data::built_in(data::SCRUB);
        let (parts, version) = file::read(content, added)?;
        let rules = Rules::new(parts);
        let mut digest = format!("{version}-{}", data::digest(content));
        for source in added {
            digest.push('+');
            digest.push_str(&data::digest(&source.content));
        }
        Ok(Self { rules: Some(rules), digest, masked: 0 })
    }

    /// Without rules: everything is handed on as it came, and [`Self::digest`] says so.
    #[must_use]
    pub fn off() -> Self {
        Self { rules: None, digest: Config::NOT_SCRUBBED.to_owned(), masked: 0 }
    }

    /// The input with its secrets masked. What holds none is returned as it came, without a copy.
    #[must_use]
    pub fn apply(&mut self, mut input: Input) -> Input {
        let is_masked = match &mut input {
            Input::Raw(bytes) => self.rules.as_mut().is_some_and(|rules| raw::mask(rules, bytes)),
            Input::Opened(opened) => self.opened(opened),
            Input::Observed(Observed::Process(existing)) => self.existing(existing),
            Input::Observed(Observed::Package { script, name }) => {
                let name = name.as_mut().is_some_and(|name| self.text(Place::Path, name));
                self.text(Place::Path, script) | name
            }
            Input::Observed(Observed::Project { cwd, root }) => {
                let root = root.as_mut().is_some_and(|root| self.text(Place::Path, root));
                self.text(Place::Path, cwd) | root
            }
            Input::Observed(Observed::Binary(binary)) => {
                let told = [&mut binary.version, &mut binary.package].into_iter().flatten();
                let told = told.fold(false, |masked, text| self.text(Place::Path, text) | masked);
                self.text(Place::Path, &mut binary.path) | told
            }
            Input::Control(Control::Mark { note, .. }) => self.text(Place::Argv, note),
            Input::Config(_)
            | Input::Observed(_)
            | Input::Control(_)
            | Input::Coverage(_)
            | Input::Gap(_)
            | Input::Counters(_)
            | Input::Tick(_)
            | Input::Closed(_)
            // What is known was made of inputs that were scrubbed.
            | Input::Known(_) => false,
        };
        self.masked += u64::from(is_masked);
        input
    }

    /// Inputs in which something was masked.
    #[must_use]
    pub const fn masked(&self) -> u64 {
        self.masked
    }

    /// Secrets that were masked, by the id of the rule; an id that several rules share comes several times.
    pub fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.rules.iter().flat_map(Rules::counts)
    }

    /// The version and digest of the built-in rules, and the digest of each file that adds to them, for [`crate::input::Config::scrub`].
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.clone()
    }

    fn opened(&mut self, opened: &mut Opened) -> bool {
        self.arguments(&mut opened.command)
    }

    fn existing(&mut self, existing: &mut Existing) -> bool {
        let paths = [&mut existing.exe, &mut existing.cwd].into_iter().flatten();
        let paths = paths.fold(false, |masked, path| self.text(Place::Path, path) | masked);
        self.arguments(&mut existing.argv) | paths
    }

    fn text(&mut self, place: Place, text: &mut String) -> bool {
        let masked = self.rules.as_mut().and_then(|rules| rules.mask(place, text.as_bytes()));
        let Some(masked) = masked else { return false };
        *text = String::from_utf8_lossy(&masked).into_owned();
        true
    }

    /// The boundaries between arguments tell a value from the next option, so they are looked at together.
    fn arguments(&mut self, arguments: &mut Vec<String>) -> bool {
        let joined: Vec<u8> = arguments.iter().flat_map(|argument| argument.bytes().chain([0])).collect();
        let masked = self.rules.as_mut().and_then(|rules| rules.mask(Place::Argv, &joined));
        let Some(masked) = masked else { return false };
        let ended = masked.strip_suffix(&[0]).unwrap_or(&masked);
        *arguments = ended.split(|byte| *byte == 0).map(|part| String::from_utf8_lossy(part).into_owned()).collect();
        true
    }
}

/// Masks a string; for tests and for text that is no input.
impl Scrub {
    /// The command line with its secrets masked, or `None` when it holds none.
    pub fn command_line(&mut self, arguments: &[u8]) -> Option<Bytes> {
        self.rules.as_mut()?.mask(Place::Argv, arguments).map(Bytes::from)
    }
}
