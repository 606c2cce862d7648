//! What is masked, and what is left alone.

use std::sync::{LazyLock, Mutex};

use agentsnoop_pipeline::{
    Pipeline, Scrub,
    input::{Existing, Input, Observed, Opened},
    record::Body,
    synthetic::{Actor, Program},
};
use monitor_common::{TextState, body::exec_text, decode};
use proptest::prelude::*;

/// Secrets that stand alone: they are masked wherever they are.
const TOKENS: [&str; 26] = [
    "AKIAIOSFODNN7EXAMPLE",
    "ASIAY34FZKBOKMUTVV7A",
    "sk-ant-api03-abcdefGHIJ0123456789_-abcd",
    "sk-ant-fake",
    "sk-proj-AbCdEf0123456789AbCdEf",
    "sk-1234567890abcdef1234567890abcdef",
    "sk-or-v1-0123456789abcdef0123456789abcdef",
    "gsk_abcdefghij0123456789ABCD",
    "hf_abcdefghijABCDEFGHIJ0123",
    "AIzaSyA1234567890abcdefghijklmnopqrstuv",
    "ghp_0123456789abcdefghijABCDEFGHIJ012345",
    "gho_0123456789abcdefghijABCDEFGHIJ012345",
    "github_pat_11ABCDEFG0123456789_abcdefghijkl",
    "glpat-abcdEFGH1234ijklMNOP",
    "npm_0123456789abcdefghijABCDEFGHIJ012345",
    "pypi-AgEIcHlwaS5vcmcCJDAwMDAwMDAwLTAwMDA",
    "xoxb-123456789012-abcdefghijkl",
    "sk_live_0123456789abcdefABCDEF",
    "SG.abcdefghijklmnopqrstuv.0123456789abcdefghijABCD",
    "hvs.CAESIJabcdefghijABCDEFGHIJ0123456789",
    "dop_v1_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
    "AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ",
    "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
    "GOCSPX-abcdefghijABCDEFGHIJ",
    "123456789:AAabcdefghijABCDEFGHIJ0123456789abcde",
];

/// Command lines, with what must not be in them afterwards. `|` is the boundary between arguments.
const COMMANDS: [(&str, &str); 43] = [
    ("env|A_SECRET=$Hunter22|cmd", "Hunter22"),
    ("bash|-c|A_SECRET='$Hunter22' cmd", "Hunter22"),
    ("bash|-c|A_SECRET=$Hunter22-x cmd", "Hunter22"),
    ("mysql|-uroot|-pHunter22|db", "Hunter22"),
    ("mysql|--password=Hunter22", "Hunter22"),
    ("tool|--password|Hunter22|--verbose", "Hunter22"),
    ("tool|--db-password|two words here", "words here"),
    ("tool|--api-key|Hunter22", "Hunter22"),
    ("tool|--apikey=Hunter22", "Hunter22"),
    ("tool|--token|Hunter22", "Hunter22"),
    ("tool|--github-token=Hunter22", "Hunter22"),
    ("tool|--client-secret|Hunter22", "Hunter22"),
    ("tool|-password|Hunter22", "Hunter22"),
    ("curl|-H|Authorization: Bearer Hunter22", "Hunter22"),
    ("curl|-H|authorization: basic SHVudGVyMjI=", "SHVudGVyMjI"),
    ("curl|-H|X-Api-Key: Hunter22", "Hunter22"),
    ("curl|-H|PRIVATE-TOKEN: Hunter22", "Hunter22"),
    ("curl|-H|Cookie: session=Hunter22; other=Hunter23", "Hunter2"),
    ("curl|-u|user:Hunter22|https://example.com", "Hunter22"),
    ("curl|--user=user:Hunter22", "Hunter22"),
    ("curl|https://user:Hunter22@example.com/x", "Hunter22"),
    ("curl|https://user:p@Hunter22@example.com/x", "Hunter22"),
    ("git|clone|https://0123456789abcdef0123456789abcdef01234567@github.com/a/b", "0123456789abcdef01"),
    ("psql|postgres://app:Hunter22@db.internal:5432/app", "Hunter22"),
    ("env|A_SECRET=Hunter22|cmd", "Hunter22"),
    ("env|DB_PASSWORD=two words|cmd", "words"),
    ("bash|-c|FOO_TOKEN=Hunter22 cmd --flag", "Hunter22"),
    ("bash|-lc|export API_KEY=Hunter22; cmd", "Hunter22"),
    ("bash|-c|cmd && MY_API_KEY='Hunter 22' other", "Hunter 22"),
    ("bash|-c|curl -H 'Authorization: Bearer Hunter22' https://x", "Hunter22"),
    ("bash|-c|curl -H \"Authorization: token Hunter22\" https://x", "Hunter22"),
    ("bash|-c|mysql -u root -pHunter22 db", "Hunter22"),
    ("bash|-c|tool --password Hunter22 --flag", "Hunter22"),
    ("bash|-c|tool --password=\"Hunter 22\" --flag", "Hunter 22"),
    ("bash|-c|sshpass -p Hunter22 ssh host", "Hunter22"),
    ("sshpass|-p|Hunter22|ssh|host", "Hunter22"),
    ("redis-cli|-h|host|-a|Hunter22", "Hunter22"),
    ("curl|-d|{\"user\": \"me\", \"password\": \"Hunter22\"}", "Hunter22"),
    ("curl|https://api.example.com/v1?access_token=Hunter22&x=1", "Hunter22"),
    ("python3|-c|client(api_key=\"Hunter22\")", "Hunter22"),
    ("printf|[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY\n", "wJalrXUtnFEMI"),
    (
        "cat|-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmU\n-----END OPENSSH PRIVATE KEY-----\n",
        "b3BlbnNzaC1r",
    ),
    ("docker|run|-e|POSTGRES_PASSWORD=Hunter22|postgres", "Hunter22"),
];

