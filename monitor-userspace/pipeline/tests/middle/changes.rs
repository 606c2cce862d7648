//! Calls that read links and change files: their paths, lines, classes and rows of the summary.

use agentsnoop_pipeline::{
    Lines, Record, Summary,
    enrich::Class,
    event::path::is_exact,
    input::Input,
    record::{Body, State},
    synthetic::{Actor, Program, absent, sockaddr, whole},
};
use monitor_common::{
    Kind, TextState,
    body::{self, SECOND_PATH_SHIFT, path_flag},
    decode::{Body as Wire, Str},
    syscall::TABLES,
};

use crate::common::{judge, run};

/// A call by its name: what was asked for and the folder that it starts from, at both ends.
fn call(actor: &mut Actor, name: &str, result: i64, args: [u64; 6], texts: [Str<'_>; 4]) -> Input {
    let known = TABLES.into_iter().flatten().find(|call| call.name == name).unwrap();
    let base = |at: usize| if texts[at].bytes.is_empty() { 0 } else { path_flag::BASE };
    let fixed = body::Call {
        result,
        args,
        syscall: u32::try_from(known.number).unwrap(),
        flags: base(1) | base(3) << SECOND_PATH_SHIFT,
        ..body::Call::default()
    };
    actor.raw(&Wire::Call(known.kind, fixed, texts))
}

const NOT_ASKED: Str<'static> = absent(TextState::NotAsked);

fn one(name: &str, result: i64, asked: &str, base: &str) -> Record {
    let base = if base.is_empty() { NOT_ASKED } else { whole(base) };
    judge(&[call(&mut Actor::new(1), name, result, [0; 6], [whole(asked), base, NOT_ASKED, NOT_ASKED])]).remove(0)
}

fn line(record: &Record) -> String {
    let mut out = String::new();
    Lines::default().render(record, &mut out);
    out.split_whitespace().skip(3).collect::<Vec<_>>().join(" ")
}

#[test]
fn a_path_is_exact_where_no_link_can_be_in_it() {
    for (requested, follows, exact) in [
        ("name", false, true),
        ("name", true, false),
        ("./name", false, true),
        ("../../name", false, true),
        ("/name", false, true),
        ("..", true, true),
        (".", true, true),
        ("/", true, true),
        ("folder/name", false, false),
        ("name/..", false, false),
        ("name/", false, false),
        ("name/.", false, false),
        ("/a/name", false, false),
        ("", false, false),
    ] {
        assert_eq!(is_exact(requested.as_bytes(), follows), exact, "{requested}, followed: {follows}");
    }
}

#[test]
fn a_path_is_resolved_only_where_the_call_succeeded_and_followed_no_link() {
    let state = |record: Record| match record.body {
        Body::Unlink(change) | Body::Chmod(change) | Body::Truncate(change) => {
            (change.path.unwrap(), change.path_state)
        }
        other => panic!("{other:?}"),
    };
    for (name, result, asked, path, expected) in [
        ("unlink", 0, "x", "/srv/x", State::Complete),
        ("unlink", -2, "x", "/srv/x", State::Unresolved),
        ("unlink", 0, "a/x", "/srv/a/x", State::Unresolved),
        ("chmod", 0, "x", "/srv/x", State::Unresolved),
        ("chmod", 0, ".", "/srv", State::Complete),
        ("truncate", 0, "x", "/srv/x", State::Unresolved),
    ] {
        let (found, state) = state(one(name, result, asked, "/srv"));
        assert_eq!((found.as_bytes(), state), (path.as_bytes(), expected), "{name} {asked} {result}");
    }
}

#[test]
fn lines_say_what_was_done_to_what() {
    let mut actor = Actor::new(1);
    let mut say = |name: &str, result: i64, args: [u64; 6], texts: [Str<'_>; 4]| {
        line(&judge(&[call(&mut actor, name, result, args, texts)])[0])
    };
    let path = |asked| [whole(asked), NOT_ASKED, NOT_ASKED, NOT_ASKED];
    let pair = |from, to| [whole(from), NOT_ASKED, whole(to), NOT_ASKED];
    assert_eq!(
        say("readlink", 8, [0; 6], pair("/etc/localtime", "/usr/zone")),
        "readlink /etc/localtime -> /usr/zone locale"
    );
    assert_eq!(say("readlink", -22, [0; 6], path("/srv/x")), "readlink /srv/x EINVAL");
    assert_eq!(say("rename", 0, [0; 6], pair("/srv/a.tmp", "/srv/a")), "rename /srv/a.tmp -> /srv/a");
    assert_eq!(say("renameat2", 0, [0, 0, 0, 0, 2, 0], pair("/srv/a", "/srv/b")), "rename /srv/a <-> /srv/b");
    assert_eq!(say("symlink", 0, [0; 6], pair("../x", "/srv/l")), "symlink /srv/l -> ../x");
    assert_eq!(say("mkdir", 0, [0, 0o755, 0, 0, 0, 0], path("/srv/d")), "mkdir /srv/d 0755");
    assert_eq!(say("mknod", 0, [0, 0o10_600, 0, 0, 0, 0], path("/srv/f")), "mkdir /srv/f fifo 0600");
    assert_eq!(say("rmdir", -39, [0; 6], path("/srv/d")), "unlink /srv/d folder ENOTEMPTY");
    let owner = [0, 1000, 0xffff_ffff, 0, 0, 0];
    assert_eq!(say("chown", 0, owner, path("/srv/f")), "chown /srv/f 1000:");
    assert_eq!(say("truncate", 0, [0, 7, 0, 0, 0, 0], path("/srv/f")), "truncate /srv/f 7 bytes");
    assert_eq!(say("unlink", -2, [0; 6], [whole("x"), NOT_ASKED, NOT_ASKED, NOT_ASKED]), "unlink ?/x ENOENT");
    let descriptor = [NOT_ASKED, whole("/srv/f"), NOT_ASKED, NOT_ASKED];
    let fixed = body::Call { args: [3, 0o600, 0, 0, 0, 0], syscall: 91, ..body::Call::default() };
    let fchmod = Actor::new(1).raw(&Wire::Call(Kind::Chmod, fixed, descriptor));
    assert_eq!(line(&judge(&[fchmod])[0]), "chmod /srv/f 0600");
}

#[test]
fn both_ends_of_a_rename_have_their_classes() {
    let mut actor = Actor::new(1);
    let texts = [whole("/home/u/.aws/credentials"), NOT_ASKED, whole("/tmp/x"), NOT_ASKED];
    let records = judge(&[call(&mut actor, "rename", 0, [0; 6], texts)]);
    assert!(records[0].classes.contains(Class::Credential));
    let says = [whole("/home/u/.aws/credentials"), NOT_ASKED, whole("/srv/innocent"), NOT_ASKED];
    let records = judge(&[call(&mut actor, "symlink", 0, [0; 6], says)]);
    assert!(records[0].classes.contains(Class::Credential), "a link to a credential is one way to it");
}

#[test]
fn a_file_that_comes_by_a_rename_counts_as_written_in_its_place() {
    let mut actor = Actor::new(10);
    let path = |asked| [whole(asked), NOT_ASKED, NOT_ASKED, NOT_ASKED];
    let program = Program { exe: "/usr/bin/sh", argv: &["sh"], cwd: "/srv/p", ..Program::default() };
    let mut inputs = vec![run(10), actor.exec(program)];
    for _ in 0..2 {
        inputs.push(actor.open_with("/srv/p/a.tmp", "/srv/p/a.tmp", 0o1101, 3));
        let texts = [whole("/srv/p/a.tmp"), NOT_ASKED, whole("/srv/p/a"), NOT_ASKED];
        inputs.push(call(&mut actor, "rename", 0, [0; 6], texts));
    }
    inputs.push(call(&mut actor, "mkdir", 0, [0; 6], path("/srv/p/d")));
    inputs.push(call(&mut actor, "unlink", 0, [0; 6], path("/srv/p/old")));
    inputs.push(call(&mut actor, "unlink", -2, [0; 6], path("/srv/p/none")));
    inputs.push(call(&mut actor, "unlink", 0, [0; 6], path("/home/u/.aws/credentials")));
    let mut summary = Summary::default();
    judge(&inputs).iter().for_each(|record| summary.add(record));
    let rows = summary.lines(100).join("\n");
    for row in ["  written      a ×2, d/\n", "  removed      old\n", "/home/u/.aws/credentials  removed by sh"] {
        assert!(rows.contains(row), "{row} in\n{rows}");
    }
}

#[test]
fn a_request_to_an_io_uring_says_what_it_names_and_claims_no_result() {
    let mut actor = Actor::new(1);
    let mut say = |operation: u32, args: [u64; 6], texts: [Str<'_>; 4]| {
        let fixed = body::Call { syscall: operation, args, flags: path_flag::BASE, ..body::Call::default() };
        judge(&[actor.raw(&Wire::Call(Kind::IoUring, fixed, texts))]).remove(0)
    };
    let open = say(18, [0, 0, 0o1101, 0, 0, 0], [whole("x"), whole("/srv"), NOT_ASKED, NOT_ASKED]);
    assert_eq!(line(&open), "attention io_uring IORING_OP_OPENAT write O_CREAT|O_TRUNC /srv/x");
    let Body::Attention(call) = &open.body else { panic!("{open:?}") };
    // A name alone is not exact here: nobody knows whether there is such a file.
    assert_eq!((call.path_state, call.result), (State::Unresolved, None));
    let texts = [whole("/a"), NOT_ASKED, whole("/home/u/.aws/credentials"), NOT_ASKED];
    let rename = say(35, [0, 0, 1, 0, 0, 0], texts);
    assert_eq!(
        line(&rename),
        "attention io_uring IORING_OP_RENAMEAT RENAME_NOREPLACE /a -> /home/u/.aws/credentials credential"
    );
    let address = sockaddr("93.184.216.34:443".parse().unwrap());
    let bytes = Str { bytes: &address, state: TextState::Complete };
    let connect = say(16, [0; 6], [bytes, NOT_ASKED, NOT_ASKED, NOT_ASKED]);
    assert_eq!(line(&connect), "attention io_uring IORING_OP_CONNECT 93.184.216.34:443 other_endpoint");
    assert_eq!(line(&say(200, [0; 6], [NOT_ASKED; 4])), "attention io_uring IORING_OP_200");
}
