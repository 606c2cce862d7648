//! The absolute path of a dentry: up the dentries, across the mounts, to the root of the task.
//!
//! It is built backwards, as `d_path` does. A file that is renamed or a mount that moves during the walk can give a
//! path that never was: the programs cannot take the kernel's locks.

use monitor_common::{
    TextState,
    body::path_flag,
    counters::Fault,
    limits::{PATH_BYTES, PATH_COMPONENTS},
    offsets::{ABSENT, layout},
};

use crate::{
    emit,
    globals::{layout, offset},
    read::{Structure, kernel, kernel_bytes, opaque, within},
};

/// Whether this kernel's BTF tells the fields of the walk; where it does not, a path is what was asked for.
#[inline(always)]
pub(crate) fn is_told() -> bool {
    layout(layout::PATHS)
}

/// Bytes of the longest name (`NAME_MAX` 255, linux/limits.h) with its slash.
const COMPONENT_BYTES: usize = 256;

/// `pprev` in `struct hlist_bl_node` (linux/list_bl.h), behind the pointer `next`: the type is `d_hash`'s own, and BTF is
/// asked for the place of `d_hash`.
const HASH_PPREV: u32 = 8;

/// Where a path is built, and where the walk is.
///
/// The walk keeps its state here and not in registers: so the verifier finds the same state at the head of each round
/// and follows each round once, not once for every way that led to it.
#[repr(C, align(8))]
pub(crate) struct PathBuffer {
    position: u64,
    dentry: u64,
    mnt: u64,
    mount: Mount,
    root: Place,
    flags: u64,
    /// A number of [`TextState`].
    state: u64,
    /// The path ends at [`PATH_BYTES`]. The rest is room that the verifier demands and nothing uses.
    bytes: [u8; PATH_BYTES + COMPONENT_BYTES],
}

/// A `struct path`: a dentry in a mount, by address.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Place {
    /// The `struct vfsmount`.
    pub(crate) mnt: u64,
    /// The `struct dentry`.
    pub(crate) dentry: u64,
}

impl Place {
    /// No place.
    pub(crate) const NONE: Self = Self { mnt: 0, dentry: 0 };

    /// The `struct path` at an offset of a structure.
    #[inline(always)]
    pub(crate) fn of(structure: impl Structure, at: u32) -> Self {
        Self {
            mnt: structure.load(within(at, offset!(path_mnt)), 0),
            dentry: structure.load(within(at, offset!(path_dentry)), 0),
        }
    }

    /// The `struct path` of a `struct file`.
    #[inline(always)]
    pub(crate) fn of_file(file: u64) -> Self {
        let at = offset!(file_path);
        if offset!(path_mnt) == 0 && offset!(path_dentry) == 8 {
            return kernel(file, at, Self::NONE);
        }
        Self {
            mnt: kernel(file, within(at, offset!(path_mnt)), 0),
            dentry: kernel(file, within(at, offset!(path_dentry)), 0),
        }
    }
}

impl Place {
    /// What tells the place from others: its addresses, and name and parent, by which a folder is another one when it was
    /// moved, or when another one has come to lie at its address.
    #[inline(always)]
    pub(crate) fn identity(self) -> [u64; 4] {
        let step = step(self.dentry);
        [self.dentry, self.mnt, step.parent, step.hash_len]
    }
}

/// Where a walk ended.
#[derive(Clone, Copy)]
pub(crate) struct Walked {
    /// Where the path begins in the buffer; at most [`PATH_BYTES`], where it ends.
    start: u64,
    /// Bits of [`path_flag`].
    pub(crate) flags: u32,
    /// How the path came: a number of [`TextState`].
    pub(crate) state: u16,
}

impl Walked {
    /// Copies the path behind what a record already has, and gives its length, at most [`PATH_BYTES`].
    ///
    /// # Safety
    ///
    /// `to` must have room for [`PATH_BYTES`] bytes, and the verifier must see it.
    #[inline(always)]
    pub(crate) unsafe fn copy(self, buffer: *const PathBuffer, to: *mut u8) -> u64 {
        let start = opaque(self.start);
        let start = if start > PATH_BYTES as u64 { PATH_BYTES as u64 } else { start };
        let len = PATH_BYTES as u64 - start;
        // SAFETY: the path lies at the end of the buffer; the caller promises the room.
        unsafe { kernel_bytes(to, len as u32, (&raw const (*buffer).bytes) as u64 + start) };
        len
    }
}

