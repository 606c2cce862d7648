//! What a call about the host or about processes asked for, in the words of its manual page.
//!
//! Numbers that have no name are shown as numbers. Addresses never come this far.

mod attention;
mod host;
mod identity;

use std::fmt::Write as _;

use monitor_common::{
    body,
    syscall::{
        BPF, CAPSET, IOCTL, KEYCTL, KILL, MEMFD_CREATE, MOUNT, PERF_EVENT_OPEN, PERSONALITY, PIDFD_GETFD,
        PIDFD_SEND_SIGNAL, PRCTL, PTRACE, PWRITEV2, REBOOT, RT_SIGQUEUEINFO, RT_TGSIGQUEUEINFO, SECCOMP, SENDMMSG,
        SENDMSG, SENDTO, SETFSGID, SETFSUID, SETGID, SETGROUPS, SETNS, SETPGID, SETREGID, SETRESGID, SETRESUID,
        SETREUID, SETUID, SYSLOG, TGKILL, TKILL, UMOUNT2, UNSHARE, WRITE, WRITEV, prctl,
    },
};

use super::{clone_flags, named, netlink, signal};

/// The detail of a call; `None` where its name says it all.
#[must_use]
pub fn of(call: &body::Call) -> Option<String> {
    let [first, second, third, fourth, ..] = call.args;
    Some(match u64::from(call.syscall) {
        SETPGID => format!("group {}", second.cast_signed() as i32),
        SETUID | SETFSUID => format!("user {}", id(first)),
        SETGID | SETFSGID => format!("group {}", id(first)),
        SETREUID | SETREGID => ids(&[("real", first), ("effective", second)]),
        SETRESUID | SETRESGID => ids(&[("real", first), ("effective", second), ("saved", third)]),
        SETGROUPS => format!("{first} groups"),
        CAPSET => {
            let set = capabilities;
            format!("effective {}, permitted {}, inheritable {}", set(second), set(third), set(fourth))
        }
        PERSONALITY => named::joined(first, &identity::PERSONALITY),
        PRCTL => process_control(first, second, third),
        SECCOMP if second == 0 => one(first, &identity::SECCOMP),
        SECCOMP => format!("{} {}", one(first, &identity::SECCOMP), named::joined(second, &identity::SECCOMP_FLAGS)),
        IOCTL => one(second & 0xffff_ffff, &host::IOCTL),
        SYSLOG => one(first, &host::SYSLOG),
        KILL | TKILL | RT_SIGQUEUEINFO => sent(first, second),
        TGKILL | RT_TGSIGQUEUEINFO => sent(first, third),
        PIDFD_SEND_SIGNAL => signal_name(second),
        PIDFD_GETFD => format!("descriptor {}", second.cast_signed() as i32),
        PTRACE => one(first, &attention::PTRACE),
        BPF => one(first, &attention::BPF),
        PERF_EVENT_OPEN => perf(call.object, second),
        MEMFD_CREATE => return flags(second, &attention::MEMFD),
        MOUNT => return flags(fourth, &attention::MOUNT),
        UMOUNT2 => return flags(second, &attention::UMOUNT),
        // Flags of namespaces are those of clone(2).
        UNSHARE => return flags(first, &clone_flags::NAMES),
        SETNS => return flags(second, &clone_flags::NAMES),
        REBOOT => one(third & 0xffff_ffff, &attention::REBOOT),
        KEYCTL => one(first, &attention::KEYCTL),
        // Of calls that send only what they ask over netlink is told.
        SENDTO | SENDMSG | SENDMMSG | WRITE | WRITEV | PWRITEV2 => netlink::query(second, third, fourth),
        _ => return None,
    })
}

/// The name of a value, or its number.
fn one(value: u64, table: &[(u64, &'static str)]) -> String {
    let named = table.iter().find(|(number, _)| *number == value);
    named.map_or_else(|| format!("{value:#x}"), |(_, name)| (*name).to_owned())
}

fn flags(bits: u64, table: &'static [(u64, &'static str)]) -> Option<String> {
    (bits != 0).then(|| named::joined(bits, table))
}

/// The id of a user or a group: 32 bits, whatever stands in the rest of the register.
fn id(argument: u64) -> u64 {
    argument & 0xffff_ffff
}

/// Ids by role, without those that are left as they are (`-1`, setresuid(2)).
fn ids(roles: &[(&str, u64)]) -> String {
    let set = roles.iter().filter(|(_, argument)| id(*argument) != 0xffff_ffff);
    set.map(|(role, argument)| format!("{role} {}", id(*argument))).collect::<Vec<_>>().join(", ")
}

/// Capabilities by name: `all`, `none`, a list, or a list of those that lack where these are few.
fn capabilities(set: u64) -> String {
    let all = (1u64 << identity::CAPABILITIES.len()) - 1;
    if set == 0 {
        return "none".to_owned();
    }
    if set & all == all {
        return "all".to_owned();
    }
    let name = |bit: u32| match identity::CAPABILITIES.get(bit as usize) {
        Some(name) => (*name).to_owned(),
        None => format!("CAP_{bit}"),
    };
    let list = |set: u64| (0..u64::BITS).filter(|bit| set >> bit & 1 == 1).map(name).collect::<Vec<_>>().join("|");
    if (set & all).count_ones() * 2 > all.count_ones() { format!("all but {}", list(all & !set)) } else { list(set) }
}

fn process_control(option: u64, second: u64, third: u64) -> String {
    let mut text = one(option, &identity::PRCTL);
    let capability = |number: u64| capabilities(1u64.checked_shl(u32::try_from(number).unwrap_or(64)).unwrap_or(0));
    // Writing to a String cannot fail.
    let _ = match (option, text.as_str()) {
        (prctl::SET_NAME, _) => Ok(()),
        (prctl::CAP_AMBIENT, _) => write!(text, " {} {}", one(second, &identity::AMBIENT), capability(third)),
        (_, "PR_SET_PDEATHSIG") => write!(text, " {}", signal_name(second)),
        (_, "PR_CAPBSET_DROP") => write!(text, " {}", capability(second)),
        (_, "PR_SET_SECCOMP") => write!(text, " {}", one(second, &identity::SECCOMP_MODES)),
        (_, "PR_SET_MM") => write!(text, " {}", one(second, &identity::MM)),
        (prctl::SET_PTRACER, _) => write!(text, " {}", second.cast_signed()),
        _ => write!(text, " {second}"),
    };
    text
}

/// The name of a signal; 0 sends none, and only asks whether it could be sent (kill(2)).
fn signal_name(number: u64) -> String {
    match u32::try_from(id(number)).unwrap_or(0) {
        0 => "0".to_owned(),
        number => signal::name(number).into_owned(),
    }
}

/// A signal, and whom it goes to where that is no single process (kill(2)).
fn sent(target: u64, number: u64) -> String {
    let name = signal_name(number);
    match target.cast_signed() as i32 {
        0 => format!("{name} to the own group"),
        -1 => format!("{name} to every process"),
        group @ ..0 => format!("{name} to group {}", group.unsigned_abs()),
        _ => name,
    }
}

/// An event of the kernel's performance counters and whom it watches (`perf_event_open(2)`).
fn perf(kind: u64, target: u64) -> String {
    let name = one(kind, &attention::PERF);
    match target.cast_signed() as i32 {
        -1 => format!("{name} of every process"),
        _ => name,
    }
}
