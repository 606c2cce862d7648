//! Files.

use std::borrow::Cow;

use bytes::Bytes;
use monitor_common::{
    TextState,
    body::{self, open_text, path_flag, stat_flag},
    decode::Str,
    syscall,
};

use super::text;
use crate::{
    event::{call, errno, flags, path},
    record::{Open, OpenFlags, ResolveFlags, Stat, State, Text},
};

/// open, openat, openat2 or creat has returned. `scratch` is for composing paths and comes back empty.
#[must_use]
pub fn open(open: &body::Open, texts: &[Str<'_>; open_text::COUNT], bytes: &Bytes, scratch: &mut Vec<u8>) -> Open {
    let (requested, requested_state) = text(texts[open_text::REQUESTED], bytes);
    let is_creat = u64::from(open.syscall) == syscall::CREAT;
    // creat(2) has no flags of its own: it is open with these.
    let asked = if is_creat { flags::CREAT | flags::WRONLY | flags::TRUNC } else { open.open_flags };
    let (access, flags) = OpenFlags::split(asked);
    let resolved = texts[open_text::PATH];
    // Where this kernel's types do not tell the way to a path, there is only what was asked for.
    let is_told = resolved.state != TextState::NotAsked;
    let has_path = open.result >= 0 && open.flags & path_flag::NO_PATH == 0 && is_told;
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
        resolve: ResolveFlags(u64::from(open.flags >> body::RESOLVE_SHIFT)),
        result: open.result,
        error: errno::of_result(open.result),
        anonymous: anonymous.then(|| Text::new(bytes.slice_ref(resolved.bytes))),
        unlinked: open.flags & path_flag::UNLINKED != 0,
        outside_root: open.flags & path_flag::OUTSIDE_ROOT != 0,
    }
}

/// The absolute path that was asked for. The kernel resolved nothing, so the state is `unresolved` at best.
pub(super) fn composed(
    asked: Str<'_>,
    base: Option<Str<'_>>,
    bytes: &Bytes,
    scratch: &mut Vec<u8>,
) -> (Option<Text>, State) {
    let state = |base: TextState| match (asked.state, base) {
        (TextState::Complete, TextState::Complete | TextState::NotAsked) => State::Unresolved,
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

/// A path of a call that opens nothing: what the kernel half resolved, or what was asked for below the folder that the
/// call started from.
pub(super) fn path_of(
    asked: Str<'_>,
    resolved: Str<'_>,
    flags: u32,
    bytes: &Bytes,
    scratch: &mut Vec<u8>,
) -> (Option<Text>, State) {
    if flags & path_flag::BASE == 0 && !resolved.bytes.is_empty() {
        return text(resolved, bytes);
    }
    composed(asked, (flags & path_flag::BASE != 0).then_some(resolved), bytes, scratch)
}

/// A file was looked at for the first time; what tells repeats is completed by [`crate::event::Repeats`].
#[must_use]
pub fn stat(stat: &body::Stat, texts: &[Str<'_>; open_text::COUNT], bytes: &Bytes, scratch: &mut Vec<u8>) -> Stat {
    let number = u64::from(stat.syscall);
    let (asked, resolved) = (texts[open_text::REQUESTED], texts[open_text::PATH]);
    let (requested, requested_state) = text(asked, bytes);
    let descriptor = stat.flags & stat_flag::DESCRIPTOR != 0;
    let has_no_path = stat.flags & path_flag::NO_PATH != 0;
    let itself = asked.bytes.is_empty() && stat.asked & syscall::AT_EMPTY_PATH != 0;
    let (path, path_state) = if has_no_path {
        (None, State::Complete)
    } else if descriptor || itself {
        text(resolved, bytes)
    } else {
        path_of(asked, resolved, stat.flags, bytes, scratch)
    };
    Stat {
        call: call::name(stat.syscall),
        path,
        path_state,
        // fstat(2) asks for no path.
        requested: requested.filter(|_| number != syscall::FSTAT),
        requested_state,
        descriptor,
        anonymous: has_no_path.then(|| Text::new(bytes.slice_ref(resolved.bytes))),
        nofollow: number == syscall::LSTAT || stat.asked & syscall::AT_SYMLINK_NOFOLLOW != 0,
        mode: matches!(number, syscall::ACCESS | syscall::FACCESSAT | syscall::FACCESSAT2).then(|| mode(stat.mode)),
        count: u64::from(stat.count),
        repeats: false,
        result: Some(stat.result),
        error: errno::of_result(stat.result),
    }
}

/// What access(2) was asked: `F_OK`, or bits of `R_OK`, `W_OK` and `X_OK` (linux/fs.h).
fn mode(mode: u32) -> Cow<'static, str> {
    const NAMES: [&str; 8] = ["exists", "x", "w", "wx", "r", "rx", "rw", "rwx"];
    match usize::try_from(mode).ok().and_then(|at| NAMES.get(at)) {
        Some(name) => Cow::Borrowed(name),
        None => Cow::Owned(format!("{mode:#o}")),
    }
}
