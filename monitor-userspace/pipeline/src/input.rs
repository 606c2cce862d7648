//! `Input`: the whole alphabet that the middle understands. A recording is a list of inputs, so live, replay and
//! test differ only in where their inputs come from.

mod known;

use bytes::Bytes;
use monitor_common::{counters::Counters as Cpu, offsets::ABSENT};
use serde::{Deserialize, Serialize};

use crate::record::ProcessId;

pub use known::{
    AddressOwner, Known, KnownCall, KnownCpu, KnownLedger, KnownProcess, KnownRunning, KnownSession, Learned, Missing,
};

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The first input of a recording.
    Opened(Box<Opened>),
    /// Digests and content of the data in force; again at each reload.
    Config(Box<Config>),
    /// The bytes of one ring record (`monitor_common::decode`).
    Raw(Bytes),
    /// A fact from outside the ring.
    Observed(Observed),
    /// A person's act.
    Control(Control),
    /// A hook gained or lost after the start.
    Coverage(Coverage),
    /// A span in which something was not observed.
    Gap(Gap),
    /// Cumulative counters at a time.
    Counters(Box<Counters>),
    /// The time.
    Tick(Tick),
    /// The last input of a recording that was closed.
    Closed(Box<Closed>),
    /// What was known when a segment that is not the first began.
    Known(Box<Known>),
}

/// What was observed with, where and from when.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// `CARGO_PKG_VERSION` of the build that observed.
    pub version: String,
    /// [`monitor_common::WIRE_VERSION`] of the records.
    pub wire: u32,
    /// The node name of `uname(2)`.
    pub host: String,
    /// `/proc/sys/kernel/random/boot_id`; with pid and start time it identifies a process.
    pub boot_id: String,
    /// Release and version of `uname(2)`.
    pub kernel: String,
    /// Ties the boot clock to the wall clock.
    pub clock: Clock,
    /// Seconds east of UTC of the observer's local time, so that replay prints the same times anywhere.
    pub utc_offset: i32,
    /// The pid of the observer, which is never part of what it observes.
    pub pid: u32,
    /// The command that was started under observation; empty when nothing was.
    pub command: Vec<String>,
    /// Every hook, attached or not.
    pub hooks: Vec<Hook>,
    /// Bytes of the ring.
    pub ring_bytes: u32,
    /// How many counters of CPUs each [`Counters`] has.
    pub cpus: u32,
    /// Names of fields that this kernel's BTF lacks.
    pub absent_fields: Vec<String>,
    /// The number of this segment, where a recording is of several; the first has 0.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub segment: u32,
    /// The identity of the segment before it, hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues: Option<String>,
}

/// Two clocks read at the same moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// `CLOCK_BOOTTIME`, nanoseconds.
    pub boot_ns: u64,
    /// `CLOCK_REALTIME`, nanoseconds since 1970.
    pub real_ns: i64,
}

/// A place at which the kernel half is attached, or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hook {
    /// The hook, such as `sys_exit` or `getenv /lib/x86_64-linux-gnu/libc.so.6`.
    pub name: String,
    /// What is not seen without it, in the words of the record kinds, such as `open` or `getenv`.
    pub feature: String,
    /// Whether it is attached.
    #[serde(flatten)]
    pub state: HookState,
}

impl Hook {
    /// The names of its fields in JSON, those of its state among them.
    pub const FIELDS: [&'static str; 4] = ["name", "feature", "state", "reason"];
}

/// Whether a hook is attached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum HookState {
    /// It is attached.
    Attached,
    /// It is attached and tells less than it could.
    Degraded {
        /// What it does not tell, and why.
        reason: String,
    },
    /// It is not.
    Unavailable {
        /// Why, in a sentence that says what would help.
        reason: String,
    },
}

impl HookState {
    /// Whether it is attached, whatever it tells.
    #[must_use]
    pub const fn is_attached(&self) -> bool {
        matches!(self, Self::Attached | Self::Degraded { .. })
    }
}

/// The data that decides how inputs are judged and shown.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Digest of the scrub rules that ran before the pipeline; [`Config::NOT_SCRUBBED`] when scrubbing was off.
    pub scrub: String,
    /// The data sets in force: their name, digest and content.
    pub data: Vec<Data>,
}

