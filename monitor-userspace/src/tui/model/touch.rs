//! What deserves to be told at once: secrets, what runs later without being asked, and calls that reach into others.

use agentsnoop_pipeline::{
    Record,
    enrich::Class,
    record::{Body, Time},
};
use serde::{Deserialize, Serialize};

use super::compact;

/// Calls that reach into other processes, keys or the kernel. What sandboxes and runtimes do for themselves (namespaces, mounts, memory
/// files, rings) is in the list of events and rings no bell.
const REACHING: [&str; 14] = [
    "ptrace",
    "process_vm_readv",
    "process_vm_writev",
    "pidfd_getfd",
    "bpf",
    "init_module",
    "finit_module",
    "delete_module",
    "kexec_load",
    "kexec_file_load",
    "add_key",
    "request_key",
    "keyctl",
    "ioctl",
];

/// A sensitive touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// The number of the event.
    pub number: u64,
    /// Its time.
    #[serde(with = "compact::time")]
    pub time: Time,
    /// What was touched, escaped.
    pub what: String,
    /// By whom.
    pub by: String,
}

/// Whether an event is a sensitive touch: a secret or something persistent that was opened, read or changed, a secret that was looked up
/// in the environment, or a call that deserves attention. What failed is none: nothing was learned or changed.
#[must_use]
pub fn is_sensitive(record: &Record) -> bool {
    let classes = record.classes;
    match &record.body {
        Body::Open(open) if open.error.is_none() && !record.seccomp => {
            (classes.contains(Class::Credential) && (open.access.reads() || open.access.writes()))
                || (classes.contains(Class::Persistence) && open.access.writes())
        }
        Body::Getenv(_) => classes.contains(Class::Credential),
        Body::Readlink(link) => link.error.is_none() && classes.contains(Class::Credential),
        Body::Rename(pair) | Body::Link(pair) | Body::Symlink(pair) => {
            pair.error.is_none() && (classes.contains(Class::Credential) || classes.contains(Class::Persistence))
        }
        Body::Unlink(change)
        | Body::Mkdir(change)
        | Body::Chmod(change)
        | Body::Chown(change)
        | Body::Truncate(change) => {
            change.error.is_none() && (classes.contains(Class::Credential) || classes.contains(Class::Persistence))
        }
        Body::Attention(call) => {
            let reaches = REACHING.contains(&call.call.as_ref()) || classes.contains(Class::Credential);
            reaches && call.error.is_none() && !record.seccomp
        }
        _ => false,
    }
}

/// Whether an event is only what every program does: of the class noise, repeated looks at what is open already, and bytes on a socket that
/// has no name.
#[must_use]
pub fn is_noise(record: &Record) -> bool {
    match &record.body {
        Body::Stat(stat) if record.classes.is_empty() => stat.descriptor && stat.path.is_none() && stat.repeats,
        Body::Traffic(traffic) if record.classes.is_empty() => {
            traffic.address.is_none() && traffic.path.is_none() && traffic.name.is_none()
        }
        _ => record.classes == Class::Noise.into(),
    }
}
