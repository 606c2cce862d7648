//! A pty: a terminal for the command, whose other end is read and written here.

use std::{
    fs::File,
    io,
    os::fd::{AsRawFd as _, OwnedFd},
};

use anyhow::{Context as _, Result};
use nix::{
    fcntl::{FcntlArg, FdFlag, OFlag, fcntl},
    pty::{Winsize, openpty},
    sys::termios::tcgetattr,
    unistd::{Gid, Uid, fchown, setsid},
};

/// Both ends of a terminal of so many columns and rows, with the modes of the one that this program is on. It belongs to who the
/// command runs as, as that of a login does, so that it can be opened by its name.
///
/// # Errors
///
/// The kernel gives none.
pub fn open(size: (u16, u16), owner: Option<Uid>) -> Result<(File, OwnedFd)> {
    let modes = tcgetattr(io::stdin()).context("cannot read the modes of the terminal")?;
    let pty = openpty(&winsize(size), &modes).context("cannot open a terminal for the command")?;
    for end in [&pty.master, &pty.slave] {
        fcntl(end, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC)).context("cannot keep a terminal from other programs")?;
    }
    if let Some(uid) = owner {
        fchown(&pty.slave, Some(uid), None::<Gid>).context("cannot give the command its terminal")?;
    }
    Ok((pty.master.into(), pty.slave))
}

/// Has reads and writes return where they would wait.
pub(super) fn unblock(master: &File) -> Result<()> {
    let flags = fcntl(master, FcntlArg::F_GETFL).context("cannot set up the command's terminal")?;
    let flags = OFlag::from_bits_retain(flags) | OFlag::O_NONBLOCK;
    fcntl(master, FcntlArg::F_SETFL(flags)).context("cannot set up the command's terminal").map(drop)
}

/// Gives the terminal another size; the kernel tells the command (SIGWINCH).
pub(super) fn resize(master: &File, size: (u16, u16)) {
    let size = winsize(size);
    // SAFETY: TIOCSWINSZ reads one `winsize` through the pointer, which points to one (ioctl_tty(2)). A terminal that is gone has no size.
    let _ = unsafe { libc::ioctl(master.as_raw_fd(), libc::TIOCSWINSZ, &raw const size) };
}

/// Makes the terminal at standard input that of this process and those that it starts. To be called between fork and exec: it only
/// makes system calls.
///
/// # Errors
///
/// The process leads a group already, or the terminal is somebody else's.
pub fn take_over() -> io::Result<()> {
    setsid()?;
    // SAFETY: TIOCSCTTY takes a number (ioctl_tty(2)).
    match unsafe { libc::ioctl(libc::STDIN_FILENO, libc::TIOCSCTTY, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

const fn winsize((columns, rows): (u16, u16)) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}
