//! Odd records as lines and in the summary: nothing is missing, nothing is said twice.

use agentsnoop_pipeline::{
    Lines, Pipeline, Record, Summary,
    event::encode,
    input::{Gap, Input},
    record::{Body, State},
    synthetic::{Actor, Program, absent, sockaddr, whole},
};
use monitor_common::{
    Header, Kind, TextState,
    body::{self, open_text},
    decode::{Body as Wire, Str},
};

use crate::common::{judge, run};

/// What a line says behind the kind, with single spaces.
fn line(input: Input) -> String {
    let mut out = String::new();
    Lines::default().render(&judge(&[input])[0], &mut out);
    out.split_whitespace().skip(3).collect::<Vec<_>>().join(" ")
}

fn raw(body: &Wire<'_>) -> Input {
    let header = Header { pid: 1, tid: 1, root: 1, ..Header::default() };
    Input::Raw(encode::record(&header, body).into())
}

fn summary(records: &[Record]) -> Vec<String> {
    let mut summary = Summary::default();
    records.iter().for_each(|record| summary.add(record));
    summary.lines(100)
}

#[test]
fn an_empty_string_is_shown_as_one() {
    assert_eq!(line(Actor::new(1).open_with("", "/srv", 0, -2)), "open '' ENOENT");
    assert_eq!(line(Actor::new(1).getenv("")), "getenv '' environment");
}

#[test]
fn an_address_that_could_not_be_read_is_said_once() {
    let unreadable =
        Wire::Connect(body::Connect { result: -14, ..body::Connect::default() }, absent(TextState::Unreadable));
    assert!(line(raw(&unreadable)).starts_with("connect (address unreadable) EFAULT"), "{}", line(raw(&unreadable)));
    let cut = Wire::Connect(body::Connect::default(), Str { bytes: b"\x02\0\x01", state: TextState::Cut });
    assert!(line(raw(&cut)).starts_with("connect (ipv4) (cut)"), "{}", line(raw(&cut)));
}

#[test]
fn a_path_in_an_unknown_folder_is_marked() {
    let failed = body::Open { result: -9, dfd: 99, ..body::Open::default() };
    let texts = |asked| [whole(asked), absent(TextState::NotAsked)];
    assert_eq!(line(raw(&Wire::Open(failed, texts("rel/x")))), "open ?/rel/x EBADF");
    assert_eq!(line(raw(&Wire::Open(failed, texts("/abs/x")))), "open /abs/x EBADF");
    let lost = body::Open { result: 3, ..body::Open::default() };
    let texts = [whole("rel"), absent(TextState::Unreadable)];
    assert_eq!(line(raw(&Wire::Open(lost, texts))), "open ?/rel read");
}

#[test]
fn a_failed_openat2_says_what_was_asked_for_and_no_more() {
    let mut texts = [whole("/etc/passwd"); open_text::COUNT];
    texts[open_text::PATH] = absent(TextState::NotAsked);
    let fixed = body::Open { result: -18, syscall: 437, dfd: 3, ..body::Open::default() };
    let Body::Open(open) = judge(&[raw(&Wire::Open(fixed, texts))]).remove(0).body else { panic!("an open") };
    assert_eq!((open.path_state, open.error.as_deref()), (State::Unresolved, Some("EXDEV")));
}

#[test]
fn one_is_not_shown_as_many() {
    let mut shell = Actor::new(10);
    let program = |exe, argv| Program { exe, argv, cwd: "/srv", ..Program::default() };
    let mut inputs = vec![run(10), shell.exec(program("/usr/bin/sh", &["sh"]))];
    let mut last = shell.clone();
    for pid in 11..16 {
        let (fork, mut child) = last.fork(pid);
        inputs.extend([fork, child.follow(&last).exec(program("/usr/bin/sleep", &["sleep", "1"]))]);
        last.follow(&child);
    }
    inputs.extend([last.exec(program("/usr/bin/sh", &["sh"])), last.open("/srv/x"), last.getenv("TERM")]);
    let rows = summary(&judge(&inputs)).join("\n");
    for row in [
        "  ran          6 processes, 7 execs: sleep ×5, sh ×2",
        "  files        1 open\n",
        "project_file     1 file, 1 open\n",
        "  variables    1 look-up of 1 name\n",
    ] {
        assert!(rows.contains(row), "{row} in\n{rows}");
    }
}

#[test]
fn names_of_the_locale_are_one_item() {
    let mut actor = Actor::new(10);
    let names = ["LC_ALL", "LC_CTYPE", "LC_TIME", "LANG", "LANG", "TZ"];
    let rows = summary(&judge(&names.map(|name| actor.getenv(name)))).join("\n");
    assert!(rows.contains("locale           LANG, TZ, LC_* ×3\n"), "{rows}");
    let rows = summary(&judge(&[actor.getenv("LC_ALL")])).join("\n");
    assert!(rows.contains("locale           LC_ALL\n"), "{rows}");
}

