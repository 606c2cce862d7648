//! Calls that make, remove, rename or change files, and that read links.

use serde_json::Value;

use super::paths::{At, path_of_record};
use super::{Context, Event, Known, event, field, result, text};
use crate::oracle::syntax::{Call, number, string};

/// Where the arguments of a call stand that changes one file.
struct Shape {
    name: &'static str,
    at: At,
    /// The argument with the permissions, the owner (its group is the next one) or the length.
    extra: Extra,
}

/// What a call sets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extra {
    Nothing,
    Mode(usize),
    Owner(usize),
    Length(usize),
}

const fn shape(name: &'static str, at: At, extra: Extra) -> Shape {
    Shape { name, at, extra }
}

const SHAPES: [Shape; 17] = [
    shape("unlink", At::path(0), Extra::Nothing),
    shape("unlinkat", At::below(0), Extra::Nothing),
    shape("rmdir", At::path(0), Extra::Nothing),
    shape("mkdir", At::path(0), Extra::Mode(1)),
    shape("mkdirat", At::below(0), Extra::Mode(2)),
    shape("mknod", At::path(0), Extra::Mode(1)),
    shape("mknodat", At::below(0), Extra::Mode(2)),
    shape("chmod", At::path(0), Extra::Mode(1)),
    shape("fchmod", At::descriptor(0), Extra::Mode(1)),
    shape("fchmodat", At::below(0), Extra::Mode(2)),
    shape("fchmodat2", At::below(0), Extra::Mode(2)),
    shape("chown", At::path(0), Extra::Owner(1)),
    shape("lchown", At::path(0), Extra::Owner(1)),
    shape("fchown", At::descriptor(0), Extra::Owner(1)),
    shape("fchownat", At::below(0), Extra::Owner(2)),
    shape("truncate", At::path(0), Extra::Length(1)),
    shape("ftruncate", At::descriptor(0), Extra::Length(1)),
];

/// Whether it is known where the arguments of a call stand.
#[cfg(test)]
pub(super) fn knows(name: &str) -> bool {
    SHAPES.iter().any(|shape| shape.name == name)
}

/// A call on one file; the kind is that of the record.
pub(super) fn change(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let shape = SHAPES.iter().find(|shape| shape.name == call.name)?;
    let place = shape.at.of(call, context);
    let extra = |wanted: Extra, at: usize| (shape.extra == wanted).then(|| value(call.argument(at))).flatten();
    let (mode, owner, group, length) = match shape.extra {
        Extra::Nothing => (None, None, None, None),
        Extra::Mode(at) => (permissions(call.argument(at)), None, None, None),
        Extra::Owner(at) => (None, extra(shape.extra, at), extra(shape.extra, at + 1), None),
        Extra::Length(at) => (None, None, None, extra(shape.extra, at)),
    };
    let fields = vec![
        ("call", Some(call.name.clone())),
        ("result", call.result()),
        ("path", place.path),
        ("requested", place.requested),
        ("mode", mode),
        ("owner", owner),
        ("group", group),
        ("length", length),
    ];
    Some(event(kind, call, fields))
}

pub(super) fn change_record(kind: &'static str, body: &Value) -> Option<Event> {
    let number =
        |name: &str| Some(body[name].as_i64().map_or_else(|| "nothing".to_owned(), |number| number.to_string()));
    let mode = body["mode"].as_u64().map_or_else(|| "nothing".to_owned(), |mode| format!("{mode:o}"));
    let fields = vec![
        ("call", field(body, "call")),
        ("result", result(body)),
        ("path", path_of_record(body)),
        ("requested", field(body, "requested")),
        ("mode", Some(mode)),
        ("owner", number("owner")),
        ("group", number("group")),
        ("length", number("length")),
    ];
    Some(Event::new(kind, fields))
}

/// The types of a file that mknod makes (inode(7)).
const TYPES: [(&str, i64); 5] = [
    ("S_IFREG", 0o100_000),
    ("S_IFIFO", 0o010_000),
    ("S_IFCHR", 0o020_000),
    ("S_IFBLK", 0o060_000),
    ("S_IFSOCK", 0o140_000),
];

/// The permissions as strace prints them: `0644`, or `S_IFREG|0644` of a file that mknod makes.
fn permissions(text: &str) -> Known {
    let bits =
        |word: &str| TYPES.iter().find(|(name, _)| *name == word).map(|(_, bits)| *bits).or_else(|| number(word));
    let mode: i64 = text.split('|').map(bits).sum::<Option<i64>>()?;
    Some(format!("{mode:o}"))
}

