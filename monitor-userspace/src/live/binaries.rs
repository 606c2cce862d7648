//! Digest and version of what agents run, found out beside the loop: a program can have hundreds of megabytes.
//!
//! Files are opened at once, since what really runs can be had from its process only while that is there, and read by a
//! thread of its own.

use std::collections::{BTreeMap, VecDeque};
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use agentsnoop_pipeline::input::Binary;
use agentsnoop_pipeline::record::ProcessId;

use super::clock;
use crate::inventory::Versions;

/// Bytes of a file that is read, more than any agent has; a longer one has no digest, and the record says why.
const FILE_BYTES: u64 = 4 * 1024 * 1024 * 1024;

/// Files that wait at once; of more there is no digest.
const WAITING: usize = 64;

/// Digests that are kept, by file and its last change; of more the oldest is forgotten.
const KEPT: usize = 256;

/// Bytes read at once.
const PIECE: usize = 1024 * 1024;

/// How long the end of an observation waits for files that are still read.
const AT_END: Duration = Duration::from_secs(2);

/// What /proc appends to the path of a program whose file was replaced or removed (proc(5)).
const DELETED: &str = " (deleted)";

/// A file to be read.
struct Job {
    agent: String,
    binary: Binary,
    file: File,
}

/// What is asked for and what was found.
#[derive(Default)]
pub(super) struct Binaries {
    worker: Option<Worker>,
    /// What waits for the worker, by order of asking.
    waiting: VecDeque<(ProcessId, String)>,
    /// What could be said without reading.
    ready: Vec<Binary>,
}

struct Worker {
    jobs: Sender<Job>,
    found: Receiver<Binary>,
}

impl Binaries {
    /// Asks for a file. `is_program` says that it is the program of the process.
    pub(super) fn ask(&mut self, process: ProcessId, agent: String, path: String, is_program: bool) {
        let binary = Binary { process, path, ..Binary::default() };
        if self.waiting.len() >= WAITING {
            return self.unread(binary, "too many files wait");
        }
        let file = match open(process, &binary.path, is_program) {
            Ok(file) => file,
            Err(error) => return self.unread(binary, &error.to_string()),
        };
        if self.worker.is_none() {
            self.worker = start();
        }
        let key = (process, binary.path.clone());
        match &self.worker {
            Some(worker) if worker.jobs.send(Job { agent, binary: binary.clone(), file }).is_ok() => {
                self.waiting.push_back(key);
            }
            _ => self.unread(binary, "the thread that reads it cannot be started"),
        }
    }

    /// What was found since the last call.
    pub(super) fn found(&mut self) -> Vec<Binary> {
        let mut found = std::mem::take(&mut self.ready);
        if let Some(worker) = &self.worker {
            found.extend(worker.found.try_iter());
        }
        self.arrived(found)
    }

    /// All the rest: what is still read after some time is told without a digest.
    pub(super) fn finish(&mut self) -> Vec<Binary> {
        let mut found = self.found();
        let until = Instant::now() + AT_END;
        while let (Some(worker), false) = (&self.worker, self.waiting.is_empty()) {
            let Ok(binary) = worker.found.recv_timeout(until.saturating_duration_since(Instant::now())) else { break };
            found.extend(self.arrived(vec![binary]));
        }
        for (process, path) in std::mem::take(&mut self.waiting) {
            self.unread(Binary { process, path, ..Binary::default() }, "the observation ended before it was read");
        }
        found.append(&mut self.ready);
        found
    }

    fn arrived(&mut self, found: Vec<Binary>) -> Vec<Binary> {
        self.waiting.retain(|(process, path)| !found.iter().any(|one| one.process == *process && one.path == *path));
        found
    }

    fn unread(&mut self, binary: Binary, error: &str) {
        self.ready.push(Binary { boot_ns: clock::boot_ns(), error: Some(error.to_owned()), ..binary });
    }
}

/// Opens what is to be read: where it is the program of a process that still runs it, that file itself.
fn open(process: ProcessId, path: &str, is_program: bool) -> std::io::Result<File> {
    let own = format!("/proc/{}/exe", process.pid);
    let runs = |found: &Path| found.to_str().is_some_and(|found| found.strip_suffix(DELETED).unwrap_or(found) == path);
    let is_own = is_program && std::fs::read_link(&own).is_ok_and(|found| runs(&found));
    let path = if is_own { Path::new(&own) } else { Path::new(path) };
    // What is no regular file is not waited for; nor is the holder of a lease on one that is.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other("it is no regular file"));
    }
    Ok(file)
}

fn start() -> Option<Worker> {
    let (jobs, taken) = mpsc::channel::<Job>();
    let (give, found) = mpsc::channel();
    let work = move || {
        // Without the data a version is not told, and a test excludes that.
        let versions = Versions::new().ok();
        let mut digests = Digests::default();
        for Job { agent, mut binary, file } in taken {
            match digests.of(file) {
                Ok((digest, bytes)) => (binary.digest, binary.bytes) = (Some(digest), Some(bytes)),
                Err(error) => binary.error = Some(error.to_string()),
            }
            if let Some(versions) = &versions {
                (binary.version, binary.package) = versions.of(&agent, Path::new(&binary.path));
            }
            binary.boot_ns = clock::boot_ns();
            if give.send(binary).is_err() {
                break;
            }
        }
    };
    std::thread::Builder::new().name("binaries".to_owned()).spawn(work).ok()?;
    Some(Worker { jobs, found })
}

