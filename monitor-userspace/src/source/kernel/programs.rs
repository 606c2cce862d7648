//! The programs of the kernel half: what each hooks, what is not seen without it, which fields it needs.

use std::os::fd::{AsFd as _, AsRawFd as _};

use agentsnoop_pipeline::input::{Hook, HookState};
use anyhow::{Context as _, Result};
use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{BtfTracePoint, Program, ProgramError, UProbe},
};
use monitor_common::{
    offsets::{ABSENT, Offsets},
    programs::{exec_part, family},
};

use super::error::{OpenError, reason};

/// How a program comes to run.
#[derive(Clone, Copy)]
enum Role {
    /// It is attached to its tracepoint.
    Attach,
    /// Another program calls it from a place of a map of programs.
    Call { map: &'static str, at: u32 },
}

struct Spec {
    /// The name of its function.
    program: &'static str,
    tracepoint: &'static str,
    /// What is not seen without it.
    feature: &'static str,
    role: Role,
    /// The fields without which what it gives would be zeroes, or wrong: whether a call is a 32-bit one decides what its
    /// number means.
    needs: &'static [&'static str],
}

const EXEC: &str = "sched_process_exec";
const CALLS: &str = "sys_exit";

/// The fields that the walk to a path needs.
macro_rules! path_fields {
    ($($more:literal),*) => {
        &[
            "task_struct.fs", "fs_struct.root", "file.f_path", "path.mnt", "path.dentry", "dentry.d_parent",
            "dentry.d_name", "qstr.len", "qstr.name", "vfsmount.mnt_root", "mount.mnt", "mount.mnt_parent",
            "mount.mnt_mountpoint", $($more),*
        ]
    };
}

/// Every program on a tracepoint. What is called stands before what calls it, and exec comes last: a candidate is
/// tracked from its exec, when everything else must be in place.
const PROGRAMS: &[Spec] = &[
    Spec {
        program: "sched_process_exit",
        tracepoint: "sched_process_exit",
        feature: "exit",
        role: Role::Attach,
        needs: &[
            "task_struct.signal",
            "signal_struct.live",
            "signal_struct.flags",
            "signal_struct.group_exit_code",
            "task_struct.exit_code",
            "task_struct.group_leader",
        ],
    },
    Spec {
        program: "sched_process_fork",
        tracepoint: "sched_process_fork",
        feature: "fork",
        role: Role::Attach,
        needs: &["task_struct.pid", "task_struct.tgid"],
    },
    Spec {
        program: "exit_open",
        tracepoint: CALLS,
        feature: "open",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::OPEN },
        needs: path_fields!(
            "task_struct.files",
            "files_struct.fdt",
            "fdtable.max_fds",
            "fdtable.fd",
            "fs_struct.pwd",
            "dentry.d_hash",
            "task_struct.thread_info",
            "thread_info.status"
        ),
    },
    Spec {
        program: "exit_connect",
        tracepoint: CALLS,
        feature: "connect",
        role: Role::Call { map: "CALL_PROGRAMS", at: family::CONNECT },
        needs: &["task_struct.thread_info", "thread_info.status"],
    },
    Spec { program: "sys_exit", tracepoint: CALLS, feature: "open, connect", role: Role::Attach, needs: &[] },
    Spec {
        program: "exec_paths",
        tracepoint: EXEC,
        feature: "exec: paths",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::PATHS },
        needs: path_fields!("dentry.d_hash"),
    },
    Spec {
        program: "exec_argv",
        tracepoint: EXEC,
        feature: "exec: argv",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::ARGV },
        needs: &["task_struct.mm", "mm_struct.arg_start", "mm_struct.arg_end"],
    },
    Spec {
        program: "exec_env",
        tracepoint: EXEC,
        feature: "exec: names of the environment",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::ENV },
        needs: &["task_struct.mm", "mm_struct.env_start", "mm_struct.env_end"],
    },
    Spec {
        program: "exec_send",
        tracepoint: EXEC,
        feature: "exec",
        role: Role::Call { map: "EXEC_PROGRAMS", at: exec_part::SEND },
        needs: &[],
    },
    Spec {
        program: "sched_process_exec",
        tracepoint: EXEC,
        feature: "exec",
        role: Role::Attach,
        needs: &[
            "task_struct.mm",
            "mm_struct.exe_file",
            "linux_binprm.filename",
            "task_struct.fs",
            "fs_struct.pwd",
            "file.f_path",
            "path.mnt",
            "path.dentry",
            "task_struct.files",
            "files_struct.fdt",
            "fdtable.max_fds",
            "fdtable.fd",
        ],
    },
];

/// The programs on functions of the C library; they bear the functions' names.
pub(super) const LIBC_FUNCTIONS: [&str; 2] = ["getenv", "secure_getenv"];

