//! A pipeline that is told what another one knows gives the same records from there on.

use std::{env, fs, path::PathBuf};

use agentsnoop_pipeline::{
    Pipeline, Record,
    input::{Config, Input, Known, Opened},
    synthetic::session::session,
};
use agentsnoop_store::frame;
use agentsnoop_tests::calls;
use bytes::Bytes;

use crate::tools::{read, stored};

/// Places at which a recording is cut in two; a shorter one is cut at each input.
const CUTS: usize = 24;

#[test]
fn what_is_known_at_any_place_of_the_stored_session_is_enough_to_go_on() {
    goes_on_everywhere(&inputs(&stored("format-1-session.rec")));
}

#[test]
fn what_is_known_at_any_place_of_a_session_of_every_kind_is_enough_to_go_on() {
    let (mut inputs, closed) = session();
    inputs.push(Input::Closed(Box::new(closed)));
    goes_on_everywhere(&inputs);
}

#[test]
fn what_is_known_at_any_place_of_a_session_with_tool_calls_is_enough_to_go_on() {
    let (mut inputs, closed) = calls::session();
    inputs.push(Input::Closed(Box::new(closed)));
    goes_on_everywhere(&inputs);
}

/// For recordings of this machine: `AGENTSNOOP_RECORDINGS` names a folder of them.
#[test]
fn what_is_known_at_any_place_of_recordings_that_are_named_is_enough_to_go_on() {
    let Some(folder) = env::var_os("AGENTSNOOP_RECORDINGS") else {
        eprintln!("skipped: AGENTSNOOP_RECORDINGS names no folder of recordings");
        return;
    };
    let found = fs::read_dir(folder).expect("a readable folder");
    for path in found.map(|entry| entry.expect("a readable folder").path()) {
        goes_on_everywhere(&inputs(&path));
    }
}

fn inputs(path: &PathBuf) -> Vec<Input> {
    read(&fs::read(path).expect("a readable recording")).inputs
}

fn goes_on_everywhere(inputs: &[Input]) {
    let step = inputs.len().div_ceil(CUTS).max(1);
    let first = inputs.iter().position(|input| matches!(input, Input::Raw(_))).expect("a recording of something");
    for cut in (first..inputs.len()).step_by(step) {
        goes_on(inputs, cut);
    }
}

fn goes_on(inputs: &[Input], cut: usize) {
    let mut whole = Pipeline::new().expect("the built-in data");
    let mut before = Vec::new();
    inputs[..cut].iter().for_each(|input| drop(whole.push(input, &mut before)));
    let known: Vec<Known> = whole.restate(&mut before).iter().map(stored_and_read).collect();
    let mut resumed = Pipeline::new().expect("the built-in data");
    let (opened, config) = begun(&inputs[..cut]);
    resumed.resume(opened, config, &known, whole.next_id());
    for (at, input) in inputs.iter().enumerate().skip(cut) {
        let (mut one, mut other): (Vec<Record>, Vec<Record>) = (Vec::new(), Vec::new());
        let _ = whole.push(input, &mut one);
        let _ = resumed.push(input, &mut other);
        assert_eq!(one, other, "cut before input {cut}, at input {at} of {}: {input:?}", inputs.len());
    }
    assert_eq!(whole.ledger().check(), resumed.ledger().check(), "cut before input {cut}");
}

fn begun(inputs: &[Input]) -> (&Opened, Option<&Config>) {
    let opened = inputs.iter().find_map(|input| if let Input::Opened(opened) = input { Some(&**opened) } else { None });
    let config =
        inputs.iter().rev().find_map(|input| if let Input::Config(config) = input { Some(&**config) } else { None });
    (opened.expect("a recording that was opened"), config)
}

/// The piece as a recording gives it back.
fn stored_and_read(known: &Known) -> Known {
    let mut bytes = Vec::new();
    frame::encode(&Input::Known(Box::new(known.clone())), &mut bytes).expect("a piece that can be stored");
    let frame = frame::take(&mut Bytes::from(bytes)).expect("a sound frame").expect("a frame");
    match frame::decode(&frame).expect("a sound piece") {
        Some(Input::Known(read)) => {
            assert_eq!(*read, *known);
            *read
        }
        other => panic!("{known:?} was read as {other:?}"),
    }
}
