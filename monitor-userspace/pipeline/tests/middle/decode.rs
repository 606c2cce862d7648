//! From wire to record: what the numbers of the kernel mean.

use agentsnoop_pipeline::{
    event::encode,
    input::{Clock, Input, Opened},
    record::{Access, Body, Connect, Exec, Exit, Open, State, Text},
    synthetic::{Actor, absent, sockaddr, whole},
};
use monitor_common::{
    Header, TextState,
    body::{self, FileId, exec_text, path_flag},
    decode::{Body as Wire, Str},
};

use crate::common::judge;

fn opened(input: Input) -> Open {
    let Body::Open(open) = judge(&[input]).remove(0).body else { panic!("an open") };
    open
}

fn connected(input: Input) -> Connect {
    let Body::Connect(connect) = judge(&[input]).remove(0).body else { panic!("a connect") };
    connect
}

fn exited(status: u32) -> Exit {
    let Body::Exit(exit) = judge(&[Actor::new(1).exit(status)]).remove(0).body else { panic!("an exit") };
    exit
}

/// An exec with its wire body and strings changed.
fn executed(change: impl FnOnce(&mut body::Exec, &mut [Str<'static>; exec_text::COUNT])) -> Exec {
    let mut texts = [whole(""); exec_text::COUNT];
    let mut fixed = body::Exec { old_tid: 1, ..body::Exec::default() };
    change(&mut fixed, &mut texts);
    let header = Header { pid: 1, tid: 1, root: 1, ..Header::default() };
    let raw = Input::Raw(encode::record(&header, &Wire::Exec(fixed, texts)).into());
    let Body::Exec(exec) = judge(&[raw]).remove(0).body else { panic!("an exec") };
    *exec
}

fn strings(texts: &[Text]) -> Vec<String> {
    texts.iter().map(|text| text.to_str().into_owned()).collect()
}

fn path(open: &Open) -> (Option<String>, State) {
    (open.path.as_ref().map(|path| path.to_str().into_owned()), open.path_state)
}

#[test]
fn what_failed_gets_the_absolute_path_that_was_asked_for() {
    let cases = [
        ("/nope", "", "/nope"),
        ("/a//b/./c/", "", "/a/b/c"),
        ("/..//../x", "", "/x"),
        ("x", "/home/ada", "/home/ada/x"),
        ("./x", "/home/ada", "/home/ada/x"),
        ("../x", "/home/ada/p", "/home/ada/x"),
        ("../../../../x", "/home/ada/p", "/x"),
        ("..", "/home/ada/p", "/home/ada"),
        ("..", "/", "/"),
        (".", "/home/ada", "/home/ada"),
        ("x", "/", "/x"),
        // What is before the dots may be a symbolic link.
        ("a/../b", "/home/ada", "/home/ada/a/../b"),
        ("../a/..", "/home/ada/p", "/home/ada/a/.."),
        ("/a/../b", "", "/a/../b"),
    ];
    for (requested, base, expected) in cases {
        let open = opened(Actor::new(1).open_with(requested, base, 0, -2));
        assert_eq!(path(&open), (Some(expected.to_owned()), State::Unresolved), "{requested} from {base}");
        assert_eq!((open.error.as_deref(), open.result), (Some("ENOENT"), -2));
    }
}

#[test]
fn no_path_is_made_up() {
    let empty = opened(Actor::new(1).open_with("", "/home/ada", 0, -2));
    assert_eq!(path(&empty), (None, State::Unresolved), "an empty path names nothing");
    let open = |fixed: body::Open, texts| {
        let header = Header { pid: 1, tid: 1, root: 1, ..Header::default() };
        opened(Input::Raw(encode::record(&header, &Wire::Open(fixed, texts)).into()))
    };
    let failed = body::Open { result: -2, ..body::Open::default() };
    let based = body::Open { flags: path_flag::BASE, ..failed };
    let nowhere = open(failed, [whole("x"), absent(TextState::NotAsked)]);
    assert_eq!(path(&nowhere), (None, State::Unresolved), "the folder is not known");
    let untold = open(body::Open { result: 3, ..failed }, [whole("/x"), absent(TextState::NotAsked)]);
    assert_eq!(path(&untold), (Some("/x".to_owned()), State::Unresolved), "this kernel tells no paths");
    let unreadable = open(based, [whole("x"), absent(TextState::Unreadable)]);
    assert_eq!(path(&unreadable), (None, State::Unreadable));
    let cut = open(based, [whole("x"), Str { bytes: b"/deep", state: TextState::Cut }]);
    assert_eq!(path(&cut), (Some("/deep/x".to_owned()), State::Cut));
    let fault = open(failed, [absent(TextState::Unreadable), absent(TextState::NotAsked)]);
    assert_eq!((path(&fault).0, fault.requested, fault.requested_state), (None, None, State::Unreadable));
}

#[test]
fn a_file_without_a_path_has_the_kernels_name() {
    let fixed = body::Open { result: 3, flags: path_flag::NO_PATH, ..body::Open::default() };
    let header = Header { pid: 1, tid: 1, root: 1, ..Header::default() };
    let raw = encode::record(&header, &Wire::Open(fixed, [whole("/proc/self/fd/3"), whole("memfd:x")]));
    let open = opened(Input::Raw(raw.into()));
    assert_eq!(path(&open), (Some("/proc/self/fd/3".to_owned()), State::Unresolved));
    assert_eq!(open.anonymous, Some(Text::from("memfd:x")));
}

#[test]
fn flags_and_access_have_their_names() {
    let of = |flags| {
        let open = opened(Actor::new(1).open_with("/x", "/x", flags, 3));
        (open.access, open.flags.to_string())
    };
    assert_eq!(of(0), (Access::Read, String::new()));
    assert_eq!(of(0o1101), (Access::Write, "O_CREAT|O_TRUNC".to_owned()));
    assert_eq!(of(0o2_000_002), (Access::ReadWrite, "O_CLOEXEC".to_owned()));
    assert_eq!(of(3), (Access::ReadWrite, String::new()));
    assert_eq!(of(0o12_000_000), (Access::Path, "O_CLOEXEC|O_PATH".to_owned()));
    assert_eq!(of(0o20_200_002), (Access::ReadWrite, "O_TMPFILE".to_owned()));
    assert_eq!(of(0o4_010_000).1, "O_SYNC");
    assert_eq!(of(0o10_000).1, "O_DSYNC");
    assert_eq!(of(1 << 40).1, "0x10000000000");
}

#[test]
fn creat_is_an_open_that_creates_and_truncates() {
    let fixed = body::Open { result: 3, syscall: 85, mode: 0o644, ..body::Open::default() };
    let header = Header { pid: 1, tid: 1, root: 1, ..Header::default() };
    let open = opened(Input::Raw(encode::record(&header, &Wire::Open(fixed, [whole("/x"), whole("/x")])).into()));
    assert_eq!(
        (open.access, open.flags.to_string(), open.mode),
        (Access::Write, "O_CREAT|O_TRUNC".to_owned(), Some(0o644))
    );
}

#[test]
fn socket_addresses_of_every_family_are_read() {
    let connect = |bytes: &[u8]| connected(Actor::new(1).connect(bytes, 0));
    let shown = |bytes: &[u8]| {
        let connect = connect(bytes);
        let path = connect.path.map(|path| path.to_str().into_owned());
        (connect.family.map(std::borrow::Cow::into_owned), connect.address.map(|ip| ip.to_string()), connect.port, path)
    };
    let family = |name: &str| Some(name.to_owned());
    let v4 = sockaddr("10.1.2.3:443".parse().unwrap());
    assert_eq!(shown(&v4), (family("ipv4"), Some("10.1.2.3".to_owned()), Some(443), None));
    let v6 = sockaddr("[fe80::1%7]:80".parse().unwrap());
    assert_eq!(shown(&v6), (family("ipv6"), Some("fe80::1".to_owned()), Some(80), None));
    assert_eq!(connect(&v6).scope, Some(7));
    let mapped = sockaddr("[::ffff:10.0.0.1]:1".parse().unwrap());
    assert_eq!(shown(&mapped).1, Some("::ffff:10.0.0.1".to_owned()), "as it was given");
    assert_eq!(shown(b"\x01\0/run/x.sock\0\0\0"), (family("unix"), None, None, Some("/run/x.sock".to_owned())));
    assert_eq!(shown(b"\x01\0\0abstract").3, Some("@abstract".to_owned()));
    assert_eq!(shown(b"\x01\0\0abstract\0\0\0\0").3, Some("@abstract".to_owned()), "padded");
    assert_eq!(shown(b"\x01\0"), (family("unix"), None, None, None), "unnamed");
    assert_eq!(shown(b"\x01\0\0\0\0").3, None);
    assert_eq!(shown(b"\x10\0\0\0\0\0\0\0\0\0\0\0").0, family("netlink"));
    assert_eq!(shown(b"\0\0").0, family("unspec"));
    assert_eq!(shown(b"\x1d\0\0").0, family("af_29"));
    assert_eq!(shown(b"\x02\0\x01"), (family("ipv4"), None, None, None), "too short");
    assert_eq!(shown(b"\x02"), (None, None, None, None));
    assert_eq!(connected(Actor::new(1).connect(&v4, -115)).error.as_deref(), Some("EINPROGRESS"));
    assert_eq!(connect(&v4).protocol.as_deref(), Some("tcp"));
}

#[test]
fn an_exit_tells_code_signal_or_core() {
    assert_eq!((exited(0).code, exited(0).signal), (Some(0), None));
    assert_eq!(exited(3 << 8).code, Some(3));
    let killed = exited(9);
    assert_eq!((killed.code, killed.signal.as_deref(), killed.core_dumped), (None, Some("SIGKILL"), false));
    let dumped = exited(0x80 | 11);
    assert_eq!((dumped.signal.as_deref(), dumped.core_dumped), (Some("SIGSEGV"), true));
    assert_eq!(exited(34).signal.as_deref(), Some("SIG34"));
}

#[test]
fn arguments_keep_their_boundaries() {
    let argv = |bytes: &'static [u8]| {
        strings(&executed(|_, texts| texts[exec_text::ARGV] = Str { bytes, state: TextState::Complete }).argv)
    };
    assert_eq!(argv(b""), [""; 0]);
    assert_eq!(argv(b"a\0"), ["a"]);
    assert_eq!(argv(b"a\0\0b\0"), ["a", "", "b"]);
    assert_eq!(argv(b"\0"), [""]);
    assert_eq!(argv(b"rewritten title"), ["rewritten title"], "a process may have no NUL at the end");
    assert_eq!(argv(b"\xff\0"), ["\\xff"]);
}

#[test]
fn a_cut_command_line_has_its_head_and_its_tail() {
    let exec = executed(|fixed, texts| {
        fixed.argv_bytes = 100_000;
        texts[exec_text::ARGV] = Str { bytes: b"bash\0-c\0begin", state: TextState::Cut };
        texts[exec_text::ARGV_TAIL] = Str { bytes: b"end\0last\0", state: TextState::Complete };
    });
    assert_eq!(strings(&exec.argv), ["bash", "-c", "begin…end", "last"]);
    assert_eq!((exec.argv_state, exec.argv_bytes), (State::Cut, Some(100_000)));
}

#[test]
fn descriptors_are_described() {
    let exec = executed(|fixed, texts| {
        fixed.stdio = [
            FileId { mode: 0o020_620, inode: 3, ..FileId::default() },
            FileId { mode: 0o010_600, inode: 77, ..FileId::default() },
            FileId { mode: 0o140_777, inode: 78, ..FileId::default() },
        ];
        texts[exec_text::STDIN] = whole("/dev/pts/0");
    });
    assert_eq!(strings(&exec.stdio), ["/dev/pts/0", "pipe:[77]", "socket:[78]"]);
    let exec = executed(|_, texts| {
        texts[exec_text::STDIN] = absent(TextState::NotAsked);
        texts[exec_text::STDOUT] = absent(TextState::Unreadable);
        texts[exec_text::STDERR] = whole("memfd:log");
    });
    assert_eq!(strings(&exec.stdio), ["closed", "unknown", "memfd:log"]);
}

#[test]
fn what_could_not_be_read_is_never_an_empty_string() {
    let exec = executed(|_, texts| {
        texts[exec_text::EXE] = absent(TextState::Unreadable);
        texts[exec_text::CWD] = absent(TextState::Unreadable);
        texts[exec_text::ARGV] = absent(TextState::Unreadable);
        texts[exec_text::ENV] = absent(TextState::NotAsked);
    });
    let json = serde_json::to_value(&exec).unwrap();
    assert_eq!((json.get("path"), json.get("cwd")), (None, None));
    let states = ["path_state", "cwd_state", "argv_state", "env_names_state"].map(|name| json[name].as_str().unwrap());
    assert_eq!(states, ["unreadable", "unreadable", "unreadable", "not_asked"]);
}

#[test]
fn the_boot_clock_becomes_the_wall_clock() {
    let clock = Clock { boot_ns: 2_000_000_000, real_ns: 1_700_000_000_123_456_789 };
    let mut actor = Actor::new(1);
    let records = judge(&[Input::Opened(Box::new(Opened { clock, ..Opened::default() })), actor.open("/x")]);
    assert_eq!(records[0].time.to_string(), "2023-11-14T22:13:19.123457789Z", "a second less 1 µs before the anchor");
}

#[test]
fn names_that_a_terminal_must_not_see_are_escaped() {
    let shown = |text: &str| {
        let mut out = String::new();
        Text::from(text).escape_into(&mut out);
        out
    };
    assert_eq!(shown("a\nb\tc\u{1b}[31m\u{7f}\u{9b}"), "a\\nb\\tc\\e[31m\\x7f\\u{9b}");
    assert_eq!(shown("a\u{202e}b\u{200b}c\u{feff}"), "a\\u{202e}b\\u{200b}c\\u{feff}");
    assert_eq!(shown("grüße 日本"), "grüße 日本");
    let mut out = String::new();
    Text::from(vec![b'a', 0xff, 0xc3]).escape_into(&mut out);
    assert_eq!(out, "a\\xff\\xc3");
}
