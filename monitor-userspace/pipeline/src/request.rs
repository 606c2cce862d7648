//! What the middle asks of whoever drives it.

use crate::record::ProcessId;

/// A wish of the middle; live it is carried out, in replay it is ignored, because the answer is in the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// The tree of this root is an agent's: clear its provisional flag in the kernel half.
    Promote {
        /// The root's pid.
        root: u32,
    },
    /// The tree of this root is none of ours: forget it in the kernel half.
    Untrack {
        /// The root's pid.
        root: u32,
    },
    /// The `name` of the package.json nearest to this script, its symbolic links resolved; answered by
    /// [`crate::input::Observed::Package`] with the same `script`, also when there is none.
    Package {
        /// The absolute path of the script.
        script: String,
    },
    /// The folder with `.git` that is nearest to a working directory, itself or above it; answered by
    /// [`crate::input::Observed::Project`] with the same `cwd`, also when there is none.
    Project {
        /// The process that works there, in whose root the path holds.
        pid: u32,
        /// The absolute path of the working directory.
        cwd: String,
    },
    /// Digest and version of the file that a process of an agent runs; answered by [`crate::input::Observed::Binary`] with
    /// the same `process` and `path`, at any later time.
    Binary {
        /// The process.
        process: ProcessId,
        /// The name of the agent.
        agent: String,
        /// The absolute path of its program, or of the script that its program runs.
        path: String,
        /// Whether it is the program; then the file that really runs can be had from the process.
        is_program: bool,
    },
}
