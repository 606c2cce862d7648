//! A disk that stays full. A limit of the size of files makes writes fail as a full disk does; it is that of a whole
//! process, so each of these tests runs in one of its own.

use std::{env, fs, path::PathBuf, process::Command};

use agentsnoop_pipeline::{
    input::{Closed, Gap, Input},
    synthetic::{Actor, session::session},
};
use agentsnoop_store::{
    End, Writer,
    writer::{Options, Status},
};
use anyhow::Result;
use monitor_common::Kind;
use nix::sys::{
    resource::{Resource, getrlimit, setrlimit},
    signal::{SigHandler, Signal, signal},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{Read, agentsnoop, blocks, folder, read, stdout};

const ALONE: &str = "AGENTSNOOP_TEST_ALONE";

/// Runs the test of this name in a process of its own.
fn alone(name: &str, test: impl FnOnce()) {
    if env::var_os(ALONE).is_some() {
        // SAFETY: ignoring a signal installs no handler that could run.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.expect("a signal that can be ignored");
        return test();
    }
    let mut child = Command::new(env::current_exe().expect("the path of this program"));
    let output = child.args(["--exact", name, "--nocapture"]).env(ALONE, "1").output().expect("the test runs");
    let said = stdout(&output);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "{said}");
}

/// A recording of the session on a disk that can be filled, and what the kernel half would count.
struct Disk {
    _folder: TempDir,
    path: PathBuf,
    writer: Writer,
    closed: Closed,
    actor: Actor,
    /// Grows with each path, so that no two are alike.
    seed: u64,
}

impl Disk {
    /// With the session on it.
    fn with_session() -> Self {
        let mut disk = Self::empty();
        let (inputs, _) = session();
        inputs.iter().for_each(|input| disk.writer.push(input).expect("a writable recording"));
        disk.save().expect("a writable recording");
        disk
    }

    /// With the file header only.
    fn empty() -> Self {
        let folder = folder();
        let path = folder.path().join("a.rec");
        let (_, closed) = session();
        let mut actor = Actor::new(100);
        actor.header.time = closed.boot_ns;
        actor.header.seq = closed.counters.cpus[0].seq;
        let writer = Writer::create(&path, Options::default()).expect("a new recording");
        Self { _folder: folder, path, writer, closed, actor, seed: 1 }
    }

    /// From now on there is room for so many bytes.
    fn room(&self, bytes: u64) {
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
        let limit = self.writer.status().bytes + bytes;
        setrlimit(Resource::RLIMIT_FSIZE, limit.min(hard), hard).expect("a limit that can be set");
    }

    /// Opens, which the kernel half counts. Their paths do not compress well: 200 of them fill more than a block.
    fn opens(&mut self, count: u64) -> Vec<Input> {
        let cpu = &mut self.closed.counters.cpus[0];
        cpu.seen[Kind::Open.index()] += count;
        cpu.stored[Kind::Open.index()] += count;
        cpu.seq += count;
        let mut path = || {
            let digits = (0..120).map(|_| {
                self.seed = self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                format!("{:016x}", self.seed ^ (self.seed >> 29))
            });
            digits.collect::<String>()
        };
        (0..count).map(|_| self.actor.open(&path())).collect()
    }

    /// Records that many opens; the errors are of no interest.
    fn record(&mut self, count: u64) {
        for input in self.opens(count) {
            let _ = self.writer.push(&input);
        }
        let _ = self.save();
    }

    fn save(&mut self) -> Result<()> {
        self.writer.flush()?;
        self.writer.drain()
    }

