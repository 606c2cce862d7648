//! Loading, on all processors: the kernel verifies each program before it takes it, which for all of them is most of the
//! time that a start takes, and verifies several at once for who asks in several threads.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use aya::{Btf, Ebpf, programs::Program};
use monitor_common::offsets::Offsets;

use super::{
    table::{PROGRAMS, Spec},
    tracepoint,
};
use crate::source::kernel::error::reason;

/// Threads that load; with more of them the longest program is what takes the time.
const THREADS: usize = 8;

/// The programs that take longest to verify, the longest first (docs/kernels.md has the counts of instructions).
const LARGEST: [&str; 5] = ["exit_paths_file", "exit_name", "exit_open", "io_uring_file", "sum_messages"];

/// Loads each program on a tracepoint whose fields are there, and says of each why the kernel refused it.
pub(super) fn all(ebpf: &mut Ebpf, btf: &Btf, offsets: &Offsets) -> HashMap<&'static str, Result<(), String>> {
    let wanted =
        |name: &str| PROGRAMS.iter().find(|spec| spec.program == name && offsets.first_absent(spec.needs).is_none());
    let mut work: Vec<(&Spec, &mut Program)> =
        ebpf.programs_mut().filter_map(|(name, program)| Some((wanted(name)?, program))).collect();
    // They are taken from the end: the largest first, so that none of them is left alone at last.
    work.sort_by_key(|(spec, _)| LARGEST.iter().rev().position(|name| *name == spec.program).map_or(0, |at| at + 1));
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
    let (work, loaded) = (Mutex::new(work), Mutex::new(HashMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // The lock is let go before the loading.
                let next = || work.lock().unwrap_or_else(PoisonError::into_inner).pop();
                while let Some((spec, program)) = next() {
                    let outcome = one(program, btf, tracepoint(spec, offsets));
                    loaded.lock().unwrap_or_else(PoisonError::into_inner).insert(spec.program, outcome);
                }
            });
        }
    });
    loaded.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn one(program: &mut Program, btf: &Btf, tracepoint: &str) -> Result<(), String> {
    let loaded = match program {
        Program::BtfTracePoint(program) => program.load(tracepoint, btf),
        Program::RawTracePoint(program) => program.load(),
        // Whoever attaches it says that the object is another one.
        _ => return Ok(()),
    };
    loaded.map_err(|error| reason(&error))
}
