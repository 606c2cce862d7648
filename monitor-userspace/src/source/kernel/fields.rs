//! Where the kernel's fields are, from its BTF.

use std::{
    collections::HashMap,
    fs::File,
    io::Write as _,
    os::fd::{FromRawFd as _, OwnedFd},
    path::Path,
};

use btf_rs::{Backend, Btf, Type};
use monitor_common::offsets::{Field, Offsets};

use super::error::OpenError;

/// Structures nest anonymous ones a few levels deep; a bound keeps a broken file from recursing for ever.
const DEPTH: usize = 8;

/// Reads the offsets of every field that the kernel half uses; a field that this kernel lacks is absent.
///
/// # Errors
///
/// [`OpenError::NoBtf`] when the file cannot be read or is no BTF.
pub(super) fn offsets(path: &Path) -> Result<Offsets, OpenError> {
    let no_btf = |reason: String| OpenError::NoBtf { path: path.to_owned(), reason };
    let btf = open(path).map_err(no_btf)?;
    let mut members = HashMap::new();
    Ok(Offsets::from_fn(|Field { structure, member }| {
        let fields = members.entry(structure).or_insert_with(|| members_of(&btf, structure));
        fields.get(member).copied()
    }))
}

/// Opens a BTF for a few look-ups. The reader that parses everything first takes three times as long as all of them;
/// the other one maps the file, which kernels before 6.16 do not allow for their own, so it maps a copy.
fn open(path: &Path) -> Result<Btf, String> {
    let text = |error: &dyn std::error::Error| error.to_string();
    let bytes = std::fs::read(path).map_err(|error| text(&error))?;
    let name = c"agentsnoop-btf";
    // SAFETY: the name is a C string.
    let descriptor = unsafe { libc::memfd_create(name.as_ptr(), libc::MFD_CLOEXEC) };
    if descriptor < 0 {
        return Btf::from_bytes(&bytes).map_err(|error| text(&error));
    }
    // SAFETY: the descriptor was just opened, and nothing else owns it.
    let mut copy = File::from(unsafe { OwnedFd::from_raw_fd(descriptor) });
    copy.write_all(&bytes).map_err(|error| text(&error))?;
    let path = format!("/proc/self/fd/{descriptor}");
    Btf::from_file_with_backend(path, Backend::Mmap).map_err(|error| text(&error))
}

/// The byte offsets of a structure's members by name; bit fields have none.
fn members_of(btf: &Btf, structure: &str) -> HashMap<String, u32> {
    let mut members = HashMap::new();
    let types = btf.resolve_types_by_name(structure).unwrap_or_default();
    for found in types {
        if let Type::Struct(found) = found {
            collect(btf, &found, 0, DEPTH, &mut members);
        }
    }
    members
}

/// Collects the members of a structure or union, those of anonymous ones within it as its own.
fn collect(btf: &Btf, of: &btf_rs::Struct, base: u32, depth: usize, members: &mut HashMap<String, u32>) {
    for member in &of.members {
        if member.bitfield_size().is_some_and(|bits| bits != 0) {
            continue;
        }
        let offset = base + member.bit_offset() / 8;
        let name = btf.resolve_name(member).unwrap_or_default();
        if !name.is_empty() {
            members.entry(name).or_insert(offset);
            continue;
        }
        if let (Some(depth), Ok(Type::Struct(inner) | Type::Union(inner))) =
            (depth.checked_sub(1), btf.resolve_chained_type(member))
        {
            collect(btf, &inner, offset, depth, members);
        }
    }
}
