//! docs/inputs.md says neither more nor less of the inputs than recordings hold.

mod page;
mod told;

use std::{
    collections::BTreeSet,
    env,
    fmt::Debug,
    fs,
    path::{Path, PathBuf},
};

use agentsnoop_pipeline::{
    Pipeline,
    input::{Control, HookState, Input, Known, Learned, Observed, Why},
    record::{NameSource, State},
    synthetic::session::session,
};
use agentsnoop_store::{
    format::BLOCK_HEADER,
    frame::{self, Frame},
};
use agentsnoop_tests::{calls, heavy::Heavy, inputs::samples};
use bytes::Bytes;
use monitor_common::{Kind, WIRE_VERSION, counters::Cause, counters::Fault};
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::tools::{blocks, stored};
use page::{Absent, Page, Type};
use told::{Step, Told};

/// Inputs of a made session that is without an end.
const HEAVY: usize = 3000;

/// Places of a session at which it is told what is known.
const PLACES: usize = 16;

const PAGE: &str = include_str!("../../../docs/inputs.md");

/// The section of an input.
const fn section(input: &Input) -> &'static str {
    match input {
        Input::Opened(_) => "Opened",
        Input::Config(_) => "Config",
        Input::Raw(_) => "Raw",
        Input::Observed(_) => "Observed",
        Input::Control(_) => "Control",
        Input::Coverage(_) => "Coverage",
        Input::Gap(_) => "Gap",
        Input::Counters(_) => "Counters",
        Input::Tick(_) => "Tick",
        Input::Closed(_) => "Closed",
        Input::Known(_) => "Known",
    }
}

fn framed(input: &Input) -> Frame {
    let mut bytes = Vec::new();
    frame::encode(input, &mut bytes).expect("an input that can be stored");
    frame::take(&mut Bytes::from(bytes)).expect("a sound frame").expect("a frame")
}

/// The frames of a stored recording as they are, of whatever build.
fn frames_of(file: &Path) -> Vec<Frame> {
    let bytes = fs::read(file).expect("a readable recording");
    let mut frames = Vec::new();
    for block in blocks(&bytes) {
        let payload = zstd::decode_all(&bytes[block.start + BLOCK_HEADER..block.end]).expect("a zstd frame");
        let mut payload = Bytes::from(payload);
        frames.extend(std::iter::from_fn(|| frame::take(&mut payload).expect("a sound frame")));
    }
    frames
}

/// The inputs, and at some places of them what a pipeline knows.
fn with_pieces(inputs: Vec<Input>) -> Vec<Input> {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let (mut records, mut pieces) = (Vec::new(), Vec::new());
    let step = inputs.len().div_ceil(PLACES).max(1);
    for (at, input) in inputs.iter().enumerate() {
        drop(pipeline.push(input, &mut records));
        if at % step == step - 1 {
            pieces.extend(pipeline.restate(&mut records).into_iter().map(|known| Input::Known(Box::new(known))));
        }
    }
    [inputs, pieces].concat()
}

/// Every frame there is: of stored recordings, of made sessions, of samples; and of recordings of this machine, where
/// `AGENTSNOOP_RECORDINGS` names a folder of them.
fn everything() -> Vec<Frame> {
    let mut frames = Vec::new();
    let folders = [Some(stored("")), env::var_os("AGENTSNOOP_RECORDINGS").map(PathBuf::from)];
    for entry in folders.iter().flatten().flat_map(|folder| fs::read_dir(folder).expect("recordings")) {
        let path = entry.expect("a file").path();
        if path.extension().is_some_and(|extension| extension == "rec") {
            frames.extend(frames_of(&path));
        }
    }
    for (mut inputs, closed) in [session(), calls::session(), (Heavy::default().take(HEAVY).collect(), <_>::default())]
    {
        inputs.push(Input::Closed(Box::new(closed)));
        frames.extend(with_pieces(inputs).iter().map(framed));
    }
    frames.extend(samples().iter().map(framed));
    frames
}

/// What a frame tells, and the section that describes it; nothing of a ring record, which is the wire's.
fn told(frame: &Frame) -> Option<(&'static str, Told)> {
    let input = frame::decode(frame).expect("a sound frame").expect("a known input");
    let told = match &input {
        Input::Raw(_) => return None,
        Input::Known(_) => rmp_serde::from_slice(&frame.payload).expect("MessagePack"),
        _ => serde_json::from_slice(&frame.payload).expect("JSON"),
    };
    Some((section(&input), told))
}