#[test]
fn what_gaps_left_out_is_in_the_row_of_what_was_lost() {
    let lost = |inputs: &[Option<u64>]| {
        let gap = |inputs: &Option<u64>| {
            Input::Gap(Gap { from_ns: 1, to_ns: 2, cause: "disk full".to_owned(), inputs: *inputs })
        };
        summary(&judge(&inputs.iter().map(gap).collect::<Vec<_>>())).pop().unwrap()
    };
    assert_eq!(lost(&[]), "  lost         nothing");
    assert_eq!(lost(&[Some(1)]), "  lost         1 input not recorded");
    assert_eq!(lost(&[Some(3), Some(4), None]), "  lost         7 inputs not recorded; an unknown number in 1 gap");
}

#[test]
fn the_summary_of_the_busiest_run_fits_a_screen() {
    let mut actor = Actor::new(10);
    let mut inputs = vec![run(10)];
    let paths = ["/home/u/.aws/credentials", "/etc/shadow", "/home/u/.bashrc", "/proc/1/environ", "/etc/hostname"];
    for at in 0..400 {
        let name = format!("/usr/bin/program-{at}");
        inputs.push(actor.exec(Program { exe: &name, argv: &[&name], cwd: "/srv", ..Program::default() }));
        inputs.extend(paths.map(|path| actor.open(path)));
        for path in ["/home/u/.gitconfig", "/etc/localtime", "/srv/p", "/x", "/dev/null", "/home/u/.claude.json"] {
            let path = if at % 2 == 0 { path.to_owned() } else { format!("{path}{at}") };
            inputs.push(actor.open_with(&path, &path, 0o1101, 3));
        }
        for result in [0, -111] {
            let port = 1000 + at;
            inputs.push(actor.connect(&sockaddr(format!("10.0.0.1:{port}").parse().unwrap()), result));
        }
        for name in ["_TOKEN", "_SECRET"] {
            inputs.push(actor.getenv(&format!("NAME_OF_A_LONG_VARIABLE_{at}{name}")));
        }
        for name in ["HTTP_PROXY", "TZ", "LC_ALL", "USER", "HOSTNAME", "EMAIL", "GIT_DIR"] {
            inputs.push(actor.getenv(name));
        }
    }
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    for input in &inputs {
        let _ = pipeline.push(input, &mut records);
    }
    let mut whole = Summary::default();
    records.iter().for_each(|record| whole.add(record));
    for width in [48, 80, 120] {
        let lines = whole.lines(width);
        assert!(lines.len() <= 40, "{} lines:\n{}", lines.len(), lines.join("\n"));
    }
}

#[test]
fn the_summary_names_programs_whose_look_ups_nobody_can_see() {
    let mut codex = Actor::new(1);
    let mut sh = Actor::new(2);
    let mut inputs = vec![codex.exec(Program { exe: "/opt/codex", argv: &["codex"], cwd: "/", ..Program::default() })];
    inputs.push(sh.exec(Program { exe: "/bin/dash", argv: &["sh"], cwd: "/", ..Program::default() }));
    inputs.extend([sh.open("/lib/x86_64-linux-gnu/libc.so.6"), codex.exit(0), sh.exit(0)]);
    let lines = summary(&judge(&inputs)).join("\n");
    let expected = "look-ups of variables by programs without a libc: codex";
    assert!(lines.contains(expected) && !lines.contains("libc: codex, dash"), "{lines}");
}

#[test]
fn an_enumeration_is_a_line_and_counts_apart_from_look_ups() {
    const NAMES: [&str; 8] = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let mut actor = Actor::new(1);
    let mut inputs =
        vec![actor.exec(Program { exe: "/bin/x", argv: &["x"], env: &NAMES, cwd: "/", ..Program::default() })];
    inputs.extend(NAMES.map(|name| actor.getenv(name)));
    inputs.extend([actor.getenv("TZ"), actor.exit(0)]);
    let records = judge(&inputs);
    let mut lines = String::new();
    Lines::default().render(&records[1], &mut lines);
    assert!(lines.contains("the environment, 8 names") && lines.contains("8 calls"), "{lines}");
    let lines = summary(&records).join("\n");
    assert!(lines.contains("1 look-up of 1 name, the whole environment 1 ×"), "{lines}");
}

#[test]
fn the_summary_tells_bytes_questions_and_calls_that_deserve_attention() {
    let peer = sockaddr("192.0.2.1:443".parse().unwrap());
    let text = Str { bytes: &peer, state: TextState::Complete };
    let burst = |flags| body::Traffic { bytes: 20_000, calls: 3, flags, ..body::Traffic::default() };
    let inputs = [
        raw(&Wire::Traffic(burst(0), text)),
        // A burst that goes on is told again when it is over.
        raw(&Wire::Traffic(burst(body::traffic_flag::OPEN), text)),
        raw(&Wire::Traffic(burst(body::traffic_flag::RECEIVED), text)),
        raw(&Wire::Call(
            Kind::Attention,
            body::Call { syscall: 101, ..body::Call::default() },
            [absent(TextState::NotAsked); body::call_text::COUNT],
        )),
    ];
    let lines = summary(&judge(&inputs));
    let has = |row: &str| lines.iter().any(|line| line.split_whitespace().collect::<Vec<_>>().join(" ") == row);
    assert!(has("moved 20 kB sent, 20 kB received"), "{lines:#?}");
    assert!(has("attention ptrace"), "{lines:#?}");
}
