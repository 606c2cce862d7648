//! A screen that looks at the recording of a run while it is written, from its side.

use std::{
    os::fd::AsRawFd as _,
    time::{Duration, Instant},
};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, connect, socket};

use super::{
    link::{Link, is_empty},
    onlookers::{Marked, Welcome, address},
};
use crate::tui::{player::Recorder, state::Mark};

/// How long a monitor is looked for: it listens as soon as its recording can be opened.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tells the monitor of a recording that somebody looks, and what they mark.
#[derive(Debug)]
pub struct Onlooker {
    recording: String,
    until: Instant,
    link: Option<Link>,
    is_welcome: bool,
}

impl Onlooker {
    /// One of the recording with this identity.
    #[must_use]
    pub fn of(recording: &str) -> Self {
        Self { recording: recording.to_owned(), until: Instant::now() + PATIENCE, link: None, is_welcome: false }
    }

    /// A connection; none where nobody writes the recording that takes marks.
    fn connected(&self) -> Option<Link> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let end = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).ok()?;
        connect(end.as_raw_fd(), &address(&self.recording).ok()?).ok()?;
        Some(Link::from_fd(end))
    }
}

impl Recorder for Onlooker {
    fn listens(&mut self) -> bool {
        if self.link.is_none() && Instant::now() < self.until {
            self.link = self.connected();
        }
        let Some(link) = &self.link else { return false };
        match link.try_receive::<Welcome>() {
            Ok(Some(Welcome)) => self.is_welcome = true,
            Err(error) if is_empty(&error) => {}
            // It has ended, or does not let this process in.
            Ok(None) | Err(_) => (self.link, self.is_welcome, self.until) = (None, false, Instant::now()),
        }
        self.is_welcome
    }

    fn mark(&mut self, mark: &Mark) {
        let marked = Marked { boot_ns: mark.boot_ns, note: mark.note.clone() };
        // Of one that is gone the next look tells.
        let _ = self.link.as_ref().map(|link| link.send(&marked));
    }
}