/// A file as it was: device, inode, last change and length.
type Unchanged = (u64, u64, i64, i64, u64);

/// Digests of files that were read.
#[derive(Default)]
struct Digests {
    known: BTreeMap<Unchanged, String>,
    order: VecDeque<Unchanged>,
}

impl Digests {
    /// BLAKE3 of a file, hexadecimal, and its length.
    fn of(&mut self, mut file: File) -> std::io::Result<(String, u64)> {
        let metadata = file.metadata()?;
        let bytes = metadata.len();
        let key = (metadata.dev(), metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), bytes);
        if let Some(digest) = self.known.get(&key) {
            return Ok((digest.clone(), bytes));
        }
        if bytes > FILE_BYTES {
            return Err(std::io::Error::other(format!("it has {bytes} bytes, more than are read")));
        }
        let mut hasher = blake3::Hasher::new();
        let mut piece = vec![0; PIECE];
        let mut read = 0;
        while let length @ 1.. = file.read(&mut piece)? {
            hasher.update(piece.get(..length).unwrap_or_default());
            read += length as u64;
            if read > FILE_BYTES {
                return Err(std::io::Error::other("it grows while it is read"));
            }
        }
        let digest = hasher.finalize().to_hex().to_string();
        if read == bytes {
            self.keep(key, digest.clone());
        }
        Ok((digest, read))
    }

    fn keep(&mut self, key: Unchanged, digest: String) {
        if self.order.len() >= KEPT
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
        self.order.push_back(key);
        self.known.insert(key, digest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own() -> ProcessId {
        ProcessId { pid: std::process::id(), start_ns: 0 }
    }

    #[test]
    fn the_digest_of_what_runs_is_that_of_its_file() {
        let program = std::env::current_exe().unwrap();
        let path = program.to_str().unwrap().to_owned();
        let mut binaries = Binaries::default();
        binaries.ask(own(), "codex".to_owned(), path.clone(), true);
        binaries.ask(own(), "codex".to_owned(), "/nowhere/at/all".to_owned(), false);
        binaries.ask(own(), "codex".to_owned(), "/dev/zero".to_owned(), false);
        let mut found = Vec::new();
        while found.len() < 3 {
            found.extend(binaries.found());
            std::thread::yield_now();
        }
        let of = |path: &str| found.iter().find(|binary| binary.path == path).unwrap();
        let content = std::fs::read(&program).unwrap();
        assert_eq!(of(&path).digest.as_deref(), Some(blake3::hash(&content).to_hex().as_str()));
        assert_eq!((of(&path).bytes, &of(&path).error), (Some(content.len() as u64), &None));
        assert!(of("/nowhere/at/all").error.as_ref().unwrap().contains("No such file"));
        assert_eq!(of("/dev/zero").error.as_deref(), Some("it is no regular file"));
        assert!(found.iter().all(|binary| binary.boot_ns > 0 && binary.process == own()));
    }

    #[test]
    fn a_program_whose_file_was_replaced_is_read_as_it_runs() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        std::fs::copy("/bin/sleep", &program).unwrap();
        let mut child = std::process::Command::new(&program).arg("60").spawn().unwrap();
        std::fs::remove_file(&program).unwrap();
        std::fs::write(&program, b"something else").unwrap();
        let process = ProcessId { pid: child.id(), start_ns: 0 };
        let mut binaries = Binaries::default();
        binaries.ask(process, "codex".to_owned(), program.to_str().unwrap().to_owned(), true);
        let found = binaries.finish();
        child.kill().unwrap();
        child.wait().unwrap();
        let content = std::fs::read("/bin/sleep").unwrap();
        assert_eq!(found[0].digest.as_deref(), Some(blake3::hash(&content).to_hex().as_str()), "{found:?}");
    }

    #[test]
    fn the_end_waits_for_what_is_still_read() {
        let path = std::env::current_exe().unwrap().to_str().unwrap().to_owned();
        let mut binaries = Binaries::default();
        binaries.ask(own(), "codex".to_owned(), path, true);
        let found = binaries.finish();
        assert_eq!(found.len(), 1);
        assert!(found[0].digest.is_some() || found[0].error.is_some(), "{found:?}");
        assert!(binaries.finish().is_empty());
    }

    #[test]
    fn a_file_that_has_not_changed_is_read_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("program");
        std::fs::write(&path, b"one").unwrap();
        let mut digests = Digests::default();
        let first = digests.of(File::open(&path).unwrap()).unwrap();
        assert_eq!(first, digests.of(File::open(&path).unwrap()).unwrap());
        assert_eq!(digests.known.len(), 1);
        std::fs::write(&path, b"more").unwrap();
        assert_eq!(digests.of(File::open(&path).unwrap()).unwrap().0, blake3::hash(b"more").to_hex().to_string());
    }
}
