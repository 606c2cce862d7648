//! Whatever arrives: it gives a record that can be shown, or it is counted, and nothing panics.

use agentsnoop_pipeline::{
    Pipeline, Record,
    event::encode,
    input::Input,
    synthetic::{Actor, Program, any::Any},
};
use monitor_common::{Kind, TextState, decode};
use proptest::prelude::*;

use crate::common::judge;

/// What the lines, the summary and the JSON of records make of anything must not fail.
fn show(records: &[Record]) {
    let mut summary = agentsnoop_pipeline::Summary::default();
    let (lines, mut text) = (agentsnoop_pipeline::Lines::default(), String::new());
    for record in records {
        lines.render(record, &mut text);
        summary.add(record);
        let json = serde_json::to_string(record).unwrap();
        let back: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
    assert_eq!(text.lines().count(), records.len(), "one line a record: {text:?}");
    assert!(!text.contains('\u{1b}'));
    let _ = summary.lines(80);
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0), Just(b'/'), Just(b'.'), any::<u8>()], 0..60)
}

fn states() -> impl Strategy<Value = TextState> {
    (0..TextState::ALL.len()).prop_map(|at| TextState::ALL[at])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_strings_and_numbers_give_a_record_that_can_be_shown(
        texts in proptest::array::uniform((bytes(), states())),
        header in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>()),
        numbers in (any::<i64>(), any::<u64>(), any::<u32>(), any::<u32>()),
    ) {
        let any = Any { header, numbers, texts };
        let (header, bodies) = (any.header(), any.bodies());
        prop_assert!(bodies.len() >= Kind::ALL.len(), "every kind is among them");
        let raws: Vec<Vec<u8>> = bodies.iter().map(|body| encode::record(&header, body)).collect();
        for (raw, body) in raws.iter().zip(&bodies) {
            let decoded = decode::record(raw).unwrap();
            prop_assert_eq!(encode::record(&decoded.header, &decoded.body), raw.clone(), "encoding is the reverse of decoding");
            prop_assert_eq!(decoded.body.kind(), body.kind());
        }
        show(&judge(&any.inputs()));
    }

    #[test]
    fn no_bytes_make_it_panic(raws in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..20)) {
        let inputs: Vec<Input> = raws.into_iter().map(|raw| Input::Raw(raw.into())).collect();
        show(&judge(&inputs));
    }

    #[test]
    fn a_record_cut_or_changed_anywhere_is_decoded_or_counted(cut in 0usize..400, at in 0usize..400, with in any::<u8>()) {
        let mut actor = Actor::new(1);
        let Input::Raw(raw) = actor.exec(Program { exe: "/bin/x", argv: &["x", "y"], env: &["A"], cwd: "/", ..Program::default() }) else { panic!() };
        let mut changed = raw.to_vec();
        let last = changed.len() - 1;
        changed[at.min(last)] = with;
        let mut pipeline = Pipeline::new().unwrap();
        let mut records = Vec::new();
        let _ = pipeline.push(&Input::Raw(changed.into()), &mut records);
        let _ = pipeline.push(&Input::Raw(raw.slice(..cut.min(last))), &mut records);
        prop_assert!(!records.is_empty());
        show(&records);
    }
}
