//! From an event in the kernel to its row on the terminal of `agentsnoop watch`.

use std::{
    fs::File,
    io::{BufRead as _, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{ChildStdin, Command, Stdio},
    time::Duration,
};

use agentsnoop_tests::terminal::Terminal;
use anyhow::{Context as _, Result, bail};

/// The word by which this program starts itself to be watched.
pub(crate) const OPENER: &str = "__opener";

/// The word by which it is told to do nothing.
pub(crate) const NOTHING: &str = "__nothing";

/// How long the screen may take at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Milliseconds from one event to the next, in turn, so that events fall on every part of a frame.
const PAUSES: [u64; 5] = [61, 97, 43, 151, 113];

/// Opens the files and runs the programs that standard input names.
pub(crate) fn opener() -> Result<()> {
    for line in std::io::stdin().lock().lines() {
        let line = line.context("cannot read what to do")?;
        match line.split_once(' ') {
            // It is the attempt that is watched.
            Some(("open", path)) => drop(File::open(path)),
            Some(("run", word)) => {
                // Of a program that does nothing more than this one there is little beside its own row.
                let mut itself = Command::new(std::env::current_exe().context("cannot find this program")?);
                itself.arg0(word).arg(NOTHING).status().context("cannot run this program")?;
            }
            _ => bail!("cannot do {line}"),
        }
    }
    Ok(())
}

/// Watches a process that opens files and runs programs, and prints how long each takes until the terminal shows it.
pub(crate) fn watch(agentsnoop: &Path, times: u64) -> Result<()> {
    let mut opener = Command::new(std::env::current_exe().context("cannot find this program")?);
    let mut opener = opener.arg(OPENER).stdin(Stdio::piped()).spawn().context("cannot start the watched process")?;
    let mut to_do = opener.stdin.take().context("the watched process has no standard input")?;
    let measured = measure(agentsnoop, opener.id(), &mut to_do, times);
    drop(to_do);
    opener.wait().context("cannot wait for the watched process")?;
    for (what, mut times) in measured? {
        times.sort_unstable();
        let (Some(median), Some(slowest)) = (times.get(times.len() / 2), times.last()) else { continue };
        let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
        writeln!(std::io::stdout(), "{what}_ms {:.1}\nslowest_{what}_ms {:.1}", ms(median), ms(slowest))?;
    }
    Ok(())
}

fn measure(
    agentsnoop: &Path,
    pid: u32,
    to_do: &mut ChildStdin,
    times: u64,
) -> Result<[(&'static str, Vec<Duration>); 2]> {
    let mut command = Command::new(agentsnoop);
    let mut terminal = Terminal::run(command.args(["watch", "--pid", &pid.to_string()]), (160, 40), None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("agentsnoop live"))?;
    let mut shown = [("open", Vec::new()), ("run", Vec::new())];
    for turn in 0..times {
        for (what, times) in &mut shown {
            terminal.watch(Duration::from_millis(PAUSES[usize::try_from(turn)? % PAUSES.len()]))?;
            let mark = format!("/nowhere/mark-{what}-{turn}.");
            to_do.write_all(format!("{what} {mark}\n").as_bytes()).context("cannot tell what to do")?;
            times.push(terminal.wait(PATIENCE, |screen| screen.contains(&mark))?);
        }
    }
    terminal.press("q")?;
    while terminal.look(PATIENCE).unwrap_or(false) {}
    Ok(shown)
}
