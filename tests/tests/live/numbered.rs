//! A busy load whose events have numbers, and what a recording that was cut has of them.

use std::ffi::CString;
use std::fmt;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use agentsnoop_pipeline::input::Input;
use agentsnoop_store::{Item, Reader};
use anyhow::{Context as _, Result, bail, ensure};
use monitor_common::decode::{self, Body};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::killed::Times;

/// Between batches: with twenty events in a row some 5,000 a second, which fills no ring.
const REST: Duration = Duration::from_millis(2);

/// How often a line tells how far the load is: a console is slow.
const MARK_EVERY_NS: u64 = 50_000_000;

/// `numbered BATCH PREFIX FILE`: opens PREFIX0, PREFIX1, …, so many in a row, until standard input ends. When each was begun it notes in the file;
/// `-` stands for standard output, which gets a line now and then.
pub(crate) fn trigger(batch: u64, prefix: &str, file: &str) -> Result<()> {
    let times = if file == "-" { None } else { Some(Times::create(file)?) };
    let mut marked_ns = 0;
    for round in 0.. {
        let numbers = round * batch..(round + 1) * batch;
        let now = boot_ns();
        if times.is_none() && now >= marked_ns + MARK_EVERY_NS {
            marked_ns = now;
            writeln!(std::io::stdout(), "{MARK} {} {now}", numbers.start)?;
        }
        for number in numbers {
            if let Some(times) = &times {
                times.note(number)?;
            }
            let path = CString::new(format!("{prefix}{number}"))?;
            // SAFETY: the path is a C string that outlives the call. There is no such file, so nothing is opened.
            unsafe { libc::open(path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC) };
        }
        std::thread::sleep(REST);
        let stdin = std::io::stdin();
        let mut ended = [PollFd::new(std::os::fd::AsFd::as_fd(&stdin), PollFlags::POLLIN)];
        if poll(&mut ended, PollTimeout::ZERO)? > 0 {
            break;
        }
    }
    Ok(())
}

/// Begins the lines that tell when an event was begun.
const MARK: &str = "numbered";

/// Nanoseconds of the boot clock, which the kernel half takes its times from.
pub(crate) fn boot_ns() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes a `timespec`, which it is given.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut time) };
    (time.tv_sec * 1_000_000_000 + time.tv_nsec).cast_unsigned()
}

/// What a recording lacks of the load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Lost {
    /// How long before the end the first event was begun that is lost.
    pub(crate) oldest: Duration,
    /// Events that are lost.
    count: u64,
    /// Events that are recorded.
    recorded: u64,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = self.oldest.as_secs_f64() * 1e3;
        write!(
            f,
            "{} recorded, the last {} lost, the oldest of them {milliseconds:.0} ms old",
            self.recorded, self.count
        )
    }
}

/// Compares the recording with when each event was begun, and says what it lacks of those before `end_ns`.
///
/// # Errors
/// The recording is damaged, or what it has of the load is not its beginning, whole and in order.
pub(crate) fn judge(recording: &Path, prefix: &str, begun_ns: &[u64], end_ns: u64) -> Result<Lost> {
    let mut recorded = 0;
    // A disk that was not synchronised since the file was made has nothing of it.
    let items = if recording.metadata()?.len() == 0 { None } else { Some(Reader::open(recording)?) };
    for item in items.into_iter().flatten() {
        let input = match item {
            Item::Input(_, input) => input,
            Item::Damage(damage) => bail!("{damage}"),
        };
        let Input::Raw(bytes) = input else { continue };
        let record = decode::record(&bytes).map_err(|error| anyhow::anyhow!("a ring record: {error}"))?;
        let Body::Open(_, [requested, _]) = record.body else { continue };
        let Some(number) = requested.bytes.strip_prefix(prefix.as_bytes()) else { continue };
        let number: u64 = std::str::from_utf8(number)?.parse().context("no number")?;
        ensure!(number == recorded, "event {number} follows event {recorded}");
        recorded += 1;
    }
    let before: Vec<u64> = begun_ns.iter().copied().take_while(|begun| *begun <= end_ns).collect();
    let lost = before.get(recorded as usize..).unwrap_or_default();
    let oldest = lost.first().map_or(0, |begun| end_ns - begun);
    Ok(Lost { oldest: Duration::from_nanos(oldest), count: lost.len() as u64, recorded })
}

/// `live judge …`.
pub(crate) fn main(words: &[String]) -> ExitCode {
    match judge_by_console(words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("judge: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// `live judge FILE PREFIX CONSOLE`: judges the recording by the lines that the load printed until a machine stopped, of which
/// the last tells when that was.
fn judge_by_console(words: &[String]) -> Result<()> {
    let [recording, prefix, console] = words else { bail!("usage: live judge FILE PREFIX CONSOLE") };
    let console = std::fs::read_to_string(console).with_context(|| format!("cannot read {console}"))?;
    // The last line may be cut, and the kernel may talk in between.
    let marks = console.lines().filter_map(|line| {
        let (number, time) = line.split_once(MARK)?.1.trim().split_once(' ')?;
        Some((number.parse::<u64>().ok()?, time.parse::<u64>().ok()?))
    });
    let marks: Vec<(u64, u64)> = marks.collect();
    let Some((_, end_ns)) = marks.last() else { bail!("the load has said nothing") };
    // Those between two lines are taken for as old as the first of them.
    let between = marks.windows(2).flat_map(|pair| (pair[0].0..pair[1].0).map(|_| pair[0].1));
    let begun: Vec<u64> = between.collect();
    let lost = judge(Path::new(recording), prefix, &begun, *end_ns)?;
    writeln!(std::io::stdout(), "{} {lost}", lost.oldest.as_millis())?;
    Ok(())
}
