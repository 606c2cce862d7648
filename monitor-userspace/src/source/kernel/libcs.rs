//! The C libraries of this system, and the uprobes on their getenv.
//!
//! Root opens here what observed processes name, so a file is one of these until it has proven otherwise: a FIFO that
//! never answers, a device, a link to somewhere else, a file that changes while it is read. It is opened once, without
//! waiting and without following a link in its place, judged by its descriptor, read into memory of this process, and
//! attached to through that same descriptor.

use std::{
    collections::HashSet,
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    os::{
        fd::AsRawFd as _,
        unix::fs::{MetadataExt as _, OpenOptionsExt as _},
    },
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{
    Ebpf,
    programs::uprobe::{UProbeLinkId, UProbeScope},
};

use super::{
    elf,
    error::reason,
    handle::release_memory,
    programs::{LIBC_FUNCTIONS, libc_program},
};

/// The folders in which distributions keep their C libraries; each also has a folder per architecture.
const FOLDERS: [&str; 6] = ["/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/musl/lib"];

/// Bytes of a C library, at most. glibc has 2 MiB, and 20 MiB with its debug information.
const LIBC_BYTES: u64 = 64 * 1024 * 1024;

/// C libraries that are attached to. A workstation has a few, and one for each image of its containers; each takes
/// about a quarter of a second to let go of at the end.
const LIBCS: usize = 32;

/// Files that are refused, each with its reason. Beyond, no further file is looked at, since an observed process can
/// make any number of them.
const REFUSALS: usize = 32;

/// The files of glibc and of musl, whose loader is its library, in the standard places of this system; each file
/// once, however many names it has. Those of containers and of other places are found when a process maps them.
#[must_use]
pub fn find_libcs() -> Vec<PathBuf> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for folder in FOLDERS.into_iter().map(Path::new) {
        let inner = entries(folder).into_iter().filter(|path| {
            path.is_dir() && path.file_name().is_some_and(|name| name.to_string_lossy().contains("-linux-"))
        });
        for folder in std::iter::once(folder.to_owned()).chain(inner) {
            for path in entries(&folder).into_iter().filter(|path| is_libc(path)) {
                // The names in these folders can be links, which the system has laid and attaching does not follow.
                let Ok(path) = (if path.is_symlink() { path.canonicalize() } else { Ok(path) }) else { continue };
                let Ok((file, metadata)) = open(&path) else { continue };
                if seen.insert((metadata.dev(), metadata.ino())) && head_is_elf(&file) {
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

fn is_libc(path: &Path) -> bool {
    path.file_name().is_some_and(|name| is_libc_name(name.as_encoded_bytes()))
}

/// Whether a file of this name, without its folder, may be a C library: of glibc (`libc.so.6`, before 2.34 a link to
/// `libc-2.31.so`), of musl (its loader `ld-musl-x86_64.so.1`, or `libc.musl-x86_64.so.1`, or `libc.so`).
#[must_use]
pub fn is_libc_name(name: &[u8]) -> bool {
    [&b"libc.so"[..], b"libc-2.", b"ld-musl-", b"libc.musl-"].iter().any(|start| name.starts_with(start))
}

/// Opens a file that must be a regular one of a bounded size.
fn open(path: &Path) -> io::Result<(File, Metadata)> {
    // What is no regular file is not waited for; nor is the holder of a lease on one that is.
    let flags = libc::O_NONBLOCK | libc::O_NOFOLLOW | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if metadata.len() > LIBC_BYTES {
        return Err(io::Error::other(format!("it has {} bytes, more than a C library", metadata.len())));
    }
    Ok((file, metadata))
}

/// Whether a file is an ELF of 64 bits for this processor; `libc.so` of glibc is a linker script.
fn head_is_elf(mut file: &File) -> bool {
    let mut head = [0; 20];
    file.read_exact(&mut head).is_ok() && elf::is_elf_of_x86_64(&head)
}

/// The C libraries that were met.
#[derive(Debug, Default)]
pub(super) struct Libcs {
    /// Device and inode of each that was attached to. The probe holds the inode, so its number is not given to another.
    attached: HashSet<(u64, u64)>,
    /// What was refused.
    refused: HashSet<Refused>,
    /// That a bound was reached was told.
    full: bool,
    /// The attachments, with the function that each is on.
    links: Vec<(&'static str, UProbeLinkId)>,
}

/// A file that was refused.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Refused {
    /// It could not be opened.
    Path(PathBuf),
    /// What was in it, by device, inode and time of the last change: a libc that is just being unpacked is refused, and
    /// is one later.
    Content(u64, u64, i64, i64),
}

impl Libcs {
    /// Attaches to one file; see [`super::Kernel::attach_libc`].
    pub(super) fn attach(&mut self, ebpf: &mut Ebpf, path: &Path) -> Vec<Hook> {
        if self.full {
            return Vec::new();
        }
        let (file, metadata) = match open(path) {
            Ok(found) => found,
            Err(error) => return self.refuse(path, Refused::Path(path.to_owned()), &error.to_string()),
        };
        let identity = (metadata.dev(), metadata.ino());
        let content = Refused::Content(identity.0, identity.1, metadata.ctime(), metadata.ctime_nsec());
        if self.attached.contains(&identity) || self.refused.contains(&content) {
            return Vec::new();
        }
        if self.attached.len() >= LIBCS {
            return self.fill(&format!("more than {LIBCS} C libraries are in use"));
        }
        let offsets = match offsets(&file, metadata.len()) {
            Ok(offsets) => offsets,
            Err(reason) => return self.refuse(path, content, &reason),
        };
        self.attached.insert(identity);
        // The path of the descriptor and not the file's own, which may be another file's by now.
        let through = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
        std::iter::zip(LIBC_FUNCTIONS, offsets)
            .map(|(function, offset)| {
                let result = offset
                    .ok_or_else(|| format!("the file exports no function {function}"))
                    .and_then(|offset| attach_function(ebpf, &through, function, offset))
                    .map(|link| self.links.push((function, link)));
                hook(&format!("{function} {}", path.display()), result)
            })
            .collect()
    }

    /// Lets go of every library, in a thread of its own: each attachment takes the kernel about a tenth of a second.
    pub(super) fn detach(&mut self, ebpf: &mut Ebpf) {
        let mut gone = Vec::new();
        for (function, link) in std::mem::take(&mut self.links) {
            gone.extend(libc_program(ebpf, function).and_then(|program| program.take_link(link).ok()));
        }
        *self = Self::default();
        // Where no thread can be made, this one waits.
        let _ = std::thread::Builder::new().name("detach".to_owned()).spawn(move || drop(gone));
    }

    fn refuse(&mut self, path: &Path, what: Refused, reason: &str) -> Vec<Hook> {
        if !self.refused.insert(what) {
            return Vec::new();
        }
        if self.refused.len() > REFUSALS {
            return self.fill(&format!("more than {REFUSALS} files that are named like a C library are none"));
        }
        vec![hook(&format!("getenv {}", path.display()), Err(format!("cannot be observed: {reason}")))]
    }

    /// Looks at no file from now on, and says so.
    fn fill(&mut self, why: &str) -> Vec<Hook> {
        self.full = true;
        vec![hook("getenv in further C libraries", Err(format!("{why}; look-ups through others are not seen")))]
    }
}

fn hook(name: &str, result: Result<(), String>) -> Hook {
    let state = match result {
        Ok(()) => HookState::Attached,
        Err(reason) => HookState::Unavailable { reason },
    };
    Hook { name: name.to_owned(), feature: "getenv".to_owned(), state }
}

/// Where the functions begin in a file. It is read and not mapped: whoever owns it can truncate it at any time.
fn offsets(file: &File, len: u64) -> Result<[Option<u64>; LIBC_FUNCTIONS.len()], String> {
    if !head_is_elf(file) {
        return Err("it is no ELF file for x86-64".to_owned());
    }
    let mut bytes = vec![0; usize::try_from(len).unwrap_or_default()];
    std::os::unix::fs::FileExt::read_exact_at(file, &mut bytes, 0).map_err(|error| error.to_string())?;
    let offsets = elf::function_offsets(&bytes, LIBC_FUNCTIONS);
    drop(bytes);
    release_memory();
    if offsets.iter().all(Option::is_none) {
        return Err(format!("it exports none of {}", LIBC_FUNCTIONS.join(", ")));
    }
    Ok(offsets)
}

fn attach_function(ebpf: &mut Ebpf, path: &Path, function: &str, offset: u64) -> Result<UProbeLinkId, String> {
    let program = libc_program(ebpf, function).ok_or_else(|| format!("the kernel half has no program {function}"))?;
    // An attachment for all processes alone reaches those that are still to come.
    program.attach(offset, path, UProbeScope::AllProcesses).map_err(|error| reason(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_alone_makes_a_candidate() {
        for name in ["libc.so.6", "libc.so", "libc-2.31.so", "ld-musl-x86_64.so.1", "libc.musl-x86_64.so.1"] {
            assert!(is_libc_name(name.as_bytes()), "{name}");
        }
        for name in ["libcrypto.so.3", "libc++.so.1", "ld-linux-x86-64.so.2", "xlibc.so.6", ""] {
            assert!(!is_libc_name(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn what_is_no_library_is_refused_without_waiting() {
        let folder = std::env::temp_dir().join(format!("agentsnoop-libcs-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let fifo = folder.join("libc.so.6");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.unwrap().success());
        assert_eq!(open(&fifo).unwrap_err().to_string(), "it is no regular file");
        let link = folder.join("libc.so.7");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert_eq!(open(&link).unwrap_err().raw_os_error(), Some(libc::ELOOP));
        let large = folder.join("libc.so.8");
        File::create(&large).unwrap().set_len(LIBC_BYTES + 1).unwrap();
        assert!(open(&large).unwrap_err().to_string().contains("more than"));
        let script = folder.join("libc.so");
        fs::write(&script, "/* GNU ld script */ GROUP ( /lib/x86_64-linux-gnu/libc.so.6 )").unwrap();
        let (file, metadata) = open(&script).unwrap();
        assert!(offsets(&file, metadata.len()).unwrap_err().contains("no ELF"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
