//! Errors that carry an exit code, so that scripts can tell them apart.

use std::fmt;
use std::process::ExitCode;

use agentsnoop_store::Unreadable;

/// The documented exit codes; success is 0. `run` returns the command's own code, or [`Exit::NotStarted`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The answer is "no": `verify` found something broken.
    No = 1,
    /// The command line cannot be understood.
    Usage = 2,
    /// Not permitted, or no hook could attach.
    NotPermitted = 3,
    /// An input cannot be read.
    Unreadable = 4,
    /// Data was lost, under `--strict`.
    Lost = 5,
    /// agentsnoop itself failed; for `run`: before the command started.
    NotStarted = 125,
    /// The command of `run` exists and cannot be executed, as env(1) and nohup(1) have it.
    NotExecutable = 126,
    /// The command of `run` does not exist, as env(1) and nohup(1) have it.
    NotFound = 127,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// An error with an exit code; its text starts in lower case and says what failed, on what, and what to do.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    message: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

/// An error that ends agentsnoop with `exit`.
pub fn fail(exit: Exit, message: impl Into<String>) -> anyhow::Error {
    Failure { exit, message: message.into() }.into()
}

/// The exit code of an error: its own where it carries one anywhere in its chain, else 125, which no answer has.
#[must_use]
pub fn exit_of(error: &anyhow::Error) -> Exit {
    let exit = |cause: &(dyn std::error::Error + 'static)| match cause.downcast_ref::<Failure>() {
        Some(failure) => Some(failure.exit),
        None => cause.is::<Unreadable>().then_some(Exit::Unreadable),
    };
    error.chain().find_map(exit).unwrap_or(Exit::NotStarted)
}

/// Whether an error is a broken pipe, which is success: the reader has seen enough.
#[must_use]
pub fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}
