//! Bodies of records from bodies of the wire. Strings share the memory of the raw record.

use bytes::Bytes;
use monitor_common::{
    Header, TextState,
    body::{self, exec_text, open_text, path_flag},
    decode::Str,
    syscall,
};

use super::{errno, flags, path, signal, sockaddr, stdio};
use crate::record::{Connect, Exec, Exit, Getenv, GetenvKind, Open, OpenFlags, State, Text};

/// The text of a string, where there is one, and its state.
fn text(string: Str<'_>, bytes: &Bytes) -> (Option<Text>, State) {
    let state = State::from(string.state);
    let present = state.has_text() || !string.bytes.is_empty();
    (present.then(|| Text::new(bytes.slice_ref(string.bytes))), state)
}

/// open, openat, openat2 or creat has returned. `scratch` is for composing paths and comes back empty.
#[must_use]
pub fn open(open: &body::Open, texts: &[Str<'_>; open_text::COUNT], bytes: &Bytes, scratch: &mut Vec<u8>) -> Open {
    let (requested, requested_state) = text(texts[open_text::REQUESTED], bytes);
    let is_creat = u64::from(open.syscall) == syscall::CREAT;
    // creat(2) has no flags of its own: it is open with these.
    let asked = if is_creat { flags::CREAT | flags::WRONLY | flags::TRUNC } else { open.open_flags };
    let (access, flags) = OpenFlags::split(asked);
    let has_path = open.result >= 0 && open.flags & path_flag::NO_PATH == 0;
    let resolved = texts[open_text::PATH];
    let (path, path_state) = if has_path {
        text(resolved, bytes)
    } else {
        let base = (open.flags & path_flag::BASE != 0).then_some(resolved);
        composed(texts[open_text::REQUESTED], base, bytes, scratch)
    };
    let anonymous = open.flags & path_flag::NO_PATH != 0 && open.result >= 0;
    Open {
        path,
        path_state,
        requested,
        requested_state,
        access,
        flags,
        mode: flags.creates().then_some(open.mode),
        result: open.result,
        error: errno::of_result(open.result),
        anonymous: anonymous.then(|| Text::new(bytes.slice_ref(resolved.bytes))),
        unlinked: open.flags & path_flag::UNLINKED != 0,
        outside_root: open.flags & path_flag::OUTSIDE_ROOT != 0,
    }
}

/// The absolute path that was asked for. The kernel resolved nothing, so the state is `unresolved` at best.
fn composed(asked: Str<'_>, base: Option<Str<'_>>, bytes: &Bytes, scratch: &mut Vec<u8>) -> (Option<Text>, State) {
    let state = |base: TextState| match (asked.state, base) {
        (TextState::Complete, TextState::Complete) => State::Unresolved,
        (TextState::Complete, other) | (other, _) => other.into(),
    };
    let is_absolute = asked.bytes.first() == Some(&b'/');
    if is_absolute && path::is_plain(asked.bytes) {
        return (Some(Text::new(bytes.slice_ref(asked.bytes))), state(TextState::Complete));
    }
    let base = if is_absolute {
        Str { bytes: b"", state: TextState::Complete }
    } else {
        base.unwrap_or(Str { bytes: b"", state: TextState::NotAsked })
    };
    // Nothing can be said without a directory to start from; an empty path names nothing (openat(2), ENOENT).
    if asked.bytes.is_empty() || !State::from(base.state).has_text() {
        let state = state(base.state);
        return (None, if state.is_complete() { State::Unresolved } else { state });
    }
    scratch.clear();
    path::compose(base.bytes, asked.bytes, scratch);
    (Some(Text::new(Bytes::copy_from_slice(scratch))), state(base.state))
}

/// A process has executed a program.
#[must_use]
pub fn exec(exec: &body::Exec, texts: &[Str<'_>; exec_text::COUNT], header: &Header, bytes: &Bytes) -> Exec {
    let (path, path_state) = text(texts[exec_text::EXE], bytes);
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
        stdio: descriptors.map(|(file, at)| stdio::describe(file, texts[at], bytes)).collect(),
        old_tid: (exec.old_tid != header.tid).then_some(exec.old_tid),
        gid: exec.gid,
    }
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

/// connect has returned.
#[must_use]
pub fn connect(connect: &body::Connect, string: Str<'_>, bytes: &Bytes) -> Connect {
    let address = sockaddr::parse(&bytes.slice_ref(string.bytes));
    let protocol = sockaddr::protocol(connect, address.family.as_deref().unwrap_or_default());
    Connect {
        family: address.family,
        address: address.ip,
        address_state: string.state.into(),
        scope: address.scope,
        port: address.port,
        path: address.path,
        protocol,
        result: connect.result,
        error: errno::of_result(connect.result),
    }
}

/// getenv or secure_getenv was called.
#[must_use]
pub fn getenv(getenv: &body::Getenv, string: Str<'_>, bytes: &Bytes) -> Getenv {
    let (name, name_state) = text(string, bytes);
    let secure = getenv.flags & body::getenv_flag::SECURE != 0;
    Getenv { name, name_state, kind: GetenvKind::Lookup, count: 1, secure }
}

/// Whether any string of a raw record was masked.
#[must_use]
pub fn is_masked(texts: &[Str<'_>]) -> bool {
    texts.iter().any(|string| string.state == TextState::Masked)
}
