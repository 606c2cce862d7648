//! Bursts: what a thread has sent or received on a socket without turning or resting.
//!
//! A thread keeps some bursts, each in a place that the number of the socket decides. Only its own programs change them,
//! so nothing is shared between CPUs and nothing is counted twice or not at all; a socket that several threads use has a
//! burst in each. A burst is a record that grows where it lies, with the identity of who began it, and is sent when it ends:
//!
//! - when the direction turns, or when a datagram goes to or comes from another peer,
//! - at the next call on that place after it rested for [`REST`],
//! - when another socket takes its place,
//! - at an exec, and when the thread ends,
//! - by [`tell_burst`], when the observation ends, and when the thread is tracked no longer.
//!
//! Where there is no room for a burst each call is one.

use aya_ebpf::{macros::raw_tracepoint, programs::RawTracePointContext};
use monitor_common::{
    Header, Kind, Text, TextState,
    body::{Traffic, traffic_flag},
    counters::Fault,
    limits::{BURST_PLACES, BURST_REST_NANOSECONDS as REST, SOCKADDR_BYTES},
    task::{BURST_BYTES, BurstKey},
};

use super::transfer::{Transfer, is_sent};
use crate::{
    emit,
    maps::{BURSTS, EMPTY_BURST, SPARE_BURSTS, TASKS, TOLD_BURSTS},
    read::{kernel_bytes, opaque},
    socket::address::{AF_INET, AF_INET6, WORDS},
    task::Tracked,
};

/// Bytes of a record before its string.
const FIXED: usize = size_of::<Header>() + size_of::<Traffic>();

/// A record that grows.
#[repr(C)]
pub(crate) struct Burst {
    pub(crate) header: Header,
    /// With no calls, the place is free, though not forgotten: it keeps the socket that was there.
    pub(crate) body: Traffic,
    /// The peer.
    pub(crate) peer: [u64; WORDS],
}
const _: () = assert!(size_of::<Burst>() == BURST_BYTES);

/// The place of a socket among the bursts of a thread.
#[inline(always)]
pub(crate) fn key(tid: u32, inode: u64) -> BurstKey {
    BurstKey { tid, place: inode as u32 & (BURST_PLACES - 1) }
}

/// The burst of the thread at a place; where there is no room for it, one that must be sent with this call, as the transfer
/// then says.
///
/// # Safety
///
/// `transfer` must be this CPU's.
#[inline(always)]
pub(crate) unsafe fn at(who: Tracked, key: BurstKey, transfer: *mut Transfer) -> Option<*mut Burst> {
    // SAFETY: the caller's promise; the values are map memory, of which nobody writes the empty one; the task is a value
    // of the map, the spare buffer this CPU's.
    unsafe {
        (*transfer).is_spare = 0;
        if let Some(burst) = BURSTS.get_ptr_mut(key) {
            return Some(burst);
        }
        let empty = EMPTY_BURST.get_ptr(0)?;
        if BURSTS.insert(key, &*empty, 0).is_ok() {
            (*who.task).bursts |= 1 << key.place;
        }
        if let Some(burst) = BURSTS.get_ptr_mut(key) {
            return Some(burst);
        }
        emit::fault(Fault::BurstMapFull);
        let spare = SPARE_BURSTS.get_ptr_mut(0)?;
        (*spare).body.calls = 0;
        (*transfer).is_spare = 1;
        Some(spare)
    }
}

/// Whether a call at `now` goes on with a burst, as far as the peer is the same.
///
/// # Safety
///
/// `burst` must be one of [`at`].
#[inline(always)]
pub(crate) unsafe fn goes_on(burst: *const Burst, who: Tracked, inode: u64, flags: u32, now: u64) -> bool {
    // SAFETY: the caller's promise; the task is a value of the map.
    unsafe {
        (*burst).body.calls != 0
            && (*burst).body.inode == inode
            && (*burst).body.flags & traffic_flag::RECEIVED == flags
            && now - (*burst).body.ended <= REST
            && (*burst).header.exec_seq == (*who.task).exec_seq
            && (*burst).header.start == (*who.task).start
            && (*burst).header.pid == (*who.task).pid
    }
}

/// Adds a call to a burst.
///
/// # Safety
///
/// As for [`goes_on`].
#[inline(always)]
pub(crate) unsafe fn add(burst: *mut Burst, bytes: u64, now: u64) {
    // SAFETY: the caller's promise.
    unsafe {
        (*burst).body.bytes += bytes;
        (*burst).body.calls += 1;
        (*burst).body.ended = now;
    }
}

