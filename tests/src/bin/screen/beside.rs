//! A command beside a screen, without an observation of it: `run --tui` as far as no kernel is needed.

use std::{
    io,
    os::unix::process::CommandExt as _,
    process::{Command, Stdio},
};

use agentsnoop::tui::{
    guest::{Invited, Told, pty},
    hub, screen,
    state::Source,
};
use anyhow::{Context as _, Result, bail};
use tokio::sync::mpsc::unbounded_channel;

/// Shows a command, until a person ends the screen.
pub(crate) fn beside(words: &[&str]) -> Result<()> {
    let [program, arguments @ ..] = words else { bail!("no command was given") };
    let (ours, theirs) = pty::open((80, 24), None)?;
    let mut command = Command::new(program);
    let end = || -> io::Result<Stdio> { Ok(theirs.try_clone()?.into()) };
    command.args(arguments).stdin(end()?).stdout(end()?).stderr(end()?).env("TERM", "xterm-256color");
    // SAFETY: the closure runs between fork and exec, and `take_over` makes nothing but system calls.
    unsafe { command.pre_exec(pty::take_over) };
    let mut child = command.spawn().with_context(|| format!("cannot run {program}"))?;
    // The child has it now; whoever kept it here would never see its end.
    drop((command, theirs));
    let (_mouth, ear, _wishes) = hub::pair();
    let (told, heard) = unbounded_channel();
    let source = Source { name: "nothing is observed".to_owned(), is_live: true, recording: None };
    let thread = screen::start_beside(source, ear, Invited { master: ours, name: (*program).to_owned(), told: heard })?;
    let status = child.wait().context("cannot wait for the command")?;
    // A screen that was ended before needs no news.
    let _ = told.send(Told::Ended(format!("ended with {}", status.code().unwrap_or(-1))));
    thread.join().unwrap_or_else(|_| bail!("the thread that draws has failed"))
}
