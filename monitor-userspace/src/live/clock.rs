//! The clocks; only the live side reads them.

use agentsnoop_pipeline::input::Clock;
use nix::time::{ClockId, clock_gettime};

/// `CLOCK_BOOTTIME` in nanoseconds; it runs on while the machine sleeps, and is the clock of every record.
#[must_use]
pub fn boot_ns() -> u64 {
    // The clock has been there since Linux 2.6.39 (clock_gettime(2)), so 0 is never seen.
    clock_gettime(ClockId::CLOCK_BOOTTIME).map_or(0, |time| nanoseconds(time).cast_unsigned())
}

/// Both clocks, read between two readings of the boot clock so that the pair is as close as can be.
#[must_use]
pub fn anchors() -> Clock {
    let before = boot_ns();
    let real_ns = clock_gettime(ClockId::CLOCK_REALTIME).map_or(0, nanoseconds);
    let after = boot_ns();
    Clock { boot_ns: before + (after - before) / 2, real_ns }
}

/// Seconds east of UTC of the local time zone, now.
#[must_use]
pub fn utc_offset() -> i32 {
    jiff::Zoned::now().offset().seconds()
}

fn nanoseconds(time: nix::sys::time::TimeSpec) -> i64 {
    time.tv_sec().saturating_mul(1_000_000_000).saturating_add(time.tv_nsec())
}
