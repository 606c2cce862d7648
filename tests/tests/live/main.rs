//! Live tests: each loads the real programs into the running kernel, does one thing under observation, and reads what
//! was recorded. They need root. The same program runs on the host and in virtual machines.
//!
//! The program is its own trigger: `live trigger NAME` does the one thing that a test wants to see ([`trigger`]). `live judge`
//! says what a recording lacks whose machine was reset ([`numbered`]).

mod agents;
mod bounds;
mod caller;
mod changes;
mod disk;
mod dns;
mod environment;
mod export;
mod files;
mod fleet;
mod full;
mod harness;
mod host;
mod identified;
mod io_uring;
mod killed;
mod ledger;
mod loaders;
mod looks;
mod lost;
mod many;
mod network;
mod numbered;
mod oracle;
mod processes;
mod run;
mod running;
mod secrets;
mod segments;
mod sockets;
mod standing;
mod traffic;
mod trigger;
mod types;
mod waiting;
mod watch;
mod window;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Says which tests run; a virtual machine gets it from its kernel's command line.
const TESTS: &str = "AGENTSNOOP_TESTS";
/// Those of [`ESSENTIAL`].
const ESSENTIAL_ONLY: &str = "essential";
/// All but those whose outcome does not differ from kernel to kernel, which the host has tried.
const OF_A_KERNEL: &str = "of-a-kernel";
/// Before a text: those with it in their name, as the first argument of a test program has it.
const ONLY: &str = "only:";

/// A test or two of the families of hooks that every kernel takes (docs/kernels.md names those that one refuses): what a run
/// over all kernels tries on each, since an emulated processor takes ten
/// seconds for one test. `cargo xtask test vm --kernel NAME` runs all of them.
const ESSENTIAL: [&str; 15] = [
    "the command's exec is the first event, with its whole argv and its path",
    "exit codes and signals are recorded as wait tells them",
    "a daemon that outlives the command is recorded to its end",
    "a fork names its child and the child's first event follows it",
    "facts about the host that are asked for are seen, other requests are not",
    "each of open, openat, openat2 and creat is seen with its absolute path",
    "an open that fails says why, with the absolute path that was asked for",
    "a connection over IPv4 is seen with address, port and result",
    "a server is seen to bind, listen and accept, with its own port and that of the peer",
    "a burst ends where the direction turns",
    "a name that is looked up is seen, in order, set or not",
    "hooks on demand come with an agent and go after the last, and each span without them is a gap",
    "with a tiny ring the exact number lost is told, on which CPU and between which events",
    "lines and replay of the same run are the same, byte for byte",
    "doctor lists every hook as attached here, in text and in JSON",
];

/// Whoever runs the tests in the background may ignore signals, which agentsnoop and its commands would take over.
fn signals_by_default() -> nix::Result<()> {
    use nix::sys::signal::{SigHandler, Signal, signal};
    for ending in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
        // SAFETY: the default disposition runs no handler.
        unsafe { signal(ending, SigHandler::SigDfl) }?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("trigger") => return trigger::main(&arguments.collect::<Vec<_>>()),
        Some("judge") => return numbered::main(&arguments.collect::<Vec<_>>()),
        _ => {}
    }
    if let Err(error) = signals_by_default() {
        eprintln!("live: cannot take signals as they come: {error}");
        return ExitCode::FAILURE;
    }
    let mut options = Arguments::from_args();
    // Two observers at once would each see fewer of two cores, and the tests with full rings would disturb the others.
    options.test_threads.get_or_insert(1);
    let asked = std::env::var(TESTS).unwrap_or_default();
    if let Some(name) = asked.strip_prefix(ONLY) {
        options.filter = Some(name.to_owned());
    }
    let every = asked != ESSENTIAL_ONLY;
    let once = asked != OF_A_KERNEL;
    let trials: Vec<Trial> = [
        processes::trials(),
        standing::trials(),
        host::trials(),
        files::trials(),
        export::trials(),
        changes::trials(),
        io_uring::trials(),
        network::trials(),
        sockets::trials(),
        traffic::trials(),
        traffic::names::trials(),
        dns::trials(),
        environment::trials(),
        secrets::trials(),
        loaders::trials(),
        ledger::trials(),
        bounds::trials(),
        full::trials(),
        looks::trials(),
        lost::trials(),
        disk::trials(),
        killed::trials(),
        many::trials(),
        waiting::trials(),
        types::trials(),
        run::trials(),
        identified::trials(),
        caller::trials(),
        fleet::trials(),
        watch::trials(),
        window::trials(),
        running::trials(),
        segments::trials(),
        oracle::trials(),
        agents::trials(),
    ]
    .into_iter()
    .flatten()
    .filter(|trial| every || ESSENTIAL.contains(&trial.name()))
    .filter(|trial| once || trial.kind() != harness::ONCE)
    .collect();
    if !every && trials.len() != ESSENTIAL.len() {
        eprintln!(
            "live: {} of the {} essential tests are there; name them in main.rs as they are",
            trials.len(),
            ESSENTIAL.len()
        );
        return ExitCode::FAILURE;
    }
    libtest_mimic::run(&options, trials).exit_code()
}
