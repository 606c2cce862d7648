//! Makes recordings for tests.
//!
//! `recorder session FILE` writes the session of `agentsnoop_pipeline::synthetic::session`; `recorder calls FILE`
//! that of `agentsnoop_tests::calls`; `recorder long FILE OPENS` a session with
//! that many opens more; `recorder full FILE` one whose disk is full for a while, `recorder
//! full-at-end FILE` one whose disk is full to the end, `recorder endless FILE` one that
//! goes on until it is killed, with a line on standard output for each flush: how many inputs were written by then. `recorder bench FILE RECORDS` writes that
//! many opens and prints what writing and reading them cost; `recorder heavy FILE EVENTS` writes so much of
//! `agentsnoop_tests::heavy` and prints what that costs; `recorder judge FILE` prints what it costs to decode, attribute and
//! classify what a recording holds.

use std::{
    io::{self, Write as _},
    path::Path,
    process::ExitCode,
    time::{Duration, Instant},
};

use agentsnoop_pipeline::{
    Pipeline,
    input::{Closed, Input},
    record::Body,
    synthetic::{Actor, session::session},
};
use agentsnoop_store::{
    Item, Reader,
    writer::{Options, Writer},
};
use agentsnoop_tests::{calls, heavy::Heavy};
use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::{
    resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit},
    signal::{SigHandler, Signal, signal},
    time::{TimeVal, TimeValLike as _},
};

/// Processor time for which a recording is judged, so that one of a second's session is measured well.
const JUDGING: Duration = Duration::from_secs(2);

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("recorder: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["session", file] => whole(Path::new(file), session(), 0),
        ["calls", file] => whole(Path::new(file), calls::session(), 0),
        ["long", file, opens] => whole(Path::new(file), session(), opens.parse().context("OPENS is no number")?),
        ["full", file] => full(Path::new(file)),
        ["full-at-end", file] => full_at_end(Path::new(file)),
        ["endless", file] => endless(Path::new(file)),
        ["heavy", file, events] => heavy(Path::new(file), events.parse().context("EVENTS is no number")?),
        ["judge", file] => judge(Path::new(file)),
        ["bench", file, records] => bench(Path::new(file), records.parse().context("RECORDS is no number")?),
        _ => {
            bail!(
                "usage: recorder session FILE | calls FILE | long FILE OPENS | full FILE | full-at-end FILE | endless FILE | heavy FILE EVENTS | judge FILE | bench FILE RECORDS"
            )
        }
    }
}

fn whole(file: &Path, (inputs, mut closed): (Vec<Input>, Closed), opens: u64) -> Result<()> {
    let mut writer = Writer::create(file, Options::default())?;
    inputs.iter().try_for_each(|input| writer.push(input))?;
    let mut actor = Actor::new(100);
    for number in 0..opens {
        writer.push(&actor.open(&format!("/home/dev/project/src/file-{number}.rs")))?;
    }
    writer.close(&mut closed)?;
    Ok(())
}

/// The session on a disk that has no room for more: a limit of the file's size makes writes fail as a full disk does.
fn filled(file: &Path) -> Result<(Writer, Closed)> {
    // SAFETY: ignoring a signal installs no handler that could run.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.context("cannot ignore SIGXFSZ")?;
    let (inputs, closed) = session();
    let mut writer = Writer::create(file, Options::default())?;
    inputs.iter().try_for_each(|input| writer.push(input))?;
    writer.flush()?;
    writer.drain()?;
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
    // Room for a part of a block, which must not stay there.
    setrlimit(Resource::RLIMIT_FSIZE, writer.status().bytes + 100, hard)?;
    Ok((writer, closed))
}

/// There is room again after a while.
fn full(file: &Path) -> Result<()> {
    let (mut writer, mut closed) = filled(file)?;
    let mut actor = Actor::new(100);
    let mut opens = |writer: &mut Writer, count| -> Result<()> {
        (0..count).try_for_each(|_| writer.push(&actor.open("/home/dev/project/Cargo.toml")))
    };
    let mut failures = Vec::new();
    let mut note = |result: Result<()>| failures.extend(result.err());
    note(opens(&mut writer, 5));
    note(writer.flush());
    note(writer.drain());
    ensure!(writer.gap().is_none(), "there is a gap while writing still fails");
    note(opens(&mut writer, 2));
    note(writer.flush());
    note(writer.drain());
    ensure!(failures.len() == 1, "a failure that lasts is reported once, not as {failures:?}");
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard)?;
    opens(&mut writer, 1)?;
    writer.flush()?;
    writer.drain()?;
    let gap = writer.gap().context("the failure left no gap")?;
    writer.push(&Input::Gap(gap))?;
    writer.close(&mut closed)?;
    Ok(())
}

/// There is no room any more.
fn full_at_end(file: &Path) -> Result<()> {
    let (mut writer, mut closed) = filled(file)?;
    let mut actor = Actor::new(100);
    // That this fails is what the end must say again.
    let _ = writer.push(&actor.open("/etc/hostname"));
    let _ = writer.flush();
    let _ = writer.drain();
    match writer.close(&mut closed) {
        Ok(status) => bail!("the recording was closed as {status:?}"),
        Err(error) => ensure!(error.to_string().contains("File too large"), "{error:#}"),
    }
    Ok(())
}

