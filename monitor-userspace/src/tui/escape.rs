//! Text for a cell grid: nothing that a process chose can move the cursor, turn the direction of writing or hide.
//!
//! [`agentsnoop_pipeline::record::escape_into`] escapes control characters and the common invisible ones. A grid also needs the width
//! of each character, so what has none, or one that terminals disagree about, is escaped here too.

use std::{borrow::Cow, fmt::Write as _};

use agentsnoop_pipeline::record::escape_into;
use unicode_width::UnicodeWidthChar as _;

/// Combining marks that one character may carry; languages use two or three, and more only hide their neighbours.
const MARKS: usize = 4;

/// Where a text that is too long is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// Its beginning is shown: command lines.
    Tail,
    /// Its beginning and its end are shown: paths, whose last component matters most.
    Middle,
}

/// Bytes that a process chose, for the screen.
#[must_use]
pub fn bytes(bytes: &[u8]) -> String {
    let mut out = String::new();
    escape_into(bytes, &mut out);
    match text(&out) {
        Cow::Borrowed(_) => out,
        Cow::Owned(escaped) => escaped,
    }
}

/// A text for the screen.
#[must_use]
pub fn text(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Cow::Borrowed(text);
    }
    let (mut out, mut marks) = (String::with_capacity(text.len()), 0);
    for char in text.chars() {
        marks = if char.width() == Some(0) { marks + 1 } else { 0 };
        if is_unsafe(char) || marks > MARKS || (marks > 0 && out.is_empty()) {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
            marks = 0;
        } else {
            out.push(char);
        }
    }
    Cow::Owned(out)
}

/// Characters that move, turn or hide something, or whose width terminals disagree about.
#[must_use]
pub fn is_unsafe(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// Columns of a text on the screen.
#[must_use]
pub fn width(text: &str) -> usize {
    text.chars().map(|char| char.width().unwrap_or(0)).sum()
}

/// A text in at most so many columns: escaped, and cut with an ellipsis where it is longer.
#[must_use]
pub fn fit(whole: &str, columns: usize, cut: Cut) -> Cow<'_, str> {
    let escaped = text(whole);
    if width(&escaped) <= columns {
        return escaped;
    }
    if columns == 0 {
        return Cow::Borrowed("");
    }
    let tail = match cut {
        Cut::Tail => 0,
        Cut::Middle => (columns - 1) * 2 / 3,
    };
    let mut out = head(&escaped, columns - 1 - tail).to_owned();
    out.push('…');
    out.push_str(end(&escaped, tail));
    Cow::Owned(out)
}

/// As much of the beginning as fits.
fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, char) in text.char_indices() {
        used += char.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

/// As much of the end as fits; it does not begin with a mark that belongs to what is left out.
fn end(text: &str, columns: usize) -> &str {
    let (mut used, mut from) = (0, text.len());
    for (at, char) in text.char_indices().rev() {
        let width = char.width().unwrap_or(0);
        used += width;
        if used > columns {
            break;
        }
        if width > 0 {
            from = at;
        }
    }
    &text[from..]
}

/// A text in lines of at most so many columns, cut wherever a line is full: paths and arguments have no better places.
#[must_use]
pub fn wrap(whole: &str, columns: usize) -> Vec<String> {
    let escaped = text(whole);
    let mut rest = &*escaped;
    let mut lines = Vec::new();
    while !rest.is_empty() && columns > 1 {
        let line = head(rest, columns);
        // A wide character in a column of one would never come to an end.
        if line.is_empty() {
            break;
        }
        lines.push(line.to_owned());
        rest = &rest[line.len()..];
    }
    if lines.is_empty() { vec![String::new()] } else { lines }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_turns_or_hides_is_shown_escaped() {
        assert_eq!(bytes(b"a\x1b[2Jb\n"), "a\\e[2Jb\\n");
        assert_eq!(bytes("gpj.\u{202e}exe\u{61c}".as_bytes()), "gpj.\\u{202e}exe\\u{61c}");
        assert_eq!(bytes(b"\xff\xfe/x"), "\\xff\\xfe/x");
        assert_eq!(text("a\u{fe0f}"), "a\\u{fe0f}");
    }

    #[test]
    fn a_tower_of_marks_is_cut_down() {
        let tower = format!("a{}", "\u{301}".repeat(50));
        assert!(width(&text(&tower)) > 40, "all but four are escaped");
        assert_eq!(text("é"), "é");
        assert_eq!(text("e\u{301}"), "e\u{301}");
    }

    #[test]
    fn a_text_is_cut_by_columns_and_never_within_a_wide_character() {
        assert_eq!(fit("abcdef", 6, Cut::Tail), "abcdef");
        assert_eq!(fit("abcdefg", 6, Cut::Tail), "abcde…");
        assert_eq!(fit("日本語テキスト", 6, Cut::Tail), "日本…");
        assert_eq!(fit("/home/dev/project/src/main.rs", 15, Cut::Middle), "/home…c/main.rs");
        for columns in 0..20 {
            for cut in [Cut::Tail, Cut::Middle] {
                assert!(width(&fit("日a本b語c/テキスト\u{301}", columns, cut)) <= columns);
            }
        }
    }

    #[test]
    fn a_long_text_is_wrapped_whole() {
        let whole = "日本語".repeat(20);
        let lines = wrap(&whole, 7);
        assert!(lines.iter().all(|line| width(line) <= 7));
        assert_eq!(lines.concat(), whole);
    }
}
