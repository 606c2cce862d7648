//! Where the kernel's fields are, from its BTF.

use std::{collections::HashMap, fs::File, io, os::fd::AsRawFd as _, path::Path};

use btf_rs::{Backend, Btf, Type};
use monitor_common::offsets::{Field, Offsets};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::error::OpenError;

/// Structures nest anonymous ones a few levels deep; a bound keeps a broken file from recursing for ever.
const DEPTH: usize = 8;

/// The kernel's BTF, in a file in memory: kernels before 6.16 do not let their own be mapped, and what is mapped takes
/// no anonymous memory, which the two readers need enough of.
pub(super) struct KernelTypes {
    copy: File,
}

impl KernelTypes {
    /// Reads the BTF at `path`.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoBtf`] when it cannot be read.
    pub(super) fn read(path: &Path) -> Result<Self, OpenError> {
        let copy = || -> io::Result<File> {
            let mut kernel = File::open(path)?;
            let mut copy = File::from(memfd_create("agentsnoop-btf", MFdFlags::MFD_CLOEXEC)?);
            io::copy(&mut kernel, &mut copy)?;
            Ok(copy)
        };
        match copy() {
            Ok(copy) => Ok(Self { copy }),
            Err(error) => Err(OpenError::NoBtf { path: path.to_owned(), reason: error.to_string() }),
        }
    }

    /// The offsets of every field that the kernel half uses; a field that this kernel lacks is absent.
    ///
    /// # Errors
    ///
    /// [`OpenError::Other`] when this is no BTF.
    pub(super) fn offsets(&self) -> Result<Offsets, OpenError> {
        let path = format!("/proc/self/fd/{}", self.copy.as_raw_fd());
        // The backend that parses everything first takes three times as long as all look-ups.
        let btf = Btf::from_file_with_backend(path, Backend::Mmap).map_err(|error| broken(&error))?;
        let mut members = HashMap::new();
        Ok(Offsets::from_fn(|Field { structure, member }| {
            let fields = members.entry(structure).or_insert_with(|| members_of(&btf, structure));
            fields.get(member).copied()
        }))
    }

    /// All types, as the loader wants them.
    ///
    /// # Errors
    ///
    /// [`OpenError::Other`] when this is no BTF.
    pub(super) fn parse(&self) -> Result<aya::Btf, OpenError> {
        // SAFETY: the file is in memory of this process alone, which writes to it no more.
        let bytes = unsafe { memmap2::Mmap::map(&self.copy) }.map_err(|error| broken(&error))?;
        aya::Btf::parse(&bytes, aya::Endianness::default()).map_err(|error| broken(&error))
    }
}

fn broken(error: &dyn std::error::Error) -> OpenError {
    OpenError::Other(format!("cannot understand the kernel's type information (BTF): {error}"))
}

/// The byte offsets of a structure's members by name; bit fields have none.
fn members_of(btf: &Btf, structure: &str) -> HashMap<String, u32> {
    if structure == IO_URING_SUBMIT {
        return submission(btf);
    }
    let mut members = HashMap::new();
    let types = btf.resolve_types_by_name(structure).unwrap_or_default();
    for found in types {
        if let Type::Struct(found) = found {
            collect(btf, &found, 0, DEPTH, &mut members);
        }
    }
    members
}

/// What stands for a structure where it is asked how requests are submitted to an io_uring; see [`Offsets`].
const IO_URING_SUBMIT: &str = "io_uring_submit";

/// Which tracepoint the submission of a request has, and where the request stands among its arguments.
fn submission(btf: &Btf) -> HashMap<String, u32> {
    let mut found = HashMap::new();
    for tracepoint in ["io_uring_submit_req", "io_uring_submit_sqe"] {
        if let Some(at) = request(btf, &format!("btf_trace_{tracepoint}")) {
            if tracepoint == "io_uring_submit_req" {
                found.insert("req".to_owned(), 0);
            }
            found.insert("request".to_owned(), at * 8);
            break;
        }
    }
    found
}

/// The place of the request among the arguments of a tracepoint, behind the first one of its function, which is the
/// tracepoint's own: `struct io_kiocb *`, or the second of two pointers to anything, the first of which is the ring
/// (before Linux 6.0, include/trace/events/io_uring.h).
fn request(btf: &Btf, function: &str) -> Option<u32> {
    let types = btf.resolve_types_by_name(function).ok()?;
    let definition =
        types.into_iter().find_map(|found| if let Type::Typedef(found) = found { Some(found) } else { None });
    let Type::Ptr(pointer) = btf.resolve_chained_type(&definition?).ok()? else { return None };
    let Type::FuncProto(function) = btf.resolve_chained_type(&pointer).ok()? else { return None };
    let pointed: Vec<Option<String>> = function.parameters.iter().skip(1).map(|of| pointed(btf, of)).collect();
    let is = |at: usize, name: &str| pointed.get(at).is_some_and(|found| found.as_deref() == Some(name));
    match () {
        () if is(0, "io_kiocb") => Some(0),
        () if is(1, "io_kiocb") || is(0, "") && is(1, "") => Some(1),
        () => None,
    }
}

/// The name of the structure that a parameter points to, empty for anything; `None` for what is no pointer.
fn pointed(btf: &Btf, parameter: &btf_rs::Parameter) -> Option<String> {
    let Type::Ptr(pointer) = btf.resolve_chained_type(parameter).ok()? else { return None };
    match btf.resolve_chained_type(&pointer) {
        Ok(Type::Struct(of)) => btf.resolve_name(&of).ok(),
        // A pointer to void has no type to resolve.
        _ => Some(String::new()),
    }
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
