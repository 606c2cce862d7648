//! Makes recordings for tests.
//!
//! `recorder session FILE` writes the session of `agentsnoop_tests::session`; `recorder long FILE OPENS` a session with
//! that many opens more; `recorder full FILE` one whose disk is full for a while.

use std::{path::Path, process::ExitCode};

use agentsnoop::store::writer::{Options, Writer};
use agentsnoop_pipeline::{input::Input, synthetic::Actor};
use agentsnoop_tests::session::session;
use anyhow::{Context as _, Result, bail, ensure};
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::{SigHandler, Signal, signal},
};

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
        ["session", file] => whole(Path::new(file), 0),
        ["long", file, opens] => whole(Path::new(file), opens.parse().context("OPENS is no number")?),
        ["full", file] => full(Path::new(file)),
        _ => bail!("usage: recorder session FILE | long FILE OPENS | full FILE"),
    }
}

fn whole(file: &Path, opens: u64) -> Result<()> {
    let (inputs, mut closed) = session();
    let mut writer = Writer::create(file, Options::default())?;
    inputs.iter().try_for_each(|input| writer.push(input))?;
    let mut actor = Actor::new(100);
    for number in 0..opens {
        writer.push(&actor.open(&format!("/home/dev/project/src/file-{number}.rs")))?;
    }
    writer.close(&mut closed)?;
    Ok(())
}

/// Writes with a limit of the file's size, which fails as a full disk does, then without.
fn full(file: &Path) -> Result<()> {
    // SAFETY: ignoring a signal installs no handler that could run.
    unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.context("cannot ignore SIGXFSZ")?;
    let (inputs, mut closed) = session();
    let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE)?;
    let mut writer = Writer::create(file, Options::default())?;
    inputs.iter().try_for_each(|input| writer.push(input))?;
    writer.flush()?;
    writer.drain()?;
    let room = writer.status().bytes + 100;
    setrlimit(Resource::RLIMIT_FSIZE, room, hard)?;
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
    setrlimit(Resource::RLIMIT_FSIZE, hard, hard)?;
    opens(&mut writer, 1)?;
    writer.flush()?;
    writer.drain()?;
    let gap = writer.gap().context("the failure left no gap")?;
    writer.push(&Input::Gap(gap))?;
    writer.close(&mut closed)?;
    Ok(())
}
