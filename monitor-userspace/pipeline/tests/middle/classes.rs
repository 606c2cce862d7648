//! What things are for.

use agentsnoop_pipeline::{
    enrich::{Class, Rules},
    input::Input,
    record::Body,
    synthetic::{Actor, sockaddr},
};
use monitor_common::{
    TextState, body,
    decode::{Body as Wire, Str},
};

use crate::common::judge;

fn of_path(path: &str) -> String {
    let names: Vec<&str> =
        Rules::new().unwrap().path(path.as_bytes(), Some(b"/home/u/p")).iter().map(Class::name).collect();
    names.join(" ")
}

#[test]
fn paths_have_their_classes() {
    let cases = [
        ("/home/u/.aws/credentials", "credential"),
        ("/root/.ssh/id_ed25519", "credential"),
        ("/home/u/.ssh", "credential"),
        ("/home/u/.ssh/known_hosts", ""),
        ("/home/u/.ssh/id_ed25519.pub", ""),
        ("/home/u/.ssh/authorized_keys", "persistence"),
        ("/home/u/p/.env", "credential project_file"),
        ("/home/u/p/.env.local", "credential project_file"),
        ("/home/u/p/.env.example", "project_file"),
        ("/home/u/p/environment.ts", "project_file"),
        ("/home/u/p/src/credentials.rs", "project_file"),
        ("/home/u/p", "project_file"),
        ("/home/u/project2/x", ""),
        ("/home/u/.netrc", "credential"),
        ("/home/u/.config/gcloud/application_default_credentials.json", "credential"),
        ("/home/u/.claude/.credentials.json", "credential agent_state"),
        ("/home/u/.claude/settings.json", "agent_state"),
        ("/home/u/p/CLAUDE.md", "project_file agent_state"),
        ("/etc/shadow", "credential"),
        ("/proc/1234/environ", "environment"),
        ("/proc/1234/cmdline", "host_identity"),
        ("/proc/self/environ", "environment"),
        ("/proc/1234/task/1235/environ", "environment"),
        ("/proc/thread-self/environ", "environment"),
        ("/proc/self/status", "noise"),
        ("/etc/localtime", "locale"),
        ("/usr/share/zoneinfo/Europe/Zurich", "locale"),
        ("/etc/machine-id", "host_identity"),
        ("/home/u/.gitconfig", "vcs_identity"),
        ("/home/u/p/.git/config", "vcs_identity project_file"),
        ("/home/u/p/.git/hooks/pre-commit", "project_file persistence"),
        ("/home/u/.bashrc", "persistence"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "noise"),
        ("/lib64/ld-linux-x86-64.so.2", "noise"),
        ("/etc/ld.so.cache", "noise"),
        ("/etc/ssl/certs/ca-certificates.crt", "noise"),
        ("/etc/ssl/certs/x.pem", "noise"),
        ("/etc/ssl/private/key.pem", "credential"),
        ("/usr/lib/locale/locale-archive", "noise"),
        ("/dev/null", "noise"),
        ("/library/x", ""),
        ("/home/u/notes.txt", ""),
        ("", ""),
        ("/", ""),
    ];
    for (path, expected) in cases {
        assert_eq!(of_path(path), expected, "{path}");
    }
}

