//! Finds a compiler whose library source is installed beside it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::isolate;
use crate::linker::LLVM_MAJOR;
use crate::{LINKER_VARIABLE, RUSTC_VARIABLE};

/// Where Debian's rustc-web installs the compiler.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// The oldest release that builds the kernel half: the workspace's own `rust-version`.
const MINIMUM: &str = env!("CARGO_PKG_RUST_VERSION");

/// A compiler with matching library source, and the cargo that belongs to it.
#[derive(Debug, Clone)]
pub struct Compiler {
    /// Absolute path of rustc.
    pub rustc: PathBuf,
    /// Absolute path of the cargo beside it.
    pub cargo: PathBuf,
    /// Release as the compiler gives it, such as `1.96.0` or `1.97.0-nightly`.
    pub release: String,
    /// Major version of the LLVM that writes the bitcode.
    pub llvm: u32,
    /// How it was found.
    pub origin: Origin,
}

/// How a compiler was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Named by `AGENTSNOOP_EBPF_RUSTC`.
    Environment,
    /// A nightly of rustup's.
    Rustup,
    /// The compiler of Debian's packages.
    Debian,
}

impl Compiler {
    /// Origin, release and LLVM in a few words, without paths.
    #[must_use]
    pub fn describe(&self) -> String {
        let origin = match self.origin {
            Origin::Environment => RUSTC_VARIABLE,
            Origin::Rustup => "rustup",
            Origin::Debian => "Debian",
        };
        format!("rustc {} ({origin}, LLVM {})", self.release, self.llvm)
    }
}

/// Finds the compiler: the one that the environment names and no other, else the first of the candidates that does. The
/// error says for each of them why it does not.
pub(crate) fn find(named: Option<&OsStr>) -> Result<Compiler, String> {
    let candidates = match named {
        Some(path) => vec![(PathBuf::from(path), Origin::Environment)],
        None => {
            let nightlies = rustup_nightlies().into_iter().map(|rustc| (rustc, Origin::Rustup));
            nightlies.chain([(PathBuf::from(DEBIAN_RUSTC), Origin::Debian)]).collect()
        }
    };
    let mut rejected = Vec::new();
    for (rustc, origin) in candidates {
        match inspect(&rustc, origin) {
            Ok(compiler) => return Ok(compiler),
            Err(reason) => rejected.push(format!("{} {reason}", rustc.display())),
        }
    }
    Err(rejected.join("; "))
}

/// The compilers of rustup's nightlies, the undated one first, then the newest. The folder is read rather than rustup
/// asked, because rustup would install what it does not find.
fn rustup_nightlies() -> Vec<PathBuf> {
    let home = std::env::var_os("RUSTUP_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".rustup")));
    let Some(entries) = home.and_then(|home| std::fs::read_dir(home.join("toolchains")).ok()) else {
        return Vec::new();
    };
    let mut names: Vec<PathBuf> = entries
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("nightly"))
        .map(|entry| entry.path())
        .collect();
    // A host triple begins with a letter and a date with a digit, so in descending order the undated nightly comes first.
    names.sort_unstable_by(|left, right| right.cmp(left));
    names.into_iter().map(|toolchain| toolchain.join("bin/rustc")).collect()
}

/// Checks one compiler: it runs, is new enough, has cargo beside it, and the library source of its own release.
fn inspect(rustc: &Path, origin: Origin) -> Result<Compiler, String> {
    if !rustc.is_file() {
        return Err("is not installed".to_owned());
    }
    let Version { release, llvm } = parse_version(&ask(rustc, &["-vV"])?)?;
    if older_than_minimum(&release) {
        return Err(format!("is release {release}, older than {MINIMUM}"));
    }
    if llvm > LLVM_MAJOR && std::env::var_os(LINKER_VARIABLE).is_none() {
        return Err(format!("writes the bitcode of LLVM {llvm}, newer than the LLVM {LLVM_MAJOR} of bpf-linker"));
    }
    let cargo = rustc.with_file_name("cargo");
    if !cargo.is_file() {
        return Err("has no cargo beside it".to_owned());
    }
    let source = Path::new(ask(rustc, &["--print", "sysroot"])?.trim()).join("lib/rustlib/src/rust");
    if !source.join("library/core/src/lib.rs").is_file() {
        return Err(match origin {
            Origin::Rustup => "has no library source (component rust-src)".to_owned(),
            Origin::Debian => "has no library source (package rust-web-src)".to_owned(),
            Origin::Environment => format!("has no library source in {}", source.display()),
        });
    }
    // rustup keeps compiler and source in step and ships no version file; Debian's are two packages.
    if let Ok(version) = std::fs::read_to_string(source.join("src/version")) {
        check_source_version(&release, version.trim())?;
    }
    Ok(Compiler { rustc: rustc.to_owned(), cargo, release, llvm, origin })
}

