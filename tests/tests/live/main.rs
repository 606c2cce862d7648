//! Live tests: each loads the real programs into the running kernel, does one thing under observation, and reads what
//! was recorded. They need root. The same program runs on the host and in virtual machines.
//!
//! The program is its own trigger: `live trigger NAME` does the one thing that a test wants to see ([`trigger`]).

mod agents;
mod bounds;
mod caller;
mod changes;
mod dns;
mod environment;
mod files;
mod harness;
mod host;
mod io_uring;
mod ledger;
mod network;
mod oracle;
mod processes;
mod run;
mod sockets;
mod standing;
mod traffic;
mod trigger;
mod watch;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

/// Says which tests run; a virtual machine gets it from its kernel's command line.
const TESTS: &str = "AGENTSNOOP_TESTS";
/// All but those whose subject does not differ from kernel to kernel.
const WITHOUT_ONCE: &str = "without-once";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some("trigger") {
        return trigger::main(&arguments.collect::<Vec<_>>());
    }
    let mut options = Arguments::from_args();
    // Two observers at once would each see fewer of two cores, and the tests with full rings would disturb the others.
    options.test_threads.get_or_insert(1);
    let every = std::env::var_os(TESTS).is_none_or(|tests| tests != WITHOUT_ONCE);
    let trials: Vec<Trial> = [
        processes::trials(),
        standing::trials(),
        host::trials(),
        files::trials(),
        changes::trials(),
        io_uring::trials(),
        network::trials(),
        sockets::trials(),
        traffic::trials(),
        traffic::names::trials(),
        dns::trials(),
        environment::trials(),
        ledger::trials(),
        bounds::trials(),
        run::trials(),
        caller::trials(),
        watch::trials(),
        oracle::trials(),
        agents::trials(),
    ]
    .into_iter()
    .flatten()
    .filter(|trial| every || trial.kind() != harness::ONCE)
    .collect();
    libtest_mimic::run(&options, trials).exit_code()
}
