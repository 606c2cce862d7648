//! The samples of secrets and of ordinary strings, the rules of users, the counts, and what is said where nothing is masked.

use agentsnoop_pipeline::{
    Ledger, Pipeline, Scrub, Summary,
    input::{Config, Existing, Input, Observed},
    record::Id,
    scrub::{FILE_BYTES, Source},
    synthetic::{Actor, Program, sockaddr},
};
use monitor_common::{
    TextState,
    body::{self, name_source},
    decode::{self, Body as Wire, Str},
};

use crate::samples::{self, Sample};

fn shown(input: &Input) -> String {
    let Input::Raw(bytes) = input else { panic!("{input:?}") };
    String::from_utf8_lossy(bytes).replace('\0', "|")
}

/// The input after scrubbing, its counts and what it shows.
fn through(scrub: &mut Scrub, input: Input) -> (Vec<(String, u64)>, String) {
    let masked = scrub.apply(input);
    let mut ledger = Ledger::default();
    ledger.push(&masked, Id::default());
    (ledger.masks().map(|(id, count)| (id.to_owned(), count)).collect(), shown(&masked))
}

fn exec(argv: &[String]) -> Input {
    let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
    Actor::new(1).exec(Program { exe: "/usr/bin/x", argv: &argv, ..Program::default() })
}

