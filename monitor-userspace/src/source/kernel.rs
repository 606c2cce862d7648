//! The kernel as a source: loads the kernel half, attaches it, drains its ring. The only place that knows aya.
//!
//! # Waking
//!
//! The kernel half wakes the reader at most once in [`monitor_common::limits::WAKE_NANOSECONDS`]. After each wake-up the
//! reader must drain at least once in that time until it has found nothing for twice that time; only then may it sleep on
//! [`Kernel::fd`]. A record that is written later than one such time after the last wake-up wakes the reader, so none waits longer.

mod bounds;
mod bursts;
mod elf;
mod error;
mod fields;
mod handle;
mod libcs;
#[cfg(feature = "debug-log")]
mod messages;
mod programs;
mod repeats;
mod sparse;
mod syscall;
mod variant;

pub use self::{
    bounds::{Bounds, Entries},
    error::OpenError,
    handle::{Kernel, Options},
    libcs::{find_libcs, is_libc_name},
    variant::Variant,
};

/// Where the kernel tells its types, when it was built with them (`CONFIG_DEBUG_INFO_BTF`).
pub const KERNEL_BTF: &str = "/sys/kernel/btf/vmlinux";
