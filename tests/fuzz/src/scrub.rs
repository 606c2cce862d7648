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

/// How often the text is in an input at most, rounded up.
const COPIES: usize = 4;

/// Scrubs bytes in each place of an input that can hold a secret.
///
/// # Panics
/// Where that panics, where scrubbing again changes something, where a text becomes longer than its masks can make it, or
/// where a ring record can no longer be decoded.
pub fn scrub(data: &[u8]) {
    SCRUB.with_borrow_mut(|scrub| inputs(data).iter().for_each(|input| apply(scrub, input, data.len())));
}

fn apply(scrub: &mut Scrub, input: &Input, text: usize) {
    let masked = scrub.apply(input.clone());
    // What was left as it is would be left as it is again.
    if masked == *input {
        return;
    }
    if let (Input::Raw(before), Input::Raw(bytes)) = (input, &masked) {
        assert!(bytes.len() <= RECORD_BYTES, "a record of {} bytes", bytes.len());
        let most = before.len() + COPIES * text * GROWTH;
        assert!(bytes.len() <= most, "{} bytes of {}, with a text of {text}", bytes.len(), before.len());
        decode::record(bytes).unwrap();
    }
    let again = scrub.apply(masked.clone());
    assert_eq!(again, masked, "scrubbing again changes something");
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
