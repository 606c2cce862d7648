//! Who looks at the recording of a run while it is written: the screen beside its command, or one in a pane of tmux.
//!
//! As long as somebody looks, what is recorded is sent to the file at once, and what they mark is recorded. They find the monitor by an
//! abstract socket (unix(7)) that is named after the recording, so that no file is left behind. It listens to root, to whoever owns the
//! recording, and to no process that is observed itself: an agent shall not write into its own record.

use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

use anyhow::{Context as _, Result};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, UnixAddr, accept4, bind, getsockopt, listen, socket, sockopt,
};
use serde::{Deserialize, Serialize};
use tokio::io::{Interest, unix::AsyncFd};

use super::link::{Link, is_empty};

/// Screens that are listened to at once; others wait until one of them ends.
const MOST: usize = 8;

/// Marks that a run takes; those beyond are counted. A person makes some dozens.
const MARKS: usize = 10_000;

/// Bytes of a note; a longer one is cut.
const NOTE_BYTES: usize = 4096;

/// From whoever looks to the monitor: a moment to be marked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marked {
    /// Boot clock, nanoseconds.
    pub boot_ns: u64,
    /// The note.
    pub note: String,
}

/// From the monitor to whoever looks, before anything else: it is listened to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome;

/// The address of the monitor that writes a recording, by the recording's identity.
///
/// # Errors
///
/// The identity is too long for a name.
pub fn address(recording: &str) -> Result<UnixAddr> {
    UnixAddr::new_abstract(format!("agentsnoop/{recording}").as_bytes()).context("cannot name a socket")
}

/// Where they are expected, from the moment on at which the recording can be opened.
///
/// # Errors
///
/// What `socket(2)`, `bind(2)` or `listen(2)` refuse.
pub fn expect(recording: &str) -> Result<OwnedFd> {
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let door = socket(AddressFamily::Unix, SockType::SeqPacket, flags, None).context("cannot make a socket")?;
    bind(door.as_raw_fd(), &address(recording)?).context("cannot bind a socket")?;
    listen(&door, Backlog::MAXCONN).context("cannot listen on a socket")?;
    Ok(door)
}

/// Those who look.
#[derive(Debug)]
pub struct Onlookers {
    door: Option<AsyncFd<OwnedFd>>,
    /// The user who may look beside root.
    owner: u32,
    links: Vec<Link>,
    marks: usize,
    refused: u64,
}

impl Onlookers {
    /// None yet. Without a door nobody comes.
    ///
    /// # Errors
    ///
    /// The descriptor cannot be registered with the runtime.
    pub fn at(door: Option<OwnedFd>, owner: u32) -> Result<Self> {
        let wait = |door| {
            // SAFETY: the descriptor is owned by the `AsyncFd` and stays open and the same until that is dropped.
            unsafe { AsyncFd::register_with_interest(door, Interest::READABLE) }.context("cannot wait for onlookers")
        };
        Ok(Self { door: door.map(wait).transpose()?, owner, links: Vec::new(), marks: 0, refused: 0 })
    }

