//! Boots QEMU and follows its console.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::verdict::{self, Verdict};
use crate::project::show;

/// Emulation without hardware help is about twenty times slower than the host; a run of the essential tests beyond this
/// hangs, and one of all tests beyond the other.
const DEADLINE: Duration = Duration::from_secs(1200);
const DEADLINE_OF_ALL: Duration = Duration::from_secs(5400);
/// After the marker the machine switches itself off at once, or is ended.
const SHUTDOWN: Duration = Duration::from_secs(5);
/// Console lines that may wait for this process.
const BACKLOG: usize = 1024;

/// Names another accelerator of QEMU's, such as `kvm`. Emulation is the default because it is the same everywhere: a KVM
/// that opens may still hang where this machine is a virtual one itself.
const ACCELERATOR_VARIABLE: &str = "AGENTSNOOP_VM_ACCELERATOR";
///
/// All processors of the machine take turns on one of this one: with a thread for each, QEMU 7.2 now and then runs an
/// instruction that the other has just replaced, which kernels do to their own code, and they panic.
const ACCELERATOR: &str = "tcg,thread=single";

/// Everything that the emulation knows, but for `cmpxchg16b`: QEMU 7.2 leaves wrong flags behind it, which makes kernels
/// from 6.12 on panic.
const PROCESSOR: &str = "max,-cx16";

/// `panic=-1` restarts at once, which `-no-reboot` turns into the end of the machine. An emulated machine may get little
/// of a busy processor: so the kernel does not test its timer, where it would panic, and looks for no stalls.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 panic=-1 loglevel=4 random.trust_cpu=on no_timer_check nowatchdog \
    rcupdate.rcu_cpu_stall_suppress=1";

/// What the kernel does not know it puts into the environment of init, and so of the tests.
const TESTS: &str = "AGENTSNOOP_TESTS";

/// Which tests run.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tests<'a> {
    /// A few of each family, for a run over all kernels.
    Essential,
    /// All that can differ from kernel to kernel.
    OfAKernel,
    /// Those whose name has this in it.
    Only(&'a str),
}

impl Tests<'_> {
    /// What init is told, in the quotes that the kernel takes away (parse_args in kernel/params.c).
    fn word(self) -> String {
        match self {
            Self::Essential => format!("{TESTS}=essential"),
            Self::OfAKernel => format!("{TESTS}=of-a-kernel"),
            Self::Only(name) => format!("{TESTS}=\"only:{name}\""),
        }
    }

    const fn deadline(self) -> Duration {
        match self {
            Self::Essential => DEADLINE,
            Self::OfAKernel | Self::Only(_) => DEADLINE_OF_ALL,
        }
    }
}

/// What a machine starts with.
pub(crate) struct Machine<'a> {
    /// The kernel's bootable image.
    pub(crate) kernel: &'a Path,
    /// The initial file system.
    pub(crate) image: &'a Path,
    /// Which tests run.
    pub(crate) tests: Tests<'a>,
}

/// Boots the machine, shows its console with `name` before each line, and gives what the console has told.
///
/// # Errors
/// Fails where QEMU does not start or the deadline passes.
pub(crate) fn run(name: &str, machine: &Machine<'_>) -> Result<Verdict> {
    let deadline = machine.tests.deadline();
    let mut command = qemu(machine.kernel, machine.image, &machine.tests.word());
    let started = Instant::now();
    let mut machine = Running(command.spawn().context("cannot start qemu-system-x86_64")?);
    let console = machine.0.stdout.take().context("the console of the machine is not there")?;
    let verdict = follow(name, &read_lines(console), started + deadline)?;
    eprintln!("xtask: kernel {name}: {:.0} s", started.elapsed().as_secs_f32());
    Ok(verdict)
}

/// QEMU with this kernel and initial file system, its console on standard output; `words` are put into the environment of
/// init.
pub(crate) fn qemu(kernel: &Path, image: &Path, words: &str) -> Command {
    let accelerator = std::env::var_os(ACCELERATOR_VARIABLE).unwrap_or_else(|| ACCELERATOR.into());
    let mut command = Command::new("qemu-system-x86_64");
    command
        .args(["-machine", "q35", "-cpu", PROCESSOR, "-smp", "2", "-m", "1024"])
        .arg("-accel")
        .arg(accelerator)
        .args(["-display", "none", "-monitor", "none", "-serial", "stdio", "-nic", "none", "-no-reboot"])
        .arg("-kernel")
        .arg(kernel)
        .arg("-initrd")
        .arg(image)
        .arg("-append")
        .arg(format!("{KERNEL_ARGUMENTS} {words}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    eprintln!("xtask: {}", show(&command));
    command
}

/// A running machine, which ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let deadline = Instant::now() + SHUTDOWN;
        while matches!(self.0.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(20));
        }
        // Both fail only where the machine has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Lines of the console, read on a thread of its own, since reading them has no timeout.
pub(crate) fn read_lines(console: ChildStdout) -> Receiver<String> {
    let (sender, receiver) = sync_channel(BACKLOG);
    std::thread::spawn(move || {
        let mut console = BufReader::new(console);
        let mut line = Vec::new();
        while console.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().replace(|c: char| c.is_control() && c != '\t', "");
            if sender.send(text).is_err() {
                return;
            }
            line.clear();
        }
    });
    receiver
}

/// Shows the lines until the verdict is complete or the machine has ended.
fn follow(name: &str, lines: &Receiver<String>, deadline: Instant) -> Result<Verdict> {
    let mut verdict = Verdict::default();
    loop {
        match lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(line) => {
                let ended = verdict.line(&line);
                if !verdict::is_report(&line) {
                    writeln!(std::io::stdout(), "{name} | {line}").context("cannot show the console")?;
                }
                if ended {
                    return Ok(verdict);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return Ok(verdict),
            Err(RecvTimeoutError::Timeout) => anyhow::bail!("no end after {} s: the machine hangs", DEADLINE.as_secs()),
        }
    }
}