/// The part of a `struct dentry` that a step needs.
#[repr(C)]
#[derive(Clone, Copy)]
struct Step {
    pprev: u64,
    parent: u64,
    hash_len: u64,
    name: u64,
}

/// The part of a `struct mount` that a step needs.
#[repr(C)]
#[derive(Clone, Copy)]
pub(crate) struct Mount {
    parent: u64,
    mountpoint: u64,
    root: u64,
}

#[inline(always)]
fn step(dentry: u64) -> Step {
    const NONE: Step = Step { pprev: 0, parent: 0, hash_len: 0, name: 0 };
    if layout(layout::DENTRY) {
        return kernel(dentry, within(offset!(dentry_hash), HASH_PPREV), NONE);
    }
    let name = offset!(dentry_name);
    Step {
        pprev: kernel(dentry, within(offset!(dentry_hash), HASH_PPREV), 0),
        parent: kernel(dentry, offset!(dentry_parent), 0),
        hash_len: u64::from(kernel(dentry, within(name, offset!(qstr_len)), 0u32)) << 32,
        name: kernel(dentry, within(name, offset!(qstr_name)), 0),
    }
}

#[inline(always)]
fn mount_of(mnt: u64) -> Mount {
    const NONE: Mount = Mount { parent: 0, mountpoint: 0, root: 0 };
    if offset!(mount_mnt) == ABSENT {
        return NONE;
    }
    let mount = mnt.wrapping_sub(u64::from(offset!(mount_mnt)));
    if layout(layout::MOUNT) {
        return kernel(mount, offset!(mount_parent), NONE);
    }
    Mount {
        parent: kernel(mount, offset!(mount_parent), 0),
        mountpoint: kernel(mount, offset!(mount_mountpoint), 0),
        root: kernel(mnt, offset!(vfsmount_root), 0),
    }
}

/// Builds the path from `root` to `at` at the end of the buffer.
///
/// # Safety
///
/// `buffer` must be a value of a map that nothing else uses meanwhile.
#[inline(always)]
pub(crate) unsafe fn walk(buffer: *mut PathBuffer, at: Place, root: Place) -> Walked {
    // SAFETY: the caller's promise.
    unsafe {
        (*buffer).position = PATH_BYTES as u64;
        (*buffer).dentry = at.dentry;
        (*buffer).mnt = at.mnt;
        (*buffer).mount = mount_of(at.mnt);
        (*buffer).root = root;
        (*buffer).flags = 0;
        end(buffer, TextState::Cut);
        for number in 0..PATH_COMPONENTS {
            if !round(buffer, number == 0) {
                break;
            }
        }
        finish(buffer)
    }
}

/// Says how the walk ends, and that it does.
///
/// # Safety
///
/// As for [`walk`].
#[inline(always)]
unsafe fn end(buffer: *mut PathBuffer, state: TextState) -> bool {
    // SAFETY: the caller's promise.
    unsafe { (&raw mut (*buffer).state).write_volatile(u64::from(state.number())) };
    false
}

