//! A record as one line for a terminal.
//!
//! ```text
//! 14:02:11.123    4711 cat             open     /home/me/.aws/credentials                         read             credential
//! ```

mod subject;

use std::fmt::Write as _;

pub(crate) use subject::{duration, file};
use subject::{outcome, subject};

use crate::input::HookState;
use crate::record::{Body, Record, SessionState, ToolCallState, escape_into};

/// Whether lines carry colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Paint {
    /// Text only.
    #[default]
    Plain,
    /// With SGR escape sequences (ECMA-48, 8.3.117).
    Ansi,
}

/// Renders records, each as one line: time, pid, name, kind, what it is about, how it ended, resource classes. Whatever
/// a process chose is escaped, so that it cannot move the cursor or add a line.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// Seconds east of UTC in which times are shown.
    pub utc_offset: i32,
    /// Colour or not.
    pub paint: Paint,
}

/// Columns of the subject; a longer one pushes the rest to the right.
const SUBJECT: usize = 56;
/// Columns of the outcome.
const OUTCOME: usize = 18;

/// SGR parameters.
const DIM: &str = "2";
const BOLD: &str = "1";
const RED: &str = "31";
const YELLOW: &str = "33";
const CYAN: &str = "36";

impl Lines {
    /// Whether a record has a line: a hook that is attached has none, since only a missing one is news. JSON has both.
    #[must_use]
    pub fn has(record: &Record) -> bool {
        !matches!(&record.body, Body::Coverage(hook) if hook.state == HookState::Attached)
    }

    /// Appends one line with its line feed, where the record has one.
    pub fn render(&self, record: &Record, out: &mut String) {
        if !Self::has(record) {
            return;
        }
        let is_noise = record.classes == crate::enrich::Class::Noise.into();
        let noise = if is_noise { DIM } else { "" };
        self.painted(DIM, out, |out| self.time(record, out));
        out.push(' ');
        self.who(record, noise, out);
        out.push(' ');
        let verb = if is_noise { DIM } else { colour(&record.body) };
        self.painted(verb, out, |out| {
            // Writing to a String cannot fail.
            let _ = write!(out, "{:<8}", record.kind().name());
        });
        out.push(' ');
        let mut text = String::new();
        about(record, &mut text);
        self.column(noise, &text, SUBJECT, out);
        out.push(' ');
        text.clear();
        let is_bad = ended(record, &mut text);
        self.column(if is_bad && !is_noise { RED } else { noise }, &text, OUTCOME, out);
        for class in record.classes.iter() {
            out.push(' ');
            let paint = match class {
                crate::enrich::Class::Credential => RED,
                crate::enrich::Class::Noise | crate::enrich::Class::ProjectFile => DIM,
                _ => YELLOW,
            };
            self.painted(paint, out, |out| out.push_str(class.name()));
        }
        let length = out.trim_end_matches(' ').len();
        out.truncate(length);
        out.push('\n');
    }

    /// `HH:MM:SS.mmm`.
    fn time(&self, record: &Record, out: &mut String) {
        let millis = record.time.of_day(self.utc_offset) / 1_000_000;
        let (seconds, millis) = (millis / 1000, millis % 1000);
        let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        // Writing to a String cannot fail.
        let _ = write!(out, "{hours:02}:{minutes:02}:{seconds:02}.{millis:03}");
    }

    fn who(&self, record: &Record, paint: &str, out: &mut String) {
        let Some(process) = &record.process else {
            out.push_str("      - -              ");
            return;
        };
        // Writing to a String cannot fail.
        let _ = write!(out, "{:>7} ", process.image.id.pid);
        let mut name = String::new();
        match &process.image.comm {
            Some(comm) => comm.escape_into(&mut name),
            None => name.push('?'),
        }
        self.column(if paint.is_empty() { BOLD } else { paint }, &name, 15, out);
    }

    fn column(&self, paint: &str, text: &str, width: usize, out: &mut String) {
        self.painted(paint, out, |out| out.push_str(text));
        let used = text.chars().count();
        out.extend(std::iter::repeat_n(' ', width.saturating_sub(used)));
    }

    fn painted(&self, paint: &str, out: &mut String, text: impl FnOnce(&mut String)) {
        let is_painted = self.paint == Paint::Ansi && !paint.is_empty();
        if is_painted {
            // Writing to a String cannot fail.
            let _ = write!(out, "\u{1b}[{paint}m");
        }
        text(out);
        if is_painted {
            out.push_str("\u{1b}[0m");
        }
    }
}

const fn colour(body: &Body) -> &'static str {
    match body {
        Body::Exec(_) | Body::ToolCall(_) => BOLD,
        Body::Connect(_) => CYAN,
        Body::Session(session) if matches!(session.state, SessionState::Started) => BOLD,
        Body::Loss(_) | Body::Gap(_) => RED,
        _ => "",
    }
}

/// Appends what the line of a record says that it is about.
pub fn about(record: &Record, out: &mut String) {
    if let (Body::Session(_), Some(agent)) = (&record.body, &record.agent) {
        escape_into(agent.name.as_bytes(), out);
        out.push(' ');
    }
    subject(&record.body, out);
}

/// Appends how what a record tells of has ended, as its line says it; `true` says that it went wrong.
pub fn ended(record: &Record, out: &mut String) -> bool {
    let is_bad = outcome(&record.body, out) || record.seccomp;
    if let (Body::ToolCall(call), Some(agent)) = (&record.body, &record.agent)
        && call.state == ToolCallState::Started
    {
        out.push_str(" by ");
        escape_into(agent.name.as_bytes(), out);
    }
    if record.seccomp {
        out.push_str(if out.is_empty() { "seccomp" } else { " seccomp" });
    }
    is_bad
}

/// A command line on one line: arguments that need it are quoted, what a terminal must not see is escaped, and of a
/// long one the head and the tail are shown.
pub fn command_line(argv: &[crate::record::Text], out: &mut String) {
    let mut line = String::new();
    for argument in argv {
        if !line.is_empty() {
            line.push(' ');
        }
        let bytes = argument.as_bytes();
        let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,^~[]{}*?!#".contains(byte) || *byte >= 0x80;
        if !bytes.is_empty() && bytes.iter().all(plain) {
            escape_into(bytes, &mut line);
        } else {
            line.push('\'');
            escape_into(bytes, &mut line);
            line.push('\'');
        }
    }
    shorten(&line, out);
}

/// Characters of a long text that are shown from its beginning and from its end.
const SHOWN: usize = 160;

/// Appends a text; of one that is longer than twice [`SHOWN`] its head and its tail, and how much is between.
pub(crate) fn shorten(text: &str, out: &mut String) {
    let head = text.char_indices().nth(SHOWN).map_or(text.len(), |(at, _)| at);
    let tail = text.char_indices().nth_back(SHOWN).map_or(0, |(at, _)| at);
    if head >= tail {
        out.push_str(text);
    } else {
        // Writing to a String cannot fail.
        let _ = write!(out, "{} …({} more)… {}", &text[..head], tail - head, &text[tail..]);
    }
}