/// A question for a name (RFC 1035, 4.1).
fn question(name: &str) -> Vec<u8> {
    let mut message = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    for label in name.split('.') {
        message.push(u8::try_from(label.len()).unwrap());
        message.extend(label.bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// A question and an answer that points to its name.
fn answer(name: &str) -> Vec<u8> {
    let mut message = question(name);
    message[2] = 0x81;
    message[7] = 1;
    message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
    message
}

fn named(name: &str, state: TextState) -> Input {
    let server = sockaddr(([192, 0, 2, 53], 443).into());
    let texts = [Str { bytes: &server, state: TextState::Complete }, Str { bytes: name.as_bytes(), state }];
    Actor::new(1).raw(&Wire::Name(body::Name { source: name_source::SNI, ..body::Name::default() }, texts))
}

#[test]
fn each_sample_of_a_secret_is_masked_by_its_rule_and_counted_once() {
    let samples = samples::secrets().unwrap();
    assert!(samples.len() >= 60, "{}", samples.len());
    let (mut scrub, mut failures) = (Scrub::new().unwrap(), String::new());
    for Sample { rule, secret, argv, .. } in &samples {
        let (counts, text) = through(&mut scrub, exec(argv));
        if text.contains(secret.as_str()) || counts != [(rule.clone(), 1)] {
            failures.push_str(&format!("{rule}: {counts:?} {text}\n"));
        }
        assert!(shown(&exec(argv)).contains(secret.as_str()), "the sample itself lacks {secret}");
    }
    assert!(failures.is_empty(), "{failures}");
}

#[test]
fn a_sample_that_is_known_by_its_form_is_masked_wherever_it_is() {
    let mut scrub = Scrub::new().unwrap();
    let server = sockaddr(([192, 0, 2, 53], 53).into());
    for Sample { rule, secret, host, .. } in samples::secrets().unwrap().into_iter().filter(|sample| sample.alone) {
        let mut actor = Actor::new(1);
        let mut inputs = vec![
            actor.open(&format!("/tmp/{secret}/file")),
            actor.open_with(&secret, "/tmp", 0, -2),
            actor.getenv(&secret),
            actor.exec(Program {
                exe: &format!("/opt/{secret}"),
                argv: &["x"],
                env: &["HOME", &secret],
                ..Program::default()
            }),
        ];
        if host {
            inputs.push(named(&format!("{secret}.exfil.example"), TextState::Complete));
            inputs.push(actor.dns(false, &server, &question(&format!("{secret}.exfil.example"))));
            inputs.push(actor.dns(true, &server, &answer(&format!("a.{secret}.exfil.example"))));
        }
        for input in inputs {
            let (counts, text) = through(&mut scrub, input);
            assert!(!text.contains(&secret) && counts.iter().all(|(id, _)| *id == rule), "{rule} {counts:?} {text}");
        }
    }
}

#[test]
fn a_masked_message_keeps_the_shape_of_its_names() {
    let secret = format!("{}_{}", "ghp", "0123456789abcdefghijABCDEFGHIJ012345");
    let server = sockaddr(([192, 0, 2, 53], 53).into());
    let message = answer(&format!("{secret}.exfil.example"));
    let Input::Raw(bytes) = Scrub::new().unwrap().apply(Actor::new(1).dns(true, &server, &message)) else { panic!() };
    let Wire::Dns(_, texts) = decode::record(&bytes).unwrap().body else { panic!() };
    assert_eq!(texts[1].bytes.len(), message.len());
    assert_eq!(texts[1].state, TextState::Masked);
    let (mut pipeline, mut records) = (Pipeline::new().unwrap(), Vec::new());
    pipeline.push(&Input::Raw(bytes), &mut records);
    let json = serde_json::to_string(&records[0]).unwrap();
    assert!(
        json.contains("[masked:vcs-token]**********************.exfil.example") && json.contains("192.0.2.1"),
        "{json}"
    );
}

#[test]
fn two_hundred_ordinary_strings_are_left_alone() {
    let ordinary = samples::ordinary();
    assert!(ordinary.len() >= 200, "{}", ordinary.len());
    let mut scrub = Scrub::new().unwrap();
    let server = sockaddr(([192, 0, 2, 53], 53).into());
    let mut failures = String::new();
    for (kind, text) in ordinary {
        let mut actor = Actor::new(1);
        let input = match kind {
            "argv" => exec(&text.trim_end_matches('\0').split('\0').map(str::to_owned).collect::<Vec<_>>()),
            "path" => actor.open(&text),
            "name" => actor.getenv(&text),
            "host" => actor.dns(false, &server, &question(&text)),
            other => panic!("{other}"),
        };
        let after = scrub.apply(input.clone());
        if after != input {
            failures.push_str(&format!("{}\n", shown(&after)));
        }
    }
    assert!(failures.is_empty(), "{failures}");
    assert_eq!(scrub.masked(), 0);
}

#[test]
fn a_half_of_a_secret_at_the_end_of_a_string_that_was_cut_is_masked() {
    let half = format!("{}_{}", "ghp", "0123456");
    let mut scrub = Scrub::new().unwrap();
    for (input, before) in [
        (
            Actor::new(1)
                .raw(&Wire::Getenv(body::Getenv::default(), Str { bytes: half.as_bytes(), state: TextState::Cut })),
            "",
        ),
        (named(&half, TextState::Cut), ""),
        (
            Actor::new(1).raw(&Wire::Open(
                body::Open::default(),
                [
                    Str { bytes: format!("/tmp/{half}").as_bytes(), state: TextState::Cut },
                    Str { bytes: b"", state: TextState::NotAsked },
                ],
            )),
            "/tmp/",
        ),
    ] {
        let (counts, text) = through(&mut scrub, input);
        assert!(
            text.ends_with(&format!("{before}[masked:cut]")) && counts == [("cut".to_owned(), 1)],
            "{counts:?} {text}"
        );
    }
}

fn source(content: &str) -> Source {
    Source { name: "/home/me/scrub.toml".to_owned(), content: content.to_owned() }
}

#[test]
fn rules_of_users_add_to_the_built_in_ones() {
    let own = source(
        r#"
[[rule]]
id = "badge"
pattern = 'BADGE-[0-9]{6}'

[[program]]
id = "vpn"
names = ["vpnctl"]
usage = ["connect --pin <secret>", "connect _ <secret>"]
"#,
    );
    let mut scrub = Scrub::with(&[own]).unwrap();
    for (line, expected) in [
        ("x\0BADGE-123456\0", "x\0[masked:badge]\0"),
        ("sudo\0vpnctl\0connect\0--pin\0pin4711\0", "sudo\0vpnctl\0connect\0--pin\0[masked:vpn]\0"),
        ("vpnctl\0connect\0office\0swordfish\0", "vpnctl\0connect\0office\0[masked:vpn]\0"),
        ("x\0--password\0Hunter22\0", "x\0--password\0[masked:option]\0"),
    ] {
        assert_eq!(scrub.command_line(line.as_bytes()).as_deref(), Some(expected.as_bytes()), "{line}");
    }
    let (counts, text) = through(&mut scrub, Actor::new(1).open("/srv/BADGE-123456/photo.png"));
    assert!(text.contains("/srv/[masked:badge]/photo.png") && counts == [("badge".to_owned(), 1)], "{counts:?} {text}");
    assert_ne!(scrub.digest(), Scrub::new().unwrap().digest());
    assert_eq!(scrub.counts().filter(|(id, _)| *id == "vpn").map(|(_, count)| count).sum::<u64>(), 2);
}

#[test]
fn a_mistake_in_a_rule_is_told_with_file_line_and_what_was_expected() {
    let long = format!("# {}", "x".repeat(FILE_BYTES));
    for (content, expected) in [
        (
            "[[rule]]\nid = \"a\"\npatern = \"x\"\n",
            "/home/me/scrub.toml:3: unknown field `patern`, expected one of `id`",
        ),
        ("[[rule]]\nid = \"a\"\n", "/home/me/scrub.toml:1: missing field `pattern`"),
        ("version = 1\n", "/home/me/scrub.toml:1: unknown field `version`, expected `rule` or `program`"),
        ("[[rule]]\nid = \"a\"\npattern = \"x\n", "/home/me/scrub.toml:3: "),
        (
            "[[rule]]\nid = \"A b\"\npattern = \"x\"\n",
            "/home/me/scrub.toml:2: `A b` cannot be the id of a rule; expected 1 to 40 lower-case letters, digits and `-`",
        ),
        (
            "[[rule]]\nid = \"a\"\n\npattern = \"(x\"\n",
            "/home/me/scrub.toml:4: rule `a`: the pattern is no regular expression: unclosed group; expected the syntax of the regex crate",
        ),
        (
            "[[rule]]\nid = \"a\"\npattern = \"x*\"\n",
            "/home/me/scrub.toml:3: rule `a`: the pattern matches an empty string; expected one that a secret is needed for",
        ),
        (
            "[[rule]]\nid = \"a\"\npattern = \"(?:[a-z]{500}){500}\"\n",
            "/home/me/scrub.toml:3: rule `a`: the pattern takes more than 1048576 bytes once compiled; expected a shorter one",
        ),
        (
            "[[rule]]\nid = \"a\"\npattern = \"{{nome}}=x\"\n",
            "/home/me/scrub.toml:3: rule `a`: there is no fragment `nome`; expected one of name, option, value",
        ),
        (
            "[[rule]]\nid = \"a\"\nwhere = [\"argc\"]\npattern = \"x\"\n",
            "/home/me/scrub.toml:3: unknown variant `argc`, expected one of `argv`",
        ),
        (
            "[[rule]]\nid = \"a\"\nliterals = [\"\"]\npattern = \"x\"\n",
            "/home/me/scrub.toml:2: literal 1 of `a` is empty",
        ),
        (
            "[[program]]\nid = \"a\"\nnames = [\"x\"]\nusage = [\n\"-p X\",\n]\n",
            "/home/me/scrub.toml:5: rule `a`: there is no secret at the end in the usage `-p X`; expected words that end with `<secret>`",
        ),
        (
            "[[program]]\nid = \"a\"\nnames = []\nusage = [\"<secret>\"]\n",
            "/home/me/scrub.toml:2: rule `a` has no name or no usage",
        ),
        (&long, "/home/me/scrub.toml: it is too long; expected at most 262144 bytes"),
    ] {
        let error = Scrub::with(&[source(content)]).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}\nnot\n{expected}");
        assert!(!error.contains('\n'), "{error:?}");
    }
}

#[test]
fn the_ledger_counts_each_value_once_by_its_rule_and_no_text_that_was_not_masked() {
    let secret = format!("{}_{}", "ghp", "0123456789abcdefghijABCDEFGHIJ012345");
    let mut scrub = Scrub::new().unwrap();
    let mut actor = Actor::new(1);
    let inputs = [
        // Told as it was asked for and as it was resolved.
        actor.open(&format!("/tmp/{secret}")),
        actor.open_with(&format!("{secret}/x"), &format!("/tmp/{secret}/x"), 0, 3),
        actor.exec(Program { exe: "/bin/x", argv: &["x", &secret, "postgres://u:Hunter22@h/d"], ..Program::default() }),
        actor.open("/tmp/[masked:nobody]"),
        Input::Observed(Observed::Process(Box::new(Existing {
            argv: vec!["x".into(), secret.clone()],
            ..Existing::default()
        }))),
    ];
    let mut ledger = Ledger::default();
    for input in inputs {
        ledger.push(&scrub.apply(input), Id::default());
    }
    assert_eq!(ledger.masks().collect::<Vec<_>>(), [("url-password", 1), ("vcs-token", 4)]);
    assert_eq!(ledger.masked(), 3);
    assert!(!ledger.is_unscrubbed());
}

#[test]
fn where_nothing_is_masked_the_records_the_ledger_and_the_summary_say_so() {
    let mut scrub = Scrub::off();
    let input = exec(&["x".to_owned(), "--password".to_owned(), "Hunter22".to_owned()]);
    assert_eq!(scrub.apply(input.clone()), input);
    let config = Input::Config(Box::new(Config { scrub: scrub.digest(), data: Vec::new() }));
    let (mut pipeline, mut records, mut summary) = (Pipeline::new().unwrap(), Vec::new(), Summary::default());
    pipeline.push(&config, &mut records);
    let json = serde_json::to_string(&records[0]).unwrap();
    assert!(
        json.contains(r#""feature":"secrets","state":"unavailable","reason":"secrets are not masked here"#),
        "{json}"
    );
    assert!(pipeline.ledger().is_unscrubbed());
    records.iter().for_each(|record| summary.add(record));
    let lines = summary.lines(100);
    assert!(lines.iter().any(|line| line.contains("secrets") && line.contains("not masked")), "{lines:?}");

    let mut scrubbed = Vec::new();
    let config = Config { scrub: Scrub::new().unwrap().digest(), data: Vec::new() };
    pipeline.push(&Input::Config(Box::new(config)), &mut scrubbed);
    assert!(scrubbed.is_empty());
}
