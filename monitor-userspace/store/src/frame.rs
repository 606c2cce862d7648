//! Frames: one input each, as a tag, a length and a payload. Ring records travel verbatim; every other variant is
//! JSON, so that it can gain fields.

use std::error::Error;

use agentsnoop_pipeline::input::{Control, Input};
use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use monitor_common::Header;
use serde::de::DeserializeOwned;

use super::format::FRAME_BYTES;

/// The tags. They are stable and never reused; a reader counts a tag that it does not know and goes on.
pub mod tag {
    /// `Input::Opened`.
    pub const OPENED: u8 = 1;
    /// `Input::Config`.
    pub const CONFIG: u8 = 2;
    /// `Input::Raw`, the bytes of the ring record.
    pub const RAW: u8 = 3;
    /// `Input::Observed`.
    pub const OBSERVED: u8 = 4;
    /// `Input::Control`.
    pub const CONTROL: u8 = 5;
    /// `Input::Coverage`.
    pub const COVERAGE: u8 = 6;
    /// `Input::Gap`.
    pub const GAP: u8 = 7;
    /// `Input::Counters`.
    pub const COUNTERS: u8 = 8;
    /// `Input::Tick`.
    pub const TICK: u8 = 9;
    /// `Input::Closed`.
    pub const CLOSED: u8 = 10;
    /// `Input::Known`, in MessagePack, since its strings must stay what they are.
    pub const KNOWN: u8 = 11;
}

/// Appends the frame of an input.
///
/// # Errors
///
/// The input is longer than [`FRAME_BYTES`]; `out` is as it was.
pub fn encode(input: &Input, out: &mut Vec<u8>) -> Result<()> {
    let json = match input {
        Input::Raw(bytes) => return append(tag::RAW, bytes, out),
        Input::Known(known) => {
            let packed = rmp_serde::to_vec_named(known).context("cannot serialize an input")?;
            return append(tag::KNOWN, &packed, out);
        }
        Input::Opened(body) => (tag::OPENED, serde_json::to_vec(body)),
        Input::Config(body) => (tag::CONFIG, serde_json::to_vec(body)),
        Input::Observed(body) => (tag::OBSERVED, serde_json::to_vec(body)),
        Input::Control(body) => (tag::CONTROL, serde_json::to_vec(body)),
        Input::Coverage(body) => (tag::COVERAGE, serde_json::to_vec(body)),
        Input::Gap(body) => (tag::GAP, serde_json::to_vec(body)),
        Input::Counters(body) => (tag::COUNTERS, serde_json::to_vec(body)),
        Input::Tick(body) => (tag::TICK, serde_json::to_vec(body)),
        Input::Closed(body) => (tag::CLOSED, serde_json::to_vec(body)),
    };
    append(json.0, &json.1.context("cannot serialize an input")?, out)
}

fn append(tag: u8, payload: &[u8], out: &mut Vec<u8>) -> Result<()> {
    ensure!(
        payload.len() <= FRAME_BYTES,
        "an input of {} bytes is longer than the {FRAME_BYTES} that a recording takes",
        payload.len()
    );
    out.push(tag);
    let mut rest = payload.len();
    while rest >= 0x80 {
        out.push((rest & 0x7f) as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
    out.extend_from_slice(payload);
    Ok(())
}

/// A frame, cut from a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it is.
    pub tag: u8,
    /// The input's bytes; they share the memory of the block.
    pub payload: Bytes,
}

/// Takes the frame at the front of `block`; `None` when `block` is empty.
///
/// # Errors
///
/// What is wrong, in words that follow "the frame". Nothing can be found behind such a frame.
pub fn take(block: &mut Bytes) -> Result<Option<Frame>, &'static str> {
    let Some(&tag) = block.first() else { return Ok(None) };
    let mut len = 0_usize;
    let mut at = 1;
    loop {
        let Some(&byte) = block.get(at) else { return Err("ends inside its length") };
        // Three groups of seven bits hold every length up to FRAME_BYTES.
        if at > 3 {
            return Err("has a length of more than three bytes");
        }
        len |= usize::from(byte & 0x7f) << (7 * (at - 1));
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
    }
    if len > block.len() - at {
        return Err("is longer than its block");
    }
    let payload = block.slice(at..at + len);
    *block = block.slice(at + len..);
    Ok(Some(Frame { tag, payload }))
}

/// The input of a frame; `None` for a tag, a fact, an act or a piece that this build does not know.
///
/// # Errors
///
/// The content is not what the tag promises.
pub fn decode(frame: &Frame) -> Result<Option<Input>> {
    let bytes = &frame.payload;
    Ok(Some(match frame.tag {
        // A copy, so that a string that the pipeline keeps does not keep the memory of the whole block.
        tag::RAW => Input::Raw(Bytes::copy_from_slice(bytes)),
        tag::OPENED => Input::Opened(json(bytes)?),
        tag::CONFIG => Input::Config(json(bytes)?),
        tag::OBSERVED => return unless_newer(json(bytes).map(Input::Observed)),
        tag::CONTROL => return unless_newer(json(bytes).map(Input::Control)),
        tag::COVERAGE => Input::Coverage(json(bytes)?),
        tag::GAP => Input::Gap(json(bytes)?),
        tag::COUNTERS => Input::Counters(json(bytes)?),
        tag::TICK => Input::Tick(json(bytes)?),
        tag::CLOSED => Input::Closed(json(bytes)?),
        tag::KNOWN => return unless_newer(rmp_serde::from_slice(bytes).map(Input::Known)),
        _ => return Ok(None),
    }))
}

fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, serde_json::Error> {
    serde_json::from_slice(bytes)
}

/// `None` for a variant that a newer build writes: what is recorded is sound, and nobody is to be told that it is damaged.
fn unless_newer<E: Error + Send + Sync + 'static>(read: Result<Input, E>) -> Result<Option<Input>> {
    match read {
        // serde tells this apart from other mistakes by these words alone.
        Err(error) if error.to_string().starts_with("unknown variant `") => Ok(None),
        read => Ok(Some(read?)),
    }
}

/// The boot time of an input, nanoseconds; `None` where it has none.
#[must_use]
pub fn time(input: &Input) -> Option<u64> {
    const AT: usize = std::mem::offset_of!(Header, time);
    match input {
        Input::Raw(bytes) => bytes.get(AT..AT + 8)?.try_into().ok().map(u64::from_le_bytes),
        Input::Opened(opened) => Some(opened.clock.boot_ns),
        Input::Control(Control::Mark { boot_ns, .. }) => Some(*boot_ns),
        Input::Coverage(coverage) => Some(coverage.boot_ns),
        Input::Counters(counters) => Some(counters.boot_ns),
        Input::Tick(tick) => Some(tick.boot_ns),
        Input::Closed(closed) => Some(closed.boot_ns),
        Input::Config(_) | Input::Observed(_) | Input::Control(_) | Input::Gap(_) | Input::Known(_) => None,
    }
}
