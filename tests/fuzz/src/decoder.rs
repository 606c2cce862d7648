//! Ring records and all other inputs, through the whole middle.

use std::sync::LazyLock;

use agentsnoop_pipeline::{Lines, Pipeline, Record, Scrub, Summary, event::encode, input::Input};
use agentsnoop_store::frame;
use bytes::Bytes;
use monitor_common::decode;

/// A pipeline that has seen nothing: to read its data takes longer than to judge an input.
static START: LazyLock<Pipeline> = LazyLock::new(|| Pipeline::new().expect("the built-in data"));

thread_local! {
    /// It keeps nothing of a text but counts.
    static SCRUB: std::cell::RefCell<Scrub> = std::cell::RefCell::new(Scrub::new().expect("the built-in rules"));
}

/// Takes bytes as the frames of a block (docs/recording.md), which can be any ring records and any other inputs, scrubs and
/// judges them, and shows what comes out as lines, JSON and summary.
///
/// # Panics
/// Where something of this panics, where a record that was decoded cannot be encoded and decoded again, where a line is
/// more than one or has control characters, where JSON cannot be read back, or where the ledger does not count each record.
pub fn decoder(data: &[u8]) {
    let mut frames = Bytes::copy_from_slice(data);
    let (mut pipeline, mut records, mut raw) = (START.clone(), Vec::new(), 0);
    while let Ok(Some(frame)) = frame::take(&mut frames) {
        let Ok(Some(input)) = frame::decode(&frame) else { continue };
        let input = SCRUB.with_borrow_mut(|scrub| scrub.apply(input));
        if let Input::Raw(bytes) = &input {
            raw += 1;
            decode_again(bytes);
        }
        // A replay has the answers in its recording, or does without.
        drop(pipeline.push(&input, &mut records));
    }
    pipeline.finish(&mut records);
    assert_eq!(pipeline.ledger().received(), raw, "ring records were counted wrongly");
    drop(pipeline.ledger().check());
    show(&records);
}

/// What was decoded has the same meaning once it was encoded again; the bytes may differ in what nobody reads.
fn decode_again(bytes: &[u8]) {
    let Ok(record) = decode::record(bytes) else { return };
    let again = encode::record(&record.header, &record.body);
    let second = decode::record(&again).unwrap();
    assert_eq!(again, encode::record(&second.header, &second.body));
}

fn show(records: &[Record]) {
    let (lines, mut text, mut summary) = (Lines::default(), String::new(), Summary::default());
    for record in records {
        let before = text.len();
        lines.render(record, &mut text);
        let line = &text[before..];
        // What is of no interest to a person has none.
        assert!(line.is_empty() || line.find('\n') == Some(line.len() - 1), "one line a record: {line:?}");
        summary.add(record);
        let json = serde_json::to_string(record).unwrap();
        let back: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
    assert!(!text.chars().any(|char| char.is_control() && char != '\n'), "{text:?}");
    let lines = summary.lines(80);
    assert!(!lines.iter().any(|line| line.chars().any(char::is_control)), "{lines:?}");
}
