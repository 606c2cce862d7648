//! The programs of the kernel half: what each hooks, what is not seen without it, which fields it needs.

use std::{collections::BTreeSet, os::fd::AsFd as _};

use agentsnoop_pipeline::input::{Hook, HookState};
use anyhow::{Context as _, Result};
use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{Program, UProbe},
};
use monitor_common::offsets::{ABSENT, Offsets};
use table::{PROGRAMS, Role, Spec};

use super::{
    error::{OpenError, reason},
    syscall,
};

pub(super) mod demand;
mod load;
pub(super) mod lost;
mod needs;
mod table;

pub(super) use table::IO_URING_SUBMISSIONS;

/// The programs on functions of the C library; they bear the functions' names.
pub(super) const LIBC_FUNCTIONS: [&str; 2] = ["getenv", "secure_getenv"];

/// Loads and attaches the programs on tracepoints; one that fails switches off only its own feature. On demand, all but
/// those of the life of processes are loaded only.
///
/// # Errors
///
/// The kernel permits none of it, or the object lacks a program.
pub(super) fn attach(ebpf: &mut Ebpf, btf: &Btf, offsets: &Offsets, on_demand: bool) -> Result<Vec<Hook>, OpenError> {
    let mut hooks = Vec::new();
    let mut loaded = load::all(ebpf, btf, offsets);
    for spec in PROGRAMS {
        let state = match offsets.first_absent(spec.needs) {
            Some(field) => HookState::Unavailable { reason: format!("this kernel's BTF has no field {field}") },
            None => match loaded.remove(spec.program).unwrap_or(Ok(())) {
                Err(reason) => HookState::Unavailable { reason },
                Ok(()) => match attach_one(ebpf, spec, tracepoint(spec, offsets), on_demand)? {
                    Ok(()) => attached(spec, offsets),
                    Err(error) => HookState::Unavailable { reason: error },
                },
            },
        };
        hooks.push(Hook { name: spec.program.to_owned(), feature: spec.feature.to_owned(), state });
    }
    Ok(hooks)
}

/// The tracepoints of all programs, in any kernel.
pub(super) fn tracepoints() -> BTreeSet<&'static str> {
    PROGRAMS.iter().map(|spec| spec.tracepoint).chain(IO_URING_SUBMISSIONS).collect()
}

/// The tracepoint of a program in this kernel.
fn tracepoint(spec: &Spec, offsets: &Offsets) -> &'static str {
    let [submit, before_6_3] = IO_URING_SUBMISSIONS;
    if spec.tracepoint == submit && offsets.submit_req == ABSENT { before_6_3 } else { spec.tracepoint }
}

fn attach_one(
    ebpf: &mut Ebpf,
    spec: &Spec,
    tracepoint: &'static str,
    on_demand: bool,
) -> Result<Result<(), String>, OpenError> {
    let lacks = || OpenError::WireMismatch(format!("the kernel half has no program {}", spec.program));
    let program = ebpf.program_mut(spec.program).ok_or_else(lacks)?;
    let (map, at) = match spec.role {
        Role::Call { map, at } => (map, at),
        Role::Run => return Ok(Ok(())),
        Role::Attach if on_demand && demand::waits(spec.program) => return Ok(Err(demand::WAITING.to_owned())),
        Role::Attach => {
            let attached = match program {
                Program::BtfTracePoint(program) => program.attach().map(drop),
                Program::RawTracePoint(program) => program.attach(tracepoint).map(drop),
                _ => return Err(lacks()),
            };
            return Ok(attached.map_err(|error| reason(&error)));
        }
    };
    let fd = match program.fd().and_then(|fd| Ok(fd.try_clone()?)) {
        Ok(fd) => fd,
        Err(error) => return Ok(Err(reason(&error))),
    };
    let map = ebpf.map_mut(map).ok_or_else(|| OpenError::WireMismatch(format!("the kernel half has no map {map}")))?;
    let mut array: ProgramArray<_> = map.try_into().map_err(|error| OpenError::map(&error))?;
    Ok(array.set(at, &fd, 0).map_err(|error| reason(&error)))
}

/// How a program is there that was attached.
fn attached(spec: &Spec, offsets: &Offsets) -> HookState {
    match offsets.first_absent(spec.wants.fields) {
        Some(field) => {
            HookState::Degraded { reason: format!("{}: this kernel's BTF has no field {field}", spec.wants.without) }
        }
        None => HookState::Attached,
    }
}

