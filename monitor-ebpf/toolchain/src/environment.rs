//! Keeps the settings of an outer cargo away from the tools of the kernel half.

use std::ffi::OsStr;
use std::process::Command;

/// Prefixes of the `CARGO_` variables that describe the user's network and terminal, not one cargo invocation.
const KEPT_CARGO_PREFIXES: [&str; 5] = ["CARGO_HOME", "CARGO_HTTP_", "CARGO_NET_", "CARGO_REGISTR", "CARGO_TERM_"];

/// Variables that choose or wrap a compiler, or that cargo, rustup and clippy set for their children.
const DROPPED: [&str; 22] = [
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "DEBUG",
    "HOST",
    // Points to the libraries of the outer compiler.
    "LD_LIBRARY_PATH",
    "MAKEFLAGS",
    "MFLAGS",
    "NUM_JOBS",
    "OPT_LEVEL",
    "OUT_DIR",
    "PROFILE",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_LINKER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
    "RUSTUP_TOOLCHAIN",
    "SYSROOT",
    "TARGET",
];

/// Whether the variable belongs to an outer build and must not reach another compiler.
fn is_of_outer_build(name: &OsStr) -> bool {
    let Some(name) = name.to_str() else { return false };
    if name == "CARGO" || name.starts_with("CARGO_") {
        return !KEPT_CARGO_PREFIXES.iter().any(|prefix| name.starts_with(prefix));
    }
    DROPPED.contains(&name)
}

/// Removes from the command's environment what an outer cargo, rustup or clippy has set for its own compiler, so that a
/// cargo of another toolchain behaves as if it were called from a shell. Proxy and registry settings stay.
pub fn isolate(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars_os() {
        if is_of_outer_build(&name) {
            command.env_remove(name);
        }
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_chooses_a_compiler_is_dropped() {
        for name in
            ["CARGO", "CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC_WORKSPACE_WRAPPER", "RUSTUP_TOOLCHAIN"]
        {
            assert!(is_of_outer_build(OsStr::new(name)), "{name}");
        }
    }

    #[test]
    fn network_and_folders_of_the_user_stay() {
        for name in
            ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_HTTP_PROXY", "PATH", "HOME", "RUSTUP_HOME", "https_proxy"]
        {
            assert!(!is_of_outer_build(OsStr::new(name)), "{name}");
        }
    }
}
