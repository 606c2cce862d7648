//! Strings as they came from the kernel: bytes, with how they came.

use std::{borrow::Cow, fmt, fmt::Write as _};

use bytes::Bytes;
use monitor_common::TextState;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes that are text to a person: UTF-8 most often, but the kernel promises nothing.
///
/// In a form that people read (JSON), bytes that are no UTF-8 become `\xNN`. A backslash stands for itself, so that shell scripts in argv
/// stay readable; a literal `\x41` can therefore not be told from an escaped byte.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text(Bytes);

impl Text {
    /// Wraps bytes.
    #[must_use]
    pub const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Wraps a string that outlives the program.
    #[must_use]
    pub const fn from_static(text: &'static str) -> Self {
        Self(Bytes::from_static(text.as_bytes()))
    }

    /// The same text in memory of its own. What is kept for long must not keep the raw record's memory, which it shares
    /// with all the records that arrived at the same time.
    #[must_use]
    pub fn detached(&self) -> Self {
        Self(Bytes::copy_from_slice(&self.0))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text as it is serialized.
    #[must_use]
    pub fn to_str(&self) -> Cow<'_, str> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => Cow::Borrowed(text),
            Err(_) => Cow::Owned(visible(&self.0)),
        }
    }

    /// Appends the text for a terminal: control characters and bytes that are no UTF-8 are escaped, as are the
    /// characters that turn the direction of writing or cannot be seen (U+200B–200F, U+202A–202E, U+2060–2069, U+FEFF).
    pub fn escape_into(&self, out: &mut String) {
        escape_into(&self.0, out);
    }
}

/// Appends bytes for a terminal, as [`Text::escape_into`] does.
pub fn escape_into(bytes: &[u8], out: &mut String) {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        // Printable ASCII is UTF-8, so nothing is replaced here.
        out.push_str(&String::from_utf8_lossy(bytes));
        return;
    }
    for chunk in bytes.utf8_chunks() {
        for char in chunk.valid().chars() {
            match char {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '\u{1b}' => out.push_str("\\e"),
                _ if char.is_ascii_control() => hex(u32::from(char), out),
                _ if char.is_control() || is_invisible(char) => {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\u{{{:x}}}", u32::from(char));
                }
                _ => out.push(char),
            }
        }
        for byte in chunk.invalid() {
            hex(u32::from(*byte), out);
        }
    }
}

const fn is_invisible(char: char) -> bool {
    matches!(char, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

fn visible(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() + 16);
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            hex(u32::from(*byte), &mut out);
        }
    }
    out
}

fn hex(byte: u32, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "\\x{byte:02x}");
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_str(), f)
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(Bytes::from(text))
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Bytes::from(bytes))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.serialize_str(&self.to_str())
        } else {
            serializer.serialize_bytes(&self.0)
        }
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            String::deserialize(deserializer).map(Self::from)
        } else {
            Bytes::deserialize(deserializer).map(Self)
        }
    }
}

/// How a string came; see [`TextState`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The whole string.
    #[default]
    Complete,
    /// A part of it; the rest did not fit.
    Cut,
    /// The memory that holds it could not be read.
    Unreadable,
    /// A secret in it was masked.
    Masked,
    /// What was asked for, not what the kernel resolved it to.
    Unresolved,
    /// Nobody asked for it, or the feature is switched off.
    NotAsked,
}

impl State {
    /// Whether the string came whole; then the record carries no state.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        matches!(self, Self::Complete)
    }

    /// Whether there is a string at all.
    #[must_use]
    pub const fn has_text(self) -> bool {
        !matches!(self, Self::Unreadable | Self::NotAsked)
    }
}

impl From<TextState> for State {
    fn from(state: TextState) -> Self {
        match state {
            TextState::Complete => Self::Complete,
            TextState::Cut => Self::Cut,
            TextState::Unreadable => Self::Unreadable,
            TextState::Masked => Self::Masked,
            TextState::Unresolved => Self::Unresolved,
            TextState::NotAsked => Self::NotAsked,
        }
    }
}
