//! Programs that wait for the first candidate: loaded, so that attaching them is all that is left to do.

use agentsnoop_pipeline::input::{Hook, HookState};
use aya::{
    Ebpf,
    programs::{Program, raw_trace_point::RawTracePointLinkId, tp_btf::BtfTracePointLinkId},
};
use monitor_common::offsets::Offsets;

use super::{
    super::error::reason,
    table::{PROGRAMS, Role},
    tracepoint,
};

/// The programs that are always attached: without them nobody would know that there is something to wait for. They cost
/// the rest of the machine next to nothing.
const ALWAYS: [&str; 3] = ["task_newtask", "sched_process_exec", "sched_process_exit"];

/// Why a hook is not attached that will be.
pub(in super::super) const WAITING: &str = "waits for the first process that may be an agent (--hooks on-demand)";

/// Whether a program waits, where hooks come on demand.
pub(super) fn waits(program: &str) -> bool {
    !ALWAYS.contains(&program)
}

/// One attachment.
#[derive(Debug)]
enum Link {
    Typed(BtfTracePointLinkId),
    Raw(RawTracePointLinkId),
}

/// The attachments that were made on demand.
#[derive(Debug, Default)]
pub(in super::super) struct Links(Vec<(&'static str, Link)>);

/// Attaches what waits, and gives the hooks that have changed.
pub(in super::super) fn attach(ebpf: &mut Ebpf, offsets: &Offsets, hooks: &mut [Hook]) -> (Links, Vec<Hook>) {
    let (mut links, mut changed) = (Links::default(), Vec::new());
    for spec in PROGRAMS.iter().filter(|spec| matches!(spec.role, Role::Attach)) {
        let Some(hook) = hooks.iter_mut().find(|hook| hook.name == spec.program && is_waiting(hook)) else { continue };
        let attached = match ebpf.program_mut(spec.program) {
            Some(Program::BtfTracePoint(program)) => program.attach().map(Link::Typed),
            Some(Program::RawTracePoint(program)) => program.attach(tracepoint(spec, offsets)).map(Link::Raw),
            _ => continue,
        };
        hook.state = match attached {
            Ok(link) => {
                links.0.push((spec.program, link));
                HookState::Attached
            }
            Err(error) => HookState::Unavailable { reason: reason(&error) },
        };
        changed.push(hook.clone());
    }
    (links, changed)
}

/// Lets go of what was attached on demand, and gives the hooks, which wait again.
pub(in super::super) fn detach(ebpf: &mut Ebpf, links: Links, hooks: &mut [Hook]) -> Vec<Hook> {
    let mut changed = Vec::new();
    for (name, link) in links.0 {
        let detached = match (ebpf.program_mut(name), link) {
            (Some(Program::BtfTracePoint(program)), Link::Typed(link)) => program.detach(link),
            (Some(Program::RawTracePoint(program)), Link::Raw(link)) => program.detach(link),
            _ => continue,
        };
        // An attachment that is not known any more is none.
        drop(detached);
        if let Some(hook) = hooks.iter_mut().find(|hook| hook.name == name) {
            hook.state = waiting();
            changed.push(hook.clone());
        }
    }
    changed
}

pub(in super::super) fn waiting() -> HookState {
    HookState::Unavailable { reason: WAITING.to_owned() }
}

fn is_waiting(hook: &Hook) -> bool {
    matches!(&hook.state, HookState::Unavailable { reason } if reason == WAITING)
}
