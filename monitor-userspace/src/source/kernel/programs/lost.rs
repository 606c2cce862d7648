//! Hooks that were attached and are no longer: somebody closed what holds them.
//!
//! The kernel tells which programs its links are of. That takes `CAP_SYS_ADMIN`, as asking for a link by its number does; without
//! it, and before Linux 5.8, nothing is found out and nothing is said. Probes on functions have no such link on every kernel,
//! and are not looked at.

use std::collections::BTreeSet;

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{
    Ebpf,
    programs::{links::LinkError, loaded_links},
};

use super::{
    super::error::io_error,
    table::{PROGRAMS, Role},
};

/// Why a hook is not attached any more.
const GONE: &str = "it was attached and is no longer: something closed it";

/// Finds the hooks that are gone, marks them, and gives them.
pub(in super::super) fn find(ebpf: &Ebpf, hooks: &mut [Hook]) -> Vec<Hook> {
    let Some(linked) = linked() else { return Vec::new() };
    let mut gone = Vec::new();
    for spec in PROGRAMS.iter().filter(|spec| matches!(spec.role, Role::Attach)) {
        let is_attached = |hook: &&mut Hook| hook.name == spec.program && hook.state.is_attached();
        let Some(hook) = hooks.iter_mut().find(is_attached) else { continue };
        let id = ebpf.program(spec.program).and_then(|program| Some(program.info().ok()?.id()));
        if id.is_some_and(|id| !linked.contains(&id)) {
            hook.state = HookState::Unavailable { reason: GONE.to_owned() };
            gone.push(hook.clone());
        }
    }
    gone
}

/// The programs, by number, that are attached by a link; nothing where the kernel does not tell all of them.
fn linked() -> Option<BTreeSet<u32>> {
    let mut programs = BTreeSet::new();
    for link in loaded_links() {
        match link {
            Ok(link) => {
                programs.insert(link.program_id());
            }
            // One of somebody else's that has gone since it was listed.
            Err(error) if is_gone(&error) => {}
            Err(_) => return None,
        }
    }
    Some(programs)
}

fn is_gone(error: &LinkError) -> bool {
    io_error(error).is_some_and(|error| error.raw_os_error() == Some(libc::ENOENT))
}
