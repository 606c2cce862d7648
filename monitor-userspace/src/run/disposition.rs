//! How signals were disposed of when agentsnoop was executed.
//!
//! Rust's runtime ignores SIGPIPE before `main`, and the standard library gives a child the default; a command must find what
//! its shell had set. So it is looked at before the runtime begins. What was ignored then (`nohup`, a job in the background of a
//! script) stays ignored.

use std::sync::atomic::{AtomicU64, Ordering};

use nix::sys::signal::Signal;

/// The signals that are looked at, one bit each by its number.
const LOOKED_AT: [Signal; 5] = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGTERM, Signal::SIGPIPE];

static IGNORED: AtomicU64 = AtomicU64::new(0);

/// Whether a signal was ignored when this program was executed; false for one that is not looked at.
#[must_use]
pub fn was_ignored(signal: Signal) -> bool {
    IGNORED.load(Ordering::Relaxed) & (1 << signal as u64) != 0
}

extern "C" fn look() {
    for signal in LOOKED_AT {
        // SAFETY: all bytes zero are a valid `sigaction`: no handler, an empty mask, no flags.
        let mut found: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: sigaction(2) without a new action only writes the present one to `found`.
        let answer = unsafe { libc::sigaction(signal as i32, std::ptr::null(), &raw mut found) };
        if answer == 0 && found.sa_sigaction == libc::SIG_IGN {
            IGNORED.fetch_or(1 << signal as u64, Ordering::Relaxed);
        }
    }
}

// SAFETY: the section holds functions that the C runtime calls before `main` (System V ABI); this one needs nothing that is
// set up later.
#[used]
#[unsafe(link_section = ".init_array")]
static LOOK: extern "C" fn() = look;
