//! Calls that read a link, or that make, remove, rename or change a file. One table says which of their arguments name
//! files, for the kernel half, and which of them say what is to be done, for userspace.

use super::{NUMBERS, Syscall, TABLES, shape::Shape};
use crate::{Kind, programs::family};

/// A call of this family and what its arguments mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PathCall {
    /// The call.
    pub call: Syscall,
    /// The files that it names, the first and the second.
    pub files: [Named; 2],
    /// The place of the buffer that a link is read to; [`NONE`] for other calls.
    pub target: u8,
    /// The place of the `AT_*` or `RENAME_*` flags; [`NONE`] where there are none.
    pub flags: u8,
    /// The place of the permissions; [`NONE`] where there are none.
    pub mode: u8,
    /// The place of the owner, behind which the group stands; [`NONE`] where there is none.
    pub owner: u8,
    /// The place of the length; [`NONE`] where there is none.
    pub length: u8,
}

/// The place of an argument that there is not: behind the six that a call can have.
pub const NONE: u8 = 7;

/// How a call names a file, by the places of the arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Named {
    /// The descriptor of the folder that the path starts from, or of the file itself; [`NONE`] for the working directory.
    pub folder: u8,
    /// The path; [`NONE`] where the descriptor is the file.
    pub path: u8,
}

impl Named {
    /// Not at all.
    pub const NOT: Self = Self { folder: NONE, path: NONE };
    /// The folder of a string that is no path.
    pub const NOWHERE: u8 = 6;
    /// What a symbolic link shall say: a string that starts from nowhere yet.
    pub const CONTENT: Self = Self::string(0);

    /// A path that starts from the working directory.
    pub(super) const fn path(path: u8) -> Self {
        Self { folder: NONE, path }
    }

    /// A path behind the descriptor of the folder that it starts from.
    pub(super) const fn below(folder: u8) -> Self {
        Self { folder, path: folder + 1 }
    }

    /// The file of a descriptor.
    pub(super) const fn descriptor(descriptor: u8) -> Self {
        Self { folder: descriptor, path: NONE }
    }

    /// A string that is no path, or one that starts from nowhere.
    pub(super) const fn string(at: u8) -> Self {
        Self { folder: Self::NOWHERE, path: at }
    }

    /// Both places in one byte, as [`FILES_OF`] has them.
    const fn packed(self) -> u8 {
        self.folder << 4 | self.path
    }

    /// The reverse of `packed`.
    #[must_use]
    pub const fn unpacked(byte: u8) -> Self {
        Self { folder: byte >> 4, path: byte & 15 }
    }
}

const fn call(number: u64, name: &'static str, kind: Kind, files: [Named; 2]) -> PathCall {
    let shape = Shape::NUMBERS.first(files[0]).second(files[1]);
    let call = Syscall::new(number, name, kind, family::PATHS).shaped(shape);
    PathCall { call, files, target: NONE, flags: NONE, mode: NONE, owner: NONE, length: NONE }
}

const fn one(number: u64, name: &'static str, kind: Kind, file: Named) -> PathCall {
    call(number, name, kind, [file, Named::NOT])
}

impl PathCall {
    const fn target(self, target: u8) -> Self {
        let shape = self.call.shape.addresses(1 << target);
        Self { call: self.call.shaped(shape), target, ..self }
    }

    const fn flags(self, flags: u8) -> Self {
        Self { flags, ..self }
    }

    const fn mode(self, mode: u8) -> Self {
        Self { mode, ..self }
    }

    const fn owner(self, owner: u8) -> Self {
        Self { owner, ..self }
    }

    const fn length(self, length: u8) -> Self {
        Self { length, ..self }
    }
}

const fn twice(from: Named, to: Named) -> [Named; 2] {
    [from, to]
}

/// `lchown(const char *path, uid_t user, gid_t group)`: it follows no link at the end of the path.
pub const LCHOWN: u64 = 94;
/// `readlinkat(int dfd, const char *path, char *buffer, int size)`: with an empty path it reads the descriptor's own link.
pub const READLINKAT: u64 = 267;

