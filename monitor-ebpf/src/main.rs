//! The kernel half of agentsnoop: BPF programs that track processes, read what they do, and emit records.
//!
//! `probes` holds one file per family of hooks; each says what it hooks, when, and what it cannot see. Only `emit`
//! writes to the ring and to the counters. The records are those of `monitor-common`.
//!
//! On the host target the crate compiles, for clippy, and is never run.
#![cfg_attr(target_arch = "bpf", no_std)]
#![no_main]
#![expect(clippy::needless_pass_by_value, reason = "the macros that make programs hand over the context by value")]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]

mod atomic;
mod emit;
mod files;
mod globals;
mod maps;
mod namespace;
mod path;
mod probes;
mod read;
mod repeats;
mod socket;
mod task;
mod typed;
mod words;

/// The kernel lets only programs under a license compatible with the GPL use the helpers that read memory.
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 4] = *b"GPL\0";

/// Nothing in the kernel half panics; the verifier would refuse the endless loop.
#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
