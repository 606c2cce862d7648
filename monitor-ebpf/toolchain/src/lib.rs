//! Finds what builds the kernel half of agentsnoop, and builds it.
//!
//! `bpfel-unknown-none` has no prebuilt `core`, so cargo compiles it from the library source of exactly the compiler in
//! use. Two places have such a pair: rustup's nightly with the component `rust-src`, and Debian's `rustc-web` with
//! `rust-web-src`. The object is linked by `bpf-linker`. xtask and the build script of monitor-userspace share this
//! crate, so that both find the same tools and say the same about missing ones.

mod compiler;
mod environment;
mod linker;
mod missing;
mod object;
mod places;

pub use compiler::{Compiler, Origin};
pub use environment::isolate;
pub use linker::{LINKER_VERSION, LLVM_MAJOR, Linker};
pub use missing::{Missing, NotFound};
pub use object::{TRIPLE, build};
pub use places::{target_dir_of, tools_dir};

use std::path::Path;

/// Environment variable that names the rustc to use; cargo must be beside it.
pub const RUSTC_VARIABLE: &str = "AGENTSNOOP_EBPF_RUSTC";
/// Environment variable that names the bpf-linker to use.
pub const LINKER_VARIABLE: &str = "AGENTSNOOP_BPF_LINKER";

/// A compiler with matching library source, and a linker: all that the kernel half needs.
#[derive(Debug, Clone)]
pub struct Toolchain {
    /// The compiler, with the cargo beside it.
    pub compiler: Compiler,
    /// The linker for BPF objects.
    pub linker: Linker,
}

impl Toolchain {
    /// Finds the tools: what the environment names, then rustup's nightlies, then Debian's compiler; bpf-linker in each
    /// of the `tools` folders, then on `PATH`.
    ///
    /// # Errors
    /// [`Missing`] lists what was not found and, for each compiler that was looked at, why it does not do.
    pub fn find(tools: &[&Path]) -> Result<Self, Missing> {
        let (named_compiler, named_linker) = (std::env::var_os(RUSTC_VARIABLE), std::env::var_os(LINKER_VARIABLE));
        let compiler = compiler::find(named_compiler.as_deref());
        let linker = linker::find(named_linker.as_deref(), tools);
        match (compiler, linker) {
            (Ok(compiler), Ok(linker)) => Ok(Self { compiler, linker }),
            (compiler, linker) => Err(Missing {
                compiler: compiler.err().map(|reason| NotFound { reason, named: named_compiler.is_some() }),
                linker: linker.err().map(|reason| NotFound { reason, named: named_linker.is_some() }),
            }),
        }
    }

    /// What is used, in one line without paths, so that it can be part of a reproducible binary.
    #[must_use]
    pub fn describe(&self) -> String {
        format!("{}, {}", self.compiler.describe(), self.linker.version)
    }
}