    /// Closes the recording: what that gave, the bytes of the file, and what `verify` says of it.
    fn close(mut self) -> (Result<Status>, Vec<u8>, Value) {
        let status = self.writer.close(&mut self.closed);
        let (_, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit");
        setrlimit(Resource::RLIMIT_FSIZE, hard, hard).expect("a limit that can be set");
        let bytes = fs::read(&self.path).expect("the recording");
        let report = agentsnoop(&["verify", "--json"], &self.path);
        (status, bytes, serde_json::from_slice(&report.stdout).expect("JSON"))
    }
}

/// The last two inputs.
fn end(read: &Read) -> (&Gap, &Closed) {
    assert_eq!((read.damage.len(), read.end), (0, End::Closed));
    match read.inputs.as_slice() {
        [.., Input::Gap(gap), Input::Closed(closed)] => (gap, closed),
        other => panic!("the recording ends with {:?}", other.last()),
    }
}

#[test]
fn a_disk_that_stays_full_costs_a_gap_that_the_end_names() {
    alone("full::a_disk_that_stays_full_costs_a_gap_that_the_end_names", || {
        let mut disk = Disk::with_session();
        disk.room(20_000);
        disk.record(200);
        disk.record(300);
        assert_eq!(disk.writer.missed(), 500);
        assert_eq!(disk.writer.gap(), None, "there is a gap while writing still fails");
        let before = session().0.len() as u64;
        let (status, bytes, report) = disk.close();
        let read = read(&bytes);
        let status = status.expect("a recording that can be closed");
        let (gap, closed) = end(&read);
        assert_eq!((gap.inputs, closed.inputs), (Some(500), before + 1));
        assert!(gap.from_ns > session().1.boot_ns && gap.to_ns == gap.from_ns + 499_000, "{gap:?}");
        assert!(gap.cause.contains("File too large"), "{gap:?}");
        assert_eq!((status.gap.as_ref(), status.missed, status.missed_in_all), (Some(gap), None, 500));
        assert_eq!((&report["ok"], &report["complete"]), (&true.into(), &true.into()), "{report:#}");
        assert_eq!((&report["ledger"]["balanced"], &report["ledger"]["unstored"]), (&true.into(), &500.into()));
    });
}

#[test]
fn the_room_for_the_end_is_not_taken_by_what_comes_before() {
    alone("full::the_room_for_the_end_is_not_taken_by_what_comes_before", || {
        let mut disk = Disk::with_session();
        disk.room(60_000);
        // Each fits until the room for the end is all that is left.
        (0..100).for_each(|_| disk.record(1));
        let missed = disk.writer.missed();
        assert!(missed > 20 && missed < 90, "{missed} opens of 100 were missed");
        let (status, bytes, report) = disk.close();
        let status = status.expect("a recording that can be closed");
        assert_eq!(end(&read(&bytes)).0.inputs, Some(missed));
        assert_eq!(report["ok"], true, "{report:#}");
        let last = *blocks(&bytes).last().expect("a block");
        assert_eq!((last.inputs, last.end as u64, status.bytes), (2, status.bytes, bytes.len() as u64));
    });
}

#[test]
fn a_gap_that_is_missed_itself_is_part_of_the_next_one() {
    alone("full::a_gap_that_is_missed_itself_is_part_of_the_next_one", || {
        let mut disk = Disk::with_session();
        disk.room(25_000);
        disk.record(200);
        disk.record(1);
        let gap = disk.writer.gap().expect("a gap, since there was room for one open");
        assert_eq!(gap.inputs, Some(200));
        let _ = disk.writer.push(&Input::Gap(gap.clone()));
        disk.record(250);
        assert_eq!(disk.writer.missed(), 450);
        let (status, bytes, report) = disk.close();
        let read = read(&bytes);
        assert_eq!(status.expect("a recording that can be closed").missed_in_all, 450);
        let (last, _) = end(&read);
        assert_eq!((last.inputs, last.from_ns, &last.cause), (Some(450), gap.from_ns, &gap.cause));
        assert!(last.to_ns > gap.to_ns, "{last:?}");
        assert_eq!(report["ok"], true, "{report:#}");
    });
}

#[test]
fn a_disk_without_room_for_the_end_leaves_what_was_written_incomplete_and_not_broken() {
    alone("full::a_disk_without_room_for_the_end_leaves_what_was_written_incomplete_and_not_broken", || {
        let mut disk = Disk::with_session();
        // Room for a part of a block, which must not stay there.
        disk.room(100);
        disk.record(7);
        let (status, bytes, report) = disk.close();
        let read = read(&bytes);
        let error = status.expect_err("a failure").to_string();
        assert!(error.contains("File too large") && error.contains("lacks its end and 7 inputs"), "{error}");
        assert_eq!(read.inputs, session().0);
        assert!(matches!(read.end, End::Open { number: 1, .. }), "{}", read.end);
        assert_eq!((&report["ok"], &report["complete"], &report["damaged"]), (&false.into(), &false.into(), &0.into()));
        assert_eq!(report["ledger"]["differences"], Value::Array(Vec::new()));
    });
}

#[test]
fn a_first_block_that_is_written_late_is_counted_by_the_end() {
    alone("full::a_first_block_that_is_written_late_is_counted_by_the_end", || {
        let mut disk = Disk::empty();
        disk.room(10);
        let (inputs, _) = session();
        inputs.iter().for_each(|input| drop(disk.writer.push(input)));
        let _ = disk.save();
        disk.record(3);
        assert_eq!((disk.writer.status().held, disk.writer.missed()), (inputs.len() as u64, 3));
        disk.room(1_000_000);
        let (status, bytes, report) = disk.close();
        let read = read(&bytes);
        status.expect("a recording that can be closed");
        let (gap, closed) = end(&read);
        assert_eq!((gap.inputs, closed.inputs), (Some(3), inputs.len() as u64 + 1));
        assert_eq!(report["ok"], true, "{report:#}");
    });
}
