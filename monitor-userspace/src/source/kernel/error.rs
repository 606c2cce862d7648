//! Why nothing can be observed, and what to do about it.

use std::{error::Error, fmt, io, path::PathBuf};

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{EbpfError, maps::MapError, programs::ProgramError};

/// Why the kernel half cannot be opened. All of them end agentsnoop with exit code 3.
#[derive(Debug)]
pub enum OpenError {
    /// The kernel does not let this process load programs.
    NotPermitted {
        /// What it refused.
        what: String,
    },
    /// The kernel does not tell its types.
    NoBtf {
        /// Where they were looked for.
        path: PathBuf,
        /// What is wrong there.
        reason: String,
    },
    /// The two halves were not built together.
    WireMismatch(String),
    /// The kernel took none of the programs.
    NothingAttached {
        /// The hooks with their reasons.
        hooks: Vec<Hook>,
    },
    /// This process has other process ids than the kernel half sees.
    NotInitialPidNamespace,
    /// Anything else, in a sentence.
    Other(String),
}

impl OpenError {
    /// Of an error of the loader.
    pub(super) fn load(error: &EbpfError) -> Self {
        match io_error(error) {
            Some(cause) if is_permission(cause) => {
                Self::NotPermitted { what: "create the maps of its kernel half".to_owned() }
            }
            _ => {
                let text = chain(error);
                if text.contains(monitor_common::WIRE_SYMBOL) || text.contains("symbol") {
                    Self::WireMismatch(text)
                } else {
                    Self::Other(format!("cannot load the kernel half: {text}"))
                }
            }
        }
    }

    /// Of an error with a map.
    pub(super) fn map(error: &MapError) -> Self {
        Self::Other(format!("cannot use a map of the kernel half: {}", chain(error)))
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotPermitted { what } => write!(
                f,
                "the kernel does not permit agentsnoop to {what}: run it as root (sudo), or with the capabilities CAP_BPF \
                 and CAP_PERFMON; {}",
                restrictions()
            ),
            Self::NoBtf { path, reason } => write!(
                f,
                "cannot read the kernel's types from {}: {reason}; agentsnoop needs a kernel built with \
                 CONFIG_DEBUG_INFO_BTF, as those of Debian, Ubuntu and Fedora are, or with `--btf FILE` the types of just this \
                 kernel",
                path.display()
            ),
            Self::WireMismatch(reason) => write!(
                f,
                "the kernel half does not speak wire version {}: {reason}; build agentsnoop again from one source",
                monitor_common::WIRE_VERSION
            ),
            Self::NothingAttached { hooks } => {
                f.write_str("no hook could be attached")?;
                for hook in hooks {
                    if let HookState::Unavailable { reason } = &hook.state {
                        write!(f, "; {}: {reason}", hook.name)?;
                    }
                }
                Ok(())
            }
            Self::NotInitialPidNamespace => f.write_str(
                "cannot observe from inside a container: this pid namespace has process ids of its own, and the kernel \
                 tells those of the initial one; run agentsnoop on the host, or start the container with the host's pid \
                 namespace (--pid=host)",
            ),
            Self::Other(reason) => f.write_str(reason),
        }
    }
}

impl Error for OpenError {}

/// The system's error at the bottom of another.
pub(super) fn io_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a io::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<io::Error>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}

pub(super) fn is_permission(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EPERM | libc::EACCES))
}

/// An error with its causes, in one line; the verifier's log is cut to its last words.
pub(super) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = last_lines(&error.to_string());
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = last_lines(&cause.to_string());
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        next = cause.source();
    }
    text
}

/// What the verifier says of its own work at the end, which is no reason.
const WORK: [&str; 3] = ["verification time", "stack depth", "processed"];

/// The first line and the last ones of a text of many lines, as one.
fn last_lines(text: &str) -> String {
    const LAST: usize = 4;
    let tells = |line: &&str| !line.is_empty() && !WORK.iter().any(|begin| line.starts_with(begin));
    let lines: Vec<&str> = text.lines().map(str::trim).filter(tells).collect();
    match lines.split_first() {
        Some((first, rest)) if rest.len() > LAST => format!("{first} … {}", rest[rest.len() - LAST..].join(" | ")),
        _ => lines.join(" | "),
    }
}

/// Why a program was refused, in plain words.
pub(super) fn reason(error: &(dyn Error + 'static)) -> String {
    // The verifier's log is empty where the kernel refuses before it looks at the program.
    if let Some(ProgramError::LoadError { verifier_log, .. }) = error.downcast_ref::<ProgramError>()
        && !verifier_log.to_string().trim().is_empty()
    {
        return format!("this kernel refuses the program ({})", chain(error));
    }
    match io_error(error) {
        Some(cause) if is_permission(cause) => {
            format!("not permitted ({cause}): needs root or CAP_BPF and CAP_PERFMON; {}", restrictions())
        }
        Some(cause) if cause.raw_os_error() == Some(libc::ENOENT) => {
            format!("this kernel has no such hook ({})", chain(error))
        }
        Some(cause) if matches!(cause.raw_os_error(), Some(libc::EINVAL | libc::E2BIG)) => {
            format!("this kernel refuses the program ({})", chain(error))
        }
        _ => chain(error),
    }
}

/// What else can forbid it, as this machine has it set.
fn restrictions() -> String {
    let read =
        |path: &str| std::fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned());
    format!(
        "kernel.perf_event_paranoid is {} (above 2 some distributions refuse even those), lockdown is {}",
        read("/proc/sys/kernel/perf_event_paranoid"),
        read("/sys/kernel/security/lockdown")
    )
}
