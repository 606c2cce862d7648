//! Ring records that nobody can read, in a recording: counted, told with what is wrong, and no reason to stop.

use std::path::{Path, PathBuf};

use agentsnoop_pipeline::input::{Input, Opened};
use agentsnoop_pipeline::synthetic::session::session;
use agentsnoop_store::Writer;
use agentsnoop_store::writer::Options;
use bytes::Bytes;
use monitor_common::WIRE_VERSION;
use serde_json::Value;

use crate::tools::{agentsnoop, folder, stderr, stdout};

/// Where the kind stands in a header, and a number that no kind has.
const KIND: std::ops::Range<usize> = 4..6;
const NO_KIND: u16 = 0xfff0;

/// Writes the session with the raw records that `change` makes of its own, of which it is told the place.
fn write_changed(path: &Path, change: impl Fn(usize, &[u8]) -> Vec<u8>) -> usize {
    let (mut inputs, mut closed) = session();
    let mut place = 0;
    for input in &mut inputs {
        if let Input::Raw(bytes) = input {
            *bytes = Bytes::from(change(place, bytes));
            place += 1;
        }
    }
    write(path, &inputs, &mut closed);
    place
}

fn write(path: &Path, inputs: &[Input], closed: &mut agentsnoop_pipeline::input::Closed) {
    let mut writer = Writer::create(path, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.close(closed).expect("a recording that can be closed");
}

fn report(path: &Path) -> Value {
    let output = agentsnoop(&["verify", "--json"], path);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// What `query --json --kind loss` tells as malformed.
fn told(path: &Path) -> Vec<Value> {
    let output = agentsnoop(&["query", "--json", "--kind", "loss"], path);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let records = stdout(&output);
    let records = records.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    records
        .filter(|record| record["loss"]["causes"][0].as_str().is_some_and(|cause| cause.starts_with("malformed: ")))
        .collect()
}

/// A recording whose records at these places were changed; its path, and how many records it has.
fn changed(places: &'static [usize], change: impl Fn(&mut Vec<u8>)) -> (tempfile::TempDir, PathBuf, usize) {
    let folder = folder();
    let path = folder.path().join("changed.rec");
    let records = write_changed(&path, |place, bytes| {
        let mut bytes = bytes.to_vec();
        if places.contains(&place) {
            change(&mut bytes);
        }
        bytes
    });
    (folder, path, records)
}

#[test]
fn records_of_an_unknown_kind_are_counted_with_their_number_and_the_rest_is_shown() {
    let (_folder, path, records) = changed(&[2, 5], |bytes| bytes[KIND].copy_from_slice(&NO_KIND.to_le_bytes()));
    let verdict = report(&path);
    assert_eq!((&verdict["malformed"], &verdict["damaged"]), (&2.into(), &0.into()), "{verdict:#}");
    let recorded: u64 = verdict["ledger"]["recorded_by_kind"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(_, count)| count.as_u64())
        .sum();
    assert_eq!(recorded, records as u64 - 2, "{verdict:#}");
    let told = told(&path);
    assert_eq!(told.len(), 2, "{told:#?}");
    for loss in &told {
        assert_eq!((&loss["loss"]["count"], &loss["loss"]["cpu"]), (&1.into(), &0.into()));
        assert_eq!(loss["loss"]["first_seq"], loss["loss"]["last_seq"], "{loss:#}");
        assert_eq!(
            loss["loss"]["causes"][0],
            format!("malformed: record kind {NO_KIND:#x} is not known to wire version {WIRE_VERSION}"),
            "{loss:#}"
        );
    }
    assert!(stdout(&agentsnoop(&["verify"], &path)).contains("malformed 2 ring records cannot be decoded"));
    let replayed = agentsnoop(&["replay"], &path);
    assert_eq!(replayed.status.code(), Some(0), "{}", stderr(&replayed));
    assert!(stdout(&replayed).contains("/home/dev/project/.git/config"), "what comes behind is not shown");
}

#[test]
fn a_record_that_is_cut_anywhere_is_counted_once_and_the_rest_is_shown() {
    let (inputs, _) = session();
    let raw = |input: &Input| if let Input::Raw(bytes) = input { Some(bytes.len()) } else { None };
    let whole = inputs.iter().find_map(raw).expect("a raw record");
    let expected = stdout(&agentsnoop(&["replay"], &crate::tools::stored("format-1-session.rec"))).lines().count();
    for len in (0..whole).step_by(31) {
        let (_folder, path, _) = changed(&[0], |bytes| bytes.truncate(len));
        let verdict = report(&path);
        assert_eq!(verdict["malformed"], 1, "cut to {len}: {verdict:#}");
        assert_eq!(told(&path).len(), 1, "cut to {len}");
        let replayed = agentsnoop(&["replay"], &path);
        assert_eq!(replayed.status.code(), Some(0), "cut to {len}: {}", stderr(&replayed));
        let lines = stdout(&replayed).lines().count();
        assert!(lines + 2 >= expected, "cut to {len}: {lines} lines of {expected}");
    }
}

#[test]
fn records_that_lie_about_their_length_are_counted_and_told() {
    for lie in [0u32, 1, 55, 4096, u32::MAX] {
        let (_folder, path, _) = changed(&[1, 3], |bytes| bytes[..4].copy_from_slice(&lie.to_le_bytes()));
        let verdict = report(&path);
        assert_eq!(verdict["malformed"], 2, "{lie}: {verdict:#}");
        assert_eq!(told(&path).len(), 2, "{lie}");
    }
}

#[test]
fn records_of_another_wire_are_not_taken_for_malformed_ones() {
    let folder = folder();
    let path = folder.path().join("other.rec");
    let (mut inputs, mut closed) = session();
    let Some(Input::Opened(opened)) = inputs.first_mut() else { panic!("the session does not begin with Opened") };
    let Opened { wire, .. } = opened.as_mut();
    *wire += 1;
    write(&path, &inputs, &mut closed);
    let output = agentsnoop(&["verify", "--json"], &path);
    let verdict: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&verdict["malformed"], &verdict["ledger"]["compared"]), (&0.into(), &false.into()), "{verdict:#}");
    for command in ["replay", "query"] {
        let output = agentsnoop(&[command], &path);
        assert_eq!(output.status.code(), Some(4), "{command}");
        let said = stderr(&output);
        let (theirs, ours) = (WIRE_VERSION + 1, WIRE_VERSION);
        let expected = format!("its records have wire version {theirs}, and this build reads {ours}");
        assert!(said.contains(&expected), "{command}: {said}");
    }
}
