//! See the function of this name in `agentsnoop_fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| agentsnoop_fuzz::decoder(data));
