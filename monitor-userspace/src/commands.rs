//! One file per subcommand: its arguments and what it does with them.

pub mod agents;
pub mod doctor;
pub mod export;
mod interrupts;
pub mod query;
pub mod replay;
pub mod rules;
pub mod run;
mod segments;
mod selection;
pub mod verify;
pub mod watch;

/// Reads the bytes of a ring: a power of two of at least a page, as the kernel wants them (`BPF_MAP_TYPE_RINGBUF`).
fn ring_bytes(text: &str) -> Result<u32, String> {
    let bytes: u32 = text.parse().map_err(|error| format!("{error}"))?;
    if bytes.is_power_of_two() && bytes >= 4096 {
        return Ok(bytes);
    }
    let possible = bytes.max(4096).checked_next_power_of_two().unwrap_or(1 << 31);
    Err(format!("a ring has a power of two of bytes, from 4096; {possible} would do"))
}
