//! How an observation begins.

use std::path::PathBuf;

use agentsnoop_pipeline::input::{Config, Input, Opened};
use agentsnoop_pipeline::scrub::Source;
use agentsnoop_pipeline::{Admit, Pipeline, Scrub};
use anyhow::{Context, Result};
use bytes::BytesMut;
use monitor_common::WIRE_VERSION;
use monitor_common::limits::RING_BYTES;
use monitor_common::task::Candidate;

use super::{Live, Outputs, clock};
use crate::error::{Exit, fail};
use crate::scrubbing;
use crate::source::kernel::{self, Kernel};

/// What is observed, and with what.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of the ring.
    pub ring_bytes: u32,
    /// The kernel's BTF; the default place when absent.
    pub btf: Option<PathBuf>,
    /// The command that will be started under observation; empty when none.
    pub command: Vec<String>,
    /// Whether programs that may be agents are tracked from their exec on.
    pub agents: bool,
    /// Whether the hooks of the calls wait for the first process that may be an agent.
    pub on_demand: bool,
    /// Entries of the kernel half's maps.
    pub bounds: kernel::Bounds,
    /// The files whose rules add to the built-in ones; `None` masks nothing.
    pub scrub: Option<Vec<Source>>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ring_bytes: RING_BYTES,
            btf: None,
            command: Vec::new(),
            agents: false,
            on_demand: false,
            bounds: kernel::Bounds::default(),
            scrub: Some(Vec::new()),
        }
    }
}

impl Live {
    /// Attaches the hooks, opens the outputs, and begins the recording with what is observed with.
    ///
    /// # Errors
    ///
    /// No hook can attach, or an output cannot be opened; nothing is left behind.
    pub fn open(options: &Options, outputs: impl FnOnce() -> Result<Outputs>) -> Result<Self> {
        let candidates = if options.agents { candidates()? } else { Vec::new() };
        // First, since reading the kernel's types needs much memory, which is given back before the rest needs any.
        let kernel = Kernel::open(&kernel::Options {
            ring_bytes: options.ring_bytes,
            candidates,
            libcs: kernel::find_libcs(),
            btf: options.btf.clone(),
            on_demand: options.on_demand,
            bounds: options.bounds,
        })
        .map_err(|error| fail(Exit::NotPermitted, error.to_string()))?;
        let scrub = match &options.scrub {
            Some(added) => Scrub::with(added).map_err(|error| fail(Exit::Usage, scrubbing::refused(&error)))?,
            None => Scrub::off(),
        };
        let admit = Admit::new().context("cannot read the built-in catalogue of agents")?;
        let pipeline = Pipeline::new().context("cannot read the built-in data")?;
        let config = Config { scrub: scrub.digest(), data: agentsnoop_pipeline::data::list() };
        let opened = opened(options, &kernel)?;
        let mut live = Self {
            kernel,
            scrub,
            admit,
            pipeline,
            outputs: outputs()?,
            arena: BytesMut::new(),
            received: 0,
            received_at_tick: 0,
            counters_at_ns: 0,
            sweep: super::sweep::Sweep::default(),
            loaders: super::loaders::Loaders::default(),
            on_demand: options.on_demand,
            idle_since_ns: None,
            lost_hooks: Vec::new(),
            admitted: Vec::new(),
            records: Vec::new(),
        };
        live.outputs.opened(&opened);
        live.feed(Input::Opened(Box::new(opened)));
        live.feed(Input::Config(Box::new(config)));
        Ok(live)
    }

    /// The hooks, attached or not.
    #[must_use]
    pub fn hooks(&self) -> &[agentsnoop_pipeline::input::Hook] {
        self.kernel.hooks()
    }
}

/// The comms that make a process a candidate.
fn candidates() -> Result<Vec<Candidate>> {
    let admit = Admit::new().context("cannot read the built-in catalogue of agents")?;
    Ok(admit.candidates().into_iter().map(|comm| Candidate { comm }).collect())
}

fn opened(options: &Options, kernel: &Kernel) -> Result<Opened> {
    let uname = nix::sys::utsname::uname().context("cannot ask for the kernel's name")?;
    let boot_id =
        std::fs::read_to_string("/proc/sys/kernel/random/boot_id").context("cannot read the boot id from /proc")?;
    Ok(Opened {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        wire: WIRE_VERSION,
        host: uname.nodename().to_string_lossy().into_owned(),
        boot_id: boot_id.trim().to_owned(),
        kernel: format!("{} {}", uname.release().to_string_lossy(), uname.version().to_string_lossy()),
        clock: clock::anchors(),
        utc_offset: clock::utc_offset(),
        pid: std::process::id(),
        command: options.command.clone(),
        hooks: kernel.hooks().to_vec(),
        ring_bytes: kernel.ring_bytes(),
        cpus: u32::try_from(kernel.counters()?.len()).unwrap_or(u32::MAX),
        absent_fields: Opened::absent(kernel.offsets()),
        segment: 0,
        continues: None,
    })
}
