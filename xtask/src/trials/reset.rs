//! Machines that are ended from outside while they record.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::live::Live;
use crate::project::{Project, find_program, output, show};
use crate::vm::boot::{qemu, read_lines};
use crate::vm::image;
use crate::vm::kernel::{self, Fetched, KERNELS};

/// The kernel of the machines, one that has NVMe and ext4 built in.
const KERNEL: &str = "6.1";
/// Tells init what to do (vm/init.sh).
const UNTIL_RESET: &str = "AGENTSNOOP_TESTS=until-reset";
/// The load's lines begin so (tests/tests/live/numbered.rs), and its paths.
const MARK: &str = "numbered ";
const PREFIX: &str = "/mnt/n";
/// The recording, from the root of the disk.
const RECORDING: &str = "/reset.rec";
/// A disk that is never filled.
const DISK: &str = "128M";
/// The machine is ended so long after the load began, by its own clock: some times before the first synchronisation, most
/// times behind the second.
const FIRST_NS: u64 = 2_000_000_000;
const LAST_NS: u64 = 22_000_000_000;
/// How old an event may be at most that is lost, milliseconds (docs/recording.md).
const AT_RISK: u64 = 5000;
/// An emulated machine that has not come so far hangs.
const DEADLINE: Duration = Duration::from_secs(600);

/// Ends so many machines, and judges each recording.
///
/// # Errors
/// Fails where a machine does not start, a recording is damaged, or one lacks more than it may.
pub(super) fn run(project: &Project, live: &Live, count: u32, seed: Option<u64>) -> Result<()> {
    let trials = Trials::prepare(project, live)?;
    let random = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = seed.unwrap_or_else(random);
    eprintln!("xtask: {count} machines are reset; --seed {seed} does this again");
    let mut worst = 0;
    for trial in 1..=u64::from(count) {
        let after = FIRST_NS + mixed(seed.wrapping_add(trial)) % (LAST_NS - FIRST_NS);
        let (milliseconds, told) =
            trials.one(after).with_context(|| format!("machine {trial} of --seed {seed}, reset after {after} ns"))?;
        writeln!(std::io::stdout(), "machine {trial}, reset after {:.1} s: {told}", after as f64 / 1e9)?;
        worst = worst.max(milliseconds);
    }
    writeln!(std::io::stdout(), "{count} machines reset; the oldest event that was lost was {worst} ms old")?;
    ensure!(worst <= AT_RISK, "of --seed {seed} more than the last {AT_RISK} ms were lost");
    Ok(())
}

/// A number of all bits of another one (splitmix64, prng.di.unimi.it).
const fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What all machines have in common.
struct Trials<'a> {
    live: &'a Live,
    vmlinuz: PathBuf,
    image: PathBuf,
    folder: PathBuf,
}

impl<'a> Trials<'a> {
    fn prepare(project: &Project, live: &'a Live) -> Result<Self> {
        let cache = project.target.join("vm");
        let folder = cache.join("reset");
        fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
        let kernel = KERNELS.iter().find(|kernel| kernel.name == KERNEL).context("the kernel is in no list")?;
        let Fetched::Image(vmlinuz) = kernel::fetch(kernel, &cache)? else { bail!("kernel {KERNEL} is not offered") };
        let image = folder.join("initramfs.cpio");
        image::write(&image, live)?;
        Ok(Self { live, vmlinuz, image, folder })
    }

