//! Calls that read a link, or that make, remove, rename or change a file.

use std::borrow::Cow;

use bytes::Bytes;
use monitor_common::{
    Kind, TextState,
    body::{self, SECOND_PATH_SHIFT, call_text, path_flag},
    decode::Str,
    syscall::paths::{self, Named, PathCall},
};

use super::{file::composed, text};
use crate::{
    event::{at_flags, call, errno, path},
    record::{Change, Pair, Readlink, State, Text},
};

/// A call with its strings, and where its strings lie.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    call: &'a body::Call,
    texts: &'a [Str<'a>; call_text::COUNT],
    bytes: &'a Bytes,
    /// The call in the table; `None` for a request, and for a call that this version does not know.
    known: Option<&'static PathCall>,
}

/// One file of a call.
pub(super) struct File {
    pub(super) path: Option<Text>,
    pub(super) state: State,
    /// The kernel's name of a file without a path.
    anonymous: Option<Text>,
    flags: u32,
}

impl File {
    const fn is_unlinked(&self) -> bool {
        self.flags & path_flag::UNLINKED != 0
    }

    const fn is_outside(&self) -> bool {
        self.flags & path_flag::OUTSIDE_ROOT != 0
    }
}

impl<'a> Told<'a> {
    fn new(call: &'a body::Call, texts: &'a [Str<'a>; call_text::COUNT], bytes: &'a Bytes) -> Self {
        Self { call, texts, bytes, known: paths::path_call(u64::from(call.syscall)) }
    }

    /// Of a request, whose result is not known.
    pub(super) const fn request(
        call: &'a body::Call,
        texts: &'a [Str<'a>; call_text::COUNT],
        bytes: &'a Bytes,
    ) -> Self {
        Self { call, texts, bytes, known: None }
    }

    pub(super) fn requested(self, at: usize) -> (Option<Text>, State) {
        text(self.texts[at], self.bytes)
    }

    /// The argument at a place of the table, where the call has one.
    fn argument(self, place: impl Fn(&PathCall) -> u8) -> Option<u64> {
        self.call.args.get(usize::from(place(self.known?))).copied()
    }

    fn at_flags(self) -> u64 {
        // The calls take an int, of which the upper half of the register is no part.
        self.argument(|call| call.flags).unwrap_or(0) & 0xffff_ffff
    }

    /// The flags by name.
    fn flags(self) -> Vec<Cow<'static, str>> {
        let is_rename = self.known.is_some_and(|known| known.call.kind == Kind::Rename);
        at_flags::named(self.at_flags(), if is_rename { &at_flags::RENAME } else { &at_flags::AT })
    }

    /// Whether an empty path means the file of the descriptor (readlinkat(2), linkat(2), fchownat(2)).
    fn takes_empty(self) -> bool {
        u64::from(self.call.syscall) == paths::READLINKAT || self.at_flags() & at_flags::EMPTY_PATH != 0
    }

    /// Whether a link at the end of a path is followed.
    fn follows(self, second: bool) -> bool {
        let Some(known) = self.known else { return true };
        match known.call.kind {
            Kind::Link => !second && self.at_flags() & at_flags::SYMLINK_FOLLOW != 0,
            Kind::Chmod | Kind::Chown => {
                known.call.number != paths::LCHOWN && self.at_flags() & at_flags::SYMLINK_NOFOLLOW == 0
            }
            Kind::Truncate => true,
            _ => false,
        }
    }

    /// The first or the second file.
    pub(super) fn file(self, second: bool, scratch: &mut Vec<u8>) -> File {
        let first = if second { call_text::SECOND_REQUESTED } else { call_text::REQUESTED };
        let (asked, resolved) = (self.texts[first], self.texts[first + call_text::PATH]);
        let flags = self.call.flags >> if second { SECOND_PATH_SHIFT } else { 0 } & 0xff;
        let mut file = File { path: None, state: State::Complete, anonymous: None, flags };
        let is_base = flags & path_flag::BASE != 0;
        let is_empty = asked.bytes.is_empty() && asked.state == TextState::Complete;
        let is_itself = asked.state == TextState::NotAsked || is_empty && self.takes_empty();
        if flags & path_flag::NO_PATH != 0 {
            // Nothing lies below a file without a path.
            file.state = if is_itself { State::Complete } else { State::Unresolved };
            file.anonymous = is_itself.then(|| Text::new(self.bytes.slice_ref(resolved.bytes)));
        } else if is_itself {
            (file.path, file.state) = text(resolved, self.bytes);
        } else {
            (file.path, file.state) = composed(asked, is_base.then_some(resolved), self.bytes, scratch);
            let succeeded = self.known.is_some() && self.call.result >= 0;
            let is_exact = path::is_exact(asked.bytes, self.follows(second));
            if file.state == State::Unresolved && file.path.is_some() && succeeded && is_exact {
                file.state = State::Complete;
            }
        }
        file
    }
}

