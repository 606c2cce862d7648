//! Takes a command line apart into commands and words: arguments, and what a shell would make of an argument that holds
//! several words. It errs on the side of seeing a command: text that is none rarely names a program and its options.

use std::ops::Range;

/// How deep quoted command lines are looked into (`sh -c "ssh host 'sh -c …'"`); what is deeper is left to the patterns.
const DEPTH: u32 = 5;

/// A word of a command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Where it is, with its quotes.
    pub(super) range: Range<usize>,
    /// Whether no shell expands what is in it.
    pub(super) is_literal: bool,
}

/// Calls `visit` with the words of each command in a command line, whose arguments are each ended by a NUL.
pub(super) fn each_command(line: &[u8], visit: &mut impl FnMut(&[Word])) {
    let mut words = Vec::new();
    let mut start = 0;
    while start < line.len() {
        let end = line[start..].iter().position(|byte| *byte == 0).map_or(line.len(), |length| start + length);
        words.push(Word { range: start..end, is_literal: true });
        start = end + 1;
    }
    visit(&words);
    for word in words {
        if line[word.range.clone()].iter().any(u8::is_ascii_whitespace) {
            commands(line, word.range, DEPTH, visit);
        }
    }
}

/// The commands of a part of a line that a shell may read.
fn commands(line: &[u8], part: Range<usize>, depth: u32, visit: &mut impl FnMut(&[Word])) {
    let Some(depth) = depth.checked_sub(1) else { return };
    let mut reader = Reader { line, at: part.start, end: part.end, unclosed: [false; 2] };
    while reader.at < reader.end {
        let words = reader.command();
        if words.is_empty() {
            continue;
        }
        visit(&words);
        for word in words {
            let text = &line[word.range.clone()];
            let is_quote = |byte: &u8| matches!(byte, b'\'' | b'"');
            let quotes = (text.iter().position(is_quote), text.iter().rposition(is_quote));
            if let (Some(first), Some(last)) = quotes
                && first < last
                && text.iter().any(u8::is_ascii_whitespace)
            {
                commands(line, word.range.start + first + 1..word.range.start + last, depth, visit);
            }
        }
    }
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
    end: usize,
    /// Whether no closing single, or double, quote is left; then such a byte stands for itself, as in prose.
    unclosed: [bool; 2],
}

impl Reader<'_> {
    /// The words up to the end of a command.
    fn command(&mut self) -> Vec<Word> {
        let (mut words, mut start) = (Vec::new(), None);
        // The word behind a redirection is a file.
        let mut is_redirected = false;
        let mut end_word = |start: &mut Option<usize>, end: usize, words: &mut Vec<Word>| {
            if let Some(start) = start.take()
                && !std::mem::take(&mut is_redirected)
            {
                words.push(Word { range: start..end, is_literal: false });
            }
            is_redirected |= matches!(self.line.get(end), Some(b'<' | b'>'));
        };
        while self.at < self.end {
            let at = self.at;
            self.at += 1;
            match self.line[at] {
                b'\n' | b';' | b'&' | b'|' | b'(' | b')' | b'`' => {
                    end_word(&mut start, at, &mut words);
                    return words;
                }
                b' ' | b'\t' | b'\r' | b'<' | b'>' => end_word(&mut start, at, &mut words),
                b'\\' if self.line.get(at + 1) == Some(&b'\n') => {
                    end_word(&mut start, at, &mut words);
                    self.at += 1;
                }
                b'\\' => {
                    start.get_or_insert(at);
                    self.at += 1;
                }
                quote @ (b'\'' | b'"') => {
                    start.get_or_insert(at);
                    if let Some(close) = self.closing(quote) {
                        self.at = close + 1;
                    }
                }
                _ => {
                    start.get_or_insert(at);
                }
            }
        }
        self.at = self.end;
        end_word(&mut start, self.end, &mut words);
        words
    }

    /// Where a quote that was just opened is closed.
    fn closing(&mut self, quote: u8) -> Option<usize> {
        let unclosed = &mut self.unclosed[usize::from(quote == b'"')];
        if *unclosed {
            return None;
        }
        let mut at = self.at;
        while at < self.end {
            match self.line[at] {
                byte if byte == quote => return Some(at),
                b'\\' if quote == b'"' => at += 2,
                _ => at += 1,
            }
        }
        *unclosed = true;
        None
    }
}

/// Whether a quote in a word seems not to be closed.
pub(super) fn has_open_quote(word: &[u8]) -> bool {
    [b'\'', b'"'].iter().any(|quote| word.iter().filter(|byte| *byte == quote).count() % 2 == 1)
}

/// A word without the quotes around all of it, and whether these keep a shell from expanding it.
pub(super) fn unquoted(line: &[u8], range: Range<usize>) -> (Range<usize>, bool) {
    match &line[range.clone()] {
        [b'\'', .., b'\''] => (range.start + 1..range.end - 1, true),
        [b'"', .., b'"'] => (range.start + 1..range.end - 1, false),
        _ => (range, false),
    }
}

/// Whether a shell's word only names what it will be replaced by: `$NAME`, `${NAME}`, `$(command)`.
pub(super) fn is_reference(word: &[u8]) -> bool {
    let Some(name) = word.strip_prefix(b"$") else { return word.starts_with(b"`") };
    if name.is_empty() || name.starts_with(b"(") || name.starts_with(b"{{") {
        return true;
    }
    // A pattern may end before the brace that closes.
    let name = name.strip_prefix(b"{").map_or(name, |name| name.strip_suffix(b"}").unwrap_or(name));
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    !name.is_empty() && !name[0].is_ascii_digit() && name.iter().all(is_part)
}
