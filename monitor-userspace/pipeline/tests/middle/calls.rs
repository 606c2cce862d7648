//! Calls about the host and about processes: what their numbers mean.

use agentsnoop_pipeline::{
    record::{Body, HostCall, State},
    synthetic::Actor,
};
use monitor_common::{
    Kind, TextState,
    body::{Call, call_flag, call_text, path_flag},
    decode::{Body as Wire, Str},
    syscall::{self, Syscall},
};

use crate::common::judge;

const NONE: Str<'_> = Str { bytes: b"", state: TextState::NotAsked };

fn whole(text: &'static str) -> Str<'static> {
    Str { bytes: text.as_bytes(), state: TextState::Complete }
}

fn number(name: &str) -> &'static Syscall {
    syscall::TABLES.into_iter().flatten().find(|call| call.name == name).unwrap()
}

/// A call as a record, with its arguments and whatever else is changed.
fn told(name: &str, args: &[i64], change: impl FnOnce(&mut Call, &mut [Str<'static>; call_text::COUNT])) -> HostCall {
    let call = number(name);
    let mut fixed = Call { syscall: u32::try_from(call.number).unwrap(), ..Call::default() };
    for (to, from) in fixed.args.iter_mut().zip(args) {
        *to = from.cast_unsigned();
    }
    let mut texts = [NONE; call_text::COUNT];
    change(&mut fixed, &mut texts);
    let input = Actor::new(7).raw(&Wire::Call(call.kind, fixed, texts));
    match judge(&[input]).remove(0).body {
        Body::Identity(call) | Body::Metadata(call) | Body::Attention(call) => *call,
        other => panic!("{other:?}"),
    }
}

fn detail(name: &str, args: &[i64]) -> String {
    told(name, args, |_, _| ()).detail.unwrap_or_default().into_owned()
}

#[test]
fn what_was_asked_for_has_the_names_of_the_manual_pages() {
    for (name, args, wanted) in [
        ("setresuid", &[-1, 1000, -1][..], "effective 1000"),
        ("setreuid", &[0, 0xffff_ffff], "real 0"),
        ("setuid", &[0x7_0000_0001], "user 1"),
        ("capset", &[0, 0x1ff_ffff_ffff, 1, 0], "effective all, permitted CAP_CHOWN, inheritable none"),
        (
            "capset",
            &[0, 0x1ff_ffff_fffe, 1 << 50, 0],
            "effective all but CAP_CHOWN, permitted CAP_50, inheritable none",
        ),
        ("prctl", &[24, 21], "PR_CAPBSET_DROP CAP_SYS_ADMIN"),
        ("prctl", &[24, 4000], "PR_CAPBSET_DROP none"),
        ("prctl", &[47, 2, 12], "PR_CAP_AMBIENT PR_CAP_AMBIENT_RAISE CAP_NET_ADMIN"),
        ("prctl", &[0x5961_6d61, -1], "PR_SET_PTRACER -1"),
        ("seccomp", &[1, 9], "SECCOMP_SET_MODE_FILTER SECCOMP_FILTER_FLAG_TSYNC|SECCOMP_FILTER_FLAG_NEW_LISTENER"),
        ("ioctl", &[3, 0x8927], "SIOCGIFHWADDR"),
        ("ioctl", &[3, 0x89f0], "0x89f0"),
        ("ptrace", &[16, 12], "PTRACE_ATTACH"),
        ("unshare", &[0x1002_0000], "CLONE_NEWNS|CLONE_NEWUSER"),
        ("kill", &[-1, 9], "SIGKILL to every process"),
        ("kill", &[-44, 15], "SIGTERM to group 44"),
        ("tgkill", &[44, 44, 0], "0"),
        ("perf_event_open", &[0, -1], "PERF_TYPE_HARDWARE of every process"),
    ] {
        assert_eq!(detail(name, args), wanted, "{name} {args:?}");
    }
}

#[test]
fn the_process_that_a_call_is_about_is_named_unless_it_is_the_caller() {
    let pid = |name: &str, args: &[i64]| told(name, args, |_, _| ()).pid;
    assert_eq!(pid("ptrace", &[16, 12]), Some(12));
    assert_eq!(pid("kill", &[12, 9]), Some(12));
    assert_eq!(pid("kill", &[-12, 9]), None, "a group is no process");
    assert_eq!(pid("setpgid", &[0, 0]), None);
    let behind = told("pidfd_getfd", &[5, 0], |call, _| call.object = 12);
    assert_eq!((behind.pid, behind.pid_is_local), (Some(12), false));
    let local = told("kill", &[3, 9], |call, _| call.flags = call_flag::OWN_NUMBERS);
    assert_eq!((local.pid, local.pid_is_local), (Some(3), true));
}

#[test]
fn a_mount_has_its_source_its_type_and_an_absolute_path() {
    let mount = told("mount", &[0, 0, 0, 0x1000], |call, texts| {
        call.flags = path_flag::BASE;
        texts[call_text::REQUESTED] = whole("../mnt");
        texts[call_text::PATH] = whole("/home/ada");
        texts[call_text::SECOND_REQUESTED] = whole("/dev/sda1");
        texts[call_text::SECOND_PATH] = whole("ext4");
    });
    assert_eq!(mount.path.unwrap().to_str(), "/home/mnt");
    assert_eq!(mount.path_state, State::Unresolved);
    assert_eq!(mount.from.unwrap().to_str(), "/dev/sda1");
    assert_eq!(mount.detail.as_deref(), Some("type ext4, MS_BIND"));
}

#[test]
fn strings_that_a_call_does_not_have_are_not_mentioned() {
    let json = serde_json::to_value(told("uname", &[], |_, _| ())).unwrap();
    assert_eq!(json, serde_json::json!({ "call": "uname", "result": 0 }));
    let text = told("memfd_create", &[0, 1], |_, texts| {
        texts[call_text::REQUESTED] = Str { bytes: b"", state: TextState::Unreadable };
    });
    assert_eq!((text.requested, text.requested_state), (None, State::Unreadable));
}

#[test]
fn every_call_of_these_kinds_has_a_detail_or_needs_none() {
    let kinds = [Kind::Identity, Kind::Metadata, Kind::Attention];
    for call in syscall::TABLES.into_iter().flatten().filter(|call| kinds.contains(&call.kind)) {
        for value in [0, -1, i64::MAX, i64::MIN] {
            let told = told(call.name, &[value; 6], |fixed, _| fixed.object = value.cast_unsigned());
            assert_eq!(told.call, call.name);
        }
    }
}
