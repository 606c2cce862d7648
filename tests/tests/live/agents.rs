//! Real coding agents, driven through scripted sessions against a model server on loopback (`tests/agents`).
//!
//! They need `AGENTSNOOP_AGENTS`, the folder that `tests/agents/install.sh` has filled; `cargo xtask test agents` sets
//! it. Without it these tests are listed as ignored.

mod alike;
mod calls;
mod claude;
mod codex;
mod facts;
mod gemini;
mod opencode;
mod session;

use libtest_mimic::Trial;

use crate::harness::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let absent = std::env::var_os(session::VARIABLE).is_none();
    let all = [claude::trials(), codex::trials(), gemini::trials(), opencode::trials()];
    all.into_iter().flatten().map(|(name, body)| trial(name, body).with_ignored_flag(absent)).collect()
}

/// A test by its sentence. Each begins with the agent's name and says "every scripted fact", by which
/// `cargo xtask test agents` chooses them.
type Named = (&'static str, fn() -> anyhow::Result<()>);