/// readlink or readlinkat has returned.
#[must_use]
pub fn readlink(
    call: &body::Call,
    texts: &[Str<'_>; call_text::COUNT],
    bytes: &Bytes,
    scratch: &mut Vec<u8>,
) -> Readlink {
    let told = Told::new(call, texts, bytes);
    let file = told.file(false, scratch);
    let (requested, requested_state) = told.requested(call_text::REQUESTED);
    let (target, target_state) = told.requested(call_text::SECOND_REQUESTED);
    let has_target = call.result >= 0;
    Readlink {
        unlinked: file.is_unlinked(),
        outside_root: file.is_outside(),
        path: file.path,
        path_state: file.state,
        requested,
        requested_state,
        target: target.filter(|_| has_target),
        target_state: if has_target { target_state } else { State::Complete },
        result: call.result,
        error: errno::of_result(call.result),
    }
}

/// rename, link or symlink has returned.
#[must_use]
pub fn pair(call: &body::Call, texts: &[Str<'_>; call_text::COUNT], bytes: &Bytes, scratch: &mut Vec<u8>) -> Pair {
    let told = Told::new(call, texts, bytes);
    let (requested_from, requested_from_state) = told.requested(call_text::REQUESTED);
    let (requested_to, requested_to_state) = told.requested(call_text::SECOND_REQUESTED);
    // What a symbolic link says starts from wherever it is found.
    let is_content = told.known.is_some_and(|known| known.files[0] == Named::CONTENT);
    let from = if is_content {
        File { path: requested_from.clone(), state: requested_from_state, anonymous: None, flags: 0 }
    } else {
        told.file(false, scratch)
    };
    let to = told.file(true, scratch);
    let differs = |requested: Option<Text>, path: &Option<Text>| requested.filter(|text| Some(text) != path.as_ref());
    Pair {
        call: call::name(call.syscall),
        unlinked: from.is_unlinked() || to.is_unlinked(),
        outside_root: from.is_outside() || to.is_outside(),
        requested_from: differs(requested_from, &from.path),
        requested_from_state,
        requested_to: differs(requested_to, &to.path),
        requested_to_state,
        from: from.path,
        from_state: from.state,
        to: to.path,
        to_state: to.state,
        flags: told.flags(),
        result: call.result,
        error: errno::of_result(call.result),
    }
}

/// A call that makes, removes or changes a file has returned.
#[must_use]
pub fn change(call: &body::Call, texts: &[Str<'_>; call_text::COUNT], bytes: &Bytes, scratch: &mut Vec<u8>) -> Change {
    let told = Told::new(call, texts, bytes);
    let file = told.file(false, scratch);
    let (requested, requested_state) = told.requested(call_text::REQUESTED);
    // The kernel takes the lower bits: a mode has 16, an id 32, and the id -1 leaves the owner as it is (chown(2)).
    let low = |argument: Option<u64>| argument.map(|argument| argument as u32);
    let id = |place: Option<u64>| low(place).filter(|id| *id != u32::MAX);
    Change {
        call: call::name(call.syscall),
        unlinked: file.is_unlinked(),
        outside_root: file.is_outside(),
        path: file.path,
        path_state: file.state,
        requested,
        requested_state: if told.known.is_some_and(|known| known.files[0].path == paths::NONE) {
            State::Complete
        } else {
            requested_state
        },
        mode: low(told.argument(|call| call.mode)).map(|mode| mode & 0xffff),
        owner: id(told.argument(|call| call.owner)),
        group: id(told.argument(|call| if call.owner == paths::NONE { paths::NONE } else { call.owner + 1 })),
        length: told.argument(|call| call.length).map(u64::cast_signed),
        flags: told.flags(),
        result: call.result,
        error: errno::of_result(call.result),
        anonymous: file.anonymous,
    }
}
