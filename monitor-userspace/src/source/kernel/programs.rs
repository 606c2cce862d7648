//! The programs of the kernel half: what each hooks, what is not seen without it, which fields it needs.

use std::os::fd::{AsFd as _, AsRawFd as _};

use agentsnoop_pipeline::input::{Hook, HookState};
use anyhow::{Context as _, Result};
use aya::{
    Btf, Ebpf,
    maps::ProgramArray,
    programs::{BtfTracePoint, Program, ProgramError, UProbe},
};
use monitor_common::offsets::{ABSENT, Offsets};
use table::{PROGRAMS, Role, Spec};

use super::error::{OpenError, reason};

mod table;

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
