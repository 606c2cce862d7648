//! Bursts of sending and receiving that no call of their thread will end: userspace has them told.
//!
//! A burst is told when the next call of its thread finds it over, or when the thread ends. Until then it lies in a map
//! of the kernel half. So that what rests is seen, and nothing is left there when the observation ends, userspace runs a
//! program of the kernel half itself (`BPF_PROG_TEST_RUN`), which writes the record like any other.

use std::collections::BTreeMap;

use aya::{
    Ebpf,
    maps::{HashMap, MapData},
    programs::{RawTracePoint, RawTracePointRunOptions, TestRun as _},
};
use monitor_common::{
    Header,
    body::Traffic,
    from_bytes,
    limits::{BURST_REST_NANOSECONDS, BURSTS},
    task::{BURST_BYTES, BurstKey},
};

/// The program that tells a burst; its argument is the key.
pub(super) const PROGRAM: &str = "tell_burst";

type KeyBytes = [u8; size_of::<BurstKey>()];

/// The bursts that are under way.
pub(super) struct Bursts {
    map: HashMap<MapData, KeyBytes, [u8; BURST_BYTES]>,
    /// When the bursts that were told already had ended, as far as they are still there.
    told: BTreeMap<u64, u64>,
}

impl Bursts {
    pub(super) const fn new(map: HashMap<MapData, KeyBytes, [u8; BURST_BYTES]>) -> Self {
        Self { map, told: BTreeMap::new() }
    }

    /// Has those told that have rested until `boot_ns` and were not told since their last call.
    pub(super) fn tell_resting(&mut self, ebpf: &mut Ebpf, boot_ns: u64) {
        let bursts = self.under_way();
        let mut told = BTreeMap::new();
        for (key, ended) in bursts {
            if boot_ns.saturating_sub(ended) < BURST_REST_NANOSECONDS {
                continue;
            }
            if self.told.get(&key) != Some(&ended) {
                tell(ebpf, key);
            }
            told.insert(key, ended);
        }
        self.told = told;
    }

    /// Has all of them told; those whose thread is tracked no more are told for good.
    pub(super) fn tell_all(&mut self, ebpf: &mut Ebpf) {
        for (key, _) in self.under_way() {
            tell(ebpf, key);
        }
        self.told.clear();
    }

    /// Places in the map.
    pub(super) fn entries(&self) -> usize {
        self.map.keys().flatten().take(2 * BURSTS as usize).count()
    }

    /// The keys, and when the last call of each burst returned. Bursts come and go meanwhile, and a look at a map that
    /// changes can begin again; so it has a bound.
    fn under_way(&self) -> Vec<(u64, u64)> {
        let bound = 2 * BURSTS as usize;
        let ended = |bytes: &[u8; BURST_BYTES]| {
            let body = bytes.get(size_of::<Header>()..)?.get(..size_of::<Traffic>())?;
            from_bytes::<Traffic>(body).filter(|body| body.calls != 0).map(|body| body.ended)
        };
        let found = self.map.iter().flatten().take(bound);
        let mut bursts: Vec<_> =
            found.filter_map(|(key, burst)| Some((u64::from_le_bytes(key), ended(&burst)?))).collect();
        bursts.sort_unstable();
        bursts.dedup_by_key(|(key, _)| *key);
        bursts
    }
}

/// Runs the program; where this kernel does not take it, the coverage says so.
fn tell(ebpf: &mut Ebpf, key: u64) {
    let Some(program) = ebpf.program_mut(PROGRAM) else { return };
    let Ok(program) = <&mut RawTracePoint>::try_from(program) else { return };
    let mut options = RawTracePointRunOptions::default();
    options.args[0] = key;
    // A burst that has gone meanwhile has been told.
    let _ = program.test_run(options);
}