/// Runs rustc with the arguments, away from the settings of an outer cargo, and gives its output.
fn ask(rustc: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = isolate(&mut Command::new(rustc))
        .args(arguments)
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("fails with {} when asked for {}", output.status, arguments.join(" ")));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What `rustc -vV` says that matters here.
#[derive(Debug, PartialEq, Eq)]
struct Version {
    release: String,
    llvm: u32,
}

/// Reads the output of `rustc -vV`.
fn parse_version(verbose: &str) -> Result<Version, String> {
    let field = |name: &str| {
        let value = verbose.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.map(str::trim).ok_or_else(|| format!("shows no {name} in its verbose version"))
    };
    let release = field("release")?.to_owned();
    let llvm = field("LLVM version")?;
    let major = llvm.split('.').next().and_then(|major| major.parse().ok());
    Ok(Version { release, llvm: major.ok_or_else(|| format!("shows the LLVM version `{llvm}`, which is no number"))? })
}

/// Major, minor and patch of a release, a channel suffix left aside; parts that are absent or no number count as 0.
fn release_numbers(release: &str) -> [u32; 3] {
    let mut parts = release.split('-').next().unwrap_or_default().split('.');
    std::array::from_fn(|_| parts.next().and_then(|part| part.parse().ok()).unwrap_or(0))
}

fn older_than_minimum(release: &str) -> bool {
    release_numbers(release) < release_numbers(MINIMUM)
}

/// Library source of another release compiles to errors that nobody understands, so it is refused by its version.
fn check_source_version(release: &str, source: &str) -> Result<(), String> {
    if release_numbers(release) == release_numbers(source) {
        return Ok(());
    }
    Err(format!("is release {release}, but its library source is {source}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEBIAN: &str = "rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)\nbinary: rustc\n\
        commit-hash: ac68faa20c58cbccd01ee7208bf3b6e93a7d7f96\ncommit-date: 2026-05-25\n\
        host: x86_64-unknown-linux-gnu\nrelease: 1.96.0\nLLVM version: 22.1.8\n";

    #[test]
    fn release_and_llvm_are_read_from_verbose_version() {
        assert_eq!(parse_version(DEBIAN), Ok(Version { release: "1.96.0".to_owned(), llvm: 22 }));
    }

    #[test]
    fn a_version_without_llvm_names_the_field() {
        assert_eq!(parse_version("release: 1.96.0\n"), Err("shows no LLVM version in its verbose version".to_owned()));
    }

    #[test]
    fn releases_compare_by_number() {
        assert!(older_than_minimum("1.63.0"));
        assert!(older_than_minimum("1.9.0"));
        assert!(!older_than_minimum(MINIMUM));
        assert!(!older_than_minimum("1.100.0-nightly"));
        assert!(!older_than_minimum("2.0.0"));
    }

    #[test]
    fn source_of_another_release_is_refused() {
        assert_eq!(check_source_version("1.96.0", "1.96.0"), Ok(()));
        assert_eq!(check_source_version("1.97.0-nightly", "1.97.0"), Ok(()));
        let error = check_source_version("1.96.0", "1.85.0").unwrap_err();
        assert_eq!(error, "is release 1.96.0, but its library source is 1.85.0");
    }

    #[test]
    fn a_named_compiler_that_is_not_there_is_an_error_and_no_other_is_taken() {
        let error = find(Some(OsStr::new("/nowhere/rustc"))).unwrap_err();
        assert_eq!(error, "/nowhere/rustc is not installed");
    }
}
