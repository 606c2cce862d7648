//! What the pipeline knows at a moment, piece by piece.
//!
//! A segment of a recording begins with them, so that it can be read without the segments before it, and an index has them
//! for places in the middle, so that reading can begin there. A pipeline that is told all pieces of another one gives the same
//! records from there on.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{Counters, Why};
use crate::attribute::Effects;
use crate::record::{Exit, Image, NameSource, Namespaces, Neighbour, ProcessId, Stat, State, Text};

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Known {
    /// The times that have come.
    Times {
        /// The latest that any input told, boot clock, nanoseconds.
        now_ns: u64,
        /// The latest before which all records have come, likewise.
        come_ns: u64,
    },
    /// A session, by a number that the pieces behind it name.
    Session(Box<KnownSession>),
    /// A tool call, by a number that the processes behind it name.
    Call(Box<KnownCall>),
    /// A process.
    Process(Box<KnownProcess>),
    /// An agent's own process listens on a socket.
    Listens {
        /// The process.
        process: ProcessId,
        /// The path of the socket.
        path: Text,
    },
    /// A session has connected to a daemon of its agent; the first comes first.
    Client {
        /// The daemon.
        daemon: ProcessId,
        /// The session's number.
        session: u32,
    },
    /// A process has ended, and stays known for a while; the one that ended first comes first.
    Ended {
        /// Its key.
        key: ProcessId,
        /// When, boot clock, nanoseconds.
        ended_ns: u64,
    },
    /// A pid of which /proc told.
    Existing {
        /// The pid.
        pid: u32,
        /// The key of the process.
        key: ProcessId,
    },
    /// The exact identity of a process of which /proc told.
    Exact {
        /// The identity.
        id: ProcessId,
        /// The key of the process.
        key: ProcessId,
    },
    /// A tree is tracked.
    Tracked {
        /// The root's pid.
        pid: u32,
        /// Why.
        why: Why,
    },
    /// The session of a tracking root.
    Root {
        /// The root's pid.
        pid: u32,
        /// The session's number.
        session: u32,
    },
    /// What was asked about a script.
    Package {
        /// The script.
        script: String,
        /// The name of its package, where the answer has come and it has one.
        answer: Option<String>,
        /// The answer has come. An older build does not say so of a script without a package.
        #[serde(default)]
        answered: bool,
    },
    /// The folder of a project.
    Project {
        /// Where a session began to work.
        cwd: String,
        /// The folder.
        root: String,
    },
    /// The name of an address; the oldest comes first.
    Address {
        /// Who was told it: a process, or any of the tree below the root of a pid.
        owner: AddressOwner,
        /// The address.
        address: IpAddr,
        /// The name.
        name: Text,
    },
    /// The name of a connection; the oldest comes first.
    Stream {
        /// The inode of its socket.
        inode: u64,
        /// The name.
        name: Text,
        /// How it is known.
        source: NameSource,
    },
    /// A first call, of which only repeats are told from there on; the oldest comes first.
    First {
        /// The process.
        process: ProcessId,
        /// The slot in the kernel half's table of that process.
        slot: u32,
        /// What tells the call from others of the slot.
        tag: u64,
        /// The call.
        call: Box<Stat>,
    },
    /// A session's work by another process was told.
    Delegated {
        /// The first process of the session.
        session: ProcessId,
        /// The socket.
        socket: Text,
    },
    /// The counts of the ledger.
    Ledger(Box<KnownLedger>),
    /// The last counters of the kernel half.
    Counters(Box<Counters>),
    /// The numbers of a CPU.
    Cpu(Box<KnownCpu>),
}

/// See [`Known::Session`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownSession {
    /// From 0 without gaps.
    pub number: u32,
    /// The name of the agent.
    pub name: String,
    /// The first process.
    pub root: ProcessId,
    /// When it began, boot clock, nanoseconds.
    pub started_ns: u64,
    /// How the agent is known.
    pub known_by: String,
    /// Where its first process worked.
    pub project: Option<Text>,
    /// Whether its end is waited for.
    pub live: bool,
    /// The tool call, of another session, in which it works.
    #[serde(default)]
    pub within: Option<String>,
}

