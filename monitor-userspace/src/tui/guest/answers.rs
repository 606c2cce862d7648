//! What a terminal answers when the program on it asks, and what is passed on to the terminal outside.

use std::io::Write as _;

use vt100::{Callbacks, Screen};

/// Bytes of an answer, or of what is passed on, that wait at most; a program that asks without an end gets no more.
const MOST: usize = 100_000;

/// Collects both.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// For the program.
    pub(super) answers: Vec<u8>,
    /// For the terminal outside.
    pub(super) passed_on: Vec<u8>,
}

impl Answers {
    fn answer(&mut self, text: std::fmt::Arguments<'_>) {
        if self.answers.len() < MOST {
            // Writing to a Vec cannot fail.
            let _ = self.answers.write_fmt(text);
        }
    }
}

impl Callbacks for Answers {
    fn audible_bell(&mut self, _: &mut Screen) {
        if self.passed_on.len() < MOST {
            self.passed_on.push(0x07);
        }
    }

    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        // Base64 and nothing else, so that it cannot end the sequence and begin another.
        let is_plain = data.iter().all(|byte| byte.is_ascii_alphanumeric() || b"+/=".contains(byte));
        if is_plain && self.passed_on.len() + data.len() < MOST {
            self.passed_on.extend_from_slice(b"\x1b]52;c;");
            self.passed_on.extend_from_slice(data);
            self.passed_on.push(0x07);
        }
    }

    /// Device status and attributes, the place of the cursor, and modes (xterm's control sequences): programs wait for them.
    fn unhandled_csi(&mut self, screen: &mut Screen, one: Option<u8>, two: Option<u8>, params: &[&[u16]], end: char) {
        let first = params.first().and_then(|param| param.first()).copied().unwrap_or(0);
        match (one, two, end, first) {
            (None, _, 'n', 5) => self.answer(format_args!("\x1b[0n")),
            (None, _, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                self.answer(format_args!("\x1b[{};{}R", row + 1, column + 1));
            }
            // A VT220 with colours.
            (None, _, 'c', 0) => self.answer(format_args!("\x1b[?62;22c")),
            (Some(b'>'), _, 'c', 0) => self.answer(format_args!("\x1b[>1;10;0c")),
            // A mode that is not known here.
            (Some(b'?'), Some(b'$'), 'p', mode) => self.answer(format_args!("\x1b[?{mode};0$y")),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> (String, Vec<u8>) {
        let size = std::num::NonZeroU16::new(10).unwrap();
        let mut parser = vt100::Parser::new_with_callbacks(size, size, 0, Answers::default());
        parser.process(bytes);
        let Answers { answers, passed_on } = std::mem::take(parser.callbacks_mut());
        (String::from_utf8(answers).unwrap(), passed_on)
    }

    #[test]
    fn what_programs_wait_for_is_answered() {
        assert_eq!(said(b"\x1b[3;4H\x1b[6n").0, "\x1b[3;4R");
        assert_eq!(said(b"\x1b[c\x1b[5n").0, "\x1b[?62;22c\x1b[0n");
        assert_eq!(said(b"\x1b[?2026$p").0, "\x1b[?2026;0$y");
        assert_eq!(said(b"\x1b[?u\x1b[99n").0, "", "what is not known has no answer");
    }

    #[test]
    fn only_the_bell_and_plain_copies_reach_the_terminal_outside() {
        assert_eq!(said(b"a\x07b").1, b"\x07");
        assert_eq!(said(b"\x1b]52;c;aGk=\x07").1, b"\x1b]52;c;aGk=\x07");
        assert_eq!(said(b"\x1b]52;c;a\\b!\x07\x1b]0;title\x07\x1bc\x1b[?1049h").1, b"");
        assert!(said(&b"\x1b[6n".repeat(1_000_000)).0.len() < 2 * MOST, "answers have an end");
    }
}
