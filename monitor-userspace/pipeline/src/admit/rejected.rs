//! Candidates that turned out to be no agent, told by name: an agent that the catalogue does not know must not be missed
//! in silence.

use std::{
    collections::VecDeque,
    fmt::{self, Write as _},
};

use bytes::Bytes;
use monitor_common::{Kind, body::exec_text, decode, decode::Body};

use crate::{
    event::peek,
    input::{Coverage, Hook, HookState, Input},
    record::{State, Text, escape_into},
};

/// What a [`Hook`] is of that stands for a process which is not observed.
pub const PROCESS: &str = "process";

/// Rejections that wait to be taken or told; of more, the oldest are forgotten by [`crate::Admit::rejected`], and told
/// at once in inputs.
pub(super) const REJECTED: usize = 64;

/// Why a candidate counts as no agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// What it executes is no known agent.
    Unknown,
    /// It ended before it was known.
    Ended,
    /// The deadline, or the end of the observation, came first.
    Late,
    /// It did more than can be held.
    Bound,
}

/// A candidate that turned out to be no agent. Shown, it is a sentence that is safe for a terminal and says how to observe
/// the process all the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The root of its tree.
    pub pid: u32,
    /// The name that made it a candidate.
    pub comm: Text,
    /// What it executes; absent when the kernel half could not tell.
    pub exe: Option<Text>,
    cause: Cause,
    boot_ns: u64,
}

impl Rejected {
    /// The rejection of a tree, from what was held of it; nothing for the rest of a tree that was told before.
    pub(super) fn new(root: u32, held: &[Bytes], cause: Cause) -> Option<Self> {
        let is_exec = |bytes: &&Bytes| {
            peek::kind(bytes) == Some(Kind::Exec) && peek::header(bytes).is_some_and(|header| header.pid == root)
        };
        let first = held.iter().find(is_exec)?;
        let last = held.iter().rfind(is_exec)?;
        let boot_ns = peek::header(first)?.time;
        let (comm, _) = program(first)?;
        let (_, exe) = program(last)?;
        Some(Self { pid: root, comm, exe, cause, boot_ns })
    }

    /// The same as an input, so that the recording tells it as well.
    pub(super) fn input(&self) -> Input {
        let name = format!("pid {} `{}` ({})", self.pid, self.comm.to_str(), self.exe().to_str());
        let state = HookState::Unavailable { reason: self.reason() };
        let hook = Hook { name, feature: PROCESS.to_owned(), state };
        Input::Coverage(Coverage { boot_ns: self.boot_ns, hook })
    }

    fn exe(&self) -> Text {
        self.exe.clone().unwrap_or_else(|| Text::from_static("program unknown"))
    }

    fn reason(&self) -> String {
        let pid = self.pid;
        match self.cause {
            Cause::Unknown => format!("is not a known agent; `watch --pid {pid}` observes it"),
            Cause::Ended => "ended and was not a known agent".to_owned(),
            Cause::Late => format!("did not become a known agent in time; `watch --pid {pid}` observes it"),
            Cause::Bound => {
                format!("did too much before it was known whether it is an agent; `watch --pid {pid}` observes it")
            }
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = format!("pid {} `", self.pid);
        self.comm.escape_into(&mut line);
        line.push_str("` (");
        escape_into(self.exe().as_bytes(), &mut line);
        write!(line, ") {}", self.reason())?;
        f.write_str(&line)
    }
}

/// The name and the file of an exec.
fn program(bytes: &Bytes) -> Option<(Text, Option<Text>)> {
    let Ok(decode::Record { body: Body::Exec(fixed, texts), .. }) = decode::record(bytes) else { return None };
    let end = fixed.comm.iter().position(|byte| *byte == 0).unwrap_or(fixed.comm.len());
    let exe = texts[exec_text::EXE];
    let exe = State::from(exe.state).has_text().then(|| Text::from(exe.bytes.to_vec()));
    Some((Text::from(fixed.comm[..end].to_vec()), exe))
}

/// Rejections that were not taken, and those that were not told.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    taken: VecDeque<Rejected>,
    told: Vec<Input>,
}

impl Rejections {
    pub(super) fn add(&mut self, rejected: Rejected) {
        self.told.push(rejected.input());
        if self.taken.len() >= REJECTED {
            self.taken.pop_front();
        }
        self.taken.push_back(rejected);
    }

    pub(super) fn take(&mut self) -> Vec<Rejected> {
        std::mem::take(&mut self.taken).into()
    }

    /// Tells what was not told yet.
    pub(super) fn tell(&mut self, out: &mut Vec<Input>) {
        out.append(&mut self.told);
    }

    /// Tells once there is much to tell.
    pub(super) fn tell_many(&mut self, out: &mut Vec<Input>) {
        if self.told.len() >= REJECTED {
            self.tell(out);
        }
    }
}
