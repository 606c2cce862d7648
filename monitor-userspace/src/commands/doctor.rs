//! `agentsnoop doctor`.

mod ledger;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use agentsnoop_pipeline::input::{Hook, HookState, Opened};
use anyhow::{Context, Result};
use serde::Serialize;

use self::ledger::Ledger;
use crate::error::Exit;
use crate::extensions::{Extension, Extensions, Folders};
use crate::run::identity::Identity;
use crate::source::kernel::{self, KERNEL_BTF, Kernel, OpenError};

/// Arguments of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
It attaches every hook, says which the kernel took, and takes them down again. Exit code 0 when everything attaches or \
only single features are missing, 3 when nothing can be observed.")]
pub struct Args {
    /// One JSON object
    #[arg(long)]
    json: bool,
    /// The types (BTF) of just this kernel, where it does not tell them itself
    #[arg(long, value_name = "FILE")]
    btf: Option<PathBuf>,
}

/// What this machine lets agentsnoop see.
#[derive(Debug, Serialize)]
struct Report {
    version: &'static str,
    kernel: String,
    architecture: String,
    /// The kernel's type information, with its size in bytes; absent when there is none.
    btf: Option<u64>,
    /// The effective capabilities that matter, held or not.
    capabilities: Vec<Capability>,
    perf_event_paranoid: Option<i64>,
    /// Milliseconds until every hook was up, and those that taking them down took; the latter is the kernel's waiting.
    attach_ms: u128,
    detach_ms: u128,
    /// Why nothing can be observed, when nothing can.
    error: Option<String>,
    /// Which build of the kernel half this kernel takes: `usual`, `untyped`, `before 5.12`; absent when none.
    kernel_half: Option<&'static str>,
    hooks: Vec<Hook>,
    /// Instructions that the verifier processed, by program; empty before Linux 5.16, which does not tell.
    verified_instructions: BTreeMap<String, u32>,
    absent_fields: Vec<String>,
    /// Whether what the hooks see arrives; absent where nothing can be observed.
    ledger: Option<Ledger>,
    /// Why that could not be found out.
    ledger_error: Option<String>,
    /// The data files of users, each with what is wrong with it.
    data_files: Vec<DataFile>,
    /// What no kernel shows here, whatever is attached.
    blind_spots: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
struct DataFile {
    file: String,
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct Capability {
    name: &'static str,
    held: bool,
}

/// The capabilities, with their numbers in linux/capability.h.
const CAPABILITIES: [(&str, u32); 3] = [("CAP_SYS_ADMIN", 21), ("CAP_PERFMON", 38), ("CAP_BPF", 39)];

const BLIND_SPOTS: [&str; 4] = [
    "getenv in static programs, in Go, Bun and bash, which keep their own copy of the environment; the names that they were given are shown",
    "what becomes of requests to an io_uring, and those that name neither file nor address",
    "32-bit programs' calls, which are counted and not decoded",
    "a call that has not returned when the observation ends",
];

/// Does `doctor`.
///
/// # Errors
///
/// Standard output cannot be written.
pub fn run(args: &Args) -> Result<ExitCode> {
    let report = examine(args)?;
    let mut out = std::io::stdout().lock();
    if args.json {
        serde_json::to_writer_pretty(&mut out, &report).context("cannot write the report")?;
        writeln!(out)?;
    } else {
        out.write_all(text(&report).as_bytes())?;
    }
    Ok(if report.error.is_some() { Exit::NotPermitted.into() } else { ExitCode::SUCCESS })
}

fn examine(args: &Args) -> Result<Report> {
    let uname = nix::sys::utsname::uname().context("cannot ask for the kernel's name")?;
    let path = args.btf.clone().unwrap_or_else(|| PathBuf::from(KERNEL_BTF));
    let started = Instant::now();
    let opened = Kernel::open(&kernel::Options { btf: args.btf.clone(), ..kernel::Options::default() });
    let attach_ms = started.elapsed().as_millis();
    let (found, detach_ms) = match opened {
        Ok(mut kernel) => {
            let found = Found::of(&mut kernel);
            let ending = Instant::now();
            drop(kernel);
            (found, ending.elapsed().as_millis())
        }
        Err(error) => (Found::failed(error), 0),
    };
    let paranoid = std::fs::read_to_string("/proc/sys/kernel/perf_event_paranoid").ok();
    Ok(Report {
        version: env!("CARGO_PKG_VERSION"),
        kernel: format!("{} {}", uname.release().to_string_lossy(), uname.version().to_string_lossy()),
        architecture: uname.machine().to_string_lossy().into_owned(),
        btf: std::fs::metadata(path).ok().map(|found| found.len()),
        capabilities: capabilities(),
        perf_event_paranoid: paranoid.and_then(|text| text.trim().parse().ok()),
        attach_ms,
        detach_ms,
        error: found.error,
        kernel_half: found.kernel_half,
        hooks: found.hooks,
        verified_instructions: found.verified_instructions,
        absent_fields: found.absent_fields,
        ledger: found.ledger,
        ledger_error: found.ledger_error,
        data_files: data_files()?,
        blind_spots: BLIND_SPOTS.to_vec(),
    })
}

/// The files with which users extend agents, classes and delegates.
fn data_files() -> Result<Vec<DataFile>> {
    let extensions = Folders::find(&Identity::find(None)?).read(&Extensions::default());
    let file = |found: &Extension| {
        let error = found.refused.as_ref().map(|_| found.standing());
        DataFile { file: found.file.clone(), error }
    };
    Ok(extensions.files().iter().map(file).collect())
}

/// What attaching everything found.
#[derive(Default)]
struct Found {
    error: Option<String>,
    ledger: Option<Ledger>,
    ledger_error: Option<String>,
    kernel_half: Option<&'static str>,
    hooks: Vec<Hook>,
    verified_instructions: BTreeMap<String, u32>,
    absent_fields: Vec<String>,
}

impl Found {
    fn of(kernel: &mut Kernel) -> Self {
        let (ledger, ledger_error) = match Ledger::of(kernel) {
            Ok(ledger) => (Some(ledger), None),
            Err(error) => (None, Some(format!("{error:#}"))),
        };
        Self {
            error: None,
            ledger,
            ledger_error,
            kernel_half: Some(kernel.variant().name()),
            hooks: kernel.hooks().to_vec(),
            verified_instructions: kernel.verified().into_iter().collect(),
            absent_fields: Opened::absent(kernel.offsets()),
        }
    }

