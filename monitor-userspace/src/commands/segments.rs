//! The options for recordings of several files.

use agentsnoop_pipeline::filter::{bytes, duration_ns};

use crate::sink::recording::Rotation;

/// Nanoseconds in a second.
const SECOND_NS: u64 = 1_000_000_000;

/// When the next file begins, and how much is kept.
#[derive(Clone, Copy, Debug, Default, clap::Args)]
pub(crate) struct Segmented {
    /// Go on in another file when one has so many bytes, such as 64M: out.rec, out.0001.rec, out.0002.rec, …
    #[arg(long, value_name = "BYTES", value_parser = size)]
    segment_size: Option<u64>,
    /// Go on in another file when one is so old, such as 12h
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    segment_age: Option<u64>,
    /// Remove the oldest files when all together have more bytes, such as 1G
    #[arg(long, value_name = "BYTES", value_parser = size)]
    keep_size: Option<u64>,
    /// Remove files that were written last so long ago, such as 30d
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    keep_age: Option<u64>,
}

impl Segmented {
    /// What was asked for, and `default` where nothing was.
    pub(super) fn or(self, default: Rotation) -> Rotation {
        Rotation {
            bytes: self.segment_size.or(default.bytes),
            seconds: self.segment_age.or(default.seconds),
            keep_bytes: self.keep_size.or(default.keep_bytes),
            keep_seconds: self.keep_age.or(default.keep_seconds),
            ..default
        }
    }
}

/// Bytes of at least 64k: a segment begins with what is known, which a smaller one would have no room for.
fn size(text: &str) -> Result<u64, String> {
    const LEAST: u64 = 64_000;
    let size = bytes(text).ok_or("it takes bytes, such as 500k, 64M or 1Gi")?;
    if size < LEAST { Err(format!("the least is {}k", LEAST / 1000)) } else { Ok(size) }
}

/// Whole seconds, at least one.
fn seconds(text: &str) -> Result<u64, String> {
    let seconds = duration_ns(text).ok_or("it takes a duration, such as 90s, 12h or 30d")? / SECOND_NS;
    if seconds == 0 { Err("the least is 1s".to_owned()) } else { Ok(seconds) }
}
