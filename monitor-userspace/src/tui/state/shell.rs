//! An event as a line for bash, in which nothing is left to the shell's own reading.

use agentsnoop_pipeline::{
    Record,
    record::{Body, Exec, State as How, Text},
};

/// A line that does what an event did, as near as a shell can, and in what it is not what was done.
pub(super) fn line(record: &Record) -> Option<(String, Option<&'static str>)> {
    let listed = |path: &Option<Text>| path.as_ref().map(|path| (format!("ls -ld {}", word(path.as_bytes())), None));
    match &record.body {
        Body::Exec(exec) => Some((within(exec.cwd.as_ref(), program(exec)), lacks(exec.argv_state))),
        Body::ToolCall(call) => {
            let command = call.command.as_ref()?;
            let line = format!("bash -c {}", word(command.as_bytes()));
            Some((within(call.cwd.as_ref(), line), lacks(call.command_state)))
        }
        Body::Open(open) => listed(&open.path),
        Body::Stat(stat) => listed(&stat.path),
        _ => None,
    }
}

/// A line that is run in a directory.
fn within(cwd: Option<&Text>, line: String) -> String {
    match cwd {
        Some(cwd) => format!("cd {} && {line}", word(cwd.as_bytes())),
        None => line,
    }
}

/// The file that was executed with its arguments. What a program was called by is its caller's choice and names no file: it is given by
/// `exec -a` (bash(1)) where it is not the name of the file.
fn program(exec: &Exec) -> String {
    let mut words = exec.argv.iter().map(Text::as_bytes);
    let name = words.next();
    let rest: String = words.map(|argument| format!(" {}", word(argument))).collect();
    match (exec.path.as_ref().map(Text::as_bytes), name) {
        // The shell itself must not become the program.
        (Some(path), Some(name)) if last(name) != last(path) => {
            format!("(exec -a {} {}{rest})", word(name), word(path))
        }
        (Some(path), _) => format!("{}{rest}", word(path)),
        (None, name) => format!("{}{rest}", quoted(name.unwrap_or_default())),
    }
}

fn last(path: &[u8]) -> &[u8] {
    path.rsplit(|byte| *byte == b'/').next().unwrap_or(path)
}

/// What a line lacks whose text came so.
const fn lacks(how: How) -> Option<&'static str> {
    match how {
        How::Complete | How::Unresolved => None,
        How::Cut => Some("but a part of it was not recorded"),
        How::Masked => Some("but secrets in it are masked"),
        How::Unreadable | How::NotAsked => Some("but its arguments are not known"),
    }
}

/// A word as it stands where that is safe, else quoted, with what a terminal must not see as `$'…'` has it.
fn word(bytes: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./:=@%+,".contains(byte);
    if !bytes.is_empty() && bytes.iter().all(plain) {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    quoted(bytes)
}

/// A word that is no keyword, assignment or job either, wherever it stands.
fn quoted(bytes: &[u8]) -> String {
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return format!("'{}'", String::from_utf8_lossy(bytes).replace('\'', "'\\''"));
    }
    let mut word = "$'".to_owned();
    for byte in bytes {
        match byte {
            b'\'' | b'\\' => word.extend(['\\', char::from(*byte)]),
            b' '..=b'~' => word.push(char::from(*byte)),
            _ => word.push_str(&format!("\\x{byte:02x}")),
        }
    }
    word.push('\'');
    word
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn read_back(line: &str) -> Vec<u8> {
        assert!(line.bytes().all(|byte| matches!(byte, b' '..=b'~')), "{line}");
        Command::new("bash").args(["-c", line]).output().unwrap().stdout
    }

    #[test]
    fn a_word_for_a_shell_is_read_back_as_it_was() {
        for bytes in [
            &b"plain"[..],
            b"",
            b"two words",
            b"it's",
            b"a$(b)`c`\\",
            b"\x1b[2J\n",
            b"\xff\xfe",
            "caf\u{e9}".as_bytes(),
        ] {
            assert_eq!(read_back(&format!("printf %s {}", word(bytes))), bytes);
        }
    }

    /// A program by its file, its arguments and its directory.
    fn executed(path: Option<&str>, argv: &[&str], cwd: Option<&str>) -> String {
        let argv = argv.iter().copied().map(Text::from).collect();
        let exec = Exec { path: path.map(Text::from), argv, cwd: cwd.map(Text::from), ..Exec::default() };
        within(exec.cwd.as_ref(), program(&exec))
    }

    #[test]
    fn the_file_that_was_executed_is_run_whatever_it_was_called_by() {
        let bash = "/bin/bash";
        for (argv, name) in [
            (&["bash", "-c", "printf %s \"$0\""][..], bash),
            (&["true", "-c", "printf %s \"$0\""], "true"),
            (&["A=B", "-c", "printf %s \"$0\""], "A=B"),
            (&["e $(id)", "-c", "printf %s \"$0\""], "e $(id)"),
        ] {
            assert_eq!(read_back(&executed(Some(bash), argv, Some("/"))), name.as_bytes(), "{argv:?}");
        }
        assert_eq!(
            executed(Some("/usr/bin/ls"), &["ls", "--a=b", "it's"], Some("/a b")),
            r"cd '/a b' && /usr/bin/ls --a=b 'it'\''s'"
        );
        assert_eq!(executed(Some("/usr/bin/id"), &[], None), "/usr/bin/id");
        assert_eq!(executed(None, &["if", "A=B"], None), "'if' A=B");
    }

    #[test]
    fn a_line_says_what_it_lacks() {
        assert_eq!(lacks(How::Complete), None);
        assert!([How::Cut, How::Masked, How::Unreadable, How::NotAsked].into_iter().all(|how| lacks(how).is_some()));
    }
}
