//! What is masked, and what is left alone.

use std::sync::{LazyLock, Mutex};

use agentsnoop_pipeline::{
    Pipeline, Scrub,
    input::{Existing, Input, Observed, Opened},
    record::Body,
    synthetic::{Actor, Program},
};
use monitor_common::{
    TextState,
    body::{self, exec_text},
    decode::{self, Body as Wire, Str},
};
use proptest::prelude::*;

use crate::secrets::{COMMANDS, NAMES, ORDINARY, PATHS, TOKENS};

fn scrub() -> Scrub {
    Scrub::new().unwrap()
}

fn command(line: &str) -> Vec<u8> {
    let mut bytes = line.replace("\\|", "\u{1}").replace('|', "\0").replace('\u{1}', "|").into_bytes();
    bytes.push(0);
    bytes
}

fn after(scrub: &mut Scrub, line: &str) -> String {
    let bytes = command(line);
    let masked = scrub.command_line(&bytes).map_or(bytes, |masked| masked.to_vec());
    String::from_utf8(masked).unwrap()
}

/// Everything that a record shows, as JSON.
fn shown(scrub: &mut Scrub, input: Input) -> String {
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    pipeline.push(&scrub.apply(input), &mut records);
    serde_json::to_string(&records[0]).unwrap()
}

#[test]
fn a_token_survives_nowhere() {
    let mut scrub = scrub();
    for token in TOKENS {
        let mut actor = Actor::new(1);
        let around = format!("x={token}");
        let inputs = [
            actor.exec(Program { exe: "/bin/x", argv: &["x", token, "y"], ..Program::default() }),
            actor.exec(Program {
                exe: "/bin/x",
                argv: &["sh", "-c", &format!("echo {token}; ls")],
                ..Program::default()
            }),
            actor.exec(Program {
                exe: "/bin/x",
                argv: &["x", &around],
                cwd: &format!("/tmp/{token}"),
                ..Program::default()
            }),
            actor.exec(Program { exe: "/bin/x", argv: &["x"], env: &["HOME", token], ..Program::default() }),
            actor.open(&format!("/tmp/{token}/file")),
            actor.open_with(token, "/tmp", 0, -2),
            actor.getenv(token),
        ];
        for input in inputs {
            let json = shown(&mut scrub, input);
            assert!(!json.contains(token), "{token} survives in {json}");
            assert!(json.contains("[masked:"), "{json}");
        }
    }
}

#[test]
fn a_value_that_a_name_calls_secret_is_masked() {
    let mut scrub = scrub();
    for (line, secret) in COMMANDS {
        let masked = after(&mut scrub, line);
        assert!(!masked.contains(secret), "{secret} survives in {masked:?}");
        assert!(masked.contains("[masked:"), "{masked:?}");
    }
}

#[test]
fn the_rest_of_a_command_line_stays_readable() {
    let mut scrub = scrub();
    let cases = [
        ("tool|--password|x1|--verbose|file", "tool|--password|[masked:option]|--verbose|file|"),
        ("tool|--token=x1|file", "tool|--token=[masked:option]|file|"),
        ("bash|-c|FOO_TOKEN=x1 cmd --flag", "bash|-c|FOO_TOKEN=[masked:assignment] cmd --flag|"),
        ("env|A_SECRET=x1|cmd|arg", "env|A_SECRET=[masked:assignment]|cmd|arg|"),
        ("curl|https://u:x1@host/p?q=1", "curl|https://u:[masked:url-password]@host/p?q=1|"),
        ("helm|--set|a=b,auth.password=x1,c=d", "helm|--set|a=b,auth.password=[masked:assignment],c=d|"),
        ("python3|-c|f(a_token='x1', b='c').g()", "python3|-c|f(a_token='[masked:assignment]', b='c').g()|"),
        ("bash|-c|A_TOKEN='x1'\\''y z' cmd", "bash|-c|A_TOKEN=[masked:assignment] cmd|"),
        ("curl|-H|Authorization: Bearer x1", "curl|-H|Authorization: Bearer [masked:header]|"),
    ];
    for (line, expected) in cases {
        assert_eq!(after(&mut scrub, line).replace('\0', "|"), expected);
    }
}

#[test]
fn what_developers_write_every_day_is_left_alone() {
    let mut scrub = scrub();
    for line in ORDINARY {
        assert_eq!(scrub.command_line(&command(line)), None, "{line}");
    }
    let mut actor = Actor::new(1);
    for path in PATHS {
        let input = actor.open(path);
        assert_eq!(scrub.apply(input.clone()), input, "{path}");
    }
    for name in NAMES {
        let input = actor.getenv(name);
        assert_eq!(scrub.apply(input.clone()), input, "{name}");
    }
    assert_eq!(scrub.masked(), 0);
}

