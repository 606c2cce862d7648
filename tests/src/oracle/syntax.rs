//! The lines of strace, as it prints them with `-xx` and `-y`.
//!
//! With `-xx` each byte of a string, and with it each byte of the path of a descriptor, is `\xNN`. So brackets, quotes
//! and commas outside of them are always strace's own, and a line can be split without a doubt.

use std::fmt::Write as _;

use anyhow::{Context as _, Result, bail, ensure};

/// A system call as a line of strace tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// Its arguments as printed.
    pub arguments: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It returned a value.
    Value(Value),
    /// It failed with the errno of this name; also the names above 512, of calls that a signal interrupted.
    Error(String),
    /// strace has not seen its end.
    Unseen,
}

/// What a call returned.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Value {
    /// The value.
    pub number: i64,
    /// The file, where the value is a descriptor.
    pub file: Option<File>,
    /// The process of a child in strace's own pid namespace, where that is another one.
    pub translated: Option<u32>,
}

/// What strace says is behind a descriptor: what `/proc/PID/fd/N` leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// A path, or a name such as `pipe:[1]`.
    pub path: Vec<u8>,
    /// It had been unlinked.
    pub deleted: bool,
}

impl Call {
    /// Reads a line that holds a whole call.
    ///
    /// # Errors
    /// Where the line is none.
    pub fn parse(line: &str) -> Result<Self> {
        let (name, rest) = line.split_once('(').with_context(|| format!("no call: {line}"))?;
        ensure!(name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'), "no name of a call: {line}");
        let (arguments, rest) = split(rest);
        let rest = rest.strip_prefix(')').with_context(|| format!("a call that does not end: {line}"))?;
        let result = rest.trim_start().strip_prefix("= ").with_context(|| format!("a call without result: {line}"))?;
        let outcome = Outcome::parse(result).with_context(|| format!("of the line: {line}"))?;
        Ok(Self { name: name.to_owned(), arguments, outcome })
    }

    /// An argument as printed; empty where the call has fewer.
    #[must_use]
    pub fn argument(&self, at: usize) -> &str {
        self.arguments.get(at).map_or("", String::as_str)
    }

    /// The value, where the call has succeeded.
    #[must_use]
    pub const fn value(&self) -> Option<&Value> {
        match &self.outcome {
            Outcome::Value(value) => Some(value),
            Outcome::Error(_) | Outcome::Unseen => None,
        }
    }

    /// The value as a number or the name of the error; `None` where the end was not seen.
    #[must_use]
    pub fn result(&self) -> Option<String> {
        match &self.outcome {
            Outcome::Value(value) => Some(value.number.to_string()),
            Outcome::Error(name) => Some(name.clone()),
            Outcome::Unseen => None,
        }
    }
}

impl Outcome {
    fn parse(text: &str) -> Result<Self> {
        let error = |text: &str| text.split(' ').next().filter(|name| name.starts_with('E')).map(str::to_owned);
        if let Some(rest) = text.strip_prefix('?') {
            return Ok(error(rest.trim_start()).map_or(Self::Unseen, Self::Error));
        }
        if let Some(name) = text.strip_prefix("-1 ").and_then(error) {
            return Ok(Self::Error(name));
        }
        let end = text.find(['<', ' ']).unwrap_or(text.len());
        let number = number(&text[..end]).with_context(|| format!("no result: {text}"))?;
        let translated = text.split_once("/* ").and_then(|(_, text)| text.split(' ').next()).map(str::parse);
        Ok(Self::Value(Value { number, file: file(text), translated: translated.transpose()? }))
    }
}

/// Splits at the commas that stand outside of brackets, up to the bracket that closes what surrounds; gives the parts
/// and the rest from that bracket on.
fn split(text: &str) -> (Vec<String>, &str) {
    let (mut depth, mut start, mut parts) = (0u32, 0, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth > 0 => depth -= 1,
            b')' | b']' | b'}' | b',' if depth == 0 => {
                let part = text[start..at].trim().trim_end_matches("<unfinished ...>").trim_end();
                if !part.is_empty() {
                    parts.push(part.to_owned());
                }
                if byte != b',' {
                    return (parts, &text[at..]);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    (parts, "")
}

/// The members of an array or a structure as printed: what stands between the brackets.
#[must_use]
pub fn members(text: &str) -> Vec<String> {
    let inner = text.strip_prefix(['[', '{']).unwrap_or_default();
    split(inner).0
}

/// A member of a structure as printed.
#[must_use]
pub fn member(text: &str, name: &str) -> Option<String> {
    members(text).into_iter().find_map(|part| part.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
}

/// A number as strace prints it: decimal, `0x…`, or `0…` for an octal one.
#[must_use]
pub fn number(text: &str) -> Option<i64> {
    let (digits, radix) = match text.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None if text.len() > 1 && text.starts_with('0') => (text, 8),
        None => (text, 10),
    };
    i64::from_str_radix(digits, radix).ok().or_else(|| u64::from_str_radix(digits, radix).ok().map(u64::cast_signed))
}

/// The first quoted string in an argument; `None` where strace printed an address, or only a part of the string.
#[must_use]
pub fn string(text: &str) -> Option<Vec<u8>> {
    let (_, quoted) = text.split_once('"')?;
    let (quoted, rest) = quoted.split_once('"')?;
    if rest.starts_with("...") {
        return None;
    }
    unescape(quoted).ok()
}

/// The file behind a descriptor, or the folder behind `AT_FDCWD`, as `-y` prints it.
#[must_use]
pub fn file(text: &str) -> Option<File> {
    let (_, path) = text.split_once('<')?;
    let (path, rest) = path.split_once('>')?;
    Some(File { path: unescape(path).ok()?, deleted: rest.starts_with("(deleted)") })
}

/// The bytes of `\xNN\xNN…`.
fn unescape(text: &str) -> Result<Vec<u8>> {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len() / 4), text);
    while !rest.is_empty() {
        let Some(digits) = rest.strip_prefix("\\x").and_then(|rest| rest.get(..2)) else {
            bail!("not all of it is escaped: {text}");
        };
        bytes.push(u8::from_str_radix(digits, 16).with_context(|| format!("no byte: {rest}"))?);
        rest = &rest[4..];
    }
    Ok(bytes)
}

/// Bytes as a record shows them: what is no UTF-8 as `\xNN`.
#[must_use]
pub fn shown(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_is_read_with_its_folder_its_path_and_its_file() {
        let call =
            Call::parse(r#"openat(AT_FDCWD<\x2f\x61>, "\x2c\x29\x22", O_RDONLY|O_CLOEXEC) = 3<\x2f\x3e>(deleted)"#);
        let call = call.unwrap();
        assert_eq!(call.name, "openat");
        assert_eq!(call.arguments.len(), 3);
        assert_eq!(file(call.argument(0)).unwrap(), File { path: b"/a".to_vec(), deleted: false });
        assert_eq!(string(call.argument(1)).unwrap(), b",)\"");
        let value = Value { number: 3, file: Some(File { path: b"/>".to_vec(), deleted: true }), translated: None };
        assert_eq!(call.outcome, Outcome::Value(value));
    }

    #[test]
    fn errors_interruptions_and_ends_that_nobody_saw_are_told_apart() {
        let outcome = |text: &str| Call::parse(&format!("pause()   = {text}")).unwrap().outcome;
        assert_eq!(outcome("-1 ENOENT (No such file or directory)"), Outcome::Error("ENOENT".to_owned()));
        assert_eq!(outcome("? ERESTARTSYS (To be restarted)"), Outcome::Error("ERESTARTSYS".to_owned()));
        assert_eq!(outcome("?"), Outcome::Unseen);
        assert_eq!(outcome("-1"), Outcome::Value(Value { number: -1, ..Value::default() }));
        let translated = Value { number: 2, translated: Some(19308), ..Value::default() };
        assert_eq!(outcome("2 /* 19308 in strace's PID NS */"), Outcome::Value(translated));
    }

    #[test]
    fn structures_and_arrays_are_split_at_their_own_commas() {
        let address = r#"{sa_family=AF_INET6, sin6_port=htons(9), inet_pton(AF_INET6, "\x3a", &sin6_addr), x=[1, 2]}"#;
        assert_eq!(member(address, "sin6_port").unwrap(), "htons(9)");
        assert_eq!(members(address).len(), 4);
        assert_eq!(members("[]"), Vec::<String>::new());
        assert_eq!(members("NULL"), Vec::<String>::new());
    }

    #[test]
    fn a_string_of_which_a_part_is_printed_is_not_known() {
        assert_eq!(string(r#""\x61"..."#), None);
        assert_eq!(string("0x7f00"), None);
        assert_eq!(string(r#"@"\x61\x00""#).unwrap(), b"a\0");
    }

    #[test]
    fn numbers_have_three_radixes() {
        assert_eq!(number("0644"), Some(0o644));
        assert_eq!(number("0x10"), Some(16));
        assert_eq!(number("-100"), Some(-100));
        assert_eq!(number("0"), Some(0));
        assert_eq!(number("x"), None);
    }

    #[test]
    fn lines_that_are_no_calls_are_refused() {
        for line in ["", "openat(", "--- SIGCHLD {} ---", "close(3)", "close(3) = x"] {
            assert!(Call::parse(line).is_err(), "{line}");
        }
    }
}
