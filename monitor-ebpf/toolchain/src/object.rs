//! Builds the object of the kernel half.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::Toolchain;
use crate::environment::isolate;

/// The target of the kernel half.
pub const TRIPLE: &str = "bpfel-unknown-none";
const PACKAGE: &str = "monitor-ebpf";

/// Builds package `monitor-ebpf` of the workspace with the features, below `target_dir`, and returns the path of the
/// object, which is apart from those with other features. It is always the release profile: the verifier wants optimised
/// code. The messages of cargo go to standard error.
///
/// # Errors
/// Fails where the tools do not start or the code does not compile; the compiler's messages are on standard error.
pub fn build(toolchain: &Toolchain, workspace: &Path, target_dir: &Path, features: &[&str]) -> Result<PathBuf> {
    let Toolchain { compiler, linker } = toolchain;
    // The separator is cargo's own for this variable; it keeps paths with spaces whole.
    let rustflags = ["-Cdebuginfo=2", "-Clink-arg=--btf", &format!("-Clinker={}", linker.path.display())].join("\x1f");
    // Cargo copies the object while it holds its lock, so that a build with other features cannot replace it in between.
    let objects =
        target_dir.join("objects").join(if features.is_empty() { "usual".into() } else { features.join("+") });
    let mut command = Command::new(&compiler.cargo);
    isolate(&mut command)
        .current_dir(workspace)
        // Library source is built with unstable options, which only a nightly allows unasked.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", &compiler.rustc)
        // An empty wrapper also overrides one from a user's configuration file.
        .env("RUSTC_WRAPPER", "")
        .env("RUSTC_WORKSPACE_WRAPPER", "")
        .env("CARGO_ENCODED_RUSTFLAGS", rustflags)
        // bpf-linker optimises the whole program itself; rustc must hand it plain bitcode.
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .args(["build", "--release", "--locked", "--target", TRIPLE, "-Z", "build-std=core", "--package", PACKAGE])
        .args(["-Z", "unstable-options", "--artifact-dir"])
        .arg(&objects)
        .arg("--target-dir")
        .arg(target_dir);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    let status =
        command.status().with_context(|| format!("cannot start {}: install it again", compiler.cargo.display()))?;
    if !status.success() {
        bail!("building {PACKAGE} for {TRIPLE} failed with {status}: see the compiler's messages");
    }
    let object = objects.join(PACKAGE);
    if !object.is_file() {
        bail!("cargo built {PACKAGE}, but {} is not there: remove {}", object.display(), target_dir.display());
    }
    Ok(object)
}
