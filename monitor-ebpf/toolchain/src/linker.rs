//! Finds bpf-linker.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::isolate;

/// The version of bpf-linker that set-up builds.
pub const LINKER_VERSION: &str = "0.13.0";
/// The LLVM that set-up builds bpf-linker with. An older LLVM cannot read the bitcode of a newer compiler, so compilers
/// with a newer LLVM are passed over.
pub const LLVM_MAJOR: u32 = 22;

/// The linker for BPF objects.
#[derive(Debug, Clone)]
pub struct Linker {
    /// Absolute path of the program.
    pub path: PathBuf,
    /// Name and version as the program gives them.
    pub version: String,
}

/// Finds the linker: the one that the environment names and no other, else the first that runs in the `bin` of the
/// tools folders or on `PATH`. The error says what was looked at.
pub(crate) fn find(named: Option<&OsStr>, tools: &[&Path]) -> Result<Linker, String> {
    if let Some(path) = named {
        let path = Path::new(path);
        return inspect(path).map_err(|reason| format!("{} {reason}", path.display()));
    }
    let search_path = std::env::var_os("PATH").unwrap_or_default();
    let folders = tools.iter().map(|folder| folder.join("bin")).chain(std::env::split_paths(&search_path));
    let mut rejected = Vec::new();
    for path in folders.map(|folder| folder.join("bpf-linker")).filter(|path| path.is_file()) {
        match inspect(&path) {
            Ok(linker) => return Ok(linker),
            Err(reason) => rejected.push(format!("{} {reason}", path.display())),
        }
    }
    if rejected.is_empty() {
        let mut tools: Vec<_> = tools.iter().map(|folder| folder.join("bin").display().to_string()).collect();
        tools.dedup();
        rejected.push(format!("it is neither in {} nor on PATH", tools.join(", ")));
    }
    Err(rejected.join("; "))
}

/// Runs the program once: one whose LLVM library was removed does not start, and is no linker.
fn inspect(path: &Path) -> Result<Linker, String> {
    let path = path.canonicalize().map_err(|error| format!("cannot be opened: {error}"))?;
    let output = isolate(&mut Command::new(&path))
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot be started: {error}"))?;
    if !output.status.success() {
        let stderr = String::from_utf8_lossy(&output.stderr);
        return Err(format!("fails with {}: {}", output.status, stderr.lines().next().unwrap_or("no message")));
    }
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    Ok(Linker { path, version })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_linker_that_is_not_there_is_an_error_and_no_other_is_taken() {
        let error = find(Some(OsStr::new("/nowhere/bpf-linker")), &[]).unwrap_err();
        assert!(error.starts_with("/nowhere/bpf-linker cannot be opened"), "{error}");
    }

    #[test]
    fn a_program_that_fails_is_no_linker() {
        let error = inspect(Path::new("/bin/false")).unwrap_err();
        assert!(error.contains("fails with exit status: 1"), "{error}");
    }
}
