//! The initial file system of a test machine: init, the live tests, the program under test, and what they run.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use super::newc::Archive;
use crate::live::Live;
use crate::project::find_program;

/// Programs that the live tests may run, all from packages that each Debian has. They are dynamically linked; busybox is
/// not, and look-ups in the environment of a static program cannot be seen.
const PROGRAMS: [&str; 51] = [
    "basename", "bash", "cat", "chmod", "chown", "chroot", "cp", "date", "dd", "dirname", "echo", "env", "false",
    "find", "grep", "head", "id", "ln", "ls", "mkdir", "mkfifo", "mktemp", "mount", "mv", "nohup", "printenv",
    "printf", "pwd", "readlink", "rm", "rmdir", "sed", "seq", "setpriv", "setsid", "sh", "sleep", "sort", "stat",
    "sync", "tail", "tee", "timeout", "touch", "tr", "true", "umount", "uname", "unshare", "wc", "xargs",
];

/// Folders beside those of the programs and libraries.
const FOLDERS: [&str; 14] = [
    "dev",
    "etc",
    "home",
    "home/user",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr",
    "usr/bin",
    "usr/share",
    "var",
    "var/tmp",
];

/// The layout of Debian, in which the short paths lead to `usr`.
const LINKS: [(&str, &str); 4] = [("bin", "usr/bin"), ("sbin", "usr/bin"), ("lib", "usr/lib"), ("lib64", "usr/lib64")];

/// Files that look-ups of users, groups and names need, and some that the tests open, with their permissions.
const FILES: [(&str, u32, &str); 7] = [
    (
        "etc/passwd",
        0o644,
        "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\n\
        nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n",
    ),
    ("etc/group", 0o644, "root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n"),
    ("etc/shadow", 0o600, "root:*:20000:0:99999:7:::\n"),
    ("etc/hostname", 0o644, "agentsnoop-vm\n"),
    ("etc/hosts", 0o644, "127.0.0.1 localhost\n::1 localhost\n"),
    ("etc/nsswitch.conf", 0o644, "passwd: files\ngroup: files\nhosts: files\n"),
    ("etc/machine-id", 0o644, "00000000000000000000000000000001\n"),
];

/// Writes the file system as an archive for the kernel.
///
/// # Errors
/// Fails where a program or library is missing on this machine, or the archive cannot be written.
pub(crate) fn write(path: &Path, live: &Live) -> Result<()> {
    let file = File::create(path).with_context(|| format!("cannot create {}", path.display()))?;
    let mut image = Image { archive: Archive::new(BufWriter::new(file)), paths: BTreeSet::new() };
    image.fill(live).with_context(|| format!("cannot build the initial file system {}", path.display()))?;
    image.archive.finish().with_context(|| format!("cannot write {}", path.display()))?;
    Ok(())
}

/// A file system being written; each path is added once.
struct Image<W: Write> {
    archive: Archive<W>,
    paths: BTreeSet<String>,
}

impl<W: Write> Image<W> {
    fn fill(&mut self, live: &Live) -> Result<()> {
        for folder in FOLDERS {
            self.folder(folder)?;
        }
        for (name, target) in LINKS {
            self.archive.symlink(name, target)?;
        }
        for (name, permissions, content) in FILES {
            self.archive.file(name, permissions, content.as_bytes())?;
        }
        self.archive.file("init", 0o755, include_bytes!("init.sh"))?;
        let busybox = program("busybox")?;
        self.file(&busybox, "usr/bin/busybox")?;
        self.libraries(&busybox)?;
        for (source, name) in [(&live.tests, "live"), (&live.agentsnoop, "agentsnoop")] {
            self.file(source, name)?;
            self.libraries(source)?;
        }
        for name in PROGRAMS {
            self.program(&program(name)?)?;
        }
        Ok(())
    }

