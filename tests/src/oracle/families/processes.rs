//! fork, exec, exit.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Context, Event, Known, event, field, list, text};
use crate::oracle::syntax::{Call, members, shown, string};

/// Names of the environment that a record holds, and bytes of each (`docs/limits.md`).
const NAMES: usize = 256;
/// See [`NAMES`].
const NAME_BYTES: usize = 63;
/// How often the kernel follows from a script to an interpreter that is a script (fs/exec.c: `exec_binprm`).
const INTERPRETERS: usize = 5;
/// Bytes of a script in which its interpreter stands (`BINPRM_BUF_SIZE`, linux/binfmts.h).
const FIRST_LINE: usize = 256;

pub(super) fn fork(call: &Call, _: &Context) -> Option<Event> {
    let child = call.child().filter(|_| !call.makes_thread())?;
    Some(event("fork", call, vec![("child", Some(child.to_string()))]))
}

pub(super) fn fork_record(body: &Value) -> Option<Event> {
    Some(Event::new("fork", vec![("child", Some(body["child_pid"].to_string()))]))
}

pub(super) fn exec(call: &Call, context: &Context) -> Option<Event> {
    // A search along PATH fails often, and a failed execve is no record.
    call.value()?;
    let first = usize::from(call.name == "execveat");
    let strings = |at: usize| members(call.argument(at)).iter().map(|text| string(text)).collect::<Option<Vec<_>>>();
    let filename = string(call.argument(first)).filter(|name| first == 0 || name.starts_with(b"/"));
    let given = strings(first + 1).map(|words| words.iter().map(|word| shown(word)).collect::<Vec<_>>());
    let path = filename.as_deref().filter(|_| !context.foreign_root).map(|name| PathBuf::from(shown(name)));
    let (file, argv) = path.filter(|path| path.is_absolute()).zip(given).and_then(|(p, a)| executed(p, a)).unzip();
    let names = strings(first + 2).map(|environment| names(&environment));
    let fields = vec![
        ("filename", text(filename)),
        ("path", file.map(|path| path.display().to_string())),
        ("argv", argv.map(|words| format!("{words:?}"))),
        ("env_names", names.map(|names| format!("{names:?}"))),
    ];
    Some(event("exec", call, fields))
}

pub(super) fn exec_record(body: &Value) -> Option<Event> {
    let fields = ["filename", "path"].map(|name| (name, field(body, name)));
    let lists = ["argv", "env_names"].map(|name| (name, list(body, name)));
    Some(Event::new("exec", fields.into_iter().chain(lists).collect()))
}

/// What the kernel makes of a file and its arguments: for a script, its interpreter and what that is given
/// (fs/binfmt_script.c). `None` where the file cannot be looked at any more.
fn executed(path: PathBuf, argv: Vec<String>) -> Option<(PathBuf, Vec<String>)> {
    let (mut path, mut argv) = (path, argv);
    for _ in 0..INTERPRETERS {
        let Some((interpreter, argument)) = interpreter(&path)? else {
            return Some((path.canonicalize().ok()?, argv));
        };
        let rest = argv.into_iter().skip(1);
        argv =
            [interpreter.clone()].into_iter().chain(argument).chain([path.display().to_string()]).chain(rest).collect();
        path = interpreter.into();
    }
    None
}

/// The interpreter of a script and its argument.
fn interpreter(path: &Path) -> Option<Option<(String, Option<String>)>> {
    let mut start = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    std::io::Read::read_to_end(&mut std::io::Read::take(file, FIRST_LINE as u64), &mut start).ok()?;
    let Some(line) = start.strip_prefix(b"#!") else { return Some(None) };
    let line = String::from_utf8_lossy(line.split(|byte| *byte == b'\n').next()?).trim().to_owned();
    let (interpreter, argument) = line.split_once([' ', '\t']).unwrap_or((&line, ""));
    let argument = Some(argument.trim().to_owned()).filter(|argument| !argument.is_empty());
    Some(Some((interpreter.to_owned(), argument)))
}

/// The names of an environment as a record holds them.
fn names(environment: &[Vec<u8>]) -> Vec<String> {
    let name = |variable: &Vec<u8>| {
        let end = variable.iter().position(|byte| *byte == b'=').filter(|&at| at <= NAME_BYTES)?;
        Some(shown(&variable[..end]))
    };
    environment.iter().filter_map(name).take(NAMES).collect()
}

pub(super) fn exit_record(body: &Value) -> Option<Event> {
    let code = body["code"].as_u64().map(|code| format!("exited with {code}"));
    let core = if body["core_dumped"] == true { " (core dumped)" } else { "" };
    let signal = body["signal"].as_str().map(|name| format!("killed by {name}{core}"));
    Some(Event::new("exit", vec![("status", code.or(signal))]))
}

/// The end of a process, from what strace says of its leader.
#[must_use]
pub fn ended(said: &str) -> Event {
    let status: Known = Some(said.to_owned());
    Event::new("exit", vec![("status", status)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_is_executed_by_its_interpreter() {
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("script");
        std::fs::write(&script, "#! /bin/sh  -e \necho\n").unwrap();
        let (path, argv) = executed(script.clone(), vec!["name".to_owned(), "word".to_owned()]).unwrap();
        assert_eq!(path, Path::new("/bin/sh").canonicalize().unwrap());
        assert_eq!(argv, ["/bin/sh", "-e", &script.display().to_string(), "word"]);
    }

    #[test]
    fn only_a_call_that_succeeded_and_made_a_process_is_an_event() {
        let call = |line: &str| Call::parse(line).unwrap();
        let context = Context::default();
        assert!(fork(&call("clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 5"), &context).is_none());
        assert!(fork(&call("vfork() = ? ERESTARTNOINTR (To be restarted)"), &context).is_none());
        assert_eq!(fork(&call("vfork() = 5"), &context).unwrap().to_string(), "fork child=5");
        assert!(exec(&call(r#"execve("\x61", [], []) = -1 ENOENT (No such file)"#), &context).is_none());
        let seen = exec(&call(r#"execve("\x61", ["\x62"], ["\x63\x3d\x64"]) = 0"#), &context).unwrap();
        assert_eq!(seen.to_string(), r#"exec filename=a path=? argv=? env_names=["c"]"#);
    }
}
