//! Connections to those who work on request.

use agentsnoop_pipeline::{
    Record,
    input::Input,
    record::{Body, Kind},
    synthetic::{Actor, Program, unix},
};

use crate::common::{judge, run};

fn told(records: &[Record]) -> Vec<String> {
    let line = |record: &Record| match &record.body {
        Body::Attention(call) => Some(format!("{} {}", record.process.as_ref()?.image.id.pid, call.detail.as_ref()?)),
        Body::Coverage(hook) => Some(format!("{}: {}", hook.feature, hook.name)),
        _ => None,
    };
    records.iter().filter_map(line).collect()
}

/// A session whose processes connect to sockets; the number says which of both.
fn session(pid: u32, connects: &[(&str, i64)]) -> Vec<Input> {
    let mut shell = Actor::new(pid);
    let exec = shell.exec(Program { exe: "/bin/sh", argv: &["sh"], ..Program::default() });
    let mut inputs = vec![run(pid), exec];
    inputs.extend(connects.iter().map(|(path, result)| shell.connect(&unix(path), *result)));
    inputs
}

#[test]
fn each_session_tells_each_of_them_once() {
    let docker = "/var/run/docker.sock";
    let mut inputs = session(7, &[(docker, 0), (docker, 0), ("/tmp/tmux-1000/default", 0)]);
    inputs.extend(session(8, &[(docker, 0)]));
    let found = told(&judge(&inputs));
    let reason = "docker: its daemon runs containers with any rights, and mounts any folder into them";
    let coverage = "delegated: docker /var/run/docker.sock";
    assert_eq!(found[..2], [format!("7 {reason}"), coverage.to_owned()]);
    assert!(found[2].starts_with("7 tmux: ") && found[3].contains("/tmp/tmux-1000/default"), "{found:#?}");
    assert_eq!(found[4..], [format!("8 {reason}"), coverage.to_owned()]);
}

#[test]
fn an_abstract_name_is_known_and_a_refused_connection_delegates_nothing() {
    let found = told(&judge(&session(7, &[("@/tmp/dbus-AbC123", 0)])));
    assert!(found[0].starts_with("7 dbus: "), "{found:#?}");
    assert!(told(&judge(&session(7, &[("/run/dbus/system_bus_socket", -111), ("/tmp/mine.sock", 0)]))).is_empty());
}

#[test]
fn what_is_no_text_in_a_name_is_escaped() {
    let records = judge(&session(7, &[("/home/a/\u{1b}[2J/S.gpg-agent", 0)]));
    let coverage = records.iter().find(|record| record.kind() == Kind::Coverage).unwrap();
    let Body::Coverage(hook) = &coverage.body else { panic!("a coverage") };
    assert_eq!(hook.name, "gpg-agent /home/a/\\e[2J/S.gpg-agent");
    assert!(coverage.agent.is_some(), "whose session it is");
}