/// What developers' command lines are full of.
const ORDINARY: [&str; 52] = [
    "bash|-c|if x; then export A_TOKEN=\"$B_TOKEN\"; else export A_TOKEN=$B_TOKEN; fi",
    "bash|-c|MY_SECRET=${OTHER} cmd",
    "bash|-c|curl --token \"$TOKEN\" https://example.com",
    "bash|-c|tool --password $PASSWORD --flag",
    "git|commit|-m|fix: token handling in the parser",
    "git|show|9f86d081884c7d659a2feaa0c55ad015a3bf4f1b",
    "git|-c|core.hooksPath=/dev/null|status|--short",
    "sha256sum|e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "cat|/var/lib/app/123e4567-e89b-12d3-a456-426614174000/data.json",
    "cargo|test|--package|tokenizer|--lib",
    "cargo|run|--|--max-tokens=4096|--temperature=0.7",
    "npm|install|--save-dev|@types/node@20.11.5",
    "node|/usr/lib/node_modules/npm/bin/npm-cli.js|run|build",
    "python3|-m|pytest|tests/test_password_reset.py::test_token_expires",
    "rg|--json|password|src",
    "grep|-rn|SECRET_KEY|.",
    "ls|-la|/home/user/.ssh",
    "ssh|-i|/home/user/.ssh/id_ed25519|git@github.com",
    "ssh|-T|git@github.com",
    "git|clone|git@github.com:owner/repository.git",
    "git|clone|https://github.com/owner/repository.git",
    "curl|-s|http://127.0.0.1:8399/ping",
    "curl|-u|user|https://example.com",
    "docker|run|--rm|-v|/src:/src|-w|/src|rust:1.95|cargo|build",
    "kubectl|get|secrets|--namespace|default",
    "kubectl|get|pod|web-7d4b9c6f5d-x2x9z|-o|yaml",
    "make|-j8|KEY=value|V=1",
    "rustc|--crate-name|serde|-C|metadata=0123456789abcdef|-C|extra-filename=-0123456789abcdef",
    "bash|-c|echo task-runner-with-a-long-name; cat disk-usage-report-2024-01-01.txt",
    "bash|-c|source /tmp/snapshot.sh 2>/dev/null || true && shopt -u extglob && eval 'git status' < /dev/null",
    "bash|-c|for f in *.rs; do wc -l \"$f\"; done | sort -n",
    "find|/usr|-name|*.pem|-newer|x",
    "openssl|x509|-in|cert.pem|-noout|-fingerprint",
    "tar|xzf|node-v20.11.1-linux-x64.tar.gz",
    "date|--iso-8601=ns",
    "env|LANG=C.UTF-8|TZ=Europe/Zurich|sort",
    "env|PATH=/usr/local/bin:/usr/bin|HOME=/home/user|cmd",
    "ffmpeg|-i|in.mp4|-b:v|2M|out.mp4",
    "sed|-i|s/password/passphrase/g|README.md",
    "psql|-h|localhost|-U|app|-d|app",
    "mysql|-u|root|-p|db",
    "pass|show|example",
    "ssh-keygen|-t|ed25519|-f|/home/user/.ssh/new",
    "gh|auth|status",
    "aws|sts|get-caller-identity|--profile|default",
    "jq|.tokens[0].value|file.json",
    "node|-e|console.log(process.version)",
    "systemctl|--user|restart|agentsnoop.service",
    "base64|-d|/tmp/blob",
    "tool|--passthrough|x|--keyboard=us|--monkey=1|--compass|north",
    "cc|-DAUTHOR=me|-O2|-c|auth.c",
    "uuidgen|--md5|--namespace|@dns|--name|example.com",
];

