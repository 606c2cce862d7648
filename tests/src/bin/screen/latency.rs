//! From an event in the kernel to its row on the terminal: of `agentsnoop watch`, and of `agentsnoop run --tui`, in tmux and elsewhere.

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Write as _},
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use agentsnoop_tests::terminal::Terminal;
use anyhow::{Context as _, Result, bail};
use nix::{sys::stat::Mode, unistd::mkfifo};

/// The word by which this program starts itself to be observed.
pub(crate) const AGENT: &str = "__agent";

/// The word by which it is told to do nothing.
pub(crate) const NOTHING: &str = "__nothing";

/// How long the screen may take at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// Columns and rows: what a large terminal has.
const SIZE: (u16, u16) = (200, 50);

/// Where its own program lies in the public layout of Claude Code, below any folder: by that the observer knows an agent.
const LAYOUT: &str = ".local/bin/claude";

/// Milliseconds from one event to the next, in turn, so that events fall on every part of a frame.
const PAUSES: [u64; 5] = [61, 97, 43, 151, 113];

/// Which screen is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// That of `watch`.
    Watch,
    /// That of `run --tui` beside its command.
    Beside,
    /// That of `run --tui` in a pane of tmux.
    Pane,
}

/// What cargo sets for the programs that it runs: the loader of each program would look into those folders for each library, which
/// makes more rows than a screen has.
pub(crate) const OF_CARGO: &str = "LD_LIBRARY_PATH";

/// Does what the file names, line by line, as an agent does.
pub(crate) fn agent(orders: &Path) -> Result<()> {
    let orders = File::open(orders).context("cannot open what is to be done")?;
    for line in BufReader::new(orders).lines() {
        let line = line.context("cannot read what to do")?;
        match line.split_once(' ') {
            // It is the attempt that is observed.
            Some(("open", path)) => drop(File::open(path)),
            Some(("run", word)) => {
                // Of a program that does nothing more than this one there is little beside its own row.
                let mut itself = Command::new(std::env::current_exe().context("cannot find this program")?);
                itself.arg0(word).arg(NOTHING).status().context("cannot run this program")?;
            }
            Some(("call", word)) => {
                let script = format!("eval 'true {word}' && pwd -P >| /dev/null");
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &script]).env("CLAUDECODE", "1").status().context("cannot run a shell")?;
            }
            _ => bail!("cannot do {line}"),
        }
    }
    Ok(())
}

/// Has an agent open files, run programs and make tool calls, and prints how long each takes until the terminal shows it.
pub(crate) fn measure(way: Way, agentsnoop: &Path, times: u64) -> Result<()> {
    let folder = tempfile::tempdir().context("cannot make a folder")?;
    let (program, orders) = (folder.path().join(LAYOUT), folder.path().join("orders"));
    fs::create_dir_all(program.parent().context("a layout has folders")?).context("cannot make a folder")?;
    fs::copy(std::env::current_exe().context("cannot find this program")?, &program).context("cannot copy it")?;
    mkfifo(&orders, Mode::S_IRWXU).context("cannot make a FIFO")?;
    // Whoever opens it for writing alone waits for a reader.
    let mut to_do = File::options().read(true).write(true).open(&orders).context("cannot open a FIFO")?;
    let mut observed = Command::new(&program);
    observed.arg(AGENT).arg(&orders).env_remove(OF_CARGO);
    let mut command = Command::new(if way == Way::Pane { "tmux".as_ref() } else { agentsnoop });
    if way == Way::Pane {
        // A server of its own, without anybody's settings.
        command.arg("-S").arg(folder.path().join("tmux")).args(["-f", "/dev/null", "new-session"]).arg(agentsnoop);
    }
    let child = match way {
        Way::Watch => {
            command.arg("watch");
            Some(observed.stdin(Stdio::null()).spawn().context("cannot start the observed process")?)
        }
        Way::Beside | Way::Pane => {
            command.args(["run", "--tui", "--record"]).arg(folder.path().join("out.rec"));
            command.arg("--").arg(observed.get_program()).args(observed.get_args());
            None
        }
    };
    let measured = look(way, command.env_remove(OF_CARGO), &mut to_do, times);
    drop(to_do);
    child.map(|mut child: Child| child.wait()).transpose().context("cannot wait for the observed process")?;
    for (what, mut times) in measured? {
        times.sort_unstable();
        let (Some(median), Some(slowest)) = (times.get(times.len() / 2), times.last()) else { continue };
        let ms = |time: &Duration| time.as_secs_f64() * 1000.0;
        writeln!(std::io::stdout(), "{what}_ms {:.1}\nslowest_{what}_ms {:.1}", ms(median), ms(slowest))?;
    }
    Ok(())
}

fn look(way: Way, command: &mut Command, to_do: &mut File, times: u64) -> Result<[(&'static str, Vec<Duration>); 3]> {
    let mut terminal = Terminal::run(command, SIZE, None)?;
    terminal.wait(PATIENCE, |screen| screen.contains("agentsnoop live") && screen.contains("claude-code"))?;
    match way {
        Way::Watch => {}
        // The keys are for the screen from now on.
        Way::Beside => terminal.press("\x1d")?,
        // That pane is the other one, alone in the window from now on.
        Way::Pane => terminal.press("\x02o\x02z")?,
    }
    let mut shown = [("open", Vec::new()), ("run", Vec::new()), ("call", Vec::new())];
    for turn in 0..times {
        for (what, times) in &mut shown {
            // Among the files a tool call has no row but that of the tree.
            terminal.press(if *what == "call" { "2" } else { "1" })?;
            terminal.watch(Duration::from_millis(PAUSES[usize::try_from(turn)? % PAUSES.len()]))?;
            let mark = format!("/no/{what}-{turn}.");
            to_do.write_all(format!("{what} {mark}\n").as_bytes()).context("cannot tell what to do")?;
            times.push(terminal.wait(PATIENCE, |screen| screen.contains(&mark))?);
        }
    }
    terminal.press("qq")?;
    // The end of a terminal is an error of reading.
    while terminal.look(PATIENCE).unwrap_or(false) {}
    Ok(shown)
}
