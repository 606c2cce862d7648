//! Where the kernel's fields are, and which numbers its tracepoints' types have, from its BTF.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io,
    os::fd::AsRawFd as _,
    path::Path,
};

use btf_rs::{Backend, Btf, Type};
use monitor_common::offsets::{Field, Offsets};
use nix::sys::memfd::{MFdFlags, memfd_create};
use regex::Regex;

use super::{error::OpenError, programs::IO_URING_SUBMISSIONS, sparse};

/// Structures nest anonymous ones a few levels deep; a bound keeps a broken file from recursing for ever.
const DEPTH: usize = 8;

/// What the loading needs to know of a kernel's types.
pub(super) struct KernelTypes {
    /// Where the fields are.
    pub(super) offsets: Offsets,
    /// The types of the tracepoints, at their numbers, for the loader.
    pub(super) tracepoints: aya::Btf,
}

impl KernelTypes {
    /// Reads the BTF at `path`, of which a field that this kernel lacks is absent.
    ///
    /// # Errors
    ///
    /// [`OpenError::NoBtf`] when it cannot be read, [`OpenError::Other`] when it is no BTF.
    pub(super) fn read(path: &Path, tracepoints: &BTreeSet<&str>) -> Result<Self, OpenError> {
        let copy = copy(path).map_err(|error| OpenError::NoBtf { path: path.to_owned(), reason: error.to_string() })?;
        let copied = format!("/proc/self/fd/{}", copy.as_raw_fd());
        let btf = Btf::from_file_with_backend(copied, Backend::Mmap).map_err(|error| broken(&error))?;
        let types = Named::find(&btf, tracepoints)?;
        let mut members = HashMap::new();
        let offsets = Offsets::from_fn(|Field { structure, member }| {
            let fields = members.entry(structure).or_insert_with(|| types.members_of(structure));
            fields.get(member).copied()
        });
        let typed = tracepoints.iter().map(|name| type_of_tracepoint(name));
        let numbers = typed.filter_map(|name| Some((types.typedef(&name)?.0, name))).collect();
        Ok(Self { offsets, tracepoints: sparse::typedefs(&numbers).map_err(|error| broken(&error))? })
    }
}

/// The BTF in a file in memory: kernels before 6.16 do not let their own be mapped, and what is mapped takes no anonymous
/// memory.
fn copy(path: &Path) -> io::Result<File> {
    let mut kernel = File::open(path)?;
    let mut copy = File::from(memfd_create("agentsnoop-btf", MFdFlags::MFD_CLOEXEC)?);
    io::copy(&mut kernel, &mut copy)?;
    Ok(copy)
}

fn broken(error: &dyn std::error::Error) -> OpenError {
    OpenError::Other(format!("cannot understand the kernel's type information (BTF): {error}"))
}

/// The name of the type of a BTF tracepoint's arguments (`BTF_TRACE` in include/trace/bpf_probe.h).
fn type_of_tracepoint(name: &str) -> String {
    format!("btf_trace_{name}")
}

/// The types that are looked for, by name, found in one pass: each look-up of a single name walks all of a hundred thousand
/// types.
struct Named<'a> {
    btf: &'a Btf,
    numbers: HashMap<String, Vec<u32>>,
}

impl<'a> Named<'a> {
    /// # Errors
    ///
    /// [`OpenError::Other`] when this is no BTF.
    fn find(btf: &'a Btf, tracepoints: &BTreeSet<&str>) -> Result<Self, OpenError> {
        let fields = Offsets::ABSENT;
        let structures = fields.fields().map(|(field, _)| field.structure.to_owned());
        let typed = tracepoints.iter().map(|name| type_of_tracepoint(name));
        let wanted: BTreeSet<String> = structures.chain(typed).collect();
        let wanted: Vec<String> = wanted.iter().map(|name| regex::escape(name)).collect();
        let wanted = Regex::new(&format!("^(?:{})$", wanted.join("|"))).map_err(|error| broken(&error))?;
        let mut numbers: HashMap<String, Vec<u32>> = HashMap::new();
        for number in btf.resolve_ids_by_regex(&wanted).map_err(|error| broken(&error))? {
            let found = btf.resolve_type_by_id(number).map_err(|error| broken(&error))?;
            if let Some(name) = found.as_btf_type().and_then(|named| btf.resolve_name(named).ok()) {
                numbers.entry(name).or_default().push(number);
            }
        }
        Ok(Self { btf, numbers })
    }

    /// The types of a name, with their numbers.
    fn types(&self, name: &str) -> impl Iterator<Item = (u32, Type)> {
        let numbers = self.numbers.get(name).into_iter().flatten();
        numbers.filter_map(|number| Some((*number, self.btf.resolve_type_by_id(*number).ok()?)))
    }

    fn typedef(&self, name: &str) -> Option<(u32, btf_rs::Typedef)> {
        self.types(name).find_map(|(number, found)| match found {
            Type::Typedef(found) => Some((number, found)),
            _ => None,
        })
    }

    /// The byte offsets of a structure's members by name; bit fields have none.
    fn members_of(&self, structure: &str) -> HashMap<String, u32> {
        if structure == IO_URING_SUBMIT {
            return self.submission();
        }
        let mut members = HashMap::new();
        for (_, found) in self.types(structure) {
            if let Type::Struct(found) = found {
                collect(self.btf, &found, 0, DEPTH, &mut members);
            }
        }
        members
    }

    /// Which tracepoint the submission of a request has, and where the request stands among its arguments.
    fn submission(&self) -> HashMap<String, u32> {
        let mut found = HashMap::new();
        for tracepoint in IO_URING_SUBMISSIONS {
            if let Some(at) = self.request(&type_of_tracepoint(tracepoint)) {
                if tracepoint == IO_URING_SUBMISSIONS[0] {
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
    fn request(&self, function: &str) -> Option<u32> {
        let (_, definition) = self.typedef(function)?;
        let Type::Ptr(pointer) = self.btf.resolve_chained_type(&definition).ok()? else { return None };
        let Type::FuncProto(function) = self.btf.resolve_chained_type(&pointer).ok()? else { return None };
        let pointed: Vec<Option<String>> = function.parameters.iter().skip(1).map(|of| pointed(self.btf, of)).collect();
        let is = |at: usize, name: &str| pointed.get(at).is_some_and(|found| found.as_deref() == Some(name));
        match () {
            () if is(0, "io_kiocb") => Some(0),
            () if is(1, "io_kiocb") || is(0, "") && is(1, "") => Some(1),
            () => None,
        }
    }
}

/// What stands for a structure where it is asked how requests are submitted to an io_uring; see [`Offsets`].
const IO_URING_SUBMIT: &str = "io_uring_submit";

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