/// Paths that programs open.
const PATHS: [&str; 16] = [
    "/home/user/project/node_modules/.cache/9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "/home/user/.local/share/opencode/snapshot/0123456789abcdef0123456789abcdef01234567/objects/ab/cdef",
    "/sys/devices/pci0000:00/0000:00:1f.2/ata1/host0/target0:0:0/0:0:0:0/block/sda/queue/rotational",
    "/proc/1234/task/1235/stat",
    "/usr/share/locale/sk_SK.UTF-8/LC_MESSAGES/coreutils.mo",
    "/home/user/src/task-runner-with-a-very-long-name/disk-usage/desk-of-someone-1234567890",
    "/tmp/claude-1000/-home-user-project/0b1f9f7e-8b0e-4d2d-9d8b-2f9a5a8c9d0e/tasks/b1a2c3.output",
    "/usr/lib/x86_64-linux-gnu/libsecret-1.so.0",
    "/home/user/project/src/token/access_key.rs",
    "/home/user/project/tests/password_test.py",
    "/etc/ssl/certs/ca-certificates.crt",
    "/home/user/.cargo/registry/src/index.crates.io-1949cf8c6b5b557f/serde-1.0.229/src/lib.rs",
    "/nix/store/0c0f5j6v8xk1q7v3s3c3a1x5n9w2b8dz-glibc-2.39/lib/libc.so.6",
    "/var/lib/docker/overlay2/0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/merged/etc/hosts",
    "/home/user/risk-analysis-2024-q1-final-version-2/desk-1.csv",
    "/home/user/project/.git/refs/remotes/origin/feature/JIRA-1234-add-api-key-rotation",
];

/// Names that programs look up.
const NAMES: [&str; 16] = [
    "HOME",
    "AWS_SECRET_ACCESS_KEY",
    "JSC_useConcurrentGC",
    "GIT_CONFIG_PARAMETERS",
    "npm_config_user_agent",
    "XDG_CONFIG_HOME",
    "OPENSSL_ia32cap",
    "LC_ALL",
    "VSCODE_GIT_ASKPASS_EXTRA_ARGS",
    "BUN_CONFIG_VERBOSE_FETCH",
    "http_proxy",
    "POSIXLY_CORRECT",
    "NODE_TLS_REJECT_UNAUTHORIZED",
    "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT",
    "PI_CODING_AGENT_DIR",
    "MALLOC_ARENA_MAX",
];

fn scrub() -> Scrub {
    Scrub::new().unwrap()
}

fn command(line: &str) -> Vec<u8> {
    let mut bytes = line.replace('|', "\0").into_bytes();
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
    for name in ["sk-fake-0123456789abcdef", "a8f5f167f44f4964e6c998dee827110c", "sk-ant-fake"] {
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
    texts[exec_text::ARGV] = decode::Str { bytes: head, state: TextState::Cut };
    texts[exec_text::ARGV_TAIL] = decode::Str { bytes: tail, state: TextState::Complete };
    Input::Raw(agentsnoop_pipeline::event::encode::record(&record.header, &decode::Body::Exec(fixed, texts)).into())
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
