//! Says what is missing and what to do.

use std::fmt;

use crate::{LINKER_VARIABLE, RUSTC_VARIABLE};

/// Debian's packages with a compiler and its library source.
const COMPILER_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// Debian's package with the LLVM that bpf-linker is built with: the one of [`crate::LLVM_MAJOR`].
const LLVM_PACKAGE: &str = "llvm-22-dev";

/// A tool that was not found.
#[derive(Debug, Clone)]
pub struct NotFound {
    /// What was looked at, and why each does not do.
    pub reason: String,
    /// Whether the environment names the tool: then nothing else was looked at, and installing helps nobody.
    pub named: bool,
}

/// What was not found of the tools for the kernel half.
#[derive(Debug, Clone)]
pub struct Missing {
    /// The compiler with matching library source; `None` where one was found.
    pub compiler: Option<NotFound>,
    /// The linker; `None` where one was found.
    pub linker: Option<NotFound>,
}

impl Missing {
    /// The missing things, one clause each.
    #[must_use]
    pub fn items(&self) -> Vec<String> {
        let tools = [("compiler with matching library source", &self.compiler), ("bpf-linker", &self.linker)];
        let missing = tools.into_iter().filter_map(|(name, tool)| Some((name, tool.as_ref()?)));
        missing.map(|(name, tool)| format!("no {name} was found ({})", tool.reason)).collect()
    }

    /// Debian's packages that set-up needs for the missing things; none for a tool that the environment names.
    #[must_use]
    pub fn packages(&self) -> Vec<&'static str> {
        let compiler = installable(&self.compiler).flat_map(|_| COMPILER_PACKAGES);
        compiler.chain(installable(&self.linker).map(|_| LLVM_PACKAGE)).collect()
    }

    /// Whether set-up is to build the linker.
    #[must_use]
    pub fn linker_is_installable(&self) -> bool {
        installable(&self.linker).next().is_some()
    }
}

fn installable(tool: &Option<NotFound>) -> impl Iterator<Item = &NotFound> {
    tool.iter().filter(|tool| !tool.named)
}

/// One paragraph, without a line break, that says what is missing and what to do.
impl fmt::Display for Missing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the kernel half of agentsnoop cannot be built: {}.", self.items().join(", and "))?;
        for (variable, tool) in [(RUSTC_VARIABLE, &self.compiler), (LINKER_VARIABLE, &self.linker)] {
            if tool.as_ref().is_some_and(|tool| tool.named) {
                write!(formatter, " Correct {variable}, or unset it.")?;
            }
        }
        let packages = self.packages();
        if packages.is_empty() {
            return Ok(());
        }
        write!(
            formatter,
            " Run `cargo xtask setup`, which installs what is missing (as root; else it prints the command). By hand, on \
             Debian 12: `sudo apt-get update && sudo apt-get install --no-install-recommends {}`",
            packages.join(" "),
        )?;
        if self.linker_is_installable() {
            write!(formatter, ", then `cargo xtask setup` to build bpf-linker into target/tools")?;
        }
        write!(formatter, ". Elsewhere:")?;
        if installable(&self.compiler).next().is_some() {
            write!(formatter, " `rustup toolchain install nightly --component rust-src`;")?;
        }
        write!(formatter, " {RUSTC_VARIABLE} and {LINKER_VARIABLE} name tools that lie somewhere else.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::LLVM_MAJOR;

    fn not_found(reason: &str, named: bool) -> Option<NotFound> {
        Some(NotFound { reason: reason.to_owned(), named })
    }

    fn nothing_there() -> Missing {
        Missing {
            compiler: not_found("/usr/bin/rustc is not installed", false),
            linker: not_found("it is neither in /t/bin nor on PATH", false),
        }
    }

    #[test]
    fn the_paragraph_is_one_line_with_the_set_up_and_the_exact_command() {
        let paragraph = nothing_there().to_string();
        assert!(!paragraph.contains('\n'));
        for part in [
            "(/usr/bin/rustc is not installed)",
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
    fn a_variable_that_names_a_wrong_tool_is_to_be_corrected_and_nothing_is_installed() {
        let missing = Missing { compiler: None, linker: not_found("/none cannot be opened", true) };
        assert!(missing.packages().is_empty());
        assert_eq!(
            missing.to_string(),
            "the kernel half of agentsnoop cannot be built: no bpf-linker was found (/none cannot be opened). \
             Correct AGENTSNOOP_BPF_LINKER, or unset it."
        );
    }

    #[test]
    fn the_package_is_that_of_the_llvm_in_use() {
        assert_eq!(LLVM_PACKAGE, format!("llvm-{LLVM_MAJOR}-dev"));
    }
}
