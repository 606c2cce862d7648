//! The scrubber.

use std::cell::RefCell;

use agentsnoop_pipeline::{
    Scrub,
    input::{Existing, Input, Observed},
    synthetic::Actor,
};
use monitor_common::{
    TextState,
    body::{self, exec_text},
    decode::{self, Body, Str},
    limits::RECORD_BYTES,
};

thread_local! {
    static SCRUB: RefCell<Scrub> = RefCell::new(Scrub::new().expect("the built-in rules"));
}

/// How much longer a text can become: a mask has at most so many bytes, and a secret at least one.
const GROWTH: usize = 64;

/// Scrubs bytes: as a command line, and in each place of an input that can hold a secret.
///
/// # Panics
/// Where that panics, where scrubbing again changes something (arguments that are cut may need a second time), where a text becomes longer than its masks can make it, or
/// where a ring record can no longer be decoded.
pub fn scrub(data: &[u8]) {
    SCRUB.with_borrow_mut(|scrub| {
        if let Some(masked) = scrub.command_line(data) {
            assert!(masked.len() <= data.len() * GROWTH, "{} bytes of {}", masked.len(), data.len());
            let again = scrub.command_line(&masked);
            assert!(
                again.as_ref().is_none_or(|again| *again == masked),
                "{:?} becomes {:?} and then {:?}",
                String::from_utf8_lossy(data),
                String::from_utf8_lossy(&masked),
                again.as_deref().map(String::from_utf8_lossy)
            );
        }
        inputs(data).into_iter().for_each(|input| apply(scrub, input));
    });
}

fn apply(scrub: &mut Scrub, input: Input) {
    let is_cut = matches!(&input, Input::Raw(bytes) if has_tail(bytes));
    let mut masked = scrub.apply(input);
    if let Input::Raw(bytes) = &masked {
        assert!(bytes.len() <= RECORD_BYTES, "a record of {} bytes", bytes.len());
        decode::record(bytes).unwrap();
    }
    if is_cut {
        // The word at the cut is masked behind the others, and without it the next look can take a quote for another one.
        masked = scrub.apply(masked);
    }
    let again = scrub.apply(masked.clone());
    assert_eq!(again, masked, "scrubbing again changes something");
}

/// Whether the arguments came in two parts.
fn has_tail(bytes: &[u8]) -> bool {
    let record = decode::record(bytes);
    record.is_ok_and(
        |record| matches!(record.body, Body::Exec(_, texts) if !texts[exec_text::ARGV_TAIL].bytes.is_empty()),
    )
}

/// Inputs that have the text where a secret may be.
fn inputs(data: &[u8]) -> Vec<Input> {
    let mut actor = Actor::new(7);
    let text = Str { bytes: data, state: TextState::Complete };
    let none = Str { bytes: b"", state: TextState::Complete };
    let (left, right) = data.split_at(data.len() / 2);
    let [left, right] = [left, right].map(|bytes| Str { bytes, state: TextState::Cut });
    let mut exec = [none; exec_text::COUNT];
    exec[exec_text::FILENAME] = left;
    exec[exec_text::ENV] = text;
    exec[exec_text::ARGV] = text;
    let mut cut = [none; exec_text::COUNT];
    cut[exec_text::ARGV] = left;
    cut[exec_text::ARGV_TAIL] = right;
    let string = String::from_utf8_lossy(data);
    vec![
        actor.raw(&Body::Open(body::Open::default(), [text, text])),
        actor.raw(&Body::Getenv(body::Getenv::default(), text)),
        actor.raw(&Body::Exec(body::Exec::default(), exec)),
        actor.raw(&Body::Exec(body::Exec::default(), cut)),
        Input::Observed(Observed::Process(Box::new(Existing {
            argv: string.split('\0').map(str::to_owned).collect(),
            cwd: Some(string.clone().into_owned()),
            ..Existing::default()
        }))),
    ]
}