/// Goes on until the process is killed, or nobody reads its output any more.
fn endless(file: &Path) -> Result<()> {
    let mut writer = Writer::create(file, Options::default())?;
    let mut actor = Actor::new(100);
    loop {
        (0..100).try_for_each(|_| writer.push(&actor.open("/home/dev/project/Cargo.toml")))?;
        writer.flush()?;
        writer.drain()?;
        writeln!(io::stdout(), "{}", writer.status().inputs)?;
    }
}

/// Writes and reads opens of an agent's usual shapes, and prints the cost of one.
fn bench(file: &Path, records: u64) -> Result<()> {
    let mut actor = Actor::new(4000);
    let opens: Vec<Input> = (0..20_000).map(|number| open(&mut actor, number)).collect();
    let bytes: usize = opens.iter().map(|input| if let Input::Raw(bytes) = input { bytes.len() } else { 0 }).sum();
    let (began, processor) = (Instant::now(), processor_time()?);
    let mut writer = Writer::create(file, Options { overwrite: true, owner: None })?;
    let mut opens_again = (0..records).zip(opens.iter().cycle());
    opens_again.try_for_each(|(_, input)| writer.push(input))?;
    let written = writer.close(&mut Closed::default())?;
    let each = |time: Duration| time.as_secs_f64() * 1e9 / records as f64;
    let writing = each(processor_time()?.saturating_sub(processor));
    let elapsed = each(began.elapsed());
    let began = Instant::now();
    let read = Reader::open(file)?.filter(|item| matches!(item, Item::Input(..))).count() as u64;
    ensure!(read == records + 1, "{read} inputs were read of {records} and the end");
    let reading = each(began.elapsed());
    let (raw, stored) = (bytes as f64 / opens.len() as f64, written.bytes as f64 / records as f64);
    eprintln!(
        "a record of {raw:.0} bytes: {stored:.1} bytes on disk; writing {writing:.0} ns of processor time and {elapsed:.0} ns \
         of time, reading {reading:.0} ns"
    );
    Ok(())
}

/// Writes what an agent does that works hard, and prints the cost of an event.
fn heavy(file: &Path, events: usize) -> Result<()> {
    let mut writer = Writer::create(file, Options { overwrite: true, owner: None })?;
    let (mut made, mut writing) = (Heavy::default(), Duration::ZERO);
    let (mut left, mut last) = (events, 0);
    while left > 0 {
        // Made beforehand, so that only writing is measured.
        let batch: Vec<Input> = made.by_ref().take(left.min(100_000)).collect();
        left -= batch.len();
        last = batch.iter().filter_map(agentsnoop_store::frame::time).fold(last, u64::max);
        let processor = processor_time()?;
        batch.iter().try_for_each(|input| writer.push(input))?;
        writer.drain()?;
        writing += processor_time()?.saturating_sub(processor);
    }
    let written = writer.close(&mut Closed { boot_ns: last, ..Closed::default() })?;
    let each = |total: f64| total / events as f64;
    let (bytes, nanoseconds) = (each(written.bytes as f64), each(writing.as_secs_f64() * 1e9));
    eprintln!(
        "an event: {bytes:.1} bytes on disk; writing {nanoseconds:.0} ns of processor time, all threads together"
    );
    Ok(())
}

/// Judges what a recording holds again and again on one core, reading left out, and prints the cost of an event.
fn judge(file: &Path) -> Result<()> {
    let mut inputs = Vec::new();
    for item in Reader::open(file)? {
        match item {
            Item::Input(_, input) => inputs.push(input),
            Item::Damage(damage) => bail!("the recording is damaged: {damage:?}"),
        }
    }
    let events = inputs.iter().filter(|input| matches!(input, Input::Raw(_))).count();
    let (mut rounds, mut spent) = (0, Duration::ZERO);
    let (mut out, mut calls, mut unknown) = (Vec::new(), 0, 0);
    while rounds == 0 || spent < JUDGING {
        let mut pipeline = Pipeline::new()?;
        (calls, unknown) = (0, 0);
        let processor = processor_time()?;
        for input in &inputs {
            pipeline.push(input, &mut out);
            for record in out.drain(..) {
                calls += u64::from(matches!(record.body, Body::ToolCall(_)));
                unknown += u64::from(record.classes.is_empty());
            }
        }
        spent += processor_time()?.saturating_sub(processor);
        rounds += 1;
    }
    let each = spent.as_secs_f64() / (f64::from(rounds) * events as f64);
    eprintln!(
        "{events} events, {calls} records of tool calls, {unknown} records without a class: {:.0} ns an event, {:.2} million \
         events a second",
        each * 1e9,
        1e-6 / each
    );
    Ok(())
}

/// One open among sources, dependencies, libraries and /proc; every fifth fails.
fn open(actor: &mut Actor, number: u64) -> Input {
    let random = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    actor.header.time += 2000 + random % 9000;
    let path = match random % 4 {
        0 => ["/etc/ld.so.cache", "/usr/lib/x86_64-linux-gnu/libc.so.6"][(random >> 3) as usize % 2].to_owned(),
        1 => format!("/home/dev/project/node_modules/package-{}/lib/index{}.js", random % 300, random % 17),
        2 => format!("/proc/{}/stat", 1000 + random % 500),
        _ => format!("/home/dev/project/src/module_{}/file_{}.rs", random % 40, (random >> 8) % 100),
    };
    let result = if random.is_multiple_of(5) { -2 } else { 3 };
    actor.open_with(&path, &path, 0o2_000_000, result)
}

/// What all threads of this process have used.
fn processor_time() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = |time: TimeVal| Duration::from_micros(time.num_microseconds().unsigned_abs());
    Ok(micros(usage.user_time()) + micros(usage.system_time()))
}
