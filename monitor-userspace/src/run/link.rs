//! What the foreground process and the monitor say to each other: one JSON object a datagram.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, setsockopt, socketpair, sockopt};
use nix::sys::time::{TimeVal, TimeValLike};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::extensions::Folders;
use crate::live::Report;
use crate::scrubbing::Scrubbing;
use crate::sink::recording::Rotation;
use crate::source::kernel::Bounds;

/// Bytes of the longest message; a summary of a screenful fits many times.
const MESSAGE_BYTES: usize = 192 * 1024;

/// Bytes of the command line that an [`Order`] carries, so that it fits a message; JSON may need six bytes for one.
pub const COMMAND_BYTES: usize = 16 * 1024;

/// What the monitor is asked to do; the first message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// The command line under observation, cut to [`COMMAND_BYTES`]; its exec record has the whole.
    pub command: Vec<String>,
    /// Where the recording goes.
    pub record: OsString,
    /// Whether an existing file at `record` may be replaced.
    pub overwrite: bool,
    /// Who owns the recording: uid and gid of the invoking user; the monitor's own when absent.
    pub owner: Option<(u32, u32)>,
    /// Where lines go, if they are asked for.
    pub lines: Option<Lines>,
    /// Seconds to go on recording processes that outlive the command.
    pub linger_seconds: u64,
    /// Bytes of the ring.
    pub ring_bytes: u32,
    /// Entries of the kernel half's maps.
    pub bounds: Bounds,
    /// Width of the terminal that shows the summary, in columns.
    pub columns: u16,
    /// The kernel's BTF; the default place when absent.
    pub btf: Option<OsString>,
    /// What is masked.
    pub scrubbing: Scrubbing,
    /// Where data files of users are.
    pub folders: Folders,
    /// When the recording goes on in another file.
    pub rotation: Rotation,
}

/// Where and how events are shown while the command runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lines {
    /// A file; standard error when absent.
    pub file: Option<OsString>,
    /// JSON, one object a line, in place of text.
    pub json: bool,
}

/// From the foreground process to the monitor, after the [`Order`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToMonitor {
    /// The process that is about to become the command: it waits for [`ToForeground::Tracked`] before it execs.
    Track {
        /// Its pid.
        pid: u32,
    },
    /// The command could not be executed; nothing was observed and the recording is not kept.
    NotStarted,
    /// The command has ended with a status as `wait(2)` encodes it.
    Ended {
        /// Its pid.
        pid: u32,
        /// The status.
        status: i32,
    },
    /// Observation ends now, the command goes on.
    Stop {
        /// The signal that asked for it.
        signal: i32,
    },
}

/// From the monitor to the foreground process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ToForeground {
    /// Hooks are attached and the recording is open.
    Ready,
    /// The process of [`ToMonitor::Track`] is tracked.
    Tracked,
    /// The monitor gives up.
    Failed {
        /// Why, and what to do.
        message: String,
    },
    /// The command has ended and all that it did is recorded.
    Done(Report),
}

/// One end of the socket pair.
#[derive(Debug)]
pub struct Link {
    fd: OwnedFd,
}

impl Link {
    /// Both ends, closed at exec.
    ///
    /// # Errors
    ///
    /// What `socketpair(2)` refuses.
    pub fn pair() -> Result<(Self, Self)> {
        let (a, b) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
            .context("cannot make a socket pair to talk to the monitor")?;
        Ok((Self { fd: a }, Self { fd: b }))
    }

    /// An end that was inherited.
    #[must_use]
    pub fn from_fd(fd: OwnedFd) -> Self {
        Self { fd }
    }

    /// The descriptor, for polling and for handing it to a child.
    #[must_use]
    pub fn fd(&self) -> &OwnedFd {
        &self.fd
    }

    /// The descriptor itself.
    #[must_use]
    pub fn into_fd(self) -> OwnedFd {
        self.fd
    }

    /// Sends one message.
    ///
    /// # Errors
    ///
    /// The other end is gone, or the message is too long.
    pub fn send<T: Serialize>(&self, message: &T) -> Result<()> {
        let bytes = serde_json::to_vec(message).context("cannot encode a message")?;
        if bytes.len() > MESSAGE_BYTES {
            anyhow::bail!("cannot send a message of {} bytes: the bound is {MESSAGE_BYTES}", bytes.len());
        }
        send(self.fd.as_raw_fd(), &bytes, MsgFlags::MSG_NOSIGNAL).context("cannot send to the other process")?;
        Ok(())
    }

    /// Lets no one wait for a message for longer than this.
    ///
    /// # Errors
    ///
    /// What `setsockopt(2)` refuses.
    pub fn set_patience(&self, patience: Duration) -> Result<()> {
        let seconds = i64::try_from(patience.as_secs()).unwrap_or(i64::MAX);
        setsockopt(&self.fd, sockopt::ReceiveTimeout, &TimeVal::seconds(seconds))
            .context("cannot bound the waiting for the monitor")
    }

    /// Waits for one message; `None` when the other end is closed.
    ///
    /// # Errors
    ///
    /// The socket fails, or the message is none that is known.
    pub fn receive<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.read(MsgFlags::empty())
    }

    /// Takes one message if there is one.
    ///
    /// # Errors
    ///
    /// `WouldBlock` when there is none; else as [`Link::receive`].
    pub fn try_receive<T: DeserializeOwned>(&self) -> Result<Option<T>> {
        self.read(MsgFlags::MSG_DONTWAIT)
    }

    fn read<T: DeserializeOwned>(&self, flags: MsgFlags) -> Result<Option<T>> {
        let mut buffer = vec![0; MESSAGE_BYTES];
        let count = loop {
            match recv(self.fd.as_raw_fd(), &mut buffer, flags) {
                Err(nix::errno::Errno::EINTR) => {}
                // The other process died with messages of ours unread; for us that is an end like any other.
                Err(nix::errno::Errno::ECONNRESET) => break 0,
                other => break other.map_err(io::Error::from)?,
            }
        };
        if count == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&buffer[..count]).map(Some).context("cannot understand a message of the other process")
    }
}

/// Whether an error of [`Link::try_receive`] only says that there is no message yet.
#[must_use]
pub fn is_empty(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
