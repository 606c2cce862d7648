//! Strings that may be shown: without secrets, and no longer than is of use.

use agentsnoop_pipeline::Scrub;
use anyhow::{Context as _, Result};

/// Characters of one string that are shown; of a longer one the beginning.
const CHARACTERS: usize = 400;

/// What stands for an address in which no host can be recognised.
const NO_HOST: &str = "[no host]";

/// Masks what is shown.
#[derive(Debug)]
pub(super) struct Clean {
    scrub: Scrub,
}

impl Clean {
    pub(super) fn new() -> Result<Self> {
        Ok(Self { scrub: Scrub::new().context("cannot read the built-in rules for secrets")? })
    }

    /// A text of any kind.
    pub(super) fn text(&mut self, text: &str) -> String {
        self.line(&[text])
    }

    /// The arguments of a command, with blanks between.
    pub(super) fn line(&mut self, arguments: &[&str]) -> String {
        // A NUL ends an argument, so there is none within one.
        let ended = arguments.iter().flat_map(|argument| argument.bytes().filter(|byte| *byte != 0).chain([0]));
        let ended: Vec<u8> = ended.collect();
        let masked = self.scrub.command_line(&ended);
        let line = masked.as_deref().unwrap_or(&ended);
        let line = line.strip_suffix(&[0]).unwrap_or(line);
        let line = String::from_utf8_lossy(line).replace('\0', " ");
        cut(line)
    }

    /// The scheme, host and port of a URL, and nothing else of it.
    pub(super) fn origin(&mut self, url: &str) -> String {
        let origin = origin(url).unwrap_or_else(|| NO_HOST.to_owned());
        self.text(&origin)
    }
}

fn cut(mut line: String) -> String {
    if let Some((at, _)) = line.char_indices().nth(CHARACTERS) {
        line.truncate(at);
        line.push('…');
    }
    line
}

/// The part of a URL before the path, without user and password (RFC 3986, 3.2).
fn origin(url: &str) -> Option<String> {
    let (scheme, rest) = url.trim().split_once("://").map_or((None, url.trim()), |(scheme, rest)| (Some(scheme), rest));
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let is_name = |char: char| char.is_ascii_alphanumeric() || matches!(char, '.' | '-' | '_' | ':' | '[' | ']' | '*');
    let is_scheme = |scheme: &str| scheme.chars().all(|char| char.is_ascii_alphanumeric() || matches!(char, '+' | '-'));
    if host.is_empty() || host.len() > 255 || !host.chars().all(is_name) || !scheme.is_none_or(is_scheme) {
        return None;
    }
    Some(scheme.map_or_else(|| host.to_owned(), |scheme| format!("{scheme}://{host}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_only_scheme_and_host_are_kept() {
        let table = [
            ("https://user:hunter2@proxy.example:8080/key/abc?token=x", "https://proxy.example:8080"),
            ("http://[::1]:4000/v1", "http://[::1]:4000"),
            ("proxy.example:3128", "proxy.example:3128"),
            ("https://a@b@host.example/", "https://host.example"),
            ("socks5h://host", "socks5h://host"),
            ("https://${KEY}.example/", NO_HOST),
            ("", NO_HOST),
            ("https:///only/path", NO_HOST),
        ];
        let mut clean = Clean::new().unwrap();
        for (url, expected) in table {
            assert_eq!(clean.origin(url), expected, "{url}");
        }
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let shown = Clean::new().unwrap().text(&"é".repeat(CHARACTERS + 1));
        assert_eq!(shown.chars().count(), CHARACTERS + 1);
        assert!(shown.ends_with('…'), "{shown}");
    }
}
