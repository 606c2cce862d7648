//! The calls that the kernel half has counted as repeats of others and not told yet.
//!
//! It tells them by itself when a process sends, becomes another program, or ends. Of a process that does neither they are
//! asked for here, at each tick, so that nobody who looks on waits longer than a second; and at the end of the observation.

use std::{
    collections::BTreeSet,
    os::fd::{AsFd as _, OwnedFd},
};

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{
    Ebpf,
    maps::{HashMap, MapData},
    programs::SocketFilter,
};
use monitor_common::{from_bytes, repeats::Repeats};

use super::{
    error::{OpenError, reason},
    syscall,
};

/// The map, and the program that tells what is in it.
pub(super) struct Counted {
    map: Option<HashMap<MapData, u32, [u8; size_of::<Repeats>()]>>,
    program: Option<OwnedFd>,
    /// Processes of the last round that were not tracked.
    ended: BTreeSet<u32>,
}

/// The name of the program.
const PROGRAM: &str = "flush_repeats";

impl Counted {
    /// Takes the map and loads the program. Without the program the repeats of a process that does nothing are told late.
    ///
    /// # Errors
    ///
    /// The map is not what it should be.
    pub(super) fn open(ebpf: &mut Ebpf, hooks: &mut Vec<Hook>) -> Result<Self, OpenError> {
        let loaded = ebpf
            .program_mut(PROGRAM)
            .ok_or_else(|| "the kernel half has no such program".to_owned())
            .and_then(|program| <&mut SocketFilter>::try_from(program).map_err(|error| reason(&error)))
            .and_then(|program| {
                program.load().map_err(|error| reason(&error))?;
                let fd = program.fd().map_err(|error| reason(&error))?;
                fd.as_fd().try_clone_to_owned().map_err(|error| reason(&error))
            });
        let (program, state) = match loaded {
            Ok(fd) => (Some(fd), HookState::Attached),
            Err(reason) => (None, HookState::Unavailable { reason }),
        };
        let feature = "stat: repeats told each second".to_owned();
        hooks.push(Hook { name: PROGRAM.to_owned(), feature, state });
        // A build that counts nothing may lack the map.
        let map =
            ebpf.take_map("REPEATS").map(HashMap::try_from).transpose().map_err(|error| OpenError::map(&error))?;
        Ok(Self { map, program, ended: BTreeSet::new() })
    }

    /// Tells what is counted; `tracked` are the processes that are tracked at the moment.
    ///
    /// A process that is not tracked twice in a row is forgotten: by then no program of the kernel half that had begun
    /// before still counts for it.
    pub(super) fn tell(&mut self, tracked: &BTreeSet<u32>) {
        let Some(map) = &mut self.map else { return };
        let known: Vec<(u32, bool)> = map.iter().flatten().map(|(pid, bytes)| (pid, is_held(&bytes))).collect();
        let mut ended = BTreeSet::new();
        for (pid, held) in known {
            // What cannot be told now is told later, or stays held, which the ledger shows.
            let told = !held || self.program.as_ref().is_some_and(|program| syscall::run(program.as_fd(), pid).is_ok());
            if tracked.contains(&pid) {
                continue;
            }
            if told && self.ended.contains(&pid) {
                // The kernel half may have been faster, and then it is done.
                let _gone = map.remove(&pid);
            } else {
                ended.insert(pid);
            }
        }
        self.ended = ended;
    }

    /// Processes that are counted for.
    pub(super) fn entries(&self) -> usize {
        self.map.iter().flat_map(HashMap::keys).flatten().count()
    }

    /// Calls that are counted and not told.
    pub(super) fn held(&self) -> u64 {
        let known = self.map.iter().flat_map(HashMap::iter).flatten();
        known.filter_map(|(_, bytes)| from_bytes::<Repeats>(&bytes)).map(|repeats| repeats.held()).sum()
    }
}

/// Whether a process may have calls to tell.
fn is_held(bytes: &[u8]) -> bool {
    from_bytes::<Repeats>(bytes).is_some_and(|repeats| repeats.held != 0)
}
