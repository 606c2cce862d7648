//! Messages of the kernel half itself, about each loss; only in a build with `debug-log`.

use aya::Ebpf;
use aya_log::EbpfLogger;
use log::{Log, Metadata, Record};

use super::error::{OpenError, chain};

/// Writes each message as a line to standard error.
#[derive(Debug)]
pub(super) struct Lines;

impl Log for Lines {
    fn enabled(&self, _metadata: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("kernel half: {} {}", record.level(), record.args());
    }

    fn flush(&self) {}
}

/// Begins to read the messages.
///
/// # Errors
///
/// The object was built without them.
pub(super) fn open(ebpf: &mut Ebpf) -> Result<EbpfLogger<Lines>, OpenError> {
    EbpfLogger::init_with_logger(ebpf, Lines)
        .map_err(|error| OpenError::Other(format!("cannot read the kernel half's messages: {}", chain(&error))))
}