impl Config {
    /// What [`Config::scrub`] says when secrets were left as they are.
    pub const NOT_SCRUBBED: &str = "none";

    /// Whether secrets were left as they are.
    #[must_use]
    pub fn is_unscrubbed(&self) -> bool {
        self.scrub == Self::NOT_SCRUBBED
    }
}

/// One data set, such as the resource classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Data {
    /// `agents`, `classes`, …
    pub name: String,
    /// A digest of the content, hexadecimal.
    pub digest: String,
    /// The content (TOML); absent when it is the one built in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// The file of a user that the content is from, which adds to the set of that name; absent for the set itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// A fact from outside the ring.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Observed {
    /// A process that existed before it was tracked, as /proc tells it.
    Process(Box<Existing>),
    /// The name of a user.
    User {
        /// The user id.
        uid: u32,
        /// The name.
        name: String,
    },
    /// The `name` of the package.json nearest to a script; the answer to `Request::Package`.
    Package {
        /// The script that was asked about.
        script: String,
        /// The name; absent when there is none.
        name: Option<String>,
    },
    /// The folder with `.git` that is nearest to a working directory; the answer to `Request::Project`.
    Project {
        /// The working directory that was asked about.
        cwd: String,
        /// The folder; absent when there is none.
        root: Option<String>,
    },
    /// What a process of an agent runs; the answer to `Request::Binary`.
    Binary(Box<Binary>),
    /// Records that admit dropped, because the tree that they are of turned out to be no agent's.
    Filtered(Filtered),
    /// The segment before this one is whole.
    Sealed {
        /// Its number.
        segment: u32,
        /// The head of its chain, hexadecimal.
        head: String,
    },
    /// Old segments were removed, to keep within the bounds that were set.
    Removed {
        /// The names of their files.
        files: Vec<String>,
        /// Their bytes.
        bytes: u64,
    },
    /// The command that was started under observation has ended.
    CommandEnded {
        /// Its pid.
        pid: u32,
        /// Its status as `wait(2)` encodes it.
        status: i32,
    },
}

/// The file that a process of an agent runs: its program, or the script that its program runs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Binary {
    /// Boot clock, nanoseconds: when it was known.
    pub boot_ns: u64,
    /// The process.
    pub process: ProcessId,
    /// The absolute path.
    pub path: String,
    /// BLAKE3 of the content, hexadecimal; absent where it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Bytes of the content.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// The version, where a package, a file beside it or its path tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The name of its package.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Why there is no digest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// A process that existed before it was tracked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Existing {
    /// The pid in the initial namespace.
    pub pid: u32,
    /// The parent's pid.
    pub parent: u32,
    /// The tracking root; [`Existing::UNTRACKED`] of an ancestor of one, which is known and not tracked.
    pub root: u32,
    /// Start time from /proc, nanoseconds of the boot clock, in steps of a clock tick (10 ms).
    pub start_ticks_ns: u64,
    /// The real user id.
    pub uid: u32,
    /// `comm`.
    pub comm: String,
    /// The target of /proc/PID/exe; absent when it could not be read.
    pub exe: Option<String>,
    /// /proc/PID/cmdline, split at NULs. A process may have rewritten it.
    pub argv: Vec<String>,
    /// The working directory.
    pub cwd: Option<String>,
}

impl Existing {
    /// The root of what is not tracked: no process has this pid.
    pub const UNTRACKED: u32 = 0;
}

/// Records that were dropped, by sequence number, so that the ledger of a recording adds up exactly.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filtered {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// How many, by the name of their kind.
    pub kinds: Vec<(String, u64)>,
    /// Which: a CPU, and the first and last of consecutive sequence numbers.
    pub spans: Vec<(u16, u64, u64)>,
    /// The calls that those of kind `stat` told.
    #[serde(default)]
    pub calls: u64,
}

/// A person's act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "snake_case")]
pub enum Control {
    /// A tree is tracked from this root on.
    Track {
        /// The root's pid.
        pid: u32,
        /// Why it is tracked.
        why: Why,
    },
    /// A tree is no longer tracked.
    Untrack {
        /// The root's pid.
        pid: u32,
    },
    /// A mark at a moment.
    Mark {
        /// Boot clock, nanoseconds.
        boot_ns: u64,
        /// A note.
        note: String,
    },
}

