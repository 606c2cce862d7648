//! The process of a record.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::text::{State, Text};

/// Who a process is within one boot: its pid in the initial namespace and its start time. A pid alone is never a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId {
    /// The pid in the initial namespace.
    pub pid: u32,
    /// `start_boottime`, nanoseconds; 0 where the kernel does not tell.
    pub start_ns: u64,
}

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

impl fmt::Display for ProcessId {
    /// `<pid>-<start_ns in base 36>`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 13 digits of base 36 hold any u64.
        let mut digits = [b'0'; 13];
        let (mut at, mut rest) = (digits.len(), self.start_ns);
        loop {
            at -= 1;
            digits[at] = DIGITS[(rest % 36) as usize];
            rest /= 36;
            if rest == 0 {
                break;
            }
        }
        write!(f, "{}-{}", self.pid, String::from_utf8_lossy(&digits[at..]))
    }
}

impl FromStr for ProcessId {
    type Err = std::num::ParseIntError;

    /// # Errors
    ///
    /// When a part is no number.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (pid, start) = text.split_once('-').unwrap_or((text, ""));
        Ok(Self { pid: pid.parse()?, start_ns: u64::from_str_radix(start, 36)? })
    }
}

impl Serialize for ProcessId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ProcessId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| de::Error::custom(format_args!("process id `{text}`: {error}")))
    }
}

/// What the records of one process share between two executions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    /// The stable identity.
    pub id: ProcessId,
    /// The pid of the parent when the process was made; absent when that was not seen.
    pub ppid: Option<u32>,
    /// `comm`: the base name of what was executed, at most 15 bytes; absent when it is not known.
    pub comm: Option<Text>,
    /// The absolute path of the executed file.
    pub exe: Option<Text>,
    /// How [`Self::exe`] came.
    pub exe_state: State,
    /// What is known of the image comes from /proc: it was there before it was tracked.
    pub from_proc: bool,
}

/// The process of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// What it shares with the other records of the process.
    pub image: Arc<Image>,
    /// The thread.
    pub tid: u32,
    /// The real user id.
    pub uid: u32,
}

/// The serialized form.
#[derive(Serialize, Deserialize)]
struct Flat<T> {
    id: ProcessId,
    pid: u32,
    tid: u32,
    start_ns: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ppid: Option<u32>,
    uid: u32,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    comm: Option<T>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    exe: Option<T>,
    #[serde(default, skip_serializing_if = "State::is_complete")]
    exe_state: State,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    from_proc: bool,
}

/// Without it serde would ask that the text has a default.
const fn none<T>() -> Option<T> {
    None
}

impl Serialize for Process {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Image { id, ppid, comm, exe, exe_state, from_proc } = &*self.image;
        let (comm, exe) = (comm.as_ref(), exe.as_ref());
        let flat = Flat {
            id: *id,
            pid: id.pid,
            tid: self.tid,
            start_ns: id.start_ns,
            ppid: *ppid,
            uid: self.uid,
            comm,
            exe,
            exe_state: *exe_state,
            from_proc: *from_proc,
        };
        flat.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Process {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Flat::<Text>::deserialize(deserializer)?;
        let id = ProcessId { pid: flat.pid, start_ns: flat.start_ns };
        let image = Image {
            id,
            ppid: flat.ppid,
            comm: flat.comm,
            exe: flat.exe,
            exe_state: flat.exe_state,
            from_proc: flat.from_proc,
        };
        Ok(Self { image: Arc::new(image), tid: flat.tid, uid: flat.uid })
    }
}
