//! Every map of the kernel half, with its bound.

use aya_ebpf::{
    macros::map,
    maps::{Array, HashMap, LruHashMap, PerCpuArray, ProgramArray, RingBuf},
};
use monitor_common::{
    counters::Counters,
    limits::{
        BURSTS as BURST_BOUND, CANDIDATES as CANDIDATE_BOUND, CPUS, ENDED as ENDED_BOUND, REPEATS as REPEATS_BOUND,
        RING_BYTES, TASKS as TASK_BOUND,
    },
    programs::family,
    repeats::Repeats,
    task::{BurstKey, Candidate, Task},
};

use crate::{
    probes::{
        dns::DnsBuffer,
        exec::ExecBuffer,
        io_uring::IoUringBuffer,
        name::NameBuffer,
        open::OpenBuffer,
        paths::PathsBuffer,
        socket::SocketBuffer,
        stat::StatBuffer,
        traffic::{burst::Burst, transfer::Transfer},
    },
    repeats::{FlushBuffer, OCCASIONS},
};

/// The records; only `emit` writes here. The loader sets the size.
#[map]
pub(crate) static RING: RingBuf = RingBuf::with_byte_size(RING_BYTES, 0);

/// What was seen, stored and lost, per CPU; only `emit` writes here.
#[map]
pub(crate) static COUNTERS: PerCpuArray<Counters> = PerCpuArray::with_max_entries(1, 0);

/// The tracked threads by thread id in the initial pid namespace.
#[map]
pub(crate) static TASKS: HashMap<u32, Task> = HashMap::with_max_entries(TASK_BOUND, 0);

/// The names of programs that make an untracked process a candidate at exec; the value means nothing.
#[map]
pub(crate) static CANDIDATES: HashMap<Candidate, u32> = HashMap::with_max_entries(CANDIDATE_BOUND, 0);

/// Where records of opened files are built. A CPU needs one: a program on a tracepoint is never started on a CPU where it
/// has begun, and from Linux 7 on nothing else keeps programs apart. So it is for programs that `sys_exit` calls alone.
#[map]
pub(crate) static OPEN_BUFFERS: PerCpuArray<OpenBuffer> = PerCpuArray::with_max_entries(1, 0);

/// Where records of sockets that get an address are built; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static SOCKET_BUFFERS: PerCpuArray<SocketBuffer> = PerCpuArray::with_max_entries(1, 0);

/// What the call that sends or receives has moved; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static TRANSFERS: PerCpuArray<Transfer> = PerCpuArray::with_max_entries(1, 0);

/// The bursts of each thread; only its own programs change them, and userspace has those told that nobody will end.
#[map]
pub(crate) static BURSTS: HashMap<BurstKey, Burst> = HashMap::with_max_entries(BURST_BOUND, 0);

/// Where records of DNS messages are built; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static DNS_BUFFERS: PerCpuArray<DnsBuffer> = PerCpuArray::with_max_entries(1, 0);

/// A burst of no calls, from which new ones are made: one is too large for the stack.
#[map]
pub(crate) static EMPTY_BURST: Array<Burst> = Array::with_max_entries(1, 0);

/// Bursts of one call, for which [`BURSTS`] has no room; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static SPARE_BURSTS: PerCpuArray<Burst> = PerCpuArray::with_max_entries(1, 0);

/// Where names are searched for in what was sent; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static NAME_BUFFERS: PerCpuArray<NameBuffer> = PerCpuArray::with_max_entries(1, 0);

/// The copy of a burst that userspace has told.
#[map]
pub(crate) static TOLD_BURSTS: PerCpuArray<Burst> = PerCpuArray::with_max_entries(1, 0);

/// Where records of calls on paths, and of those that deserve attention, are built; as [`OPEN_BUFFERS`].
#[map]
pub(crate) static PATHS_BUFFERS: PerCpuArray<PathsBuffer> = PerCpuArray::with_max_entries(1, 0);

/// The tracking root of processes that have ended, by pid; see `probes::signal`.
#[map]
pub(crate) static ENDED: LruHashMap<u32, u32> = LruHashMap::with_max_entries(ENDED_BOUND, 0);

/// Where records of calls that look at files are built, as in [`OPEN_BUFFERS`].
#[map]
pub(crate) static STAT_BUFFERS: PerCpuArray<StatBuffer> = PerCpuArray::with_max_entries(1, 0);

/// The calls that repeat each other, by process. Entries take memory when they are made: few processes are tracked.
#[map]
pub(crate) static REPEATS: HashMap<u32, Repeats> =
    HashMap::with_max_entries(REPEATS_BOUND, aya_ebpf::bindings::BPF_F_NO_PREALLOC);

/// Where records that tell repeats are built, by [`crate::repeats::Occasion`].
#[map]
pub(crate) static FLUSH_BUFFERS: PerCpuArray<FlushBuffer> = PerCpuArray::with_max_entries(OCCASIONS, 0);

/// Where records of requests to an io_uring are built: for the programs on their submission alone.
#[map]
pub(crate) static IO_URING_BUFFERS: PerCpuArray<IoUringBuffer> = PerCpuArray::with_max_entries(1, 0);

/// The programs that finish the record of a request to an io_uring; see `probes::io_uring`.
#[map]
pub(crate) static IO_URING_PROGRAMS: ProgramArray = ProgramArray::with_max_entries(1, 0);

/// Where exec records are built, indexed by CPU: a per-CPU array refuses values above 32 KiB. The loader sets the
/// number of entries to that of the possible CPUs.
#[map]
pub(crate) static EXEC_BUFFERS: Array<ExecBuffer> = Array::with_max_entries(CPUS, 0);

/// The programs that finish a system call, by family; see `probes::syscall`.
#[map]
pub(crate) static CALL_PROGRAMS: ProgramArray = ProgramArray::with_max_entries(family::PLACES, 0);

/// The programs that build an exec record, in their order; see `probes::exec`.
#[map]
pub(crate) static EXEC_PROGRAMS: ProgramArray = ProgramArray::with_max_entries(8, 0);