/// Why a tree is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// `agentsnoop run` started it.
    Run,
    /// A person named its pid.
    Pid,
    /// It was recognised as an agent.
    Agent,
}

/// A hook gained or lost after the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// The hook as it is from now on.
    pub hook: Hook,
}

/// A span in which something was not observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// From when, boot clock, nanoseconds.
    pub from_ns: u64,
    /// To when, boot clock, nanoseconds.
    pub to_ns: u64,
    /// The cause, such as `disk full` or `restart`.
    pub cause: String,
    /// Inputs that were not stored, where they could be counted.
    pub inputs: Option<u64>,
}

/// Cumulative counters of the kernel half at a time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// One a CPU, by its number.
    #[serde(with = "cpus")]
    pub cpus: Vec<Cpu>,
    /// Runs that the kernel skipped because the program was already running on the CPU, by program.
    pub recursion_misses: Vec<(String, u64)>,
}

/// The time, before which all records have come; it drives deadlines, so that the middle needs no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
}

/// How a recording ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// Why, such as `the last tracked process has ended`.
    pub reason: String,
    /// The final counters.
    pub counters: Counters,
    /// Tracked threads that were in a call that is recorded only when it returns.
    pub in_flight: u64,
    /// The same by the kind that their records would have had; kinds without any are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub in_flight_by_kind: Vec<(String, u64)>,
    /// Calls of kind `stat` that the kernel half had counted and not told.
    #[serde(default)]
    pub held: u64,
    /// Inputs written to the file before this one.
    pub inputs: u64,
    /// The identity of the segment that goes on, hexadecimal; absent where nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Without it serde has no way to leave out a number.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Opened {
    /// The names of the fields of `offsets` that are absent, as `structure.member`.
    #[must_use]
    pub fn absent(offsets: &monitor_common::offsets::Offsets) -> Vec<String> {
        let absent = offsets.fields().filter(|(_, offset)| *offset == ABSENT);
        absent.map(|(field, _)| format!("{}.{}", field.structure, field.member)).collect()
    }
}

/// Counters of CPUs as lists of numbers, in the order of the wire type.
mod cpus {
    use monitor_common::counters::{CAUSES, Calls, Counters as Cpu, FAULTS};
    use monitor_common::kind::KINDS;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Row {
        seq: u64,
        seen: Vec<u64>,
        stored: Vec<u64>,
        lost: Vec<Vec<u64>>,
        faults: Vec<u64>,
        #[serde(default)]
        calls: Vec<u64>,
        #[serde(default)]
        unfinished: Vec<u64>,
    }

    pub(super) fn serialize<S: Serializer>(cpus: &[Cpu], serializer: S) -> Result<S::Ok, S::Error> {
        let row = |cpu: &Cpu| Row {
            seq: cpu.seq,
            seen: cpu.seen.to_vec(),
            stored: cpu.stored.to_vec(),
            lost: cpu.lost.iter().map(|causes| causes.to_vec()).collect(),
            faults: cpu.faults.to_vec(),
            calls: vec![cpu.calls.seen, cpu.calls.told, cpu.calls.lost],
            unfinished: cpu.unfinished.to_vec(),
        };
        cpus.iter().map(row).collect::<Vec<_>>().serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Cpu>, D::Error> {
        Ok(Vec::<Row>::deserialize(deserializer)?.iter().map(cpu).collect())
    }

    /// Columns that a row lacks are zero: an older recording knows fewer kinds. Columns beyond are from a newer one.
    fn cpu(row: &Row) -> Cpu {
        let mut cpu = Cpu { seq: row.seq, ..Cpu::ZERO };
        let at = |list: &[u64], index: usize| list.get(index).copied().unwrap_or(0);
        for kind in 0..KINDS {
            cpu.seen[kind] = at(&row.seen, kind);
            cpu.stored[kind] = at(&row.stored, kind);
            cpu.unfinished[kind] = at(&row.unfinished, kind);
            for cause in 0..CAUSES {
                cpu.lost[kind][cause] = row.lost.get(kind).map_or(0, |causes| at(causes, cause));
            }
        }
        for fault in 0..FAULTS {
            cpu.faults[fault] = at(&row.faults, fault);
        }
        cpu.calls = Calls { seen: at(&row.calls, 0), told: at(&row.calls, 1), lost: at(&row.calls, 2) };
        cpu
    }
}
