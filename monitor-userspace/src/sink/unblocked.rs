//! A writer that never waits for its reader.
//!
//! Lines go to a terminal or a pipe, and whoever reads there may stop reading (`less`, ^S). The observation goes on: what
//! does not fit between the two is left out and counted, never waited for.

use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Pieces of at most 64 KiB that wait for the reader: some 4 MiB, or 40,000 lines.
const QUEUE: usize = 64;

/// How long the end waits for a reader that still reads.
const PATIENCE: Duration = Duration::from_millis(150);

/// Writes from a thread of its own.
#[derive(Debug)]
pub struct Unblocked {
    queue: Option<SyncSender<Vec<u8>>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    done: Receiver<()>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Lines that were left out.
    skipped: AtomicU64,
    /// Pieces that were taken and are not written yet.
    pending: AtomicU64,
    failed: AtomicBool,
    error: Mutex<Option<io::Error>>,
}

/// What became of the lines; stays valid when the writer is gone.
#[derive(Clone, Debug)]
pub struct Fate(Arc<Shared>);

impl Fate {
    /// Lines that were left out so far, since their reader was slow.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.0.skipped.load(Ordering::Relaxed)
    }

    /// Waits until everything taken is written or refused, as long as a reader that still reads may need.
    pub fn settle(&self) {
        let started = Instant::now();
        while self.0.pending.load(Ordering::Acquire) > 0 && !self.has_failed() && started.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// The error that ended the writing, once.
    #[must_use]
    pub fn error(&self) -> Option<io::Error> {
        self.0.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn has_failed(&self) -> bool {
        self.0.failed.load(Ordering::Acquire)
    }
}

impl Unblocked {
    /// Writes to `out`.
    ///
    /// # Errors
    ///
    /// No thread can be started.
    pub fn new(mut out: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, pieces) = sync_channel::<Vec<u8>>(QUEUE);
        let (finished, done) = sync_channel(1);
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("lines".to_owned()).spawn(move || {
            for piece in pieces {
                if let Err(error) = out.write_all(&piece).and_then(|()| out.flush()) {
                    *theirs.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    theirs.failed.store(true, Ordering::Release);
                    break;
                }
                theirs.pending.fetch_sub(1, Ordering::Release);
            }
            // Nobody may wait any more, which is no failure.
            let _ = finished.send(());
        })?;
        Ok(Self { queue: Some(queue), shared, thread: Some(thread), done })
    }

    /// What becomes of the lines.
    #[must_use]
    pub fn fate(&self) -> Fate {
        Fate(Arc::clone(&self.shared))
    }
}

impl Write for Unblocked {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.shared.failed.load(Ordering::Acquire) {
            return Err(self.fate().error().unwrap_or_else(|| io::ErrorKind::BrokenPipe.into()));
        }
        self.shared.pending.fetch_add(1, Ordering::Relaxed);
        let sent = self.queue.as_ref().map(|queue| queue.try_send(bytes.to_vec()));
        if let Some(Err(TrySendError::Full(piece) | TrySendError::Disconnected(piece))) = sent {
            let lines = piece.iter().filter(|byte| **byte == b'\n').count();
            self.shared.skipped.fetch_add(lines as u64, Ordering::Relaxed);
            self.shared.pending.fetch_sub(1, Ordering::Relaxed);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Unblocked {
    fn drop(&mut self) {
        self.queue = None;
        let started = Instant::now();
        let ended = self.done.recv_timeout(PATIENCE);
        // A thread that still waits for its reader is left behind; it ends with the reader or with the process.
        if ended != Err(RecvTimeoutError::Timeout) && started.elapsed() <= PATIENCE {
            let _ = self.thread.take().map(JoinHandle::join);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A writer that waits until it is allowed to write.
    struct Gate(Receiver<()>, Arc<Mutex<Vec<u8>>>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(|_| io::Error::from(io::ErrorKind::BrokenPipe))?;
            self.1.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stops_costs_lines_that_are_counted_and_no_time() {
        let (allow, gate) = sync_channel(1000);
        let written = Arc::new(Mutex::new(Vec::new()));
        let mut out = Unblocked::new(Gate(gate, Arc::clone(&written))).unwrap();
        let fate = out.fate();
        for _ in 0..200 {
            out.write_all(b"one\ntwo\n").unwrap();
        }
        let left_out = fate.skipped();
        // One piece is with the thread, QUEUE wait, and the others are left out.
        assert!((2 * (200 - QUEUE as u64 - 1)..=2 * (200 - QUEUE as u64)).contains(&left_out), "{left_out}");
        for _ in 0..200 {
            allow.send(()).unwrap();
        }
        drop(out);
        let lines = written.lock().unwrap().iter().filter(|byte| **byte == b'\n').count() as u64;
        assert_eq!(lines + left_out, 400);
    }

    #[test]
    fn what_the_writer_refuses_is_an_error_of_a_later_write() {
        let (allow, gate) = sync_channel::<()>(1);
        drop(allow);
        let mut out = Unblocked::new(Gate(gate, Arc::default())).unwrap();
        let mut error = None;
        for _ in 0..1_000_000 {
            if let Err(found) = out.write_all(b"x\n") {
                error = Some(found);
                break;
            }
            std::thread::yield_now();
        }
        assert_eq!(error.map(|error| error.kind()), Some(io::ErrorKind::BrokenPipe));
    }
}