#[test]
fn a_process_that_looks_at_itself_is_noise() {
    let classes = |path: &str| {
        judge(&[Actor::new(1234).open(path)]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>()
    };
    assert_eq!(classes("/proc/1234/stat"), ["noise"]);
    assert_eq!(classes("/proc/1235/stat"), ["host_identity"]);
    assert_eq!(classes("/proc/1234/environ"), ["environment"]);
    assert_eq!(classes("/proc/99999999999999999999/stat"), ["host_identity"]);
}

#[test]
fn names_of_variables_have_their_classes() {
    let mut rules = Rules::new().unwrap();
    let mut of = |name: &str| rules.variable(name.as_bytes()).iter().map(Class::name).collect::<Vec<_>>().join(" ");
    assert_eq!(of("AWS_SECRET_ACCESS_KEY"), "credential");
    assert_eq!(of("MY_SERVICE_TOKEN"), "credential");
    assert_eq!(of("ANTHROPIC_API_KEY"), "credential agent_state");
    assert_eq!(of("HTTPS_PROXY"), "proxy");
    assert_eq!(of("TZ"), "locale");
    assert_eq!(of("LC_ALL"), "locale");
    assert_eq!(of("HOSTNAME"), "host_identity");
    assert_eq!(of("JSC_useJIT"), "noise");
    assert_eq!(of("HOME"), "environment");
    assert_eq!(of("HOME"), "environment", "remembered");
}

#[test]
fn endpoints_have_their_classes() {
    let of = |input: Input| judge(&[input]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>().join(" ");
    let ip = |address: &str| of(Actor::new(1).connect(&sockaddr(address.parse().unwrap()), 0));
    assert_eq!(ip("127.0.0.1:80"), "local_endpoint");
    assert_eq!(ip("[::1]:80"), "local_endpoint");
    assert_eq!(ip("[::ffff:127.0.0.1]:80"), "local_endpoint");
    assert_eq!(ip("8.8.8.8:53"), "other_endpoint");
    assert_eq!(ip("169.254.169.254:80"), "credential");
    let unix = |path: &str| of(Actor::new(1).connect(format!("\u{1}\0{path}").as_bytes(), 0));
    assert_eq!(unix("/var/run/nscd/socket"), "noise");
    assert_eq!(unix("/tmp/ssh-abc/agent.12"), "credential");
    assert_eq!(unix("/run/docker.sock"), "persistence");
    assert_eq!(unix("/run/user/1000/bus"), "local_endpoint");
    assert_eq!(of(Actor::new(1).connect(b"\x10\0\0\0", 0)), "", "netlink is no endpoint");
}

#[test]
fn a_datagram_socket_that_is_connected_to_port_0_is_noise_and_no_endpoint() {
    let connect = |port: &str, protocol: u16, kind: u16| {
        let address = sockaddr(format!("8.8.8.8:{port}").parse().unwrap());
        let fixed = body::Connect { socket_type: kind, protocol, ..body::Connect::default() };
        let input = Actor::new(1).raw(&Wire::Connect(fixed, Str { bytes: &address, state: TextState::Complete }));
        judge(&[input]).remove(0).classes.iter().map(Class::name).collect::<Vec<_>>().join(" ")
    };
    // IPPROTO_UDP on SOCK_DGRAM and IPPROTO_TCP on SOCK_STREAM (linux/in.h, linux/net.h).
    assert_eq!(connect("0", 17, 2), "noise");
    assert_eq!(connect("53", 17, 2), "other_endpoint");
    assert_eq!(connect("0", 6, 1), "other_endpoint");
}

#[test]
fn every_class_has_a_name_that_reads_back() {
    for class in Class::ALL {
        assert_eq!(class.name().parse::<Class>(), Ok(class));
    }
    assert!("credentials".parse::<Class>().unwrap_err().contains("is no resource class; known are credential,"));
}

#[test]
fn rules_with_an_error_say_where() {
    let rule =
        |pattern: &str| format!("version = 1\n[[path]]\nclass = 'noise'\nreason = 'x'\npatterns = ['{pattern}']\n");
    let error = |content: &str| Rules::parse(content).unwrap_err().to_string();
    assert!(error(&rule("etc/x")).contains("class `noise`: the pattern `etc/x` must begin with `/` or `**/`"));
    assert!(error(&rule("/etc/[")).contains("the pattern `/etc/[` cannot be read"));
    assert!(error("version = 1\n[[path]]\nclass = 'nose'\n").contains("line 3"));
    assert!(Rules::parse(&rule("/etc/x")).is_ok());
}

#[test]
fn a_record_carries_its_classes() {
    let record = judge(&[Actor::new(1).open("/home/u/.aws/credentials")]).remove(0);
    assert!(matches!(record.body, Body::Open(_)) && record.classes.contains(Class::Credential));
}