/// What is not seen where programs on functions may not sleep.
const FETCHED: &str = "getenv: names not in memory yet";

/// Loads the programs on functions of the C library, which [`super::libcs::attach`] attaches to each of its files.
/// Where the kernel refuses those that may sleep (before Linux 6.0), their twins that may not take their place, and a
/// hook says so. Functions that are hooked have hooks of their own for each file.
pub(super) fn load_uprobes(ebpf: &mut Ebpf, hooks: &mut Vec<Hook>) {
    let mut load = |name: &str| {
        let program = ebpf.program_mut(name)?;
        <&mut UProbe>::try_from(program).and_then(UProbe::load).err()
    };
    let mut fetched = HookState::Attached;
    for name in LIBC_FUNCTIONS {
        let Some(error) = load(name) else { continue };
        fetched = HookState::Unavailable {
            reason: format!("a program on a function may not sleep here: {}", reason(&error)),
        };
        if let Some(error) = load(&resident(name)) {
            let state = HookState::Unavailable { reason: reason(&error) };
            hooks.push(Hook { name: name.to_owned(), feature: "getenv".to_owned(), state });
        }
    }
    hooks.push(Hook { name: FETCHED.to_owned(), feature: "getenv".to_owned(), state: fetched });
}

/// The name of the program on a function of the C library that does not sleep.
fn resident(function: &str) -> String {
    format!("{function}_resident")
}

/// The program on a function of the C library that this kernel took.
pub(super) fn libc_program<'a>(ebpf: &'a mut Ebpf, function: &str) -> Option<&'a mut UProbe> {
    let loaded = ebpf.program(function).is_some_and(|program| program.fd().is_ok());
    let program = if loaded { ebpf.program_mut(function) } else { ebpf.program_mut(&resident(function)) };
    program?.try_into().ok()
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
    let Ok(fd) = program.fd() else { return Ok(None) };
    let misses = syscall::misses(fd.as_fd());
    misses.map(Some).with_context(|| format!("cannot read the information of the program {name}"))
}

/// How many instructions the verifier processed for each program that is loaded, by its name; none before Linux 5.16,
/// which does not tell.
pub(super) fn verified(ebpf: &Ebpf) -> Vec<(String, u32)> {
    let counted = |(name, program): (&str, &Program)| {
        let info = program.info().ok()?;
        Some((name.to_owned(), info.verified_instruction_count()?))
    };
    let mut programs: Vec<_> = ebpf.programs().filter_map(counted).collect();
    programs.sort();
    programs
}

#[cfg(test)]
mod tests {
    use monitor_common::offsets::PATH_FIELDS;

    use super::*;

    #[test]
    fn every_needed_field_is_one_that_is_looked_for() {
        let all = Offsets::from_fn(|_| Some(0));
        for spec in PROGRAMS {
            assert_eq!(all.first_absent(spec.needs), None, "{}", spec.program);
            assert_eq!(all.first_absent(spec.wants.fields), None, "{}", spec.program);
        }
    }

    #[test]
    fn no_two_programs_are_called_by_the_same_place() {
        let mut places = BTreeSet::new();
        for spec in PROGRAMS {
            if let Role::Call { map, at } = spec.role {
                assert!(places.insert((map, at)), "{} has the place of another program", spec.program);
            }
        }
    }

    #[test]
    fn an_absent_field_is_named() {
        let fields = Offsets::from_fn(|field| (field.member != "d_parent").then_some(0));
        assert_eq!(fields.first_absent(&["task_struct.fs", "dentry.d_parent"]), Some("dentry.d_parent"));
    }

    #[test]
    fn a_kernel_that_does_not_tell_a_field_of_the_walk_keeps_opens_execs_and_changes() {
        for member in PATH_FIELDS.iter().filter_map(|name| name.split_once('.')).map(|(_, member)| member) {
            let fields = Offsets::from_fn(|field| (field.member != member).then_some(0));
            assert_eq!(fields.layout() & monitor_common::offsets::layout::PATHS, 0, "{member}");
            for name in ["exit_open", "exit_paths", "exit_paths_file", "exit_stat", "stat_first", "sched_process_exec"]
            {
                let spec = PROGRAMS.iter().find(|spec| spec.program == name).unwrap();
                assert_eq!(fields.first_absent(spec.needs), None, "{name} without {member}");
                assert!(matches!(attached(spec, &fields), HookState::Degraded { .. }), "{name} without {member}");
            }
        }
    }
}
