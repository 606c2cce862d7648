//! Options whose meaning depends on the program, and secrets in components of paths.

use agentsnoop_pipeline::{Scrub, synthetic::Actor};

/// Command lines, with what must not be in them afterwards. `|` is the boundary between arguments.
const SECRET: [(&str, &str); 26] = [
    ("curl|-u|user:Hunter22|https://example.com", "Hunter22"),
    ("/usr/bin/curl|-sSu|user:Hunter22|https://example.com", "Hunter22"),
    ("curl|-uuser:Hunter22|https://example.com", "Hunter22"),
    ("curl|-u|:Hunter22|https://dev.azure.example", "Hunter22"),
    ("curl|-u|user:two words|https://example.com", "words"),
    ("curl|-u|user:[Hunter22|https://example.com", "Hunter22"),
    ("curl|--proxy-user|p:Hunter22|--user|u:Hunter23|https://example.com", "Hunter2"),
    ("curl|-H|Accept: a; q=1|-u|user:Hunter22|https://example.com/?a=1&b=2", "Hunter22"),
    ("timeout|5|curl|-u|user:Hunter22|https://example.com", "Hunter22"),
    ("env|-i|/opt/b/curl|--user=user:Hunter22|https://example.com", "Hunter22"),
    ("http|-a|user:Hunter22|GET|https://example.com", "Hunter22"),
    ("xh|--auth=user:Hunter22|https://example.com", "Hunter22"),
    ("bash|-c|cd /x && curl -fsS -u user:Hunter22 https://example.com | jq .", "Hunter22"),
    ("bash|-c|curl 'https://example.com/?a=1&b=2' -u 'user:Hunter22'", "Hunter22"),
    ("bash|-c|curl -s \\\n  -u user:Hunter22 \\\n  https://example.com", "Hunter22"),
    ("bash|-c|x=$(curl -u \"user:Hunter22\" https://example.com)", "Hunter22"),
    ("openssl|passwd|Hunter22", "Hunter22"),
    ("openssl|passwd|-6|-salt|ab|Hunter22", "Hunter22"),
    ("bash|-c|openssl passwd -1 'Hunter22'", "Hunter22"),
    ("cat|/tmp/x/token=SECRETPATH17", "SECRETPATH17"),
    ("cat|/tmp/x/token=SECRETPATH17/file", "SECRETPATH17"),
    ("ls|--color|/tmp/API_KEY=SECRETPATH17", "SECRETPATH17"),
    ("bash|-c|cat /tmp/x/token=SECRETPATH17 > /dev/null", "SECRETPATH17"),
    ("curl|https://example.com/reset/token=SECRETPATH17", "SECRETPATH17"),
    ("cp|a|/srv/db.password=Hunter22", "Hunter22"),
    ("bash|-c|wget --user u --password Hunter22 https://example.com", "Hunter22"),
];

/// The same options of programs that speak no HTTP, and what only names a secret.
const ORDINARY: [&str; 19] = [
    "docker|run|-u|1000:1000|image",
    "docker|run|--user|node:node|curlimages/fetch|sh",
    "docker|exec|--user=root:root|web|sh",
    "podman|run|-u|build:build|image|make",
    "cp|-u|a:b|c:d",
    "cp|-au|host:src|host:dst",
    "sort|-u|a:b",
    "rsync|-au|host:/src|/dst",
    "git|push|-u|origin|main:main",
    "chroot|--userspec=1000:1000|-u|x:y",
    "bash|-c|curl -s https://example.com; docker run -u 1000:1000 image",
    "bash|-c|docker run --user 1000:1000 image && sort -u a:b",
    "bash|-c|curl -u \"$NAME:$PASSWORD\" https://example.com",
    "curl|-u|user|https://example.com",
    "curl|--user-agent|Mozilla/5.0 (X11; rv:109.0)|https://example.com",
    "wget|--user-agent=agent:1|https://example.com",
    "openssl|passwd|-stdin",
    "bash|-c|openssl passwd -6 -stdin < file",
    "bash|-c|openssl passwd -6 \"$PASSWORD\"",
];

fn after(scrub: &mut Scrub, line: &str) -> Option<String> {
    let bytes = line.replace('|', "\0").into_bytes();
    scrub.command_line(&[&bytes[..], b"\0"].concat()).map(|masked| String::from_utf8_lossy(&masked).into_owned())
}

#[test]
fn a_password_behind_a_user_is_masked_where_the_program_speaks_http() {
    let mut scrub = Scrub::new().unwrap();
    for (line, secret) in SECRET {
        let masked = after(&mut scrub, line).unwrap_or_else(|| panic!("{line}"));
        assert!(!masked.contains(secret) && masked.contains("[masked:"), "{masked:?}");
        assert_eq!(scrub.command_line(masked.as_bytes()), None, "twice: {masked:?}");
    }
}

#[test]
fn the_same_option_of_another_program_is_left_alone() {
    let mut scrub = Scrub::new().unwrap();
    for line in ORDINARY {
        assert_eq!(after(&mut scrub, line), None, "{line}");
    }
}

#[test]
fn a_component_of_a_path_that_assigns_a_secret_is_masked() {
    let mut scrub = Scrub::new().unwrap();
    let mut actor = Actor::new(1);
    for (path, secret) in [
        ("/tmp/x/token=SECRETPATH17", "SECRETPATH17"),
        ("/tmp/API_KEY=SECRET PATH/file", "SECRET PATH"),
        ("/tmp/Password=SECRETPATH17/token=SECRETPATH18", "SECRETPATH1"),
    ] {
        let masked = format!("{:?}", scrub.apply(actor.open(path)));
        assert!(!masked.contains(secret) && masked.contains("[masked:assignment]"), "{masked}");
    }
    for path in ["/data/date=2024-01-01/key=7/part-0", "/src/token/x=1", "/tmp/token=", "/tmp/monkey=x"] {
        let input = actor.open(path);
        assert_eq!(scrub.apply(input.clone()), input, "{path}");
    }
}