/// See [`Known::Process`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownProcess {
    /// What it is looked up by.
    pub key: ProcessId,
    /// What it executes.
    pub image: Image,
    /// The number of the image.
    pub exec_seq: u32,
    /// The real user.
    pub uid: u32,
    /// The parent's key.
    pub parent: Option<ProcessId>,
    /// Processes whose parent this is.
    pub children: u32,
    /// How it was learned.
    pub learned: Learned,
    /// The session's number.
    pub session: Option<u32>,
    /// The working directory at the last exec.
    pub cwd: Option<Text>,
    /// Namespaces at the first exec.
    pub namespaces: Namespaces,
    /// Hashes of the names of the environment.
    pub environment: Option<Vec<u32>>,
    /// The script whose package decides whether this is an agent.
    pub asked: Option<String>,
    /// When it ended, boot clock, nanoseconds.
    pub ended_ns: Option<u64>,
    /// It executes an agent itself.
    #[serde(default)]
    pub is_agent: bool,
    /// The tool call's number.
    #[serde(default)]
    pub call: Option<u32>,
    /// It carries out the command of its tool call.
    #[serde(default)]
    pub is_meant: bool,
}

/// See [`Known::Call`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCall {
    /// From 0 without gaps.
    pub number: u32,
    /// The first process.
    pub root: ProcessId,
    /// When its first program was executed, boot clock, nanoseconds.
    pub started_ns: u64,
    /// The number of the tool call in which the agent itself works; a lower one.
    pub within: Option<u32>,
    /// What is known of it while it is followed.
    pub running: Option<KnownRunning>,
}

/// A tool call of which something is running.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownRunning {
    /// It began before the observation.
    #[serde(default)]
    pub is_before: bool,
    /// The command, and how it came.
    pub command: Option<(Text, State)>,
    /// The working directory at its first program.
    pub cwd: Option<Text>,
    /// The sessions for which a daemon may do it.
    pub clients: Vec<String>,
    /// How its first process ended, and when, boot clock, nanoseconds.
    pub exit: Option<(Exit, u64)>,
    /// Its processes that have not ended.
    pub alive: Vec<ProcessId>,
    /// How many there were.
    pub processes: u64,
    /// What it changed, ran and talked to.
    pub effects: Effects,
}

/// How a process was learned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Learned {
    /// By the fork that made it: parent and session are certain.
    Fork,
    /// From /proc, because it existed before it was tracked.
    Existing,
    /// From its own first record: it is a tracking root, or its fork was lost.
    #[default]
    Record,
}

/// Whose answers of a name server: of a process, or of the tree below a tracking root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressOwner {
    /// A process.
    Process(ProcessId),
    /// The tree below the root of this pid.
    Tree(u32),
}

/// See [`Known::Ledger`]; the lists are by kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownLedger {
    /// A gap came.
    pub has_gap: bool,
    /// Raw inputs.
    pub received: Vec<u64>,
    /// Raw inputs that gave a record.
    pub recorded: Vec<u64>,
    /// Records dropped because their process was no agent's.
    pub filtered: Vec<u64>,
    /// Raw inputs that could not be read.
    pub malformed: Vec<u64>,
    /// Raw inputs without a header of a known kind.
    pub nameless: u64,
    /// Calls that records of kind `stat` told, and those that filtered ones did.
    pub told: (u64, u64),
    /// Records in which something was masked.
    pub masked: u64,
    /// Values that were masked, by the id of the rule.
    pub masked_by_rule: Vec<(String, u64)>,
    /// Scrubbing was off.
    pub is_unscrubbed: bool,
    /// Inputs that a gap says were not stored.
    pub unstored: u64,
    /// When the observation began, boot clock, nanoseconds.
    pub begun_ns: u64,
    /// The latest time of the ledger, likewise.
    pub now_ns: u64,
}

/// The sequence numbers of one CPU; see [`Known::Cpu`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCpu {
    /// Its number.
    pub cpu: u16,
    /// One more than the highest number that came.
    pub next: u64,
    /// The record with the highest number.
    pub last: Option<Neighbour>,
    /// Ranges that are missing.
    pub missing: Vec<Missing>,
    /// Counters that wait: the number up to which they count, and what was lost by kind and cause.
    pub snapshots: Vec<(u64, Vec<Vec<u64>>)>,
    /// What was reported as lost, by kind and cause.
    pub reported: Vec<Vec<u64>>,
    /// Numbers that came twice.
    pub twice: u64,
    /// The next counters are where counting begins anew.
    pub resynchronizes: bool,
}

/// Numbers that are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
    /// The record before them.
    pub after: Option<Neighbour>,
    /// The record behind them.
    pub before: Option<Neighbour>,
}