    /// Whether nobody looks.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.links.is_empty()
    }

    /// Returns when somebody comes. Cancelling it loses nobody.
    pub async fn come(&self) {
        match &self.door {
            Some(door) if self.links.len() < MOST => {
                if let Ok(mut ready) = door.readable().await {
                    ready.clear_ready();
                }
            }
            _ => std::future::pending().await,
        }
    }

    /// Lets in who has come, and takes what was marked since the last call.
    pub fn look(&mut self, is_observed: impl Fn(u32) -> bool) -> Vec<Marked> {
        for _ in 0..MOST {
            self.let_in(&is_observed);
        }
        let mut marks = Vec::new();
        self.links.retain(|link| {
            loop {
                match link.try_receive::<Marked>() {
                    Ok(Some(mark)) => marks.push(mark),
                    Err(error) if is_empty(&error) => return true,
                    // Who is gone, and who says what is none of this.
                    Ok(None) | Err(_) => return false,
                }
                if marks.len() > MARKS {
                    return false;
                }
            }
        });
        let room = MARKS.saturating_sub(self.marks);
        self.refused += marks.len().saturating_sub(room) as u64;
        marks.truncate(room);
        self.marks += marks.len();
        for mark in &mut marks {
            let end = mark.note.floor_char_boundary(NOTE_BYTES);
            mark.note.truncate(end);
        }
        marks
    }

    /// Lets in the next one at the door who may come in, where there is room.
    fn let_in(&mut self, is_observed: &impl Fn(u32) -> bool) {
        let Some(door) = self.door.as_ref().filter(|_| self.links.len() < MOST) else { return };
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let Ok(come) = accept4(door.get_ref().as_raw_fd(), flags) else { return };
        // SAFETY: the descriptor was just made, and nothing else owns it.
        let come = unsafe { OwnedFd::from_raw_fd(come) };
        let Ok(who) = getsockopt(&come, sockopt::PeerCredentials) else { return };
        let is_one = who.uid() == 0 || who.uid() == self.owner;
        if !is_one || is_observed(u32::try_from(who.pid()).unwrap_or_default()) {
            self.refused += 1;
            return;
        }
        let link = Link::from_fd(come);
        if link.send(&Welcome).is_ok() {
            self.links.push(link);
        }
    }

    /// What went wrong with them, one line each.
    #[must_use]
    pub fn notes(&self) -> String {
        match self.refused {
            0 => String::new(),
            count => format!(
                "agentsnoop: {count} marks or processes that wanted to make some were refused: more than {MARKS} marks, another user, or a process \
                 that is observed\n"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{run::onlooker::Onlooker, tui::player::Recorder as _, tui::state::Mark};

    fn own() -> u32 {
        nix::unistd::getuid().as_raw()
    }

    fn here(name: &str) -> (String, Onlookers, tokio::runtime::Runtime) {
        let name = format!("test-{name}-{}", std::process::id());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let inside = runtime.enter();
        let onlookers = Onlookers::at(Some(expect(&name).unwrap()), own()).unwrap();
        drop(inside);
        (name, onlookers, runtime)
    }

    #[test]
    fn what_an_onlooker_marks_is_taken_until_it_is_gone() {
        let (name, mut onlookers, _runtime) = here("marks");
        let mut onlooker = Onlooker::of(&name);
        assert!(!onlooker.listens(), "it was not welcomed yet");
        assert!(onlookers.is_empty() && onlookers.look(|_| false).is_empty());
        assert!(!onlookers.is_empty() && onlooker.listens());
        onlooker.mark(&Mark { boot_ns: 7, note: "é".repeat(NOTE_BYTES) });
        let marks = onlookers.look(|_| false);
        assert_eq!(marks.iter().map(|mark| (mark.boot_ns, mark.note.len())).collect::<Vec<_>>(), [(7, NOTE_BYTES)]);
        drop(onlooker);
        assert!(onlookers.look(|_| false).is_empty());
        assert!(onlookers.is_empty() && onlookers.notes().is_empty());
    }

    #[test]
    fn a_process_that_is_observed_is_refused_and_counted() {
        let (name, mut onlookers, _runtime) = here("observed");
        let mut onlooker = Onlooker::of(&name);
        assert!(!onlooker.listens());
        onlooker.mark(&Mark { boot_ns: 7, note: "harmless".to_owned() });
        assert!(onlookers.look(|pid| pid == std::process::id()).is_empty());
        assert!(onlookers.is_empty() && !onlooker.listens());
        assert!(onlookers.notes().contains("1 marks or processes"));
    }

    #[test]
    fn more_marks_than_the_bound_are_counted() {
        let (name, mut onlookers, _runtime) = here("bound");
        onlookers.marks = MARKS;
        let mut onlooker = Onlooker::of(&name);
        assert!(!onlooker.listens() && onlookers.look(|_| false).is_empty() && onlooker.listens());
        onlooker.mark(&Mark::default());
        assert!(onlookers.look(|_| false).is_empty());
        assert_eq!(onlookers.refused, 1);
    }
}
