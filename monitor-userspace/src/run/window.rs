//! The window of `run --tui` where there is no tmux: the command on a terminal of its own, and the screen beside it.

use std::{
    ffi::OsString,
    fs::File,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail};
use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::signalfd::SignalFd,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::{identity::Identity, onlooker::Onlooker};
use crate::{
    source::judged::Judged,
    tui::{
        guest::{Invited, Told, pty},
        hub::{self, Mouth, News, Wish},
        player, screen,
        state::Source,
    },
};

/// How long the recording may take until its beginning is written.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often it is looked for, and how often it is asked whether the screen has ended.
const LOOKED_FOR_EVERY: Duration = Duration::from_millis(50);

/// A terminal that waits for its command.
#[derive(Debug)]
pub struct Window {
    /// The command's end.
    pub theirs: OwnedFd,
    ours: File,
    name: String,
    record: PathBuf,
}

/// A window that is shown.
#[derive(Debug)]
pub struct Shown {
    thread: JoinHandle<Result<()>>,
    told: UnboundedSender<Told>,
}

impl Window {
    /// Opens a terminal for a command, whose recording is shown beside it.
    ///
    /// # Errors
    ///
    /// The kernel gives no terminal.
    pub fn open(command: &[OsString], identity: &Identity, record: &Path) -> Result<Self> {
        let size = crossterm::terminal::size().context("cannot tell the size of the terminal")?;
        let (ours, theirs) = pty::open(size, identity.switch.as_ref().map(|switch| switch.uid))?;
        let name = command.first().map(|name| Path::new(name).file_name().unwrap_or(name)).unwrap_or_default();
        Ok(Self { theirs, ours, name: name.to_string_lossy().into_owned(), record: record.to_owned() })
    }

    /// Shows it. From now on nobody but the command holds its end.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn show(self) -> Result<Shown> {
        let Self { theirs, ours, name, record } = self;
        drop(theirs);
        let (mouth, ear, wishes) = hub::pair();
        let (told, heard) = unbounded_channel();
        let source = Source { name: name.clone(), is_live: true, recording: None };
        let thread = screen::start_beside(source, ear, Invited { master: ours, name, told: heard })?;
        let follows = std::thread::Builder::new().name("recording".to_owned());
        // It ends with the screen, which is gone with this process at the latest.
        follows
            .spawn(move || follow(&record, &mouth, wishes))
            .context("cannot start the thread that reads the recording")?;
        Ok(Shown { thread, told })
    }
}

/// Shows the recording while it is written.
fn follow(record: &Path, mouth: &Mouth, mut wishes: UnboundedReceiver<Wish>) {
    let until = Instant::now() + PATIENCE;
    let judged = loop {
        match Judged::open(record) {
            Err(_) if Instant::now() < until => std::thread::sleep(LOOKED_FOR_EVERY),
            judged => break judged,
        }
    };
    let news = mouth.sender();
    let played = judged.and_then(|judged| {
        let mut recorder = Onlooker::of(&judged.recording().id());
        player::follow(record, judged, &mut recorder, &news, &mut wishes)
    });
    if let Err(error) = played {
        // A screen that is gone needs no news.
        let _ = news.blocking_send(News::Ended(format!("{error:#}")));
    }
}

impl Shown {
    /// Whether the screen has ended, and the command's terminal with it.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Says how the command has ended, and waits until a person has seen it; a signal ends that, and so does `now`.
    ///
    /// # Errors
    ///
    /// What went wrong with the terminal.
    pub fn finish(self, how: &str, now: bool, signals: &SignalFd) -> Result<()> {
        // A screen that is gone needs no news.
        let _ = self.told.send(if now { Told::Leave } else { Told::Ended(how.to_owned()) });
        let wait = PollTimeout::try_from(LOOKED_FOR_EVERY).unwrap_or(PollTimeout::ZERO);
        while !self.thread.is_finished() {
            let mut fds = [PollFd::new(signals.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, wait).unwrap_or(0) > 0 {
                let signal = signals.read_signal().ok().flatten().and_then(|info| i32::try_from(info.ssi_signo).ok());
                if signal.is_some_and(|signal| signal != libc::SIGCHLD) {
                    let _ = self.told.send(Told::Leave);
                }
            }
        }
        self.thread.join().unwrap_or_else(|_| bail!("the thread that draws has failed"))
    }
}
