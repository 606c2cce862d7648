//! Signals by name.

use std::borrow::Cow;

/// Names by number, from 1 (signal(7), x86-64).
const NAMES: [&str; 31] = [
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The name of a signal; real-time signals are `SIG` and their number, because the C library moves `SIGRTMIN`.
#[must_use]
pub fn name(signal: u32) -> Cow<'static, str> {
    let named = usize::try_from(signal).ok().and_then(|at| NAMES.get(at.checked_sub(1)?));
    named.map_or_else(|| Cow::Owned(format!("SIG{signal}")), |name| Cow::Borrowed(*name))
}
