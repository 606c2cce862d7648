//! Files of settings as one kind of value, whatever form they have.
//!
//! What is said of a mistake holds nothing of the file: it may stand beside a secret.

use std::path::Path;

use jsonc_parser::{ParseOptions, parse_to_serde_value};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{report::Problem, text_of};

/// The form of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Format {
    /// JSON (RFC 8259).
    Json,
    /// JSON with comments and commas at the end of lists.
    Jsonc,
    /// TOML 1.0.
    Toml,
    /// YAML.
    Yaml,
    /// Lines `NAME=VALUE`.
    Env,
}

/// What agents allow beyond JSON (https://code.visualstudio.com/docs/languages/json#_json-with-comments).
const JSONC: ParseOptions = ParseOptions {
    allow_comments: true,
    allow_trailing_commas: true,
    allow_loose_object_property_names: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// Reads a file; an empty one is an empty object.
pub(super) fn parse(format: Format, path: &Path, content: &[u8]) -> Result<Value, Problem> {
    let Ok(text) = std::str::from_utf8(content) else {
        return Err(problem(path, "it is no UTF-8 text", None));
    };
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    match format {
        Format::Json => serde_json::from_str(text).map_err(|error| broken_json(path, &error)),
        Format::Jsonc => {
            let parsed = parse_to_serde_value::<Value>(text, &JSONC);
            parsed.map_err(|error| {
                let place = place(text, error.range().start);
                problem(path, "it is no valid JSON with comments", Some(place))
            })
        }
        Format::Toml => toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, span.start));
            problem(path, "it is no valid TOML", place)
        }),
        Format::Yaml => serde_saphyr::from_str(text).map_err(|error| {
            let place = error.location().map(|place| (place.line() as usize, place.column() as usize));
            problem(path, "it is no valid YAML", place)
        }),
        Format::Env => Ok(Value::Object(variables(text))),
    }
}

/// What is said of a file that is no JSON.
pub(super) fn broken_json(path: &Path, error: &serde_json::Error) -> Problem {
    problem(path, "it is no valid JSON", Some((error.line(), error.column())))
}

fn problem(path: &Path, error: &str, place: Option<(usize, usize)>) -> Problem {
    let (line, column) = place.unzip();
    Problem { path: text_of(path), error: error.to_owned(), line, column }
}

/// Line and column, in characters, of a byte.
fn place(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.lines().count().max(1) + usize::from(before.ends_with('\n'));
    let column = before.rsplit('\n').next().map_or(0, |rest| rest.chars().count()) + 1;
    (line, column)
}

/// The variables of a file such as those that dotenv reads; what is no assignment is a comment to it.
fn variables(text: &str) -> Map<String, Value> {
    let lines = text.lines().map(|line| line.trim().strip_prefix("export ").unwrap_or(line.trim()));
    let assignments = lines.filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('='));
    let unquoted = |value: &str| {
        let value = value.trim();
        let quoted = |quote: char| value.strip_prefix(quote).and_then(|rest| rest.split(quote).next());
        quoted('"').or_else(|| quoted('\'')).unwrap_or(value).to_owned()
    };
    assignments.map(|(name, value)| (name.trim().to_owned(), Value::String(unquoted(value)))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_is_told_with_its_place_and_nothing_of_the_content() {
        let table = [
            (Format::Json, "{\n  \"hunter2\": x\n}", Some(2)),
            (Format::Jsonc, "{\n  // fine\n  \"hunter2\": hunter2\n}", Some(3)),
            (Format::Toml, "a = 1\nhunter2 = hunter2\n", Some(2)),
            (Format::Yaml, "a: 1\nb: [hunter2\n", None),
        ];
        for (format, text, line) in table {
            let problem = parse(format, Path::new("/x"), text.as_bytes()).unwrap_err();
            assert!(line.is_none() || problem.line == line, "{format:?}: {problem:?}");
            assert!(problem.line.is_some() && problem.column.is_some(), "{format:?}: {problem:?}");
            assert!(!format!("{problem:?}").contains("hunter2"), "{format:?}: {problem:?}");
        }
        assert!(parse(Format::Json, Path::new("/x"), b"\xff").unwrap_err().error.contains("UTF-8"));
    }

    #[test]
    fn a_file_that_nests_without_end_is_a_mistake_and_no_more() {
        let deep = "[".repeat(200_000);
        for format in [Format::Json, Format::Jsonc, Format::Toml, Format::Yaml] {
            let text = if format == Format::Toml { format!("a = {deep}") } else { deep.clone() };
            assert!(parse(format, Path::new("/x"), text.as_bytes()).is_err(), "{format:?}");
        }
        let bomb = (1..30).fold("a0: &a0 [x,x]\n".to_owned(), |text, at| {
            format!("{text}a{at}: &a{at} [*a{0},*a{0},*a{0}]\n", at - 1)
        });
        assert!(parse(Format::Yaml, Path::new("/x"), bomb.as_bytes()).is_err());
    }

    #[test]
    fn every_form_gives_the_same_value() {
        let table = [
            (Format::Json, "{\"a\": {\"b\": \"c\"}}"),
            (Format::Jsonc, "{ // note\n \"a\": {\"b\": \"c\",},\n}"),
            (Format::Toml, "[a]\nb = \"c\"\n"),
            (Format::Yaml, "a:\n  b: c\n"),
        ];
        for (format, text) in table {
            let value = parse(format, Path::new("/x"), text.as_bytes()).unwrap();
            assert_eq!(value, serde_json::json!({"a": {"b": "c"}}), "{format:?}");
        }
        let value = parse(Format::Env, Path::new("/x"), b"# A=1\nexport B='two words' # c\nC = 3\n\nnothing").unwrap();
        assert_eq!(value, serde_json::json!({"B": "two words", "C": "3"}));
        assert_eq!(parse(Format::Yaml, Path::new("/x"), b" \n").unwrap(), serde_json::json!({}));
    }
}
