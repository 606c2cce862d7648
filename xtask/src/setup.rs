//! Finds what the build and the tests need, and installs what is missing.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use ebpf_toolchain::{LINKER_VERSION, LLVM_MAJOR, Missing, Toolchain, tools_dir};

use crate::project::{Project, find_program, is_root, output, run, show};

/// What the tools are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Building the kernel half.
    Build,
    /// Running the live tests on the running kernel.
    Live,
    /// Running the live tests on other kernels in QEMU.
    Vm,
    /// Driving real agents through scripted sessions.
    Agents,
    /// Building the fuzzer.
    Fuzz,
}

/// Programs that the tests of a host need beside what they skip where it is absent, with Debian's packages that have them.
const LIVE_PROGRAMS: [(&str, &str); 3] = [("strace", "strace"), ("musl-gcc", "musl-tools"), ("sqlite3", "sqlite3")];

/// Programs that the virtual machine needs, with Debian's packages that have them.
const VM_PROGRAMS: [(&str, &str); 2] = [("qemu-system-x86_64", "qemu-system-x86"), ("busybox", "busybox-static")];

/// Programs that the sessions of real agents need, with Debian's packages that have them.
const AGENT_PROGRAMS: [(&str, &str); 7] = [
    ("node", "nodejs"),
    ("npm", "npm"),
    ("python3", "python3"),
    ("git", "git"),
    ("curl", "curl"),
    ("bc", "bc"),
    ("ip", "iproute2"),
];

/// What libFuzzer is compiled with, and Debian's package that has it.
const FUZZ_PROGRAMS: [(&str, &str); 1] = [("c++", "g++")];

/// Finds what the purposes need and installs what is missing: Debian's packages as root, and bpf-linker from its source
/// into the target folder.
///
/// # Errors
/// Where packages are missing and this process is not root, the error is the command to type. Fails where apt or cargo
/// fails, and where this is no Debian and something is missing.
pub(crate) fn install(project: &Project, purposes: &[Purpose]) -> Result<()> {
    let tools = tools_dir(&project.target);
    // As for the build script: the tools of the workspace's own target folder serve other target folders too.
    let own_tools = tools_dir(&project.root.join("target"));
    let find = || Toolchain::find(&[&tools, &own_tools]);
    let found = if purposes.contains(&Purpose::Build) { Some(find()) } else { None };

    let mut packages: Vec<&str> = match &found {
        Some(Err(missing)) => missing.packages(),
        _ => Vec::new(),
    };
    let lists = [
        (Purpose::Live, &LIVE_PROGRAMS[..]),
        (Purpose::Vm, &VM_PROGRAMS[..]),
        (Purpose::Agents, &AGENT_PROGRAMS[..]),
        (Purpose::Fuzz, &FUZZ_PROGRAMS[..]),
    ];
    for (_, programs) in lists.iter().filter(|(purpose, _)| purposes.contains(purpose)) {
        packages.extend(programs.iter().filter(|(name, _)| find_program(name).is_none()).map(|(_, package)| *package));
    }
    packages.retain(|package| !is_installed(package));
    if !packages.is_empty() {
        install_packages(&packages).with_context(|| reasons(found.as_ref()))?;
    }

    match found {
        None => Ok(()),
        Some(Ok(toolchain)) => {
            eprintln!("xtask: the kernel half is built with {}", toolchain.describe());
            Ok(())
        }
        Some(Err(missing)) => {
            if missing.linker_is_installable() {
                build_linker(project, &tools)?;
            }
            let toolchain = find().map_err(|missing| anyhow::anyhow!("{missing}"))?;
            eprintln!("xtask: the kernel half is built with {}", toolchain.describe());
            Ok(())
        }
    }
}

/// Why packages are wanted, in one line.
fn reasons(found: Option<&Result<Toolchain, Missing>>) -> String {
    match found {
        Some(Err(missing)) => missing.items().join(", and "),
        _ => "the live tests, here, in a virtual machine, or with real agents, need more programs".to_owned(),
    }
}

/// Whether dpkg has the package installed.
fn is_installed(package: &str) -> bool {
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", package]).output();
    query.is_ok_and(|query| query.status.success() && query.stdout == b"installed")
}

fn install_packages(packages: &[&str]) -> Result<()> {
    if find_program("apt-get").is_none() {
        bail!("here is no apt-get: install what Debian's packages {} hold, and run this again", packages.join(" "));
    }
    let mut update = Command::new("apt-get");
    update.arg("update");
    let mut install = Command::new("apt-get");
    install
        .args(["install", "--yes", "--no-install-recommends"])
        .args(packages)
        .env("DEBIAN_FRONTEND", "noninteractive");
    if !is_root() {
        bail!(
            "packages are missing; install them and run this again:\n\n    sudo {} && sudo {}\n",
            show(&update),
            show(&install)
        );
    }
    eprintln!("xtask: to be installed: {}", packages.join(" "));
    // A source that has nothing to do with these packages may fail; whether they are to be had, install tells.
    if let Err(error) = run(&mut update) {
        eprintln!("xtask: {error:#}; going on with the lists that are there");
    }
    run(&mut install).context("apt must know Debian 12's bookworm and bookworm-security")
}

/// Builds bpf-linker from its source into the tools folder; this takes about a minute.
fn build_linker(project: &Project, tools: &Path) -> Result<()> {
    let prefix = format!("/usr/lib/llvm-{LLVM_MAJOR}");
    if !Path::new(&prefix).is_dir() {
        bail!(
            "{prefix} is not there: bpf-linker is built with LLVM {LLVM_MAJOR}; install it there, or bpf-linker itself on PATH"
        );
    }
    // cargo advises to put the folder on PATH unless it is there.
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths([tools.join("bin")].into_iter().chain(std::env::split_paths(&path)))
        .with_context(|| format!("{} cannot be on PATH: move the target folder", tools.display()))?;
    let mut command = project.cargo("install");
    command
        .args(["bpf-linker", "--version", LINKER_VERSION, "--locked", "--no-default-features"])
        .args(["--features", &format!("llvm-{LLVM_MAJOR}")])
        .arg("--root")
        .arg(tools)
        .env("PATH", path)
        // Without it the link step finds no LLVM.
        .env("LLVM_PREFIX", prefix)
        // The intermediate files go to a temporary folder, which cargo removes.
        .env_remove("CARGO_TARGET_DIR");
    run(&mut command).context("bpf-linker could not be built")?;
    let version = output(Command::new(tools.join("bin/bpf-linker")).arg("--version"))?;
    eprintln!("xtask: built {} into {}", version.trim(), tools.display());
    Ok(())
}
