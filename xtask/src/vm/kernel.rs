//! Kernels from Debian's suites, fetched with apt lists of their own, so that the machine's sources stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::project::{output, run};

/// A kernel to test on.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Name in messages and of the folder in the cache.
    pub(crate) name: &'static str,
    /// Debian's suite that has it.
    suite: &'static str,
    /// Beginning of the package's name; what follows is a number that grows with each update.
    prefix: &'static str,
    /// End of the package's name.
    suffix: &'static str,
}

/// All kernels that the live tests run on.
pub(crate) const KERNELS: [Kernel; 1] =
    [Kernel { name: "6.1", suite: "bookworm", prefix: "linux-image-6.1.0-", suffix: "-cloud-amd64" }];

/// The keys of Debian's archive, of package debian-archive-keyring.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The kernel's bootable image, from the cache or from Debian's archive.
///
/// # Errors
/// Fails where apt knows no mirror of Debian, the suite has no such package, or it cannot be fetched.
pub(crate) fn fetch(kernel: &Kernel, cache: &Path) -> Result<PathBuf> {
    let folder = cache.join(kernel.name);
    let vmlinuz = folder.join("vmlinuz");
    if vmlinuz.is_file() {
        return Ok(vmlinuz);
    }
    let apt = Apt::prepare(kernel, &folder.join("apt"))?;
    run(apt.command("apt-get").arg("update"))?;
    let names = output(apt.command("apt-cache").args(["pkgnames", kernel.prefix]))?;
    let package = newest(&names, kernel).with_context(|| {
        format!("suite {} has no package {}*{}: correct the table", kernel.suite, kernel.prefix, kernel.suffix)
    })?;
    run(apt.command("apt-get").args(["download", package]).current_dir(&apt.folder))?;
    let archive = only_file(&apt.folder, |name| name.ends_with(".deb"))?;
    let tree = apt.folder.join("tree");
    run(Command::new("dpkg-deb").arg("--extract").args([&archive, &tree]))?;
    let image = only_file(&tree.join("boot"), |name| name.starts_with("vmlinuz"))?;
    // The rename comes last, so that a file in the cache is always whole.
    fs::rename(&image, &vmlinuz).with_context(|| format!("cannot move {} into the cache", image.display()))?;
    fs::remove_dir_all(&apt.folder).with_context(|| format!("cannot remove {}", apt.folder.display()))?;
    Ok(vmlinuz)
}

/// apt with lists, cache and sources of its own.
struct Apt {
    folder: PathBuf,
}

impl Apt {
    /// Lays out the folder for one suite, without what an earlier, interrupted run left.
    fn prepare(kernel: &Kernel, folder: &Path) -> Result<Self> {
        if folder.exists() {
            fs::remove_dir_all(folder).with_context(|| format!("cannot remove {}", folder.display()))?;
        }
        for name in ["lists/partial", "cache/archives/partial"] {
            let path = folder.join(name);
            fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        }
        let source = format!("deb [arch=amd64 signed-by={KEYRING}] {} {} main\n", mirror()?, kernel.suite);
        // An empty package state keeps the machine's own kernels out of the answers.
        for (name, content) in [("sources.list", source.as_str()), ("status", "")] {
            let path = folder.join(name);
            fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        }
        Ok(Self { folder: folder.to_owned() })
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let settings = [
            ("Etc::sourcelist", "sources.list"),
            ("State::lists", "lists"),
            ("State::status", "status"),
            ("Cache", "cache"),
        ];
        for (name, file) in settings {
            command.arg("-o").arg(format!("Dir::{name}={}", self.folder.join(file).display()));
        }
        // The user that apt drops to cannot write into a folder of the target's.
        command.args(["-o", "Dir::Etc::sourceparts=/dev/null", "-o", "APT::Sandbox::User=root", "--quiet"]);
        command
    }
}

/// The mirror of Debian's archive that this machine uses.
fn mirror() -> Result<String> {
    let uris = output(Command::new("apt-get").args(["update", "--print-uris"]))?;
    mirror_in(&uris).map(str::to_owned).context("apt has no source of Debian's own archive: add one")
}

/// The address before `/dists/` of the first source whose path ends in `debian`, as each mirror's does.
fn mirror_in(uris: &str) -> Option<&str> {
    uris.lines().find_map(|line| {
        let (mirror, _) = line.trim_start_matches('\'').split_once("/dists/")?;
        mirror.trim_end_matches('/').ends_with("/debian").then_some(mirror)
    })
}

/// The package with the greatest number between prefix and suffix.
fn newest<'a>(names: &'a str, kernel: &Kernel) -> Option<&'a str> {
    let numbered = names.lines().filter_map(|name| {
        let middle = name.strip_prefix(kernel.prefix)?.strip_suffix(kernel.suffix)?;
        let numbers: Vec<u32> =
            middle.split(|character: char| !character.is_ascii_digit()).flat_map(str::parse).collect();
        Some((numbers, name))
    });
    numbered.max().map(|(_, name)| name)
}

/// The one file of the folder whose name does.
fn only_file(folder: &Path, does: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut found = entries.flatten().filter(|entry| does(&entry.file_name().to_string_lossy()));
    match (found.next(), found.next()) {
        (Some(entry), None) => Ok(entry.path()),
        (None, _) => bail!("{} lacks the expected file", folder.display()),
        (Some(_), Some(_)) => bail!("{} has more than one such file", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_package_is_chosen_by_number() {
        let names = "linux-image-6.1.0-9-cloud-amd64\nlinux-image-6.1.0-40-cloud-amd64\n\
            linux-image-6.1.0-41-cloud-amd64-dbg\nlinux-image-6.1.0-41-amd64\n";
        assert_eq!(newest(names, &KERNELS[0]), Some("linux-image-6.1.0-40-cloud-amd64"));
        assert_eq!(newest("", &KERNELS[0]), None);
    }

    #[test]
    fn the_mirror_is_that_of_the_archive_and_not_of_other_sources() {
        let uris = "'https://packages.example/apt/dists/x/InRelease' a 0\n\
            'http://mirror.example/debian-security/dists/bookworm-security/InRelease' b 0\n\
            'http://mirror.example/debian/dists/bookworm/InRelease' c 0\n";
        assert_eq!(mirror_in(uris), Some("http://mirror.example/debian"));
        assert_eq!(mirror_in(""), None);
    }
}
