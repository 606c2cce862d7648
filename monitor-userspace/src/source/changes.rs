//! Waiting for a file to be written on.

use std::{
    os::fd::AsFd as _,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::inotify::{AddWatchFlags, InitFlags, Inotify},
};

/// Tells when a file has changed, as soon as the kernel says so (inotify(7)); where it does not, as on file systems of other machines, a
/// time passes.
#[derive(Debug, Default)]
pub struct Changes {
    watched: Option<(PathBuf, Option<Inotify>)>,
}

impl Changes {
    /// Waits until a file has changed since the last call for it, for some time at most. The first call for a file returns at once: what
    /// was written before it was watched is there to be read.
    pub fn wait(&mut self, file: &Path, most: Duration) {
        let Some((_, inotify)) = self.watched.as_ref().filter(|(watched, _)| watched == file) else {
            self.watched = Some((file.to_owned(), watch(file)));
            return;
        };
        let Some(inotify) = inotify else { return std::thread::sleep(most) };
        let mut fds = [PollFd::new(inotify.as_fd(), PollFlags::POLLIN)];
        let timeout = PollTimeout::try_from(most).unwrap_or(PollTimeout::ZERO);
        if poll(&mut fds, timeout).unwrap_or(0) > 0 {
            // What they say is that there is something, which is known by now.
            let _ = inotify.read_events();
        }
    }
}

/// The writes on a file; `None` where the kernel tells of none.
fn watch(file: &Path) -> Option<Inotify> {
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK).ok()?;
    inotify.add_watch(file, AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CLOSE_WRITE).ok()?;
    Some(inotify)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// Longer than any test may take.
    const EVER: Duration = Duration::from_secs(3600);

    #[test]
    fn a_change_ends_the_waiting_whether_it_comes_before_or_meanwhile() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = std::fs::File::create(&path).unwrap();
        let mut changes = Changes::default();
        changes.wait(&path, EVER);
        file.write_all(b"before").unwrap();
        changes.wait(&path, EVER);
        let writer = std::thread::spawn(move || file.write_all(b"meanwhile").unwrap());
        changes.wait(&path, EVER);
        writer.join().unwrap();
    }

    #[test]
    fn what_cannot_be_watched_is_waited_for_as_long_as_was_said() {
        let mut changes = Changes::default();
        let nowhere = Path::new("/nowhere/file");
        changes.wait(nowhere, EVER);
        changes.wait(nowhere, Duration::from_millis(1));
    }
}