#[test]
fn every_field_of_every_input_is_in_its_table_and_of_its_type() {
    let mut page = Page::read(PAGE);
    let mut seen = BTreeSet::new();
    for frame in everything() {
        let Some((section, told)) = told(&frame) else { continue };
        page.check(section, &told);
        seen.insert(section);
    }
    assert_eq!(seen.len(), 10, "inputs: {seen:?}");
    let left = page.unseen();
    assert!(left.is_empty(), "no recording, session or sample has what docs/inputs.md says: {left:#?}");
}

#[test]
fn a_reader_can_do_without_the_fields_that_older_builds_did_not_write_and_without_no_others() {
    let page = Page::read(PAGE);
    let mut tried = (0, 0);
    for frame in samples().iter().map(framed) {
        let Some((section, told)) = told(&frame) else { continue };
        for (path, absent) in page.fields(section, &told) {
            let without = told.without(&path);
            let payload = match frame.tag {
                frame::tag::KNOWN => rmp_serde::to_vec(&without).expect("MessagePack"),
                _ => serde_json::to_vec(&without).expect("JSON"),
            };
            let read = frame::decode(&Frame { tag: frame.tag, payload: payload.into() });
            match absent {
                Absent::Older => tried.0 += 1,
                Absent::Never => tried.1 += 1,
                _ => continue,
            }
            let what = format!("{section} without {}", path.iter().map(Step::to_string).collect::<String>());
            assert_eq!(read.is_ok(), absent == Absent::Older, "{what}: {read:?}");
        }
    }
    assert!(tried.0 >= 8 && tried.1 >= 100, "{tried:?}");
}

#[test]
fn every_sample_is_read_as_it_was_stored() {
    for input in samples() {
        assert_eq!(frame::decode(&framed(&input)).expect("a sound frame"), Some(input));
    }
}

#[test]
fn the_page_names_the_tag_of_each_input() {
    let page = Page::read(PAGE);
    let mut tags = BTreeSet::new();
    let raw = session().0.into_iter().find(|input| matches!(input, Input::Raw(_)));
    for input in samples().iter().chain(&raw) {
        let (section, tag) = (section(input), framed(input).tag);
        let said = page.text(section).strip_prefix(&format!("Tag {tag}"));
        assert!(said.is_some_and(|rest| rest.starts_with([',', '.'])), "{section} has the tag {tag}");
        tags.insert(tag);
    }
    assert_eq!(tags, (1..=11).collect());
}

/// The variants that a type knows, from what it says of one that it does not.
fn variants<T: DeserializeOwned + Debug>(other: serde_json::Value) -> Vec<String> {
    let error = serde_json::from_value::<T>(other).expect_err("no such variant").to_string();
    let listed = error.strip_prefix("unknown variant `?`").expect("it says so");
    listed.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn the_page_has_every_variant() {
    let page = Page::read(PAGE);
    let listed = |section: &str, field: &str| match page.type_of(section, field) {
        Type::OneOf(names) => names.clone(),
        other => panic!("{section}, {field}: {other:?}"),
    };
    assert_eq!(listed("Observed", "fact"), variants::<Observed>(json!({ "fact": "?" })));
    assert_eq!(listed("Control", "act"), variants::<Control>(json!({ "act": "?" })));
    assert_eq!(listed("Hook", "state"), variants::<HookState>(json!({ "state": "?" })));
    for section in ["Control: track", "Known: tracked"] {
        assert_eq!(listed(section, "why"), variants::<Why>(json!("?")));
    }
    assert_eq!(listed("Known: process", "learned"), variants::<Learned>(json!("?")));
    assert_eq!(listed("Known: stream", "source"), variants::<NameSource>(json!("?")));
    assert_eq!(page.one_of("State"), variants::<State>(json!("?")));
    assert_eq!(page.names("Known"), variants::<Known>(json!("?")));
}

#[test]
fn the_page_has_the_order_of_kinds_causes_and_faults() {
    let written = PAGE.replace('\n', " ");
    let list = |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    for names in [
        list(Kind::ALL.iter().map(|kind| kind.name()).collect()),
        list(Cause::ALL.iter().map(|cause| cause.name()).collect()),
        list(Fault::ALL.iter().map(|fault| fault.name()).collect()),
    ] {
        assert!(written.contains(&names), "{names}");
    }
}

#[test]
fn pages_that_describe_recordings_name_this_one_and_the_version_of_the_wire() {
    assert!(include_str!("../../../docs/recording.md").contains("(inputs.md)"));
    assert!(include_str!("../../../docs/wire.md").contains(&format!("Wire version {WIRE_VERSION}.")));
}