#[test]
fn a_key_that_is_looked_up_as_a_variable_is_masked() {
    let mut actor = Actor::new(1);
    let others = ["sk-fake-0123456789abcdef", "a8f5f167f44f4964e6c998dee827110c", "sk-ant-fake"];
    for name in others.into_iter().chain(TOKENS) {
        let json = shown(&mut scrub(), actor.getenv(name));
        assert!(!json.contains(name) && json.contains(r#""name_state":"masked""#), "{json}");
    }
}

#[test]
fn masking_twice_changes_nothing_more() {
    let mut scrub = scrub();
    for line in COMMANDS.map(|(line, _)| line).into_iter().chain(TOKENS) {
        let bytes = command(line);
        let once = scrub.command_line(&bytes).unwrap_or_else(|| panic!("{line}"));
        assert_eq!(scrub.command_line(&once), None, "{line}: {}", String::from_utf8_lossy(&once));
    }
}

#[test]
fn what_was_known_before_is_masked_too() {
    let mut scrub = scrub();
    let argv = vec!["tool".to_owned(), "--password".to_owned(), "Hunter22".to_owned()];
    let opened = Input::Opened(Box::new(Opened { command: argv.clone(), ..Opened::default() }));
    let process = Input::Observed(Observed::Process(Box::new(Existing { argv, ..Existing::default() })));
    let Input::Opened(opened) = scrub.apply(opened) else { panic!() };
    assert_eq!(opened.command, ["tool", "--password", "[masked:option]"]);
    let Input::Observed(Observed::Process(process)) = scrub.apply(process) else { panic!() };
    assert_eq!(process.argv, ["tool", "--password", "[masked:option]"]);
    assert_eq!(scrub.masked(), 2);
}

/// An argv that the kernel half has cut, as an input.
fn cut(head: &[u8], tail: &[u8]) -> Input {
    let Input::Raw(bytes) = Actor::new(1).exec(Program { exe: "/bin/x", ..Program::default() }) else { panic!() };
    let record = decode::record(&bytes).unwrap();
    let decode::Body::Exec(fixed, mut texts) = record.body else { panic!() };
    texts[exec_text::ARGV] = Str { bytes: head, state: TextState::Cut };
    texts[exec_text::ARGV_TAIL] = Str { bytes: tail, state: TextState::Complete };
    Input::Raw(agentsnoop_pipeline::event::encode::record(&record.header, &decode::Body::Exec(fixed, texts)).into())
}

#[test]
fn what_the_mask_at_the_cut_lays_bare_is_masked_too() {
    let table: [(&[u8], &[u8]); 3] = [
        // Behind the word at the cut, which ends with a backslash, another command begins.
        (b"-c$(| token: x1y2", b"z3w4|\\ curl -u a:b"),
        (b"sudo -S\"\"\\\"|token: x1y2z3", b"w4' curl -u a:bs3cretA1'mysql"),
        (b"$(abc $( \0s3cretA1$(", b"sh\0-c\0PASSWORD=--password ;"),
    ];
    for (head, tail) in table {
        let mut scrub = scrub();
        let masked = scrub.apply(cut(head, tail));
        assert_eq!(scrub.apply(masked.clone()), masked, "{:?}", String::from_utf8_lossy(tail));
    }
    let json = shown(&mut scrub(), cut(table[0].0, table[0].1));
    assert!(json.contains("[masked:cut] curl -u a:[masked:user-password]"), "{json}");
}

#[test]
fn the_tail_of_a_long_command_line_is_of_the_programs_in_its_head() {
    let lorem = "lorem ".repeat(50);
    for (head, tail) in [
        (format!("curl\0-d\0{lorem}"), format!("{lorem}\0-u\0me:Hunter22\0https://x\0")),
        (format!("mysql\0-e\0{lorem}"), format!("{lorem}\0-pHunter22\0")),
        (format!("sudo\0docker\0login\0-u\0{lorem}"), format!("{lorem}\0-p\0Hunter22\0")),
        (format!("bash\0-c\0mysql -e '{lorem}"), format!("{lorem}' -pHunter22\0")),
        (format!("bash\0-c\0mysql -e 'insert; {lorem}"), format!("{lorem}; select' -pHunter22 -e 'x'\0")),
        (format!("bash\0-c\0ssh host \"mysql -e '{lorem}"), format!("{lorem}' -pHunter22\"\0")),
    ] {
        let mut scrub = scrub();
        let masked = scrub.apply(cut(head.as_bytes(), tail.as_bytes()));
        assert_eq!(scrub.apply(masked.clone()), masked);
        let json = shown(&mut scrub, masked);
        assert!(!json.contains("Hunter22") && json.contains("[masked:"), "{json}");
    }
    // Without such a program it is none.
    let json = shown(&mut scrub(), cut(format!("cp\0{lorem}").as_bytes(), format!("{lorem}\0-pr\0x\0").as_bytes()));
    assert!(json.contains("-pr"), "{json}");
}

#[test]
fn a_command_line_that_takes_too_long_is_masked_as_a_whole() {
    let names: Vec<String> = (0..200).map(|number| format!("\"n{number}\"")).collect();
    let usages: Vec<String> = (0..200).map(|number| format!("\"-{number} <secret>\"")).collect();
    let rules: String = (0..20)
        .map(|id| {
            format!("[[program]]\nid = \"p{id}\"\nnames = [{}]\nusage = [{}]\n", names.join(","), usages.join(","))
        })
        .collect();
    let source = agentsnoop_pipeline::scrub::Source { name: "scrub.toml".to_owned(), content: rules };
    let mut scrub = Scrub::with(&[source]).unwrap();
    let masked = scrub.command_line("n1 a\0".repeat(2000).as_bytes());
    assert_eq!(masked.as_deref(), Some(&b"[masked:excess]"[..]));
    let short = scrub.command_line(b"n1\0-5\0Hunter22\0-199\0Hunter23\0x\0");
    assert_eq!(short.as_deref(), Some(&b"n1\0-5\0[masked:p0]\0-199\0[masked:p0]\0x\0"[..]));
}

#[test]
fn half_a_secret_at_the_cut_of_a_long_command_line_is_masked() {
    let mut scrub = scrub();
    let json = shown(&mut scrub, cut(b"x\0first part ghp_0123456", b"89abcdefgh last part\0"));
    assert!(!json.contains("ghp_") && !json.contains("89abc"), "{json}");
    assert!(json.contains("first part [masked:cut]…[masked:cut] last part"), "{json}");
}

#[test]
fn masks_never_make_a_record_too_long() {
    let line = "bash\0-c\0".to_owned() + &"A_TOKEN=x ".repeat(6500) + "\0";
    let mut pipeline = Pipeline::new().unwrap();
    let mut records = Vec::new();
    pipeline.push(&scrub().apply(cut(line.as_bytes(), line.as_bytes())), &mut records);
    assert!(matches!(records[0].body, Body::Exec(_)), "{:?}", records[0].kind());
    assert!(!format!("{:?}", records[0]).contains("=x"));
}

/// Compiling the rules takes longer than a case.
static SHARED: LazyLock<Mutex<Scrub>> = LazyLock::new(|| Mutex::new(scrub()));

#[test]
fn the_path_of_a_unix_socket_is_masked_wherever_it_is_told() {
    let path = format!("\u{1}\0/run/{}.sock", TOKENS[10]);
    let text = Str { bytes: path.as_bytes(), state: TextState::Complete };
    let traffic = body::Traffic { bytes: 1, calls: 1, ..body::Traffic::default() };
    for body in [Wire::Traffic(traffic, text), Wire::Connect(body::Connect::default(), text)] {
        let shown = shown(&mut scrub(), Actor::new(1).raw(&body));
        assert!(shown.contains("/run/[masked:") && !shown.contains(TOKENS[10]), "{shown}");
    }
}

proptest! {
    #[test]
    fn masking_any_mixture_twice_changes_nothing_more(
        parts in proptest::collection::vec((0..TOKENS.len() + COMMANDS.len(), "[ |/=:'\"@;&-]{0,3}"), 1..5),
    ) {
        let word = |at: usize| TOKENS.get(at).copied().unwrap_or_else(|| COMMANDS[at - TOKENS.len()].0);
        let line: String = parts.iter().flat_map(|(at, between)| [word(*at), between]).collect();
        let mut scrub = SHARED.lock().unwrap();
        if let Some(once) = scrub.command_line(&command(&line)) {
            let twice = scrub.command_line(&once);
            prop_assert_eq!(twice.map(|twice| String::from_utf8_lossy(&twice).into_owned()), None, "{}", String::from_utf8_lossy(&once));
        }
    }

    #[test]
    fn a_secret_is_masked_wherever_it_is(token in 0..TOKENS.len(), before in "[ a-z/=:'\"]{0,20}", after in "[ /'\";]{0,5}[a-z ]{0,10}") {
        let token = TOKENS[token];
        // What joins a token on its left can make it another word.
        prop_assume!(!before.ends_with(|last: char| last.is_ascii_alphanumeric()));
        let line = format!("cmd|{before}{token}{after}|end");
        let mut scrub = SHARED.lock().unwrap();
        let masked = self::after(&mut scrub, &line);
        prop_assert!(!masked.contains(token), "{masked:?}");
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut scrub = SHARED.lock().unwrap();
        scrub.command_line(&bytes);
        let _ = scrub.apply(Input::Raw(bytes.into()));
    }
}

#[test]
fn however_many_passwords_a_command_line_has_none_of_them_is_left() {
    for count in [9, 20, 200] {
        let options: String = (0..count).map(|number| format!("|-u|user{number}:Hunter{number}2|h{number}")).collect();
        let line = format!("curl{options}");
        let masked = after(&mut scrub(), &line);
        assert!(!masked.contains("Hunter"), "{count}: {masked}");
        assert!(masked.contains("[masked:"), "{count}: {masked}");
    }
}