/// Whether the peer of a burst is that of a transfer.
///
/// # Safety
///
/// As for [`goes_on`]; `transfer` must be this CPU's, filled.
#[inline(always)]
pub(crate) unsafe fn same_peer(burst: *const Burst, transfer: *const Transfer) -> bool {
    // SAFETY: the caller's promise.
    unsafe {
        let (one, other) = (&(*burst).peer, &(*transfer).peer);
        let mut differing = one[0] ^ other[0];
        let family = one[0] as u16;
        if family != AF_INET {
            differing |= one[1] ^ other[1] | one[2] ^ other[2];
        }
        if family != AF_INET && family != AF_INET6 {
            for word in 3..WORDS {
                differing |= one[word] ^ other[word];
            }
        }
        differing == 0
    }
}

/// Begins a burst with a transfer. The first burst that is sent on a connection to an IP address is told at once, so
/// that whoever looks on sees data leave when it leaves.
///
/// # Safety
///
/// As for [`same_peer`].
#[inline(always)]
pub(crate) unsafe fn begin(burst: *mut Burst, who: Tracked, transfer: *const Transfer, now: u64) {
    // SAFETY: the caller's promise; the task is a value of the map.
    unsafe {
        let first = (*burst).body.inode != (*transfer).file.inode;
        emit::identify(who.tid, who.task, &raw mut (*burst).header);
        let len = (*transfer).peer_len;
        let state = if len == 0 { TextState::NotAsked } else { TextState::Complete };
        (*burst).body = Traffic {
            inode: (*transfer).file.inode,
            bytes: (*transfer).bytes,
            started: now,
            ended: now,
            calls: 1,
            flags: (*transfer).flags,
            socket_type: (*transfer).kind,
            protocol: (*transfer).protocol,
            pad: 0,
            texts: [Text { len: len as u32, state: state.number(), pad: 0 }],
        };
        for word in 0..WORDS {
            (*burst).peer[word] = (*transfer).peer[word];
        }
        let family = (*burst).peer[0] as u16;
        if first && is_sent((*transfer).flags) && (family == AF_INET || family == AF_INET6) {
            (*burst).body.flags |= traffic_flag::OPEN;
            send(burst);
            (*burst).body.flags &= !traffic_flag::OPEN;
        }
    }
}

/// Tells a burst, if there is one, and frees its place.
///
/// # Safety
///
/// As for [`goes_on`].
#[inline(always)]
pub(crate) unsafe fn end(burst: *mut Burst) {
    // SAFETY: the caller's promise.
    unsafe {
        if (*burst).body.calls != 0 {
            send(burst);
            (*burst).body.calls = 0;
        }
    }
}

/// # Safety
///
/// As for [`goes_on`].
#[inline(always)]
unsafe fn send(burst: *mut Burst) {
    // SAFETY: the caller's promise; the verifier sees the bound of the string.
    unsafe {
        let mut len = opaque(u64::from((*burst).body.texts[0].len));
        if len > SOCKADDR_BYTES as u64 {
            len = 0;
        }
        emit::send_identified(Kind::Traffic, burst.cast(), FIXED as u64 + len);
    }
}

/// Ends every burst of a thread, of which `places` says where it has some.
#[inline(always)]
pub(crate) fn end_all(tid: u32, places: u32) {
    if places == 0 {
        return;
    }
    for place in 0..BURST_PLACES {
        if places >> place & 1 == 0 {
            continue;
        }
        let key = BurstKey { tid, place };
        if let Some(burst) = BURSTS.get_ptr_mut(key) {
            // SAFETY: the burst is one of the thread's own, which runs this program.
            unsafe { end(burst) };
        }
        // Userspace can have been faster, and then it is done.
        let _gone = BURSTS.remove(key);
    }
}

/// Tells a burst for userspace, which runs this program itself (`BPF_PROG_TEST_RUN`) with the key as its argument. A burst
/// whose thread is tracked is told as one that goes on: it stays as it is, and the thread may be changing it meanwhile.
/// The others are told for good and removed. It is never attached; the tracepoint that it names is none, and no other
/// program's (see the build script of monitor-userspace).
#[raw_tracepoint(tracepoint = "tell_burst")]
pub(crate) fn tell_burst(ctx: RawTracePointContext) -> i32 {
    let whose: u64 = ctx.arg(0);
    let key = BurstKey { tid: whose as u32, place: (whose >> 32) as u32 };
    let Some(burst) = BURSTS.get_ptr_mut(key) else { return 0 };
    let Some(copy) = TOLD_BURSTS.get_ptr_mut(0) else { return 0 };
    let over = TASKS.get_ptr(key.tid).is_none();
    // SAFETY: the buffer is this program's own, of which userspace runs one at a time; it has the size of a burst.
    unsafe {
        kernel_bytes(copy.cast(), size_of::<Burst>() as u32, burst as u64);
        if over {
            let _gone = BURSTS.remove(key);
        } else {
            (*copy).body.flags |= traffic_flag::OPEN;
        }
        if (*copy).body.calls != 0 {
            send(copy);
        }
    }
    0
}
