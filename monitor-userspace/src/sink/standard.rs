//! Standard output, with every error of it.
//!
//! [`io::stdout`] takes a descriptor that cannot be written for one that discards, and Rust's runtime opens /dev/null
//! in the place of a closed one. Either would make a success of a report that nobody got, so the descriptor is looked
//! at before the runtime begins, and written without the library's handle.

use std::{
    fs::File,
    io,
    os::fd::AsFd as _,
    sync::atomic::{AtomicBool, Ordering},
};

use super::Sink;

/// What a command says before the error of standard output.
pub const FAILED: &str = "cannot write to standard output";

static WAS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Standard output, not buffered.
///
/// # Errors
///
/// It is closed, or no descriptor is left.
pub fn output() -> io::Result<File> {
    if WAS_CLOSED.load(Ordering::Relaxed) {
        return Err(io::Error::from_raw_os_error(libc::EBADF));
    }
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// The sink for lines or JSON on standard output: coloured on a terminal.
///
/// # Errors
///
/// As [`output`].
pub fn sink(json: bool) -> io::Result<Box<dyn Sink>> {
    let out = output()?;
    let paint = super::paint(&out);
    Ok(super::to(out, json, paint))
}

extern "C" fn look() {
    // SAFETY: fcntl(2) with F_GETFD only reads the flags of a descriptor, and fails where there is none.
    let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
    WAS_CLOSED.store(flags < 0, Ordering::Relaxed);
}

// SAFETY: the section holds functions that the C runtime calls before `main` (System V ABI); this one needs nothing
// that is set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
