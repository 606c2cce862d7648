//! The thread that compresses, links and writes blocks.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::Ordering,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use zstd::bulk::Compressor;

use super::{
    super::format::{BLOCK_HEADER, BlockHeader, CODEC_ZSTD, Chain, FILE_HEADER, FLAG_LAST, STORED_BYTES, hex},
    Block, Missed, Order, SYNC_EVERY, Shared,
    room::Room,
};

/// The level of zstd. Others differ by a few per cent in time and size (docs/recording.md).
pub(super) const LEVEL: i32 = 1;

/// The end of the file, and what leads to it.
pub(super) struct Disk {
    file: File,
    shared: Arc<Shared>,
    spares: SyncSender<Vec<u8>>,
    zstd: Compressor<'static>,
    /// A header and a payload.
    out: Vec<u8>,
    end: u64,
    blocks: u64,
    inputs: u64,
    chain: Chain,
    /// The first block while it could not be written: without it the others could not be understood.
    first: Option<Block>,
    written: Option<Instant>,
    sync: Option<Sync>,
    room: Room,
}

/// Synchronises in a thread of its own, so that a slow device holds up no block.
struct Sync {
    order: SyncSender<()>,
    thread: JoinHandle<()>,
}

impl Disk {
    pub(super) fn new(file: File, chain: Chain, shared: Arc<Shared>, spares: SyncSender<Vec<u8>>) -> io::Result<Self> {
        let mut zstd = Compressor::new(LEVEL)?;
        zstd.include_checksum(false)?;
        let (order, orders) = sync_channel(1);
        let (device, status) = (file.try_clone()?, Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("recording-sync".to_owned());
        let thread = thread.spawn(move || {
            while orders.recv().is_ok() {
                if let Err(error) = device.sync_data() {
                    fail(&status, format!("it cannot be synchronised to the device: {error}"));
                }
            }
        })?;
        shared.with(|status| status.bytes = FILE_HEADER as u64);
        Ok(Self {
            file,
            shared,
            spares,
            zstd,
            out: Vec::new(),
            end: FILE_HEADER as u64,
            blocks: 0,
            inputs: 0,
            chain,
            first: None,
            written: None,
            sync: Some(Sync { order, thread }),
            room: Room::default(),
        })
    }

    /// Carries out orders until the writer hangs up; then what was written is on the device.
    pub(super) fn run(mut self, orders: &Receiver<Order>) {
        loop {
            let wait = self.written.map_or(SYNC_EVERY, |since| self.sync_after().saturating_sub(since.elapsed()));
            match orders.recv_timeout(wait) {
                Ok(Order::Write(block)) => self.take(block),
                // Who no longer waits for the answer does not need it.
                Ok(Order::Drain(done)) => drop(done.try_send(())),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.written.is_some_and(|since| since.elapsed() >= self.sync_after()) {
                self.written = None;
                // A full channel means that one is already due, which will cover this one too.
                let _ = self.sync.as_ref().map(|sync| sync.order.try_send(()));
            }
        }
        if let Some(first) = self.first.take() {
            self.write(first);
        }
        self.room.release(&self.file, self.end);
        if let Some(Sync { order, thread }) = self.sync.take() {
            drop(order);
            let _ = thread.join();
        }
        if let Err(error) = self.file.sync_all() {
            fail(&self.shared, format!("it cannot be synchronised to the device: {error}"));
        }
    }

    /// The first block, without which nothing can be understood, is synchronised at once.
    const fn sync_after(&self) -> Duration {
        if self.blocks <= 1 { Duration::ZERO } else { SYNC_EVERY }
    }

    fn take(&mut self, block: Block) {
        if let Some(first) = self.first.take()
            && !self.write(first)
        {
            return self.miss(&block, None);
        }
        self.write(block);
    }

    /// Writes a block, or keeps count of it; whether it is in the file.
    fn write(&mut self, mut block: Block) -> bool {
        let result = self.append(&block);
        match result {
            Ok(()) => {
                self.written.get_or_insert_with(Instant::now);
                block.frames.clear();
                // The writer needs no more spare buffers than fit.
                let _ = self.spares.try_send(block.frames);
                true
            }
            Err(error) => {
                // A part of the block may be there. If it cannot be taken away, the next block overwrites it.
                let _ = self.file.set_len(self.end);
                self.room.keep_again(&self.file, self.end);
                if self.blocks == 0 && self.first.is_none() {
                    self.shared.with(|status| status.held = u64::from(block.inputs));
                    self.first = Some(block);
                    fail(&self.shared, error.to_string());
                } else {
                    self.miss(&block, Some(error.to_string()));
                }
                false
            }
        }
    }

    fn append(&mut self, block: &Block) -> io::Result<()> {
        self.out.resize(BLOCK_HEADER + STORED_BYTES, 0);
        let payload = self.zstd.compress_to_buffer(&block.frames, &mut self.out[BLOCK_HEADER..])?;
        let too_long = |_| io::Error::other("a block is longer than its header can say");
        let mut header = BlockHeader {
            number: self.blocks,
            first_input: self.inputs,
            first_ns: block.first_ns,
            last_ns: block.last_ns,
            inputs: block.inputs,
            raw_len: u32::try_from(block.frames.len()).map_err(too_long)?,
            stored_len: u32::try_from(payload).map_err(too_long)?,
            codec: CODEC_ZSTD,
            flags: if block.last { FLAG_LAST } else { 0 },
            payload_crc: crc32c::crc32c(&self.out[BLOCK_HEADER..BLOCK_HEADER + payload]),
            chain: Chain::default(),
        };
        header.chain = header.link(&self.chain, &self.out[BLOCK_HEADER..BLOCK_HEADER + payload]);
        self.out[..BLOCK_HEADER].copy_from_slice(&header.encode());
        // The room is for the last block; and where there is none for the first, the others need none.
        if !block.last && self.blocks > 0 {
            self.room.keep(&self.file, self.end, BLOCK_HEADER + payload)?;
        }
        self.file.write_all_at(&self.out[..BLOCK_HEADER + payload], self.end)?;
        self.end += (BLOCK_HEADER + payload) as u64;
        self.blocks += 1;
        self.inputs += u64::from(block.inputs);
        self.chain = header.chain;
        self.shared.with(|status| {
            status.bytes = self.end;
            status.blocks = self.blocks;
            status.inputs = self.inputs;
            status.held = 0;
            status.closed = block.last;
            status.error = None;
            status.head = hex(&self.chain);
        });
        Ok(())
    }

    /// Counts the inputs of a block that is not stored; `error` says why, where it is a new failure.
    fn miss(&self, block: &Block, error: Option<String>) {
        self.shared.with(|status| {
            let cause = error.clone().or_else(|| status.error.clone()).unwrap_or_default();
            // What a gap in the block would have said, the next gap says; the end is no input that was observed.
            let inputs = u64::from(block.inputs) - block.gaps.len() as u64 - u64::from(block.last);
            status.missed_in_all += inputs;
            let here = Missed { inputs, from_ns: block.first_ns, to_ns: block.last_ns, cause };
            let all = status.missed.take().into_iter().chain(block.gaps.iter().cloned()).chain([here]);
            status.missed = all.reduce(|all, next| all.and(&next)).filter(|missed| missed.inputs > 0);
        });
        if let Some(error) = error {
            fail(&self.shared, error);
        }
    }
}

/// Notes a failure. One that lasts is reported once, not with each block.
fn fail(shared: &Shared, error: String) {
    let new = shared.with(|status| {
        let new = status.error.as_ref() != Some(&error);
        status.error = Some(error);
        new
    });
    if new {
        shared.failures.fetch_add(1, Ordering::Release);
    }
}
