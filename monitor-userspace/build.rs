//! Builds the kernel half, once for each sort of kernel, and lays the objects into `OUT_DIR`, where the loader includes them.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use ebpf_toolchain::{LINKER_VARIABLE, RUSTC_VARIABLE, Toolchain, build, target_dir_of, tools_dir};

/// The builds of the kernel half: the name under which the loader includes the object from `OUT_DIR`, and the features.
const BUILDS: [(&str, &[&str]); 3] = [
    ("monitor-ebpf.o", &[]),
    ("monitor-ebpf-untyped.o", &["untyped"]),
    ("monitor-ebpf-before-5-12.o", &["untyped", "plain-add"]),
];

/// What the objects are built from, seen from the workspace.
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
    for (name, features) in BUILDS {
        let all: Vec<&str> = features.iter().copied().chain(debug_log).collect();
        let object = build(&toolchain, workspace, &target_dir.join("ebpf"), &all)?;
        let mut content = std::fs::read(&object).with_context(|| format!("cannot read {}", object.display()))?;
        if features.contains(&"untyped") {
            to_raw_tracepoints(&mut content)?;
        }
        let copy = out_dir.join(name);
        std::fs::write(&copy, &content).with_context(|| format!("cannot write {}", copy.display()))?;
    }
    println!("cargo::rustc-env=AGENTSNOOP_EBPF_TOOLCHAIN={}", toolchain.describe());
    Ok(())
}

/// Puts the programs on BTF tracepoints onto the raw tracepoints of the same names. The loader takes a program's type
/// from the name of its section, which stands in the tables of names of the object, ended by a NUL; both tracepoints hand
/// over the same arguments. The names are of one length, so nothing moves.
fn to_raw_tracepoints(object: &mut [u8]) -> Result<()> {
    const TYPED: &[u8] = b"tp_btf/";
    const RAW: &[u8; TYPED.len()] = b"raw_tp/";
    let found = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).position(|window| window == part);
    let mut from = 0;
    while let Some(at) = found(&object[from..], TYPED) {
        let start = from + at;
        from = start + RAW.len();
        let name = object[from..].split_inclusive(|byte| *byte == 0).next().unwrap_or_default();
        // Two sections of one name would be taken for one.
        if found(&object[from..], &[RAW, name].concat()).is_some() {
            bail!(
                "a program is on the raw tracepoint {0} and another on the BTF tracepoint {0}: give the first a name of its own",
                String::from_utf8_lossy(name).trim_end_matches('\0')
            );
        }
        object[start..from].copy_from_slice(RAW);
    }
    Ok(())
}

/// A variable that cargo sets for build scripts.
fn variable(name: &str) -> Result<String> {
    std::env::var(name).with_context(|| format!("cargo did not set {name}: run the build through cargo"))
}

fn rerun_if_changed(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
