//! Records at the pace at which they happened, or a multiple of it.

use std::{
    fs::File,
    io,
    os::fd::AsFd as _,
    time::{Duration, Instant},
};

use nix::{
    errno::Errno,
    poll::{PollFd, PollFlags, ppoll},
    sys::time::TimeSpec,
};

/// Behind by more than this, the pause was a person's (^Z, a reader that scrolls) and is left out; behind by less, the
/// output was slow, and is caught up with.
const LATE: Duration = Duration::from_secs(1);

/// Tells the time and lets it pass.
pub(super) trait Clock {
    /// The time since some moment.
    fn now(&self) -> Duration;

    /// Waits.
    ///
    /// # Errors
    ///
    /// [`io::ErrorKind::BrokenPipe`]: nobody reads any more; or the error of the system.
    fn wait(&mut self, time: Duration) -> io::Result<()>;
}

/// Holds records back until their time has come.
#[derive(Debug)]
pub(super) struct Pace<C> {
    clock: C,
    speed: f64,
    /// The boot time of the first record, nanoseconds, and when it was shown.
    start: Option<(u64, Duration)>,
    /// The latest boot time so far.
    last_ns: u64,
}

impl<C: Clock> Pace<C> {
    /// So many times real time; above 0.
    pub(super) const fn new(clock: C, speed: f64) -> Self {
        Self { clock, speed, start: None, last_ns: 0 }
    }

    /// Waits for the moment of a boot time; `rests` is called before. A record whose time is past, as that of a loss is,
    /// comes with what it stands behind.
    ///
    /// # Errors
    ///
    /// Those of `rests` and of [`Clock::wait`].
    pub(super) fn wait(&mut self, boot_ns: u64, rests: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
        let now = self.clock.now();
        let (first_ns, began) = *self.start.get_or_insert((boot_ns, now));
        if boot_ns <= self.last_ns {
            return Ok(());
        }
        self.last_ns = boot_ns;
        let after = Duration::from_nanos(boot_ns.saturating_sub(first_ns)).as_secs_f64() / self.speed;
        // A time that no duration can hold is one that nobody waits for.
        let due = began.saturating_add(Duration::try_from_secs_f64(after).unwrap_or(Duration::MAX));
        let late = now.saturating_sub(due);
        if late > LATE {
            self.start = Some((first_ns, began.saturating_add(late)));
        }
        if due > now {
            rests()?;
            self.clock.wait(due - now)?;
        }
        Ok(())
    }
}

/// The clock of the wall, which notices where a reader of the output goes away.
#[derive(Debug)]
pub(super) struct Wall {
    began: Instant,
    out: File,
}

impl Wall {
    /// Waits for as long as `out` can be written.
    pub(super) fn new(out: File) -> Self {
        Self { began: Instant::now(), out }
    }
}

impl Clock for Wall {
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn wait(&mut self, time: Duration) -> io::Result<()> {
        let until = self.now().saturating_add(time);
        loop {
            let left = until.saturating_sub(self.now());
            if left.is_zero() {
                return Ok(());
            }
            // What does not fit is waited for in parts.
            let left = TimeSpec::from_duration(left.min(Duration::from_hours(24)));
            // Without an event that is asked for, only errors and the end of the reader are told (poll(2)).
            match ppoll(&mut [PollFd::new(self.out.as_fd(), PollFlags::empty())], Some(left), None) {
                Ok(0) | Err(Errno::EINTR) => {}
                Ok(_) => return Err(io::ErrorKind::BrokenPipe.into()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock on which time passes only where it is waited for.
    #[derive(Debug, Default)]
    struct Paused {
        now: Duration,
        waits: Vec<Duration>,
        /// Nobody reads from this wait on.
        ends_at: Option<usize>,
    }

    impl Clock for &mut Paused {
        fn now(&self) -> Duration {
            self.now
        }

        fn wait(&mut self, time: Duration) -> io::Result<()> {
            if self.ends_at == Some(self.waits.len()) {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            self.waits.push(time);
            self.now += time;
            Ok(())
        }
    }

    const SECOND: u64 = 1_000_000_000;

    fn waits(speed: f64, times: &[u64]) -> Vec<Duration> {
        let mut clock = Paused::default();
        let mut pace = Pace::new(&mut clock, speed);
        times.iter().for_each(|time| pace.wait(*time, || Ok(())).unwrap());
        clock.waits
    }

    #[test]
    fn the_times_between_records_are_divided_by_the_speed() {
        let times = [7 * SECOND, 7 * SECOND, 9 * SECOND, 3609 * SECOND];
        let seconds = |list: &[f64]| list.iter().copied().map(Duration::from_secs_f64).collect::<Vec<_>>();
        assert_eq!(waits(1.0, &times), seconds(&[2.0, 3600.0]));
        assert_eq!(waits(0.5, &times), seconds(&[4.0, 7200.0]));
        assert_eq!(waits(10.0, &times), seconds(&[0.2, 360.0]));
    }

    #[test]
    fn a_record_whose_time_is_past_is_not_waited_for_and_delays_nothing() {
        assert_eq!(waits(1.0, &[5 * SECOND, 6 * SECOND, 2 * SECOND, 7 * SECOND]), [Duration::from_secs(1); 2]);
    }

    #[test]
    fn a_time_that_no_duration_holds_is_no_panic() {
        assert_eq!(waits(1e-300, &[0, u64::MAX]), [Duration::MAX]);
        assert_eq!(waits(f64::MIN_POSITIVE, &[1, u64::MAX]), [Duration::MAX]);
    }

    #[test]
    fn what_was_shown_is_written_before_each_wait_and_only_then() {
        let mut clock = Paused::default();
        let mut pace = Pace::new(&mut clock, 1.0);
        let mut rests = 0;
        for time in [1, 1, 2, 2, 3] {
            pace.wait(time * SECOND, || {
                rests += 1;
                Ok(())
            })
            .unwrap();
        }
        assert_eq!((rests, clock.waits.len()), (2, 2));
    }

    #[test]
    fn a_long_pause_is_left_out_and_a_short_one_caught_up_with() {
        for (pause, expected) in [(Duration::from_secs(600), 1000), (Duration::from_millis(900), 100)] {
            let mut clock = Paused::default();
            let mut pace = Pace::new(&mut clock, 1.0);
            pace.wait(SECOND, || Ok(())).unwrap();
            pace.clock.now += pause + Duration::from_secs(1);
            pace.wait(2 * SECOND, || Ok(())).unwrap();
            pace.wait(3 * SECOND, || Ok(())).unwrap();
            assert_eq!(clock.waits, [Duration::from_millis(expected)], "after {pause:?}");
        }
    }

    #[test]
    fn where_nobody_reads_the_waiting_ends() {
        let mut clock = Paused { ends_at: Some(1), ..Paused::default() };
        let mut pace = Pace::new(&mut clock, 1.0);
        let results: Vec<_> = [1, 2, 3].into_iter().map(|time| pace.wait(time * SECOND, || Ok(()))).collect();
        assert!(results[1].is_ok());
        assert_eq!(results[2].as_ref().err().map(io::Error::kind), Some(io::ErrorKind::BrokenPipe));
    }
}
