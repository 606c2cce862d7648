//! The absolute path of a dentry: up the dentries, across the mounts, to the root of the task.
//!
//! It is built backwards, as `d_path` does. A file that is renamed or a mount that moves during the walk can give a
//! path that never was: the programs cannot take the kernel's locks.

use monitor_common::{
    Text, TextState,
    body::path_flag,
    counters::Fault,
    limits::{PATH_BYTES, PATH_COMPONENTS},
    offsets::layout,
};

use crate::{
    emit,
    globals::{layout, offset},
    read::{Typed, kernel, kernel_bytes, opaque},
};

/// Bytes of the longest name (`NAME_MAX` 255, linux/limits.h) with its slash.
const COMPONENT_BYTES: usize = 256;

/// Where a path is built; it ends at [`PATH_BYTES`]. The rest is room that the verifier demands and nothing uses.
#[repr(C, align(8))]
pub(crate) struct PathBuffer {
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

    /// The `struct path` at an offset of a structure whose type the verifier knows.
    #[inline(always)]
    pub(crate) fn typed(structure: Typed, at: u32) -> Self {
        Self {
            mnt: structure.load(at.wrapping_add(offset!(path_mnt)), 0),
            dentry: structure.load(at.wrapping_add(offset!(path_dentry)), 0),
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
            mnt: kernel(file, at.wrapping_add(offset!(path_mnt)), 0),
            dentry: kernel(file, at.wrapping_add(offset!(path_dentry)), 0),
        }
    }
}

/// Where a walk ended.
#[derive(Clone, Copy)]
pub(crate) struct Walked {
    /// Where the path begins in the buffer; at most [`PATH_BYTES`], where it ends.
    start: u64,
    /// Bits of [`path_flag`].
    pub(crate) flags: u32,
    /// How the path came.
    pub(crate) state: TextState,
}

impl Walked {
    /// Copies the path behind what a record already has, and describes it; it has at most [`PATH_BYTES`].
    ///
    /// # Safety
    ///
    /// `to` must have room for [`PATH_BYTES`] bytes, and the verifier must see it.
    #[inline(always)]
    pub(crate) unsafe fn copy(self, buffer: *const PathBuffer, to: *mut u8) -> Text {
        let len = opaque(PATH_BYTES as u64 - self.start);
        let len = if len > PATH_BYTES as u64 { 0 } else { len as u32 };
        // SAFETY: the path lies at the end of the buffer; the caller promises the room.
        unsafe { kernel_bytes(to, len, buffer as u64 + self.start) };
        Text { len, state: self.state.number(), pad: 0 }
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
struct Mount {
    parent: u64,
    mountpoint: u64,
    root: u64,
}

#[inline(always)]
fn step(dentry: u64) -> Step {
    const NONE: Step = Step { pprev: 0, parent: 0, hash_len: 0, name: 0 };
    if layout(layout::DENTRY) {
        return kernel(dentry, offset!(dentry_hash).wrapping_add(8), NONE);
    }
    let name = offset!(dentry_name);
    Step {
        pprev: kernel(dentry, offset!(dentry_hash).wrapping_add(8), 0),
        parent: kernel(dentry, offset!(dentry_parent), 0),
        hash_len: u64::from(kernel(dentry, name.wrapping_add(offset!(qstr_len)), 0u32)) << 32,
        name: kernel(dentry, name.wrapping_add(offset!(qstr_name)), 0),
    }
}

#[inline(always)]
fn mount_of(mnt: u64) -> Mount {
    const NONE: Mount = Mount { parent: 0, mountpoint: 0, root: 0 };
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
    let bytes = buffer.cast::<u8>();
    let mut position = PATH_BYTES as u64;
    let mut flags = 0;
    let mut state = TextState::Cut;
    let mut dentry = at.dentry;
    let mut mnt = at.mnt;
    let mut mount = mount_of(mnt);
    for round in 0..PATH_COMPONENTS {
        if dentry == root.dentry && mnt == root.mnt {
            state = TextState::Complete;
            break;
        }
        if dentry == mount.root {
            let own = mnt.wrapping_sub(u64::from(offset!(mount_mnt)));
            if mount.parent == own || mount.parent == 0 {
                flags |= path_flag::OUTSIDE_ROOT;
                state = TextState::Complete;
                break;
            }
            dentry = mount.mountpoint;
            mnt = mount.parent.wrapping_add(u64::from(offset!(mount_mnt)));
            mount = mount_of(mnt);
            continue;
        }
        let step = step(dentry);
        let len = (step.hash_len >> 32) & (COMPONENT_BYTES as u64 - 1);
        if step.parent == 0 {
            state = TextState::Unreadable;
            break;
        }
        let top = step.parent == dentry;
        if top && round > 0 {
            flags |= path_flag::OUTSIDE_ROOT;
            state = TextState::Complete;
            break;
        }
        if round == 0 && step.pprev == 0 && !top {
            flags |= path_flag::UNLINKED;
        }
        if position <= len {
            break;
        }
        position = opaque(position - len - 1) & (PATH_BYTES as u64 - 1);
        // SAFETY: `position` is masked below PATH_BYTES and `len` below COMPONENT_BYTES, so that the slash and the
        // name end within the buffer.
        unsafe {
            *bytes.add(position as usize) = b'/';
            kernel_bytes(bytes.add(position as usize + 1), opaque(len) as u32 & (COMPONENT_BYTES as u32 - 1), step.name);
        }
        if top {
            // What has no path is a root of its own, and its name has no slash before it.
            flags |= path_flag::NO_PATH;
            state = TextState::Complete;
            position += 1;
            break;
        }
        dentry = step.parent;
    }
    finish(bytes, position, flags, state)
}

/// Counts what went wrong, and makes the empty path of the root a slash.
#[inline(always)]
fn finish(bytes: *mut u8, position: u64, flags: u32, state: TextState) -> Walked {
    let mut start = position;
    match state {
        TextState::Unreadable => {
            emit::fault(Fault::StringUnreadable);
            start = PATH_BYTES as u64;
        }
        TextState::Cut => emit::fault(Fault::PathCut),
        _ if flags & path_flag::OUTSIDE_ROOT != 0 => emit::fault(Fault::PathOutsideRoot),
        _ => {}
    }
    if start == PATH_BYTES as u64 && state == TextState::Complete && flags & path_flag::NO_PATH == 0 {
        start -= 1;
        // SAFETY: the last byte of the path lies within the buffer.
        unsafe { *bytes.add(PATH_BYTES - 1) = b'/' };
    }
    Walked { start, flags, state }
}
