//! Builds the kernel half and lays its object into `OUT_DIR`, where the loader includes it.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use ebpf_toolchain::{LINKER_VARIABLE, RUSTC_VARIABLE, Toolchain, build, target_dir_of, tools_dir};

/// The name under which the loader includes the object from `OUT_DIR`.
const OBJECT: &str = "monitor-ebpf.o";

/// What the object is built from, seen from the workspace.
const SOURCES: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "monitor-common/Cargo.toml",
    "monitor-common/src",
    "monitor-ebpf/Cargo.toml",
    "monitor-ebpf/src",
];

fn main() -> std::process::ExitCode {
    match run() {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            println!("cargo::error={error:#}");
            // A failing status makes cargo show the messages of the compiler, which are on standard error.
            std::process::ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let manifest_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let workspace = manifest_dir.parent().context("monitor-userspace lies in no workspace: build it from a clone")?;
    let out_dir = PathBuf::from(variable("OUT_DIR")?);
    // One folder for all profiles, so that `core` is compiled once and not for each of debug, release and clippy.
    let target_dir = target_dir_of(&out_dir, &variable("TARGET")?).unwrap_or(&out_dir);

    for source in SOURCES {
        rerun_if_changed(&workspace.join(source));
    }
    for name in [RUSTC_VARIABLE, LINKER_VARIABLE, "RUSTUP_HOME"] {
        println!("cargo::rerun-if-env-changed={name}");
    }

    let tools = [tools_dir(target_dir), tools_dir(&workspace.join("target"))];
    let toolchain = match Toolchain::find(&[&tools[0], &tools[1]]) {
        Ok(toolchain) => toolchain,
        Err(missing) => {
            // The error line alone fails the build; a failing status would bury it under the output of this script.
            println!("cargo::error={missing}");
            return Ok(());
        }
    };
    rerun_if_changed(&toolchain.compiler.rustc);
    rerun_if_changed(&toolchain.linker.path);

    let debug_log = std::env::var_os("CARGO_FEATURE_DEBUG_LOG").map(|_| "debug-log");
    let object = build(&toolchain, workspace, &target_dir.join("ebpf"), debug_log.as_slice())?;
    let copy = out_dir.join(OBJECT);
    std::fs::copy(&object, &copy).with_context(|| format!("cannot copy {} to {}", object.display(), copy.display()))?;
    println!("cargo::rustc-env=AGENTSNOOP_EBPF_TOOLCHAIN={}", toolchain.describe());
    Ok(())
}

/// A variable that cargo sets for build scripts.
fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("cargo did not set {name}: run the build through cargo"))
}

fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
