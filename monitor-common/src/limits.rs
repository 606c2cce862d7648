//! Every bound of the wire and of the kernel half, with its reason and what happens when it is reached.

/// Bytes of a path, as `PATH_MAX` (linux/limits.h) counts them; longer ones are cut and say so.
pub const PATH_BYTES: usize = 4096;

/// Components that the walk up the dentries follows; the loop must have a bound for the verifier, and 64
/// costs a quarter of 256 to verify. A deeper path is cut at its head and says so.
pub const PATH_COMPONENTS: usize = 64;

/// Bytes of argv that a record carries whole.
pub const ARGV_BYTES: usize = 64 * 1024;

/// Bytes of head and of tail that are kept of a longer argv.
pub const ARGV_PART_BYTES: usize = 32 * 1024;

/// Bytes of one variable of an environment in which its `=` is looked for; the search is unrolled over them. A longer
/// name is left out, and the list says that it is cut.
pub const ENV_NAME_BYTES: usize = 64;

/// Variables of an environment whose names are read; the rest is counted and the list says that it is cut.
/// Without `bpf_loop` (before Linux 5.17) the verifier walks every round.
pub const ENV_NAMES: usize = 256;

/// Bytes of the list of names of an environment, each ended by a NUL.
pub const ENV_BYTES: usize = ENV_NAMES * ENV_NAME_BYTES;

/// Bytes of the argument of getenv; the uprobe may be preempted, so its record lives on the 512-byte stack.
pub const GETENV_NAME_BYTES: usize = 128;

/// Bytes of a socket address, as `struct sockaddr_storage` (linux/socket.h) has them.
pub const SOCKADDR_BYTES: usize = 128;

/// Bytes of a DNS message that a record carries: what a resolver accepts over UDP with EDNS by default (RFC 6891, DNS flag
/// day 2020) and more than the 512 of RFC 1035; of a longer one the head.
pub const DNS_BYTES: usize = 2048;

/// Bytes of a host name in the first bytes of a stream: 253 (RFC 1035) and a port; a longer one is cut.
pub const NAME_BYTES: usize = 256;

/// Sockets of one thread that can each have a burst of sending or receiving at the same time. Two that share a place, by the
/// low bits of their inodes, end each other's bursts: more records, and nothing lost. A power of two, at most 32.
pub const BURST_PLACES: u32 = 8;

/// Bursts that can be under way at once, 2 MB of memory; where there is no room each call is a burst of its own and counted
/// in [`crate::counters::Fault::BurstMapFull`].
pub const BURSTS: u32 = 8 * 1024;

/// Nanoseconds after which a burst that rests is over; noticed at the next call, or by userspace, which has it told.
pub const BURST_REST_NANOSECONDS: u64 = 100_000_000;

/// Threads that can be tracked at once; a thread beyond it is not tracked and counted in
/// [`crate::counters::Fault::TaskMapFull`].
pub const TASKS: u32 = 32 * 1024;

/// Processes of tracked trees that have ended and whose pids are remembered: a signal to such a process, or to the group
/// that it led, goes to no outsider. Of more, those that ended first are forgotten, and a signal to one is recorded.
pub const ENDED: u32 = 8 * 1024;

/// Bytes of a name that a record of a call holds on the stack: of a thread (`TASK_COMM_LEN`) and of a network interface
/// (`IFNAMSIZ`), both 16.
pub const SHORT_NAME_BYTES: usize = 16;

/// Bytes of a host name (`__NEW_UTS_LEN` 64, linux/utsname.h); longer ones are refused by the kernel, and cut here.
pub const HOST_NAME_BYTES: usize = 64;

/// Processes whose repeated calls can be counted at once; a call of a process beyond it is recorded by itself and counted
/// in [`crate::counters::Fault::RepeatsMapFull`].
pub const REPEATS: u32 = 16 * 1024;

/// Names of programs that make a process a candidate; see [`crate::task::Candidate`].
pub const CANDIDATES: u32 = 256;

/// Bytes of the ring buffer by default; a power of two, a multiple of the page size.
pub const RING_BYTES: u32 = 16 * 1024 * 1024;

/// Bytes of the largest record: an exec with everything at its bound. A record that claims more is malformed.
pub const RECORD_BYTES: usize = 128 * 1024;

/// CPUs that have a large buffer in the kernel half unless the loader says how many are possible (it always does);
/// work on a CPU beyond it is counted as lost, cause [`crate::counters::Cause::NoBuffer`].
pub const CPUS: u32 = 1024;

/// Nanoseconds that pass at least between two wake-ups of the reader by the kernel half. The reader polls for
/// twice this time after each wake-up before it sleeps, so that no record waits longer than that.
pub const WAKE_NANOSECONDS: u64 = 5_000_000;