/// A number as a record shows it; the id -1, which leaves an owner as it is, is none.
fn value(text: &str) -> Known {
    Some(number(text).filter(|_| text != "-1").map_or_else(|| "nothing".to_owned(), |number| number.to_string()))
}

/// rename, link or symlink.
pub(super) fn pair(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let (from, to) = match call.name.as_str() {
        "rename" | "link" => (At::path(0), At::path(1)),
        "symlink" => (At::path(0), At::path(1)),
        "symlinkat" => (At::path(0), At::below(1)),
        _ => (At::below(0), At::below(2)),
    };
    // What a symbolic link says is no path of this process.
    let symbolic = call.name.starts_with("symlink");
    let from = if symbolic { text(string(call.argument(0))) } else { from.of(call, context).path };
    let fields = vec![
        ("call", Some(call.name.clone())),
        ("result", call.result()),
        ("from", from),
        ("to", to.of(call, context).path),
    ];
    Some(event(kind, call, fields))
}

pub(super) fn pair_record(kind: &'static str, body: &Value) -> Option<Event> {
    let fields = vec![
        ("call", field(body, "call")),
        ("result", result(body)),
        ("from", field(body, "from")),
        ("to", field(body, "to")),
    ];
    Some(Event::new(kind, fields))
}

/// readlink, readlinkat.
pub(super) fn readlink(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let at = if call.name == "readlink" { At::path(0) } else { At::below(0) };
    let place = at.of(call, context);
    let target = call.value().and_then(|_| text(string(call.argument(at.path.unwrap_or_default() + 1))));
    let fields =
        vec![("result", call.result()), ("path", place.path), ("requested", place.requested), ("target", target)];
    Some(event(kind, call, fields))
}

pub(super) fn readlink_record(kind: &'static str, body: &Value) -> Option<Event> {
    let strings = ["path", "requested", "target"].map(|name| (name, field(body, name)));
    Some(Event::new(kind, [("result", result(body))].into_iter().chain(strings).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Context {
        Context { cwd: Some(b"/w".to_vec()), ..Context::default() }
    }

    #[test]
    fn what_a_call_sets_is_told_by_its_name() {
        let seen = |line: &str| change("chmod", &Call::parse(line).unwrap(), &context()).unwrap().to_string();
        assert_eq!(
            seen(r#"mknodat(3<\x2f>, "\x61", S_IFREG|0644) = -1 EEXIST (File exists)"#),
            "chmod call=mknodat result=EEXIST path=/a requested=a mode=100644 owner=? group=? length=?"
        );
        assert_eq!(
            seen(r#"lchown("\x61", -1, 65534) = 0"#),
            "chmod call=lchown result=0 path=/w/a requested=a mode=? owner=nothing group=65534 length=?"
        );
        assert_eq!(
            seen(r"ftruncate(3<\x2f\x61>, 10) = 0"),
            "chmod call=ftruncate result=0 path=/a requested=? mode=? owner=? group=? length=10"
        );
    }

    #[test]
    fn both_paths_of_a_pair_are_told_and_what_a_symbolic_link_says_as_it_is() {
        let seen = |line: &str| pair("link", &Call::parse(line).unwrap(), &context()).unwrap().to_string();
        assert_eq!(seen(r#"rename("\x61", "\x62") = 0"#), "link call=rename result=0 from=/w/a to=/w/b");
        assert_eq!(
            seen(r#"renameat2(3<\x2f\x61>, "\x61", AT_FDCWD<\x2f\x77>, "\x62", RENAME_NOREPLACE) = 0"#),
            "link call=renameat2 result=0 from=/a/a to=/w/b"
        );
        assert_eq!(seen(r#"symlinkat("\x61", 3<\x2f>, "\x62") = 0"#), "link call=symlinkat result=0 from=a to=/b");
    }

    #[test]
    fn a_link_is_told_with_what_it_says() {
        let seen = |line: &str| readlink("readlink", &Call::parse(line).unwrap(), &context()).unwrap().to_string();
        assert_eq!(
            seen(r#"readlinkat(3<\x2f>, "\x61", "\x62", 9) = 1"#),
            "readlink result=1 path=/a requested=a target=b"
        );
        assert_eq!(
            seen(r#"readlink("\x61", 0x7f00, 9) = -1 EINVAL (Invalid argument)"#),
            "readlink result=EINVAL path=/w/a requested=a target=?"
        );
    }
}
