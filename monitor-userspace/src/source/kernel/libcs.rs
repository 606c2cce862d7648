//! The C libraries of this system, and the uprobes on their getenv.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Read as _,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{
    Ebpf,
    programs::{UProbe, uprobe::UProbeScope},
};

use super::{error::reason, programs::LIBC_FUNCTIONS};

/// The folders in which distributions keep their C libraries; each also has a folder per architecture.
const FOLDERS: [&str; 6] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/musl/lib"];

/// The files of glibc and of musl, whose loader is its library, in the standard places of this system; each file
/// once, however many names it has. Those of containers and of other places are found when a process maps them.
#[must_use]
pub fn find_libcs() -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for folder in FOLDERS.into_iter().map(Path::new) {
        let inner = entries(folder).into_iter().filter(|path| path.is_dir() && name_of(path).contains("-linux-"));
        for folder in std::iter::once(folder.to_owned()).chain(inner) {
            for path in entries(&folder).into_iter().filter(|path| is_libc_name(&name_of(path))) {
                let identity = fs::metadata(&path).map(|metadata| (metadata.dev(), metadata.ino()));
                if identity.is_ok_and(|identity| seen.insert(identity)) && is_elf_of_x86_64(&path) {
                    found.push(path);
                }
            }
        }
    }
    found
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_libc_name(name: &str) -> bool {
    name == "libc.so.6"
        || name == "libc.so"
        || (name.ends_with(".so.1") && (name.starts_with("ld-musl-") || name.starts_with("libc.musl-")))
}

/// Whether a file is an ELF of 64 bits for this processor; `libc.so` of glibc is a linker script.
fn is_elf_of_x86_64(path: &Path) -> bool {
    const MACHINE: usize = 18;
    const X86_64: u8 = 62;
    let mut head = [0; MACHINE + 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok()
        && head.starts_with(b"\x7fELF\x02")
        && head[MACHINE] == X86_64
}

/// Attaches to one file; see [`super::Kernel::attach_libc`].
pub(super) fn attach(ebpf: &mut Ebpf, path: &Path, known: &mut HashSet<(u64, u64)>) -> Vec<Hook> {
    let metadata = match fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(error) => {
            let state = HookState::Unavailable { reason: format!("cannot read the file: {error}") };
            return vec![Hook { name: format!("getenv {}", path.display()), feature: "getenv".to_owned(), state }];
        }
    };
    if !known.insert((metadata.dev(), metadata.ino())) {
        return Vec::new();
    }
    LIBC_FUNCTIONS
        .into_iter()
        .map(|function| Hook {
            name: format!("{function} {}", path.display()),
            feature: "getenv".to_owned(),
            state: match attach_function(ebpf, path, function) {
                Ok(()) => HookState::Attached,
                Err(reason) => HookState::Unavailable { reason },
            },
        })
        .collect()
}

fn attach_function(ebpf: &mut Ebpf, path: &Path, function: &str) -> Result<(), String> {
    let program = ebpf.program_mut(function).ok_or_else(|| format!("the kernel half has no program {function}"))?;
    let program: &mut UProbe = program.try_into().map_err(|error| reason(&error))?;
    // An attachment for all processes alone reaches those that are still to come.
    program.attach(function, path, UProbeScope::AllProcesses).map(|_| ()).map_err(|error| reason(&error))
}