    fn failed(error: OpenError) -> Self {
        let message = error.to_string();
        let hooks = if let OpenError::NothingAttached { hooks } = error { hooks } else { Vec::new() };
        Self { error: Some(message), hooks, ..Self::default() }
    }
}

/// `CapEff` of /proc/self/status (proc(5)).
fn capabilities() -> Vec<Capability> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let held = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    CAPABILITIES.iter().map(|&(name, number)| Capability { name, held: held >> number & 1 == 1 }).collect()
}

fn text(report: &Report) -> String {
    let mut lines = vec![
        format!("agentsnoop {} on {} ({})", report.version, report.kernel, report.architecture),
        match report.btf {
            Some(bytes) => format!("  kernel types (BTF)    {} KiB", bytes / 1024),
            None => "  kernel types (BTF)    absent".to_owned(),
        },
    ];
    for capability in &report.capabilities {
        let held = if capability.held { "held" } else { "not held" };
        lines.push(format!("  {:<21} {held}", capability.name));
    }
    if let Some(name) = report.kernel_half {
        lines.push(format!("  kernel half           build {name}"));
    }
    if let Some(level) = report.perf_event_paranoid {
        lines.push(format!("  perf_event_paranoid   {level}"));
    }
    lines.push(String::new());
    let width = report.hooks.iter().map(|hook| hook.name.len()).max().unwrap_or(0);
    for hook in &report.hooks {
        let state = match &hook.state {
            HookState::Attached => "attached".to_owned(),
            HookState::Degraded { reason } => format!("attached, {reason}"),
            HookState::Unavailable { reason } => format!("UNAVAILABLE: {reason}"),
        };
        lines.push(format!("  {:<width$}  {:<8} {state}", hook.name, hook.feature));
    }
    for field in &report.absent_fields {
        lines.push(format!("  field {field} is absent in this kernel"));
    }
    if let Some(ledger) = &report.ledger {
        lines.push(format!("  ledger                {}", ledger.text()));
    }
    if let Some(error) = &report.ledger_error {
        lines.push(format!("  ledger                UNKNOWN: {error}"));
    }
    for found in &report.data_files {
        let state = found.error.as_ref().map_or_else(|| "in force".to_owned(), |error| format!("REFUSED: {error}"));
        lines.push(format!("  data file             {}: {state}", found.file));
    }
    match &report.error {
        Some(error) => lines.push(format!("\nnothing can be observed: {error}")),
        None => lines.push(format!(
            "  (hooks up in {} ms, taken down in {} ms)\n\nnot observable on any kernel, and why it is said here:",
            report.attach_ms, report.detach_ms
        )),
    }
    if report.error.is_none() {
        lines.extend(report.blind_spots.iter().map(|spot| format!("  {spot}")));
    }
    lines.push(String::new());
    lines.join("\n")
}