    /// Adds a program under its own path, with its libraries; where the path is a link, the link and what it leads to.
    fn program(&mut self, path: &Path) -> Result<()> {
        let real = path.canonicalize().with_context(|| format!("cannot find {}", path.display()))?;
        let (place, name) = (place_of(&real)?, place_of(path)?);
        self.file(&real, &place)?;
        if name != place && self.paths.insert(name.clone()) {
            self.archive.symlink(&name, &format!("/{place}"))?;
        }
        self.libraries(&real)
    }

    /// Adds the libraries that the dynamic loader would load, and the loader.
    fn libraries(&mut self, program: &Path) -> Result<()> {
        let output = Command::new("ldd").arg(program).output().context("cannot start ldd")?;
        for library in parse_ldd(&String::from_utf8_lossy(&output.stdout)) {
            self.file(library, &place_of(library)?)?;
        }
        Ok(())
    }

    fn file(&mut self, source: &Path, place: &str) -> Result<()> {
        if self.paths.contains(place) {
            return Ok(());
        }
        if let Some((folder, _)) = place.rsplit_once('/') {
            self.folder(folder)?;
        }
        let content = std::fs::read(source).with_context(|| format!("cannot read {}", source.display()))?;
        self.archive.file(place, 0o755, &content)?;
        self.paths.insert(place.to_owned());
        Ok(())
    }

    /// Adds a folder and those above it.
    fn folder(&mut self, path: &str) -> Result<()> {
        if self.paths.contains(path) {
            return Ok(());
        }
        if let Some((above, _)) = path.rsplit_once('/') {
            self.folder(above)?;
        }
        self.archive.directory(path)?;
        self.paths.insert(path.to_owned());
        Ok(())
    }
}

fn program(name: &str) -> Result<PathBuf> {
    find_program(name).with_context(|| format!("program {name} is missing on this machine: install it"))
}

/// The place of a program or library in the image: relative to its root, below `usr`, to where the links lead.
fn place_of(path: &Path) -> Result<String> {
    let Some(relative) = path.to_str().and_then(|path| path.strip_prefix('/')) else {
        bail!("{} is not an absolute path in UTF-8", path.display());
    };
    let relative = relative.strip_prefix("usr/").unwrap_or(relative);
    Ok(match relative.strip_prefix("sbin/") {
        Some(name) => format!("usr/bin/{name}"),
        None => format!("usr/{relative}"),
    })
}

/// The paths in the output of ldd; none for a static program.
fn parse_ldd(output: &str) -> Vec<&Path> {
    let paths = output.lines().filter_map(|line| {
        let library = line.split_once(" => ").map_or(line, |(_, path)| path);
        let (path, _) = library.trim().rsplit_once(" (0x")?;
        path.starts_with('/').then_some(Path::new(path))
    });
    paths.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_loader_are_read_from_ldd_and_the_vdso_is_not() {
        let output = "\tlinux-vdso.so.1 (0x00007ffd)\n\
            \tlibgcc_s.so.1 => /lib/x86_64-linux-gnu/libgcc_s.so.1 (0x00007f01)\n\
            \t/lib64/ld-linux-x86-64.so.2 (0x00007f03)\n";
        let expected = ["/lib/x86_64-linux-gnu/libgcc_s.so.1", "/lib64/ld-linux-x86-64.so.2"].map(Path::new);
        assert_eq!(parse_ldd(output), expected);
        assert!(parse_ldd("\tstatically linked\n").is_empty());
    }

    #[test]
    fn short_paths_are_placed_where_their_links_lead() {
        assert_eq!(place_of(Path::new("/lib64/ld.so")).unwrap(), "usr/lib64/ld.so");
        assert_eq!(place_of(Path::new("/usr/bin/cat")).unwrap(), "usr/bin/cat");
        assert_eq!(place_of(Path::new("/sbin/ip")).unwrap(), "usr/bin/ip");
        assert!(place_of(Path::new("relative")).is_err());
    }
}
