//! What the kernel half counts, per CPU, so that nothing is lost in silence.

use crate::{kind::KINDS, pod};

/// Why a record did not reach the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Cause {
    /// The ring was full (`bpf_ringbuf_output` answered `-EAGAIN`).
    RingFull = 0,
    /// The ring refused for another reason (a record larger than the ring answers `-E2BIG`).
    RingRefused = 1,
    /// This CPU has no buffer to build the record in.
    NoBuffer = 2,
    /// The program that should have finished the record could not be reached (a failed tail call).
    NoProgram = 3,
}

/// How many causes there are.
pub const CAUSES: usize = 4;

impl Cause {
    /// Every cause, in the order of its number.
    pub const ALL: [Self; CAUSES] = [Self::RingFull, Self::RingRefused, Self::NoBuffer, Self::NoProgram];

    /// The name in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::RingFull => "ring_full",
            Self::RingRefused => "ring_refused",
            Self::NoBuffer => "no_buffer",
            Self::NoProgram => "no_program",
        }
    }
}

/// What went less than well without losing a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(usize)]
pub enum Fault {
    /// A thread could not be tracked because the map of threads was full; what it did was not seen.
    TaskMapFull = 0,
    /// A string was longer than its bound.
    StringCut = 1,
    /// A string could not be read.
    StringUnreadable = 2,
    /// A path had more components than the walk follows, or did not fit.
    PathCut = 3,
    /// A path ended at the top of a mount tree that is not the root of the task.
    PathOutsideRoot = 4,
    /// A field could not be read because its offset is absent in this kernel.
    OffsetAbsent = 5,
    /// A 32-bit call of a tracked thread, whose number means another call; it is not recorded.
    CompatCall = 6,
    /// A thread ended within a call that is recorded, which therefore never returned.
    CallUnfinished = 7,
    /// The map of repeats was full, or its entry was of another process: a call was recorded by itself instead of being
    /// counted among its repeats.
    RepeatsMapFull = 8,
    /// The map of bursts was full: a call that sends or receives was recorded as a burst of its own.
    BurstMapFull = 9,
    /// A call that may have sent or received moved something, and its descriptor was gone when it returned: another thread had
    /// closed it, so it is not known whether it was a socket.
    DescriptorGone = 10,
}

/// How many faults there are.
pub const FAULTS: usize = 11;

impl Fault {
    /// Every fault, in the order of its number.
    pub const ALL: [Self; FAULTS] = [
        Self::TaskMapFull,
        Self::StringCut,
        Self::StringUnreadable,
        Self::PathCut,
        Self::PathOutsideRoot,
        Self::OffsetAbsent,
        Self::CompatCall,
        Self::CallUnfinished,
        Self::RepeatsMapFull,
        Self::BurstMapFull,
        Self::DescriptorGone,
    ];

    /// The name in the ledger.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::TaskMapFull => "task_map_full",
            Self::StringCut => "string_cut",
            Self::StringUnreadable => "string_unreadable",
            Self::PathCut => "path_cut",
            Self::PathOutsideRoot => "path_outside_root",
            Self::OffsetAbsent => "offset_absent",
            Self::CompatCall => "compat_call",
            Self::CallUnfinished => "call_unfinished",
            Self::RepeatsMapFull => "repeats_map_full",
            Self::BurstMapFull => "burst_map_full",
            Self::DescriptorGone => "descriptor_gone",
        }
    }
}

/// The counters of one CPU; one value of a per-CPU array. `seen = stored + Σ lost` holds per kind at any time
/// at which no program runs on the CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counters {
    /// The sequence number that the next record of this CPU gets.
    pub seq: u64,
    /// Records begun, by [`crate::Kind::index`].
    pub seen: [u64; KINDS],
    /// Records written to the ring, by [`crate::Kind::index`].
    pub stored: [u64; KINDS],
    /// Records lost, by [`crate::Kind::index`] and [`Cause`].
    pub lost: [[u64; CAUSES]; KINDS],
    /// Faults, by [`Fault`].
    pub faults: [u64; FAULTS],
    /// Calls behind records of [`crate::Kind::Stat`].
    pub calls: Calls,
    /// Calls whose thread ended within them, which therefore never returned, by the [`crate::Kind::index`] that their
    /// records would have had; all of them are [`Fault::CallUnfinished`].
    pub unfinished: [u64; KINDS],
}
pod!(Counters, 8 * (1 + KINDS * (3 + CAUSES) + FAULTS) + size_of::<Calls>());

/// The calls behind records that each tell a number of them. `seen = told + lost` and what is still counted in
/// [`crate::repeats::Repeats`].
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calls {
    /// Calls that have returned.
    pub seen: u64,
    /// Calls that records tell which were written to the ring.
    pub told: u64,
    /// Calls that records told which were lost.
    pub lost: u64,
}
pod!(Calls, 24);

impl Counters {
    /// Counters of a CPU on which nothing has happened.
    pub const ZERO: Self = Self {
        seq: 0,
        seen: [0; KINDS],
        stored: [0; KINDS],
        lost: [[0; CAUSES]; KINDS],
        faults: [0; FAULTS],
        calls: Calls { seen: 0, told: 0, lost: 0 },
        unfinished: [0; KINDS],
    };

    /// All records lost on this CPU.
    #[must_use]
    pub fn lost_total(&self) -> u64 {
        self.lost.iter().flatten().sum()
    }
}

impl Default for Counters {
    fn default() -> Self {
        Self::ZERO
    }
}
