//! How an observation begins.

use std::path::PathBuf;

use agentsnoop_pipeline::attribute::agents::Catalogue;
use agentsnoop_pipeline::data::AGENTS;
use agentsnoop_pipeline::input::{Config, Coverage, Input, Opened};
use agentsnoop_pipeline::scrub::Source;
use agentsnoop_pipeline::{Admit, Pipeline, Scrub};
use anyhow::{Context, Result};
use bytes::BytesMut;
use monitor_common::WIRE_VERSION;
use monitor_common::limits::RING_BYTES;
use monitor_common::task::Candidate;

use super::{Live, Outputs, clock};
use crate::error::{Exit, fail};
use crate::extensions::Extensions;
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
    /// The files that add agents, resource classes and delegates.
    pub extensions: Extensions,
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
            extensions: Extensions::default(),
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
        let candidates = if options.agents { candidates(&options.extensions)? } else { Vec::new() };
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
        let config = Config { scrub: scrub.digest(), data: options.extensions.data() };
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
            agents: options.agents,
            extensions: Extensions::default(),
            binaries: super::binaries::Binaries::default(),
            on_demand: options.on_demand,
            idle_since_ns: None,
            lost_hooks: Vec::new(),
            saved: std::time::Instant::now(),
            admitted: Vec::new(),
            records: Vec::new(),
        };
        live.outputs.opened(&opened);
        live.feed(Input::Opened(Box::new(opened)));
        live.feed(Input::Config(Box::new(config)));
        live.put_in_force(options.extensions.clone());
        Ok(live)
    }

    /// Puts files of users in force, in place of those that are, and tells which of them cannot be used.
    ///
    /// # Errors
    ///
    /// The kernel half cannot look for the programs of further agents; everything else is in force.
    pub fn reload(&mut self, extensions: Extensions) -> Result<()> {
        let data = extensions.data();
        let config = self.pipeline.config().filter(|config| config.data != data).cloned();
        if let Some(config) = config {
            self.feed(Input::Config(Box::new(Config { data, ..config })));
        }
        let names = if self.agents { candidates(&extensions)? } else { Vec::new() };
        let watched = self.kernel.watch_for(&names);
        self.put_in_force(extensions);
        watched.context("cannot look for further agents")
    }

    fn put_in_force(&mut self, extensions: Extensions) {
        for hook in extensions.news(&self.extensions) {
            self.feed(Input::Coverage(Coverage { boot_ns: clock::boot_ns(), hook }));
        }
        self.extensions = extensions;
    }

    /// The hooks, attached or not.
    #[must_use]
    pub fn hooks(&self) -> &[agentsnoop_pipeline::input::Hook] {
        self.kernel.hooks()
    }
}

/// The comms that make a process a candidate.
fn candidates(extensions: &Extensions) -> Result<Vec<Candidate>> {
    let catalogue = Catalogue::with(&extensions.sources(AGENTS)).context("cannot read the catalogue of agents")?;
    Ok(catalogue.candidates().into_iter().map(|comm| Candidate { comm }).collect())
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
