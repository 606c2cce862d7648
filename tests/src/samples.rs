//! Secrets that are masked, and what looks like one and is left alone: `tests/data/scrub`.

use serde::Deserialize;

/// A secret, made up.
#[derive(Clone, Debug, Deserialize)]
pub struct Sample {
    /// The id of the rule that finds it.
    pub rule: String,
    /// The secret.
    pub secret: String,
    /// A command line that holds it.
    pub argv: Vec<String>,
    /// It is known by its form, wherever it is.
    #[serde(default)]
    pub alone: bool,
    /// It can be a part of the name of a host.
    #[serde(default)]
    pub host: bool,
}

#[derive(Deserialize)]
struct Samples {
    secret: Vec<Sample>,
}

/// The secrets of `secrets.toml`, each put in its place.
///
/// # Errors
///
/// The file is no TOML of this form.
pub fn secrets() -> Result<Vec<Sample>, toml::de::Error> {
    // Scanners for leaks do not know the secrets by their form as they are in the file.
    let whole = include_str!("../data/scrub/secrets.toml").replace("~~", "");
    let mut samples: Samples = toml::from_str(whole.split_once("\n\n").map_or("", |(_, rest)| rest))?;
    for Sample { secret, argv, .. } in &mut samples.secret {
        for argument in argv {
            *argument = argument.replace("{}", secret);
        }
    }
    Ok(samples.secret)
}

/// The strings of `ordinary.txt`: what kind, and the string; arguments are each ended by a NUL.
#[must_use]
pub fn ordinary() -> Vec<(&'static str, String)> {
    let lines = include_str!("../data/scrub/ordinary.txt").lines();
    let read = |line: &'static str| {
        let (kind, text) = line.split_once(' ')?;
        let text = text.replace("\\n", "\n");
        let words = text.replace("\\|", "\u{1}").replace('|', "\0").replace('\u{1}', "|");
        Some((kind, if kind == "argv" { words + "\0" } else { text }))
    };
    lines.filter_map(read).collect()
}
