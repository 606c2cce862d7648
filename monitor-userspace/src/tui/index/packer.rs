//! Packs pieces of checkpoints on another thread, so that reading goes on meanwhile.

use std::sync::mpsc::{Receiver, Sender, channel};

use anyhow::{Result, anyhow};

use super::BlobId;

/// What gives a blob.
type Job = Box<dyn FnOnce() -> Result<Vec<u8>> + Send>;

/// A thread that packs. It ends with the value, once it has done what it was asked for.
#[derive(Debug)]
pub(super) struct Packer {
    jobs: Sender<(BlobId, Job)>,
    done: Receiver<(BlobId, Result<Vec<u8>>)>,
    /// Blobs that were asked for and not taken yet: those of one checkpoint at most.
    waiting: usize,
}

impl Packer {
    /// Starts the thread; none where the system gives none.
    pub(super) fn start() -> Option<Self> {
        let (jobs, asked) = channel::<(BlobId, Job)>();
        let (packed, done) = channel();
        let pack = move || {
            for (id, job) in asked {
                // Whoever needs no blob any more has gone.
                let _ = packed.send((id, job()));
            }
        };
        std::thread::Builder::new().name("index".to_owned()).spawn(pack).ok()?;
        Some(Self { jobs, done, waiting: 0 })
    }

    /// Has a blob packed.
    pub(super) fn pack(&mut self, id: BlobId, job: impl FnOnce() -> Result<Vec<u8>> + Send + 'static) {
        // A thread that has panicked is noticed when its blobs are waited for.
        let _ = self.jobs.send((id, Box::new(job)));
        self.waiting += 1;
    }

    /// Waits for everything that was asked for.
    ///
    /// # Errors
    ///
    /// Something cannot be packed.
    pub(super) fn take(&mut self) -> Result<Vec<(BlobId, Vec<u8>)>> {
        let mut blobs = Vec::with_capacity(self.waiting);
        for _ in 0..std::mem::take(&mut self.waiting) {
            let (id, blob) = self.done.recv().map_err(|_| anyhow!("the thread that packs has failed"))?;
            blobs.push((id, blob?));
        }
        Ok(blobs)
    }
}