    /// One machine; how old the oldest event was that is lost, milliseconds, and that in words.
    fn one(&self, after_ns: u64) -> Result<(u64, String)> {
        let [disk, console, recording] = ["disk", "console", "reset.rec"].map(|name| self.folder.join(name));
        // debugfs does not replace the file of the machine before.
        for file in [&disk, &recording] {
            let _ = fs::remove_file(file);
        }
        output(tool("mkfs.ext4")?.args(["-q", "-F"]).arg(&disk).arg(DISK))?;
        self.until_reset(&disk, &console, after_ns)?;
        // Replays the journal, as a mount would.
        let checked = tool("e2fsck")?.args(["-f", "-y"]).arg(&disk).output().context("cannot start e2fsck")?;
        let corrected = checked.status.code().is_some_and(|code| code <= 1);
        ensure!(corrected, "the file system cannot be mended: {}", String::from_utf8_lossy(&checked.stdout));
        output(tool("debugfs")?.arg("-R").arg(format!("dump {RECORDING} {}", recording.display())).arg(&disk))?;

        // Nothing of a file is on the disk that was made a moment before.
        let is_begun = fs::metadata(&recording).is_ok_and(|file| file.len() > 0);
        if !is_begun {
            fs::write(&recording, []).with_context(|| format!("cannot create {}", recording.display()))?;
        }
        let end = if is_begun { self.verified(&recording)? } else { "nothing of it is on the disk".to_owned() };
        let mut judge = Command::new(&self.live.tests);
        let judged = output(judge.arg("judge").arg(&recording).arg(PREFIX).arg(&console))?;
        let (milliseconds, told) = judged.trim().split_once(' ').context("no judgement")?;
        Ok((milliseconds.parse().context("no number")?, format!("{told}; {end}")))
    }

    /// Where `verify` says that the recording is cut.
    fn verified(&self, recording: &Path) -> Result<String> {
        let mut verify = Command::new(&self.live.agentsnoop);
        let verdict = verify.args(["verify", "--json"]).arg(recording).output().context("cannot start agentsnoop")?;
        let said = String::from_utf8_lossy(&verdict.stderr);
        let verdict: Value = serde_json::from_slice(&verdict.stdout).with_context(|| format!("verify: {said}"))?;
        ensure!(verdict["complete"] == false && verdict["damaged"] == 0, "{verdict:#}");
        let end = verdict["end"].as_str().context("verify tells no end")?;
        ensure!(end.starts_with("incomplete: it was not closed; readable up to byte "), "{end}");
        Ok(end.to_owned())
    }

    /// Boots a machine that records on the disk, and ends it when its load has gone on for so long. The lines of the load go
    /// to the file.
    fn until_reset(&self, disk: &Path, console: &Path, after_ns: u64) -> Result<()> {
        let mut command = qemu(&self.vmlinuz, &self.image, UNTIL_RESET);
        command
            .arg("-drive")
            .arg(format!("file={},if=none,id=disk,format=raw,cache=writeback", disk.display()))
            .args(["-device", "nvme,drive=disk,serial=1"]);
        let mut machine = Ended(command.spawn().with_context(|| format!("cannot start `{}`", show(&command)))?);
        let lines = read_lines(machine.0.stdout.take().context("the console of the machine is not there")?);
        let mut said = follow(&lines, after_ns)?;
        drop(machine);
        // What it said until it was ended.
        lines.iter().for_each(|line| said.push_str(&(line + "\n")));
        fs::write(console, said).with_context(|| format!("cannot write {}", console.display()))
    }
}

/// The console up to the line that says that the load has gone on for so long.
fn follow(lines: &Receiver<String>, after_ns: u64) -> Result<String> {
    let deadline = Instant::now() + DEADLINE;
    let (mut said, mut begun) = (String::new(), None);
    loop {
        let line = lines.recv_timeout(deadline.saturating_duration_since(Instant::now()));
        let Ok(line) = line else { bail!("the machine stopped or hangs; its console said: {said}") };
        said.push_str(&line);
        said.push('\n');
        let time = line.split_once(MARK).and_then(|(_, mark)| mark.split_once(' ')?.1.trim().parse::<u64>().ok());
        if let Some(time) = time
            && time >= *begun.get_or_insert(time) + after_ns
        {
            return Ok(said);
        }
    }
}

/// A machine that is ended at once with this value.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // Both fail only where it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program of e2fsprogs, which Debian has in every system.
fn tool(name: &str) -> Result<Command> {
    find_program(name).map(Command::new).with_context(|| format!("{name} is missing: install e2fsprogs"))
}
