//! A terminal without a window: a pty with a program on it, and an emulator that knows what a person would see.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    num::NonZeroU16,
    os::{
        fd::{AsFd as _, AsRawFd as _},
        unix::process::CommandExt as _,
    },
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use nix::{
    fcntl::{FcntlArg, FdFlag, fcntl},
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{Winsize, openpty},
    sys::signal::{SigHandler, Signal, signal},
    unistd::setsid,
};

/// Bytes that are read from the terminal in one go, which is what the kernel keeps of a pty's output.
const CHUNK: usize = 64 << 10;

/// A program on a terminal of its own; dropping it ends the program.
pub struct Terminal {
    /// The program.
    pub child: Child,
    master: File,
    emulator: vt100::Parser,
}

impl Terminal {
    /// Runs a program on a terminal of so many columns and rows. Where its standard error was not set it goes to the terminal too.
    ///
    /// # Errors
    ///
    /// The kernel gives no pty, or the program cannot be executed.
    pub fn run(command: &mut Command, (columns, rows): (u16, u16), stderr: Option<Stdio>) -> Result<Self> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).context("cannot open a pty")?;
        for end in [&pty.master, &pty.slave] {
            // A program that held the other end of its own terminal would never be hung up.
            fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).context("cannot keep a pty from its program")?;
        }
        let end = || -> Result<Stdio> { Ok(pty.slave.try_clone().context("cannot duplicate a pty")?.into()) };
        command.stdin(end()?).stdout(end()?).stderr(stderr.map_or_else(end, Ok)?);
        command.env("TERM", "xterm-256color").env("LC_ALL", "C.UTF-8").env_remove("NO_COLOR").env_remove("TMUX");
        // SAFETY: the closure runs between fork and exec; signal(2), setsid(2) and ioctl(2) are async-signal-safe and allocate nothing,
        // and the default disposition runs no handler.
        unsafe {
            command.pre_exec(|| {
                // Whoever runs the tests in the background may ignore them, which programs take over.
                for ending in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM] {
                    signal(ending, SigHandler::SigDfl)?;
                }
                setsid()?;
                match libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) {
                    0 => Ok(()),
                    _ => Err(std::io::Error::last_os_error()),
                }
            });
        }
        let child = command.spawn().context("cannot start the program of a terminal")?;
        // The command keeps what it gives to its children, and an open end would keep the terminal from ending.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let size = |number| NonZeroU16::new(number).context("a terminal has rows and columns");
        Ok(Self { child, master: pty.master.into(), emulator: vt100::Parser::new(size(rows)?, size(columns)?, 0) })
    }

    /// Types.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub fn press(&mut self, keys: &str) -> Result<()> {
        self.master.write_all(keys.as_bytes()).context("cannot type")
    }

    /// Gives the terminal another size.
    ///
    /// # Errors
    ///
    /// The size is of nothing.
    pub fn resize(&mut self, (columns, rows): (u16, u16)) -> Result<()> {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        // SAFETY: TIOCSWINSZ reads one `winsize` through the pointer, which points to one (ioctl_tty(2)).
        let answer = unsafe { libc::ioctl(self.master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
        ensure!(answer == 0, "cannot set the size of a terminal: {}", std::io::Error::last_os_error());
        let size = |number| NonZeroU16::new(number).context("a terminal has rows and columns");
        self.emulator.set_size(size(rows)?, size(columns)?);
        Ok(())
    }

    /// What is on the screen, a line a row.
    #[must_use]
    pub fn screen(&self) -> String {
        self.emulator.screen().contents()
    }

    /// Takes what comes within a time; whether anything did.
    ///
    /// # Errors
    ///
    /// The program has let go of its terminal.
    pub fn look(&mut self, within: Duration) -> Result<bool> {
        let mut fds = [PollFd::new(self.master.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(within).unwrap_or(PollTimeout::MAX);
        if poll(&mut fds, timeout).context("cannot wait for the terminal")? == 0 {
            return Ok(false);
        }
        let mut bytes = vec![0; CHUNK];
        let count = self.master.read(&mut bytes).context("the program has let go of its terminal")?;
        self.emulator.process(bytes.get(..count).unwrap_or_default());
        Ok(true)
    }

    /// Takes everything that comes for a time.
    ///
    /// # Errors
    ///
    /// As [`Self::look`].
    pub fn watch(&mut self, time: Duration) -> Result<()> {
        let until = Instant::now() + time;
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            self.look(left)?;
        }
        Ok(())
    }

    /// Waits until the screen is as it is wanted; how long that took.
    ///
    /// # Errors
    ///
    /// It is not within `patience`, or the program has let go of its terminal.
    pub fn wait(&mut self, patience: Duration, wanted: impl Fn(&str) -> bool) -> Result<Duration> {
        let began = Instant::now();
        while !wanted(&self.screen()) {
            let left = patience.checked_sub(began.elapsed()).unwrap_or_default();
            ensure!(!left.is_zero(), "the screen is not as it should be:\n{}", self.screen());
            self.look(left)?;
        }
        Ok(began.elapsed())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // One that has ended already is not there to be ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
