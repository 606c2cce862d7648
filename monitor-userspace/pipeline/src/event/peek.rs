//! The few fields of a header that are needed before a record is decoded, read without checking the rest.

use core::mem::offset_of;

use monitor_common::{
    Header, Kind,
    body::{Stat, exec_flag},
    header::flag,
};

/// Bytes of a header.
pub const HEADER: usize = size_of::<Header>();

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The header of a record, or `None` when there are too few bytes for one. Nothing in it is checked.
#[must_use]
pub fn header(bytes: &[u8]) -> Option<Header> {
    let u16_at = |at| array(bytes, at).map(u16::from_le_bytes);
    let u32_at = |at| array(bytes, at).map(u32::from_le_bytes);
    let u64_at = |at| array(bytes, at).map(u64::from_le_bytes);
    Some(Header {
        len: u32_at(offset_of!(Header, len))?,
        kind: u16_at(offset_of!(Header, kind))?,
        cpu: u16_at(offset_of!(Header, cpu))?,
        seq: u64_at(offset_of!(Header, seq))?,
        time: u64_at(offset_of!(Header, time))?,
        start: u64_at(offset_of!(Header, start))?,
        pid: u32_at(offset_of!(Header, pid))?,
        tid: u32_at(offset_of!(Header, tid))?,
        root: u32_at(offset_of!(Header, root))?,
        exec_seq: u32_at(offset_of!(Header, exec_seq))?,
        uid: u32_at(offset_of!(Header, uid))?,
        flags: u32_at(offset_of!(Header, flags))?,
    })
}

/// The kind of a record.
#[must_use]
pub fn kind(bytes: &[u8]) -> Option<Kind> {
    Kind::from_number(u16::from_le_bytes(array(bytes, offset_of!(Header, kind))?))
}

/// How many calls a record of [`Kind::Stat`] tells; 0 for other kinds.
#[must_use]
pub fn calls(bytes: &[u8]) -> u64 {
    let at = HEADER + offset_of!(Stat, count);
    let count = array(bytes, at).filter(|_| kind(bytes) == Some(Kind::Stat));
    count.map_or(0, |count| u64::from(u32::from_le_bytes(count)))
}

/// Whether the process of the record is tracked provisionally.
#[must_use]
pub fn is_provisional(bytes: &[u8]) -> bool {
    array(bytes, offset_of!(Header, flags)).is_some_and(|flags| u32::from_le_bytes(flags) & flag::PROVISIONAL != 0)
}

/// Whether the record is the exec that made its process a candidate.
#[must_use]
pub fn is_candidate(bytes: &[u8]) -> bool {
    let at = HEADER + offset_of!(monitor_common::body::Exec, flags);
    kind(bytes) == Some(Kind::Exec)
        && array(bytes, at).is_some_and(|flags| u32::from_le_bytes(flags) & exec_flag::CANDIDATE != 0)
}
