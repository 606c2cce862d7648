//! Kernels from Debian's suites, fetched with apt lists of their own, so that the machine's sources stay as they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::project::{output, run, show};

/// A kernel to test on.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// Name in messages and of the folder in the cache.
    pub(crate) name: &'static str,
    /// Debian's suite that has it.
    suite: &'static str,
    /// Beginnings of the package's name; what follows is a number that grows with each update. The first that the
    /// suite has counts.
    prefixes: &'static [&'static str],
}

/// All kernels that the live tests run on: that of each Debian since the first with types (BTF), and the newest. From
/// Linux 7 on the image is in a package of its own.
pub(crate) const KERNELS: [Kernel; 4] = [
    Kernel { name: "5.10", suite: "bullseye", prefixes: &["linux-image-5.10.0-"] },
    Kernel { name: "6.1", suite: "bookworm", prefixes: &["linux-image-6.1.0-"] },
    Kernel { name: "6.12", suite: "trixie", prefixes: &["linux-image-6.12."] },
    Kernel { name: "newest", suite: "sid", prefixes: &["linux-binary-", "linux-image-"] },
];

/// End of the package's name: the flavour for virtual machines, which is the smallest.
const SUFFIX: &str = "-cloud-amd64";

/// What came of looking for a kernel.
pub(crate) enum Fetched {
    /// The kernel's bootable image.
    Image(PathBuf),
    /// The archive does not have it any more, with the reason.
    NotOffered(String),
}

/// The keys of Debian's archive, of package debian-archive-keyring.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// The kernel's bootable image, from the cache or from Debian's archive.
///
/// # Errors
/// Fails where apt knows no mirror of Debian, or the package cannot be fetched.
pub(crate) fn fetch(kernel: &Kernel, cache: &Path) -> Result<Fetched> {
    let folder = cache.join(kernel.name);
    let vmlinuz = folder.join("vmlinuz");
    if vmlinuz.is_file() {
        return Ok(Fetched::Image(vmlinuz));
    }
    let apt = Apt::prepare(kernel, &folder.join("apt"))?;
    if !apt.update()? {
        return Ok(Fetched::NotOffered(format!("the mirror has no suite {}", kernel.suite)));
    }
    let names = output(apt.command("apt-cache").args(["pkgnames", "linux-"]))?;
    let Some(package) = newest(&names, kernel.prefixes) else {
        let prefixes = kernel.prefixes.join("* or ");
        return Ok(Fetched::NotOffered(format!("suite {} has no package {prefixes}*{SUFFIX}", kernel.suite)));
    };
    run(apt.command("apt-get").args(["download", package]).current_dir(&apt.folder))?;
    let archive = only_file(&apt.folder, |name| name.ends_with(".deb"))?;
    let tree = apt.folder.join("tree");
    run(Command::new("dpkg-deb").arg("--extract").args([&archive, &tree]))?;
    let image = image_in(&tree)?;
    // The rename comes last, so that a file in the cache is always whole.
    fs::rename(&image, &vmlinuz).with_context(|| format!("cannot move {} into the cache", image.display()))?;
    fs::remove_dir_all(&apt.folder).with_context(|| format!("cannot remove {}", apt.folder.display()))?;
    Ok(Fetched::Image(vmlinuz))
}

/// The image in an unpacked package: in `boot`, and from Linux 7 on in the folder of the kernel's modules.
fn image_in(tree: &Path) -> Result<PathBuf> {
    let boot = tree.join("boot");
    if boot.is_dir() {
        return only_file(&boot, |name| name.starts_with("vmlinuz"));
    }
    let modules = only_file(&tree.join("usr/lib/modules"), |name| name.ends_with(SUFFIX))?;
    only_file(&modules, |name| name.starts_with("vmlinuz"))
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

    /// Fetches the suite's list of packages; whether the mirror has the suite.
    fn update(&self) -> Result<bool> {
        let mut command = self.command("apt-get");
        command.args(["update", "-o", "APT::Update::Error-Mode=any"]);
        eprintln!("xtask: {}", show(&command));
        let output = command.env("LC_ALL", "C").output().context("cannot start apt-get")?;
        if output.status.success() {
            return Ok(true);
        }
        let errors = String::from_utf8_lossy(&output.stderr);
        if is_gone(&String::from_utf8_lossy(&output.stdout), &errors) {
            return Ok(false);
        }
        bail!("cannot fetch the list of packages: {}", errors.trim())
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

/// Whether apt says that the mirror has answered and has no such suite. One that cannot be reached answers nothing.
fn is_gone(progress: &str, errors: &str) -> bool {
    progress.contains("404  Not Found") && errors.contains("does not have a Release file")
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

/// The package with the greatest number between the first prefix that any has and the suffix.
fn newest<'a>(names: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| {
        let numbered = names.lines().filter_map(|name| {
            let middle = name.strip_prefix(prefix)?.strip_suffix(SUFFIX)?;
            let numbers: Vec<u32> =
                middle.split(|character: char| !character.is_ascii_digit()).flat_map(str::parse).collect();
            Some((numbers, name))
        });
        numbered.max().map(|(_, name)| name)
    })
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
        assert_eq!(newest(names, &["linux-image-6.1.0-"]), Some("linux-image-6.1.0-40-cloud-amd64"));
        assert_eq!(newest("", &["linux-image-6.1.0-"]), None);
    }

    #[test]
    fn the_first_beginning_that_any_package_has_counts() {
        let names = "linux-binary-7.2.13+deb14-cloud-amd64\nlinux-image-9.1.1+deb14-cloud-amd64\n\
            linux-binary-7.10.2+deb14-cloud-amd64\n";
        let prefixes = ["linux-binary-", "linux-image-"];
        assert_eq!(newest(names, &prefixes), Some("linux-binary-7.10.2+deb14-cloud-amd64"));
        let older = "linux-image-6.19.2+deb14-cloud-amd64\n";
        assert_eq!(newest(older, &prefixes), Some("linux-image-6.19.2+deb14-cloud-amd64"));
    }

    #[test]
    fn a_suite_that_is_gone_is_told_apart_from_a_mirror_that_is_not_reached() {
        let gone = "E: The repository 'http://mirror.example/debian old Release' does not have a Release file.\n";
        assert!(is_gone("Err:2 http://mirror.example/debian old Release\n  404  Not Found [IP: 192.0.2.1 80]\n", gone));
        let unreached = "E: Failed to fetch http://mirror.example/debian/dists/old/InRelease  Could not resolve\n";
        assert!(!is_gone("Err:1 http://mirror.example/debian old InRelease\n  Could not resolve\n", unreached));
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