/// Loads and attaches the programs on tracepoints; one that fails switches off only its own feature.
///
/// # Errors
///
/// The kernel permits none of it, or the object lacks a program.
pub(super) fn attach(ebpf: &mut Ebpf, btf: &Btf, offsets: &Offsets) -> Result<Vec<Hook>, OpenError> {
    let mut hooks = Vec::new();
    for spec in PROGRAMS {
        let state = match missing(spec.needs, offsets) {
            Some(field) => HookState::Unavailable { reason: format!("this kernel's BTF has no field {field}") },
            None => match attach_one(ebpf, btf, spec)? {
                Ok(()) => HookState::Attached,
                Err(error) => HookState::Unavailable { reason: error },
            },
        };
        hooks.push(Hook { name: spec.program.to_owned(), feature: spec.feature.to_owned(), state });
    }
    Ok(hooks)
}

fn attach_one(ebpf: &mut Ebpf, btf: &Btf, spec: &Spec) -> Result<Result<(), String>, OpenError> {
    let lacks = || OpenError::WireMismatch(format!("the kernel half has no program {}", spec.program));
    let program: &mut BtfTracePoint =
        ebpf.program_mut(spec.program).ok_or_else(lacks)?.try_into().map_err(|_: ProgramError| lacks())?;
    if let Err(error) = program.load(spec.tracepoint, btf) {
        return Ok(Err(reason(&error)));
    }
    let Role::Call { map, at } = spec.role else {
        return Ok(program.attach().map(|_| ()).map_err(|error| reason(&error)));
    };
    let fd = match program.fd().and_then(|fd| Ok(fd.try_clone()?)) {
        Ok(fd) => fd,
        Err(error) => return Ok(Err(reason(&error))),
    };
    let map = ebpf.map_mut(map).ok_or_else(|| OpenError::WireMismatch(format!("the kernel half has no map {map}")))?;
    let mut array: ProgramArray<_> = map.try_into().map_err(|error| OpenError::map(&error))?;
    Ok(array.set(at, &fd, 0).map_err(|error| reason(&error)))
}

/// The first needed field that this kernel lacks.
fn missing(needs: &[&'static str], offsets: &Offsets) -> Option<&'static str> {
    needs.iter().copied().find(|need| {
        !offsets
            .fields()
            .any(|(field, offset)| offset != ABSENT && need.split_once('.') == Some((field.structure, field.member)))
    })
}

/// Loads the programs on functions of the C library, which [`super::libcs::attach`] attaches to each of its files.
/// Only a failure makes a hook here.
pub(super) fn load_uprobes(ebpf: &mut Ebpf, hooks: &mut Vec<Hook>) {
    for name in LIBC_FUNCTIONS {
        let Some(program) = ebpf.program_mut(name) else { continue };
        let loaded = <&mut UProbe>::try_from(program).and_then(UProbe::load);
        if let Err(error) = loaded {
            let state = HookState::Unavailable { reason: reason(&error) };
            hooks.push(Hook { name: name.to_owned(), feature: "getenv".to_owned(), state });
        }
    }
}

/// See [`super::Kernel::recursion_misses`].
pub(super) fn recursion_misses(ebpf: &Ebpf) -> Result<Vec<(String, u64)>> {
    let mut misses = Vec::new();
    for (name, program) in ebpf.programs() {
        if let Some(count) = misses_of(name, program)? {
            misses.push((name.to_owned(), count));
        }
    }
    misses.sort();
    Ok(misses)
}

/// The misses of one program; `None` when it is not loaded.
fn misses_of(name: &str, program: &Program) -> Result<Option<u64>> {
    /// `BPF_OBJ_GET_INFO_BY_FD` and the place of `recursion_misses` in `struct bpf_prog_info` (linux/bpf.h).
    const GET_INFO: libc::c_long = 15;
    const MISSES: usize = 208;
    const INFO: usize = MISSES + 8;

    #[repr(C)]
    struct Attributes {
        fd: u32,
        len: u32,
        info: u64,
    }

    let Ok(fd) = program.fd() else { return Ok(None) };
    let mut info = [0u64; INFO / 8];
    let mut attributes = Attributes {
        fd: u32::try_from(fd.as_fd().as_raw_fd()).context("a descriptor is not negative")?,
        len: u32::try_from(INFO).context("the information is short")?,
        info: info.as_mut_ptr() as u64,
    };
    // SAFETY: the attributes are those of the command, and `info` has the length that they say; all its bytes are
    // zero, so that the kernel takes none of them for the address of a further buffer.
    let answer = unsafe { libc::syscall(libc::SYS_bpf, GET_INFO, &raw mut attributes, size_of::<Attributes>()) };
    if answer < 0 {
        let error = std::io::Error::last_os_error();
        return Err(error).with_context(|| format!("cannot read the information of the program {name}"));
    }
    Ok(Some(info[MISSES / 8]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_needed_field_is_one_that_is_looked_for() {
        let all = Offsets::from_fn(|_| Some(0));
        for spec in PROGRAMS {
            assert_eq!(missing(spec.needs, &all), None, "{}", spec.program);
        }
    }

    #[test]
    fn an_absent_field_is_named() {
        let fields = Offsets::from_fn(|field| (field.member != "d_parent").then_some(0));
        assert_eq!(missing(&["task_struct.fs", "dentry.d_parent"], &fields), Some("dentry.d_parent"));
    }
}
