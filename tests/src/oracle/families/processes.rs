//! fork, exec, exit.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::{Context, Event, Known, event, field, flags, list, sorted, text};
use crate::oracle::syntax::{Call, member, members, shown, string};

/// Names of the environment that a record holds, and bytes of each (`docs/limits.md`).
const NAMES: usize = 256;
/// See [`NAMES`].
const NAME_BYTES: usize = 63;
/// How often the kernel follows from a script to an interpreter that is a script (fs/exec.c: `exec_binprm`).
const INTERPRETERS: usize = 5;
/// Bytes of a script in which its interpreter stands (`BINPRM_BUF_SIZE`, linux/binfmts.h).
const FIRST_LINE: usize = 256;

pub(super) fn fork(kind: &'static str, call: &Call, _: &Context) -> Option<Event> {
    let child = call.child().filter(|_| !call.makes_thread())?;
    Some(event(kind, call, vec![("child", Some(child.to_string())), ("flags", Some(clone_flags(call)))]))
}

pub(super) fn fork_record(kind: &'static str, body: &Value) -> Option<Event> {
    Some(Event::new(kind, vec![("child", Some(body["child_pid"].to_string())), ("flags", flags(body))]))
}

/// The flags of clone(2) that a record tells: without those by which the child's id is handed over.
fn clone_flags(call: &Call) -> String {
    const IDS: [&str; 3] = ["CLONE_PARENT_SETTID", "CLONE_CHILD_CLEARTID", "CLONE_CHILD_SETTID"];
    if call.name == "vfork" {
        return "CLONE_VFORK|CLONE_VM".to_owned();
    }
    let printed = match call.name.as_str() {
        "clone3" => member(call.argument(0), "flags"),
        _ => call.arguments.iter().find_map(|argument| argument.strip_prefix("flags=").map(str::to_owned)),
    }
    .unwrap_or_default();
    sorted(printed.split('|').filter(|name| name.starts_with("CLONE_") && !IDS.contains(name)).collect())
}

pub(super) fn exec(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
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
        ("cwd", context.cwd.as_ref().map(|folder| shown(&context.below_root(folder)))),
        ("env_names", names.map(|names| format!("{names:?}"))),
    ];
    Some(event(kind, call, fields))
}

pub(super) fn exec_record(kind: &'static str, body: &Value) -> Option<Event> {
    let fields = vec![
        ("filename", field(body, "filename")),
        ("path", field(body, "path")),
        ("argv", list(body, "argv")),
        ("cwd", field(body, "cwd")),
        ("env_names", list(body, "env_names")),
    ];
    Some(Event::new(kind, fields))
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

pub(super) fn exit_record(kind: &'static str, body: &Value) -> Option<Event> {
    let code = body["code"].as_u64().map(|code| format!("exited with {code}"));
    let core = if body["core_dumped"] == true { " (core dumped)" } else { "" };
    let signal = body["signal"].as_str().map(|name| format!("killed by {name}{core}"));
    Some(Event::new(kind, vec![("status", code.or(signal))]))
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
        assert!(fork("fork", &call("clone(child_stack=0x1, flags=CLONE_VM|CLONE_THREAD) = 5"), &context).is_none());
        assert!(fork("fork", &call("vfork() = ? ERESTARTNOINTR (To be restarted)"), &context).is_none());
        assert_eq!(
            fork("fork", &call("vfork() = 5"), &context).unwrap().to_string(),
            "fork child=5 flags=CLONE_VFORK|CLONE_VM"
        );
        let seen =
            fork("fork", &call("clone(child_stack=NULL, flags=CLONE_CHILD_SETTID|CLONE_FILES|SIGCHLD) = 5"), &context);
        assert_eq!(seen.unwrap().to_string(), "fork child=5 flags=CLONE_FILES");
        let seen = fork("fork", &call("clone3({flags=CLONE_NEWPID, exit_signal=SIGCHLD}, 88) = 5"), &context);
        assert_eq!(seen.unwrap().to_string(), "fork child=5 flags=CLONE_NEWPID");
        assert!(exec("exec", &call(r#"execve("\x61", [], []) = -1 ENOENT (No such file)"#), &context).is_none());
        let seen = exec("exec", &call(r#"execve("\x61", ["\x62"], ["\x63\x3d\x64"]) = 0"#), &context).unwrap();
        assert_eq!(seen.to_string(), r#"exec filename=a path=? argv=? cwd=? env_names=["c"]"#);
    }
}
