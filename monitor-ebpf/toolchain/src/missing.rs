//! Says what is missing and what to do.

use std::fmt;

use crate::compiler::Rejected;
use crate::{LINKER_VARIABLE, RUSTC_VARIABLE};

/// Debian's packages with a compiler and its library source.
const COMPILER_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Debian's package with the LLVM that bpf-linker is built with: the one of [`crate::LLVM_MAJOR`].
const LLVM_PACKAGE: &str = "llvm-22-dev";

/// What was not found of the tools for the kernel half.
#[derive(Debug, Clone)]
pub struct Missing {
    /// Each compiler that was looked at, where none does; `None` where one was found.
    pub compiler: Option<Vec<Rejected>>,
    /// Why no linker was found; `None` where one was found.
    pub linker: Option<String>,
}

impl Missing {
    /// The missing things, one sentence each.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        let compiler = self.compiler.as_ref().map(|rejected| {
            let reasons: Vec<_> = rejected.iter().map(ToString::to_string).collect();
            format!("no compiler with matching library source was found ({})", reasons.join("; "))
        });
        let linker = self.linker.as_ref().map(|reason| format!("no bpf-linker was found ({reason})"));
        compiler.into_iter().chain(linker).collect()
    }

    /// Debian's packages that set-up needs for the missing things.
    #[must_use]
    pub fn packages(&self) -> Vec<&'static str> {
        let compiler = self.compiler.iter().flat_map(|_| COMPILER_PACKAGES);
        compiler.chain(self.linker.iter().map(|_| LLVM_PACKAGE)).collect()
    }
}

/// One paragraph, without a line break, that says what is missing and what to do.
impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "the kernel half of agentsnoop cannot be built: {}. Run `cargo xtask setup`, which installs what is missing \
             (as root; else it prints the command). By hand, on Debian 12: `sudo apt-get update && sudo apt-get install \
             --no-install-recommends {}`",
            self.items().join(", and "),
            self.packages().join(" "),
        )?;
        if self.linker.is_some() {
            write!(formatter, ", then `cargo xtask setup` to build bpf-linker into target/tools")?;
        }
        write!(formatter, ". Elsewhere:")?;
        if self.compiler.is_some() {
            write!(formatter, " `rustup toolchain install nightly --component rust-src`;")?;
        }
        write!(formatter, " {RUSTC_VARIABLE} and {LINKER_VARIABLE} name tools that lie somewhere else.")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::LLVM_MAJOR;

    fn nothing_there() -> Missing {
        let rustc = PathBuf::from("/usr/bin/rustc");
        Missing {
            compiler: Some(vec![Rejected { rustc, reason: "is not installed".to_owned() }]),
            linker: Some("it is neither in /t/bin nor on PATH".to_owned()),
        }
    }

    #[test]
    fn the_paragraph_is_one_line_with_the_set_up_and_the_exact_command() {
        let paragraph = nothing_there().to_string();
        assert!(!paragraph.contains('\n'));
        for part in [
            "(/usr/bin/rustc: is not installed)",
            "(it is neither in /t/bin nor on PATH)",
            "`cargo xtask setup`",
            "apt-get install --no-install-recommends rustc-web cargo-web rust-web-src llvm-22-dev`",
            "AGENTSNOOP_EBPF_RUSTC",
        ] {
            assert!(paragraph.contains(part), "{part} is not in: {paragraph}");
        }
    }

    #[test]
    fn only_what_is_missing_is_asked_for() {
        let missing = Missing { compiler: None, ..nothing_there() };
        assert_eq!(missing.packages(), ["llvm-22-dev"]);
        assert_eq!(missing.items().len(), 1);
        assert!(!missing.to_string().contains("rustup"));
    }

    #[test]
    fn the_package_is_that_of_the_llvm_in_use() {
        assert_eq!(LLVM_PACKAGE, format!("llvm-{LLVM_MAJOR}-dev"));
    }
}
