//! What an exec tells of a process beside its program.

use agentsnoop_pipeline::{
    input::Input,
    record::{Body, Exec},
    synthetic::Actor,
};
use monitor_common::{
    TextState,
    body::{self, FileId, Namespaces, exec_flag, exec_text},
    decode::{Body as Wire, Str},
};

use crate::common::{judge, run};

/// An exec by an actor, with its wire body changed.
fn exec(actor: &mut Actor, change: impl FnOnce(&mut body::Exec)) -> Input {
    const NO: u32 = body::Exec::NO_ID;
    let mut fixed = body::Exec { euid: NO, egid: NO, sid: NO, pgid: NO, ..body::Exec::default() };
    change(&mut fixed);
    actor.raw(&Wire::Exec(fixed, [Str { bytes: b"", state: TextState::Complete }; exec_text::COUNT]))
}

fn execs(inputs: &[Input]) -> Vec<Exec> {
    let body = |record: agentsnoop_pipeline::Record| match record.body {
        Body::Exec(exec) => Some(*exec),
        _ => None,
    };
    judge(inputs).into_iter().filter_map(body).collect()
}

#[test]
fn what_this_kernel_does_not_tell_is_absent_and_not_zero() {
    let exec = execs(&[exec(&mut Actor::new(7), |_| ())]).remove(0);
    let json = serde_json::to_value(&exec).unwrap();
    for field in ["euid", "egid", "sid", "pgid", "namespaces", "apart", "cgroup", "privileges"] {
        assert!(json.get(field).is_none(), "{field} in {json:#}");
    }
}

#[test]
fn whose_rights_a_program_gives_is_told_by_its_mode() {
    let privileges = |mode: u32| {
        let given = exec(&mut Actor::new(7), |fixed| fixed.exe = FileId { mode, ..FileId::default() });
        execs(&[given]).remove(0).privileges
    };
    assert_eq!(privileges(0o104_755), ["setuid"]);
    assert_eq!(privileges(0o106_755), ["setuid", "setgid"]);
    assert!(privileges(0o102_745).is_empty(), "without the group's permission to execute the bit means something else");
    assert!(privileges(0o100_755).is_empty());
}

#[test]
fn capabilities_are_those_of_the_file_where_neither_user_is_root() {
    const INITIAL: u32 = 0xEFFF_FFFD;
    let given = |uid: u32, euid: u32, user: u32, flags: u32| {
        let mut actor = Actor::new(7);
        actor.header.uid = uid;
        let input = exec(&mut actor, |fixed| {
            (fixed.euid, fixed.flags) = (euid, flags);
            fixed.namespaces.user = user;
        });
        execs(&[input]).remove(0).privileges
    };
    assert_eq!(given(1000, 1000, INITIAL, exec_flag::CAPABLE), ["file capabilities"]);
    assert!(given(1000, 1000, INITIAL, 0).is_empty());
    assert!(given(0, 0, INITIAL, exec_flag::CAPABLE).is_empty(), "root has them without the file's");
    assert!(given(1000, 0, INITIAL, exec_flag::CAPABLE).is_empty());
    assert!(given(1000, 1000, INITIAL - 1, exec_flag::CAPABLE).is_empty(), "it may be root in its own namespace");
}

#[test]
fn an_exec_that_gives_other_rights_is_followed_by_a_call_for_attention() {
    let raised = |euid: u32, mode: u32| {
        let given = exec(&mut Actor::new(7), |fixed| {
            (fixed.euid, fixed.egid, fixed.exe.mode) = (euid, 0, mode);
        });
        let calls = judge(&[given]).into_iter().filter_map(|record| match record.body {
            Body::Attention(call) => Some((call.call.to_string(), call.detail.unwrap_or_default().into_owned())),
            _ => None,
        });
        calls.collect::<Vec<_>>()
    };
    let call = |detail: &str| vec![("setuid exec".to_owned(), detail.to_owned())];
    assert_eq!(raised(0, 0o104_755), call("user 0 for 1000"));
    assert_eq!(raised(1000, 0o104_755), call("setuid"), "who owns it gains nothing, and yet it is such a program");
    assert_eq!(raised(0, 0o100_755), call("user 0 for 1000"), "rights that came from the program before");
    assert!(raised(1000, 0o100_755).is_empty());
}

#[test]
fn a_process_is_apart_where_its_namespaces_are_not_those_of_its_session() {
    let home = Namespaces { pid: 1, user: 2, mnt: 3, net: 4 };
    let mut agent = Actor::new(7);
    let first = exec(&mut agent, |fixed| fixed.namespaces = home);
    let (fork, mut child) = agent.fork(8);
    child.follow(&agent);
    let same = exec(&mut child, |fixed| fixed.namespaces = home);
    let other = exec(&mut child, |fixed| fixed.namespaces = Namespaces { pid: 9, user: 0, mnt: 9, net: 4 });
    agent.follow(&child);
    let own = exec(&mut agent, |fixed| fixed.namespaces = Namespaces { net: 9, ..home });
    let apart: Vec<_> = execs(&[run(7), first, fork, same, other, own]).into_iter().map(|exec| exec.apart).collect();
    assert_eq!(apart, [&[][..], &[], &["pid", "mnt"], &["net"]], "what is not known is not said to differ");
}
