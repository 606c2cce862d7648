//! Where the kernel's fields are, from its BTF.

use std::{collections::HashMap, path::Path};

use btf_rs::{Btf, Type};
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
    let bytes = std::fs::read(path).map_err(|error| no_btf(error.to_string()))?;
    let btf = Btf::from_bytes(&bytes).map_err(|error| no_btf(error.to_string()))?;
    let mut members = HashMap::new();
    Ok(Offsets::from_fn(|Field { structure, member }| {
        let fields = members.entry(structure).or_insert_with(|| members_of(&btf, structure));
        fields.get(member).copied()
    }))
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
