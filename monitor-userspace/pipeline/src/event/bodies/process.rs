//! The life of a process.

use std::borrow::Cow;

use bytes::Bytes;
use monitor_common::{
    Header, TextState,
    body::{self, exec_text},
    decode::Str,
};

use super::{file::composed, text};
use crate::{
    event::{clone_flags::CloneFlags, signal, stdio},
    record::{Exec, Exit, Fork, Namespaces, ProcessId, State, Text},
};

/// A process has made another one, which the middle knows as `child`.
#[must_use]
pub fn fork(fork: &body::Fork, child: ProcessId) -> Fork {
    Fork { child, child_pid: fork.child_pid, flags: CloneFlags::telling(fork.clone_flags) }
}

/// A process has executed a program.
#[must_use]
pub fn exec(exec: &body::Exec, texts: &[Str<'_>; exec_text::COUNT], header: &Header, bytes: &Bytes) -> Exec {
    // Where this kernel's types do not tell the way to a path, there is only what was asked for.
    let is_told = texts[exec_text::EXE].state != TextState::NotAsked;
    let (path, path_state) = if is_told {
        text(texts[exec_text::EXE], bytes)
    } else {
        composed(texts[exec_text::FILENAME], None, bytes, &mut Vec::new())
    };
    let (filename, filename_state) = text(texts[exec_text::FILENAME], bytes);
    let (cwd, cwd_state) = text(texts[exec_text::CWD], bytes);
    let (head, tail, names) = (texts[exec_text::ARGV], texts[exec_text::ARGV_TAIL], texts[exec_text::ENV]);
    let carried = head.bytes.len() + tail.bytes.len();
    let is_cut = head.state == TextState::Cut || !tail.bytes.is_empty();
    let is_masked = head.state == TextState::Masked || tail.state == TextState::Masked;
    let argv_state = match head.state {
        _ if is_masked => State::Masked,
        TextState::Complete if is_cut => State::Cut,
        state => state.into(),
    };
    let whole = usize::try_from(exec.argv_bytes).unwrap_or(usize::MAX);
    let descriptors = exec.stdio.iter().zip([exec_text::STDIN, exec_text::STDOUT, exec_text::STDERR]);
    Exec {
        path,
        path_state,
        filename,
        filename_state,
        argv: argv(head.bytes, tail.bytes, bytes),
        argv_state,
        argv_bytes: (is_cut || (!is_masked && whole > carried)).then_some(exec.argv_bytes),
        env_names: list(names.bytes, bytes),
        env_names_state: names.state.into(),
        cwd,
        cwd_state,
        stdio: descriptors.map(|(file, at)| stdio::describe(file, texts[at], is_told, bytes)).collect(),
        old_tid: (exec.old_tid != header.tid).then_some(exec.old_tid),
        gid: exec.gid,
        euid: id(exec.euid),
        egid: id(exec.egid),
        sid: id(exec.sid),
        pgid: id(exec.pgid),
        privileges: privileges(exec, header.uid),
        namespaces: Namespaces {
            pid: known(exec.namespaces.pid),
            user: known(exec.namespaces.user),
            mnt: known(exec.namespaces.mnt),
            net: known(exec.namespaces.net),
        },
        apart: Vec::new(),
        cgroup: (exec.cgroup != 0).then_some(exec.cgroup),
    }
}

/// An id that has 0 among its values.
fn id(number: u32) -> Option<u32> {
    (number != body::Exec::NO_ID).then_some(number)
}

/// A number of which 0 means that it could not be read.
fn known(number: u32) -> Option<u32> {
    (number != 0).then_some(number)
}

/// Among [`Exec::privileges`], what the capabilities of a file give.
pub(super) const FILE_CAPABILITIES: &str = "file capabilities";

/// What an executed file gives to whoever executes it. Without the permission of the group to execute, the bit
/// of setgid means something else (inode(7)). Root has all capabilities without the file's; who is root in another user
/// namespace than the initial one is not known here.
fn privileges(exec: &body::Exec, uid: u32) -> Vec<Cow<'static, str>> {
    const SETUID: u32 = 0o4000;
    const SETGID: u32 = 0o2010;
    /// `PROC_USER_INIT_INO` (linux/proc_ns.h).
    const INITIAL_USERS: u32 = 0xEFFF_FFFD;
    let has = |bits: u32| exec.exe.mode & bits == bits;
    let is_nobodys_root = uid != 0 && exec.euid != 0 && exec.namespaces.user == INITIAL_USERS;
    let capable = exec.flags & body::exec_flag::CAPABLE != 0 && is_nobodys_root;
    let given = [(has(SETUID), "setuid"), (has(SETGID), "setgid"), (capable, FILE_CAPABILITIES)];
    given.into_iter().filter(|(given, _)| *given).map(|(_, name)| Cow::Borrowed(name)).collect()
}

/// Strings that each end with a NUL; what follows the last NUL is one more.
fn list(strings: &[u8], bytes: &Bytes) -> Vec<Text> {
    let ended = strings.strip_suffix(&[0]).unwrap_or(strings);
    if strings.is_empty() {
        return Vec::new();
    }
    ended.split(|byte| *byte == 0).map(|string| Text::new(bytes.slice_ref(string))).collect()
}

/// The arguments; where the middle is missing, what is left of the arguments at its ends is joined by an ellipsis.
fn argv(head: &[u8], tail: &[u8], bytes: &Bytes) -> Vec<Text> {
    let mut arguments = list(head, bytes);
    if tail.is_empty() {
        return arguments;
    }
    let mut rest = list(tail, bytes).into_iter();
    let before = if head.ends_with(&[0]) { None } else { arguments.pop() };
    let parts = (before.unwrap_or_default(), rest.next().unwrap_or_default());
    arguments.push(Text::from([parts.0.as_bytes(), "…".as_bytes(), parts.1.as_bytes()].concat()));
    arguments.extend(rest);
    arguments
}

/// A process has ended; the status is encoded as wait(2) describes.
#[must_use]
pub fn exit(exit: &body::Exit, header: &Header) -> Exit {
    let signal = exit.status & 0x7f;
    Exit {
        code: (signal == 0).then_some((exit.status >> 8 & 0xff) as u8),
        signal: (signal != 0).then(|| signal::name(signal)),
        core_dumped: exit.status & 0x80 != 0,
        duration_ns: (header.start != 0).then(|| header.time.saturating_sub(header.start)),
    }
}
