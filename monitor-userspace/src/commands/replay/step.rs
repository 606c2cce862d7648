//! One record after the other, at the press of a key.

use std::{
    fs::File,
    io::{self, IsTerminal as _, Read as _, Write as _},
    os::fd::AsFd as _,
};

use anyhow::{Context as _, Result};
use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::{
        signal::{Signal, raise},
        termios::{LocalFlags, SetArg, SpecialCharacterIndices, Termios, tcgetattr, tcsetattr},
    },
};

use super::super::interrupts::Interrupts;
use crate::{
    error::{Exit, fail},
    sink::{self, standard},
};

use agentsnoop_pipeline::lines::Paint;

/// Records that a page has: less than the lines of the smallest usual terminal, 24.
const PAGE: u64 = 20;

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    /// So many records.
    Show(u64),
    /// No more of them.
    Quit,
    /// What the terminal would do with ^C, ^\ or ^Z.
    Raise(Signal),
    /// Nothing.
    Other,
}

/// Whether to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// With the next record.
    Show,
    /// Not at all.
    Quit,
}

/// Asks for a key between records. The terminal is as it always was but for that while, so that ^C ends also a long way to the
/// next record.
pub(super) struct Steps {
    keys: File,
    out: File,
    paint: Paint,
    /// Records that may be shown without a further key.
    allowed: u64,
    shown: u64,
}

impl Steps {
    /// Asks at the terminal.
    ///
    /// # Errors
    ///
    /// [`Exit::Usage`]: standard input or output is no terminal.
    pub(super) fn new() -> Result<Self> {
        let out = standard::output().context(standard::FAILED)?;
        for (name, is_terminal) in [("output", out.is_terminal()), ("input", io::stdin().is_terminal())] {
            if !is_terminal {
                let why = format!(
                    "cannot step: standard {name} is no terminal; without --step everything is written at once, --speed paces it"
                );
                return Err(fail(Exit::Usage, why));
            }
        }
        let keys = io::stdin().as_fd().try_clone_to_owned().map(File::from).context("cannot read keys")?;
        let paint = sink::paint(&out);
        Ok(Self { keys, out, paint, allowed: 1, shown: 0 })
    }

    /// Before a record is shown: returns once it may be.
    ///
    /// # Errors
    ///
    /// The terminal is gone.
    pub(super) fn next(&mut self) -> Result<Next> {
        while self.allowed == 0 {
            self.prompt()?;
            let key = key(&self.keys)?;
            self.erase()?;
            match key {
                Key::Show(count) => self.allowed = count,
                Key::Quit => return Ok(Next::Quit),
                // Here the process ends, or is stopped and asks again when it goes on.
                Key::Raise(signal) => raise(signal).context("cannot raise a signal")?,
                Key::Other => {}
            }
        }
        self.allowed -= 1;
        self.shown += 1;
        Ok(Next::Show)
    }

    fn prompt(&mut self) -> Result<()> {
        let text = format!("{} shown · space: next · f: {PAGE} more · g: all · q: quit", self.shown);
        let written = match self.paint {
            Paint::Ansi => write!(self.out, "\u{1b}[7m {text} \u{1b}[0m"),
            Paint::Plain => write!(self.out, "-- {text} --"),
        };
        written.context(standard::FAILED)
    }

    /// Removes the prompt: to the first column, and everything behind it (ECMA-48, 8.3.41).
    fn erase(&mut self) -> Result<()> {
        self.out.write_all(b"\r\x1b[K").context(standard::FAILED)
    }
}

/// Waits for a key, or for a signal from elsewhere.
fn key(keys: &File) -> Result<Key> {
    let interrupts = Interrupts::hold()?;
    let _unshown = Unshown::new(keys)?;
    loop {
        let mut watched =
            [PollFd::new(keys.as_fd(), PollFlags::POLLIN), PollFd::new(interrupts.as_fd(), PollFlags::POLLIN)];
        match poll(&mut watched, PollTimeout::NONE) {
            Ok(_) => {}
            Err(Errno::EINTR) => continue,
            Err(error) => return Err(error).context("cannot wait for a key"),
        }
        if let Some(signal) = interrupts.come() {
            return Ok(Key::Raise(signal));
        }
        if watched[0].any() == Some(true) {
            let mut bytes = [0; 16];
            let mut keys = keys;
            let have = keys.read(&mut bytes).context("cannot read a key")?;
            return Ok(meant(&bytes[..have]));
        }
    }
}

/// A terminal that gives key by key, and shows none, for as long as the value lives.
struct Unshown<'a> {
    terminal: &'a File,
    before: Termios,
}

impl<'a> Unshown<'a> {
    fn new(terminal: &'a File) -> Result<Self> {
        let before = tcgetattr(terminal).context("cannot ask the terminal for its mode")?;
        let mut mode = before.clone();
        mode.local_flags.remove(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG);
        mode.control_chars[SpecialCharacterIndices::VMIN as usize] = 1;
        mode.control_chars[SpecialCharacterIndices::VTIME as usize] = 0;
        tcsetattr(terminal, SetArg::TCSANOW, &mode).context("cannot set the terminal's mode")?;
        Ok(Self { terminal, before })
    }
}

impl Drop for Unshown<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs no mode.
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

/// What a person means who presses a key that sends these bytes.
fn meant(bytes: &[u8]) -> Key {
    match bytes {
        // The end of the terminal reads as nothing.
        [] | [b'q' | b'Q' | 4, ..] => Key::Quit,
        // ^C, ^\ and ^Z.
        [3, ..] => Key::Raise(Signal::SIGINT),
        [28, ..] => Key::Raise(Signal::SIGQUIT),
        [26, ..] => Key::Raise(Signal::SIGTSTP),
        // An arrow down or to the right, in both modes of a terminal, and page down.
        [0x1b, b'[' | b'O', b'B' | b'C'] => Key::Show(1),
        [0x1b, b'[', b'6', b'~'] => Key::Show(PAGE),
        [0x1b, ..] => Key::Other,
        [b'g' | b'G', ..] => Key::Show(u64::MAX),
        _ => {
            let count = bytes.iter().map(|byte| match byte {
                b' ' | b'\n' | b'\r' | b'n' | b'j' => 1,
                b'f' => PAGE,
                _ => 0,
            });
            match count.sum() {
                0 => Key::Other,
                count => Key::Show(count),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_mean_what_the_help_says() {
        for (bytes, key) in [
            (&b" "[..], Key::Show(1)),
            (b"\n", Key::Show(1)),
            (b"   ", Key::Show(3)),
            (b"f", Key::Show(PAGE)),
            (b"\x1b[B", Key::Show(1)),
            (b"\x1b[A", Key::Other),
            (b"g", Key::Show(u64::MAX)),
            (b"q", Key::Quit),
            (b"\x03", Key::Raise(Signal::SIGINT)),
            (b"x", Key::Other),
            (b"", Key::Quit),
        ] {
            assert_eq!(meant(bytes), key, "{bytes:?}");
        }
    }
}