/// The calls (arch/x86/entry/syscalls/syscall_64.tbl, with their prototypes from linux/syscalls.h).
pub const PATH_CALLS: [PathCall; 26] = [
    one(89, "readlink", Kind::Readlink, Named::path(0)).target(1),
    one(READLINKAT, "readlinkat", Kind::Readlink, Named::below(0)).target(2),
    call(82, "rename", Kind::Rename, twice(Named::path(0), Named::path(1))),
    call(264, "renameat", Kind::Rename, twice(Named::below(0), Named::below(2))),
    call(316, "renameat2", Kind::Rename, twice(Named::below(0), Named::below(2))).flags(4),
    call(86, "link", Kind::Link, twice(Named::path(0), Named::path(1))),
    call(265, "linkat", Kind::Link, twice(Named::below(0), Named::below(2))).flags(4),
    call(88, "symlink", Kind::Symlink, twice(Named::CONTENT, Named::path(1))),
    call(266, "symlinkat", Kind::Symlink, twice(Named::CONTENT, Named::below(1))),
    one(87, "unlink", Kind::Unlink, Named::path(0)),
    one(263, "unlinkat", Kind::Unlink, Named::below(0)).flags(2),
    one(84, "rmdir", Kind::Unlink, Named::path(0)),
    one(83, "mkdir", Kind::Mkdir, Named::path(0)).mode(1),
    one(258, "mkdirat", Kind::Mkdir, Named::below(0)).mode(2),
    one(133, "mknod", Kind::Mkdir, Named::path(0)).mode(1),
    one(259, "mknodat", Kind::Mkdir, Named::below(0)).mode(2),
    one(90, "chmod", Kind::Chmod, Named::path(0)).mode(1),
    one(91, "fchmod", Kind::Chmod, Named::descriptor(0)).mode(1),
    one(268, "fchmodat", Kind::Chmod, Named::below(0)).mode(2),
    one(452, "fchmodat2", Kind::Chmod, Named::below(0)).mode(2).flags(3),
    one(92, "chown", Kind::Chown, Named::path(0)).owner(1),
    one(93, "fchown", Kind::Chown, Named::descriptor(0)).owner(1),
    one(LCHOWN, "lchown", Kind::Chown, Named::path(0)).owner(1),
    one(260, "fchownat", Kind::Chown, Named::below(0)).owner(2).flags(4),
    one(76, "truncate", Kind::Truncate, Named::path(0)).length(1),
    one(77, "ftruncate", Kind::Truncate, Named::descriptor(0)).length(1),
];

/// The same as the table of the family.
pub(super) const PATHS: &[Syscall] = &{
    let mut calls = [PATH_CALLS[0].call; PATH_CALLS.len()];
    let mut at = 0;
    while at < calls.len() {
        calls[at] = PATH_CALLS[at].call;
        at += 1;
    }
    calls
};

/// A file in [`FILES_OF`] that there is not.
pub const NOT_NAMED: u8 = Named::NOT.packed();

/// The files and other strings of each number, as [`Named::unpacked`] reads them, of calls of any family that
/// are recorded by their shape: what the kernel half asks. Behind the last of them is [`NOT_NAMED`].
pub const FILES_OF: [[u8; 4]; NUMBERS] = {
    let mut files = [[NOT_NAMED; 4]; NUMBERS];
    let mut table = 0;
    while table < TABLES.len() {
        let mut at = 0;
        while at < TABLES[table].len() {
            let call = TABLES[table][at];
            let [first, second, third, end] = call.shape.files();
            files[call.number as usize] = [first.packed(), second.packed(), third.packed(), end.packed()];
            at += 1;
        }
        table += 1;
    }
    files
};

/// The place of the buffer that a link is read to, for each number; [`NONE`] where there is none.
pub const TARGET_OF: [u8; NUMBERS] = {
    let mut targets = [NONE; NUMBERS];
    let mut at = 0;
    while at < PATH_CALLS.len() {
        targets[PATH_CALLS[at].call.number as usize] = PATH_CALLS[at].target;
        at += 1;
    }
    targets
};

/// The call of a number, where it is one of this family.
#[must_use]
pub fn path_call(number: u64) -> Option<&'static PathCall> {
    const { &PATH_CALLS }.iter().find(|of| of.call.number == number)
}
