//! Records with the body [`Body`] that name one or two files, each by what was asked for and by a path of the kernel's.

use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Call as Body, SECOND_PATH_SHIFT, call_text, path_flag},
    counters::Fault,
    limits::PATH_BYTES,
    syscall::AT_FDCWD,
};

use crate::{
    emit,
    globals::offset,
    path::{self, PathBuffer, Place, walk},
    probes::syscall::Call,
    read::{Fetched, Structure as _, opaque},
    task::{Tracked, file},
};

/// Bytes of a record before its strings.
const FIXED: usize = size_of::<Header>() + size_of::<Body>();

/// Room for all strings of a record, each at its bound; a power of two.
const STRINGS: usize = call_text::COUNT * PATH_BYTES;

/// Where a record is built; a value of a map.
#[repr(C, align(8))]
pub(crate) struct FilesBuffer {
    /// Bytes of strings so far.
    used: u64,
    /// The place of the file that is being added.
    place: Place,
    path: PathBuffer,
    /// The record; the room behind its strings is what the verifier demands for the last of them.
    record: [u8; FIXED + STRINGS + PATH_BYTES],
}

/// A record that is being built, by the address of its buffer.
#[derive(Clone, Copy)]
pub(crate) struct Files(*mut FilesBuffer);

impl Files {
    /// The record of a buffer.
    ///
    /// # Safety
    ///
    /// The buffer must be a value of a map that nothing else uses as long as the record is.
    #[inline(always)]
    pub(crate) const unsafe fn new(buffer: *mut FilesBuffer) -> Self {
        Self(buffer)
    }

    /// The fixed body.
    #[inline(always)]
    pub(crate) fn body(self) -> *mut Body {
        // SAFETY: the body lies within the record.
        unsafe { (&raw mut (*self.0).record).cast::<u8>().add(size_of::<Header>()).cast() }
    }

    /// Begins a record: nothing was asked for, nothing is known.
    #[inline(always)]
    pub(crate) fn begin(self, number: u32, result: i64, took: u64) {
        let body = self.body();
        // SAFETY: the buffer is this record's alone. Field by field: the body would be made on the stack first.
        unsafe {
            (*self.0).used = 0;
            (*body).result = result;
            (*body).took = took;
            (*body).object = 0;
            (*body).syscall = number;
            (*body).flags = 0;
            (*body).socket_type = 0;
            (*body).protocol = 0;
            (*body).pad = 0;
            for at in 0..call_text::COUNT {
                (*body).texts[at] = Text { len: 0, state: TextState::NotAsked.number(), pad: 0 };
            }
        }
    }

    /// Bytes of strings so far. Read back from memory: so the verifier follows what comes now once, and not once for each
    /// way in which the strings can have come.
    #[inline(always)]
    fn used(self) -> u64 {
        // SAFETY: the buffer is this record's alone.
        opaque(unsafe { (&raw const (*self.0).used).read_volatile() }) & (STRINGS as u64 - 1)
    }

    /// Where the next string goes: it has room for [`PATH_BYTES`] bytes.
    #[inline(always)]
    pub(crate) fn end(self) -> *mut u8 {
        // SAFETY: the mask keeps the place within the record.
        unsafe { (&raw mut (*self.0).record).cast::<u8>().add(FIXED + self.used() as usize) }
    }

    /// Says how the string came that was put to [`Self::end`]; `at` is below [`call_text::COUNT`].
    #[inline(always)]
    pub(crate) fn added(self, at: usize, text: Text) {
        // SAFETY: the buffer is this record's alone, and the caller promises the bound.
        unsafe {
            *(&raw mut (*self.body()).texts).cast::<Text>().add(at) = text;
            (&raw mut (*self.0).used).write_volatile(self.used() + u64::from(text.len));
        }
    }

    /// Finds the place whose path belongs beside what was asked for: the file of a descriptor, or with `base` the folder that a
    /// relative path starts from, where `folder` may be [`AT_FDCWD`]. `which` is 0 or 1, for the first and the second file.
    #[inline(always)]
    pub(crate) fn find(self, thread: Fetched, folder: i32, base: bool, which: usize) {
        if !path::is_told() {
            return self.find_none();
        }
        let place = if base && folder == AT_FDCWD {
            Place::of(thread.follow(offset!(task_fs)), offset!(fs_pwd))
        } else {
            Place::of_file(file(thread, folder as u32))
        };
        // SAFETY: the buffer is this record's alone, and the caller promises the bound.
        unsafe {
            let body = self.body();
            if place.dentry == 0 {
                emit::fault(Fault::StringUnreadable);
                let at = which * call_text::SECOND_REQUESTED + call_text::PATH;
                let text = Text { len: 0, state: TextState::Unreadable.number(), pad: 0 };
                *(&raw mut (*body).texts).cast::<Text>().add(at) = text;
            }
            if base {
                (*body).flags |= path_flag::BASE << (which as u32 * SECOND_PATH_SHIFT);
            }
            (&raw mut (*self.0).place).write_volatile(place);
        }
    }

    /// There is no place whose path belongs into the record.
    #[inline(always)]
    pub(crate) fn find_none(self) {
        // SAFETY: the buffer is this record's alone.
        unsafe { (&raw mut (*self.0).place).write_volatile(Place::NONE) }
    }

    /// Adds the path of the place that was found, where there is one.
    #[inline(always)]
    pub(crate) fn walk(self, thread: Fetched, which: usize) {
        // SAFETY: the buffer is this record's alone, and the caller promises the bound of `which`.
        unsafe {
            let place = (&raw const (*self.0).place).read_volatile();
            if place.dentry == 0 {
                return;
            }
            let root = Place::of(thread.follow(offset!(task_fs)), offset!(fs_root));
            let walked = walk(&raw mut (*self.0).path, place, root);
            let len = walked.copy(&raw const (*self.0).path, self.end());
            (*self.body()).flags |= walked.flags << (which as u32 * SECOND_PATH_SHIFT);
            let text = Text { len: len as u32, state: walked.state, pad: 0 };
            self.added(which * call_text::SECOND_REQUESTED + call_text::PATH, text);
        }
    }

    /// Writes the record of a call to the ring, of a kind by its [`Kind::index`].
    #[inline(always)]
    pub(crate) fn send_call(self, kind: u64, who: Tracked, call: Call) {
        let len = FIXED as u64 + self.used();
        // SAFETY: the record begins with room for a header and has `len` bytes.
        unsafe { emit::send_call_number(kind, who, call, (&raw mut (*self.0).record).cast(), len) }
    }

    /// Writes a record that is no call's to the ring.
    #[inline(always)]
    pub(crate) fn send(self, kind: Kind, who: Tracked) {
        let len = FIXED as u64 + self.used();
        // SAFETY: the record begins with room for a header and has `len` bytes; the task is a value of the map.
        unsafe { emit::send(kind, who.tid, who.task, (&raw mut (*self.0).record).cast(), len) }
    }
}