/// A step up, to the parent or across a mount; whether there is another one.
///
/// # Safety
///
/// As for [`walk`].
#[inline(always)]
unsafe fn round(buffer: *mut PathBuffer, first: bool) -> bool {
    // SAFETY: the caller's promise. The accesses are volatile so that nothing stays in a register.
    unsafe {
        let dentry = (&raw const (*buffer).dentry).read_volatile();
        let mnt = (&raw const (*buffer).mnt).read_volatile();
        if dentry == (&raw const (*buffer).root.dentry).read_volatile()
            && mnt == (&raw const (*buffer).root.mnt).read_volatile()
        {
            return end(buffer, TextState::Complete);
        }
        if dentry == (&raw const (*buffer).mount.root).read_volatile() {
            return cross(buffer, mnt);
        }
        let step = step(dentry);
        if step.parent == 0 {
            return end(buffer, TextState::Unreadable);
        }
        let top = step.parent == dentry;
        if top && !first {
            let flags = (&raw const (*buffer).flags).read_volatile();
            (&raw mut (*buffer).flags).write_volatile(flags | u64::from(path_flag::OUTSIDE_ROOT));
            return end(buffer, TextState::Complete);
        }
        if first && step.pprev == 0 && !top {
            (&raw mut (*buffer).flags).write_volatile(u64::from(path_flag::UNLINKED));
        }
        let len = opaque(step.hash_len >> 32) & (COMPONENT_BYTES as u64 - 1);
        let before = (&raw const (*buffer).position).read_volatile();
        if before <= len {
            return end(buffer, TextState::Cut);
        }
        let position = opaque(before - len - 1) & (PATH_BYTES as u64 - 1);
        (&raw mut (*buffer).position).write_volatile(position);
        let bytes = (&raw mut (*buffer).bytes).cast::<u8>().add(position as usize);
        // `position` is below PATH_BYTES and `len` below COMPONENT_BYTES, so slash and name end within the buffer.
        *bytes = b'/';
        kernel_bytes(bytes.add(1), len as u32, step.name);
        if top {
            // What has no path is a root of its own, and its name has no slash before it.
            (&raw mut (*buffer).flags).write_volatile(u64::from(path_flag::NO_PATH));
            (&raw mut (*buffer).position).write_volatile(position + 1);
            return end(buffer, TextState::Complete);
        }
        (&raw mut (*buffer).dentry).write_volatile(step.parent);
    }
    true
}

/// Goes on from the root of a mount where that is mounted.
///
/// # Safety
///
/// As for [`walk`].
#[inline(always)]
unsafe fn cross(buffer: *mut PathBuffer, mnt: u64) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        // Where the offset of `mnt` is absent the parent was not read either, and is 0.
        let parent = (&raw const (*buffer).mount.parent).read_volatile();
        let own = mnt.wrapping_sub(u64::from(offset!(mount_mnt)));
        if parent == own || parent == 0 {
            let flags = (&raw const (*buffer).flags).read_volatile();
            (&raw mut (*buffer).flags).write_volatile(flags | u64::from(path_flag::OUTSIDE_ROOT));
            return end(buffer, TextState::Complete);
        }
        let mnt = parent.wrapping_add(u64::from(offset!(mount_mnt)));
        (&raw mut (*buffer).dentry).write_volatile((&raw const (*buffer).mount.mountpoint).read_volatile());
        (&raw mut (*buffer).mnt).write_volatile(mnt);
        (&raw mut (*buffer).mount).write_volatile(mount_of(mnt));
    }
    true
}

/// Counts what went wrong, and makes the empty path of the root a slash.
///
/// # Safety
///
/// As for [`walk`].
#[inline(always)]
unsafe fn finish(buffer: *mut PathBuffer) -> Walked {
    const COMPLETE: u16 = TextState::Complete.number();
    const CUT: u16 = TextState::Cut.number();
    const UNREADABLE: u16 = TextState::Unreadable.number();
    // SAFETY: the caller's promise.
    let (mut start, flags, state) = unsafe {
        (
            (&raw const (*buffer).position).read_volatile(),
            (&raw const (*buffer).flags).read_volatile() as u32,
            (&raw const (*buffer).state).read_volatile() as u16,
        )
    };
    if state == UNREADABLE {
        emit::fault(Fault::StringUnreadable);
        start = PATH_BYTES as u64;
    } else if state == CUT {
        emit::fault(Fault::PathCut);
    } else if flags & path_flag::OUTSIDE_ROOT != 0 {
        emit::fault(Fault::PathOutsideRoot);
    }
    if start == PATH_BYTES as u64 && state == COMPLETE && flags & path_flag::NO_PATH == 0 {
        start -= 1;
        // SAFETY: the last byte of the path lies within the buffer.
        unsafe { (*buffer).bytes[PATH_BYTES - 1] = b'/' };
    }
    Walked { start, flags, state }
}
