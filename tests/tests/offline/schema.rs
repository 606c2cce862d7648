//! docs/schema/record.json says neither more nor less than the records are.

use std::{collections::BTreeSet, fs, path::Path};

use agentsnoop_pipeline::{
    Pipeline, Record, data,
    enrich::Class,
    input::{Config, Input},
    record::{Kind, ProcessId, State},
    synthetic::{any::Any, session::session},
};
use agentsnoop_store::{Writer, writer::Options};
use jsonschema::Validator;
use monitor_common::TextState;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::tools::{agentsnoop, folder, recorder, small, stderr, stdout, stored};

fn schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/schema/record.json")).expect("JSON")
}

fn validator() -> Validator {
    jsonschema::options().should_validate_formats(true).build(&schema()).expect("a schema of draft 2020-12")
}

/// Fails with what is wrong.
fn check(validator: &Validator, record: &Value) {
    let errors: Vec<String> =
        validator.iter_errors(record).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{errors:#?}\n{record:#}");
}

/// The records of a recording as `export` gives them.
fn exported(path: &Path) -> Vec<Value> {
    let output = agentsnoop(&["export", "--format", "jsonl"], path);
    assert_eq!(output.status.code(), Some(0), "{}: {}", path.display(), stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

/// Every stored recording, and those that `recorder` makes.
fn everything() -> Vec<Value> {
    let folder = folder();
    let mut paths: Vec<_> =
        fs::read_dir(stored("")).expect("recordings").map(|entry| entry.expect("a file").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "rec"));
    assert!(!paths.is_empty());
    for words in [&["session"][..], &["calls"], &["long", "2000"], &["full"], &["full-at-end"]] {
        let path = folder.path().join(format!("{}.rec", words[0]));
        recorder(words, &path);
        paths.push(path);
    }
    let path = folder.path().join("small.rec");
    fs::write(&path, small().0).expect("a file");
    paths.push(path);
    paths.iter().flat_map(|path| exported(path)).collect()
}

#[test]
fn every_record_of_every_recording_is_as_the_schema_says() {
    let validator = validator();
    let records = everything();
    assert!(records.len() > 2000);
    records.iter().for_each(|record| check(&validator, record));
}

#[test]
fn a_record_with_a_field_that_is_not_known_or_without_one_that_must_be_there_is_refused() {
    let validator = validator();
    let mut refused = 0;
    for record in exported(&stored("format-1-session.rec")) {
        let kind: Kind = record["kind"].as_str().and_then(|kind| kind.parse().ok()).expect("a kind");
        for place in ["", "/process", "/agent", &format!("/{}", kind.key())] {
            let Some(Value::Object(object)) = record.pointer(place) else { continue };
            let change = |change: &dyn Fn(&mut Map<String, Value>)| {
                let mut other = record.clone();
                change(other.pointer_mut(place).and_then(Value::as_object_mut).expect("the same object"));
                other
            };
            let more = change(&|object| drop(object.insert("unheard_of".to_owned(), json!(1))));
            assert!(!validator.is_valid(&more), "{more:#}");
            for field in object.keys() {
                let less = change(&|object| drop(object.remove(field)));
                // What the types can do without is what the schema lets be absent, but for what agentsnoop always writes.
                if serde_json::from_value::<Record>(less.clone()).is_err() {
                    assert!(!validator.is_valid(&less), "without {place}/{field}: {less:#}");
                    refused += 1;
                }
                let wrong = change(&|object| drop(object.insert(field.clone(), json!({ "no": "such thing" }))));
                assert!(!validator.is_valid(&wrong), "{wrong:#}");
            }
        }
        for other in Kind::ALL.iter().filter(|other| **other != kind) {
            let mut both = record.clone();
            both[other.key()] = record[kind.key()].clone();
            assert!(!validator.is_valid(&both), "{both:#}");
        }
    }
    assert!(refused > 100, "{refused}");
}

#[test]
fn the_schema_has_every_kind_class_and_state_and_every_field_of_each_kind() {
    let schema = schema();
    let names = |at: &str| -> Vec<String> {
        let list = schema.pointer(at).unwrap_or_else(|| panic!("{at} is missing"));
        serde_json::from_value(list.clone()).expect("names")
    };
    assert_eq!(names("/properties/kind/enum"), Kind::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>());
    assert_eq!(names("/properties/classes/items/enum"), Class::ALL.map(Class::name));
    let states: BTreeSet<String> = TextState::ALL
        .into_iter()
        .map(State::from)
        .filter(|state| !state.is_complete())
        .map(|state| serde_json::from_value(json!(state)).expect("a name"))
        .collect();
    assert_eq!(names("/$defs/state/enum").into_iter().collect::<BTreeSet<_>>(), states);
    for kind in Kind::ALL {
        let fields = schema.pointer(&format!("/$defs/kind_{kind}/properties")).and_then(Value::as_object);
        let fields: BTreeSet<&str> = fields.expect("a body of each kind").keys().map(String::as_str).collect();
        assert_eq!(fields, kind.fields().iter().copied().collect(), "{kind}");
    }
}

/// Which of the things that a schema allows an example is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    /// Only what must be there.
    Least,
    /// All that can be there.
    Most,
}

/// Something that a part of the schema allows.
fn example(part: &Value, size: Size, whole: &Value) -> Value {
    if let Some(examples) = part["examples"].as_array() {
        return examples[0].clone();
    }
    if let Some(place) = part["$ref"].as_str() {
        let target = whole.pointer(place.trim_start_matches('#')).unwrap_or_else(|| panic!("{place} is missing"));
        return example(target, size, whole);
    }
    if let Some(only) = part.get("const") {
        return only.clone();
    }
    if let Some(several) = part["enum"].as_array() {
        let one = if size == Size::Most { several.first() } else { several.last() };
        return one.expect("a value").clone();
    }
    match part["type"].as_str().or_else(|| part["type"][0].as_str()) {
        Some("string") => json!("a text"),
        Some("integer") => json!(7),
        Some("array") if size == Size::Least && part.get("minItems").is_none() => json!([]),
        Some("array") => json!([example(&part["items"], size, whole)]),
        Some("object") => {
            let wanted = |name: &str| {
                size == Size::Most
                    || part["required"].as_array().is_some_and(|required| required.contains(&json!(name)))
            };
            let fields = part["properties"].as_object().expect("properties");
            let fields = fields.iter().filter(|(name, _)| wanted(name));
            fields.map(|(name, field)| (name.clone(), example(field, size, whole))).collect::<Map<_, _>>().into()
        }
        other => panic!("no example of type {other:?}: {part:#}"),
    }
}

#[test]
fn the_most_and_the_least_that_the_schema_allows_of_each_kind_are_records() {
    let (schema, validator) = (schema(), validator());
    let id: ProcessId = "4711-3xuhaj1n6".parse().expect("a process id");
    for size in [Size::Most, Size::Least] {
        for kind in Kind::ALL {
            let mut fields = example(&schema, size, &schema);
            let record = fields.as_object_mut().expect("an object");
            record.retain(|name, _| name == "kind" || Kind::ALL.iter().all(|other| other.key() != name));
            record.insert("kind".to_owned(), json!(kind));
            record.insert(kind.key().to_owned(), example(&schema["$defs"][format!("kind_{kind}")], size, &schema));
            let mut process = example(&schema["$defs"]["process"], size, &schema);
            (process["pid"], process["start_ns"]) = (json!(id.pid), json!(id.start_ns));
            record.insert("process".to_owned(), process);
            check(&validator, &fields);
            let read: Record =
                serde_json::from_value(fields.clone()).unwrap_or_else(|error| panic!("{error}: {fields:#}"));
            assert_eq!(serde_json::to_value(&read).expect("JSON"), fields, "the {size:?} of {kind}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_arrives_gives_records_that_the_schema_allows(
        texts in prop::array::uniform((prop::collection::vec(prop_oneof![Just(0), Just(b'/'), any::<u8>()], 0..40), states())),
        header in (any::<u64>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>()),
        numbers in (any::<i64>(), any::<u64>(), any::<u32>(), any::<u32>()),
    ) {
        let validator = validator();
        let mut pipeline = Pipeline::new().expect("the built-in data");
        let mut records = Vec::new();
        let config = Config { scrub: "none".to_owned(), data: data::list() };
        for input in [Input::Config(Box::new(config))].into_iter().chain(Any { header, numbers, texts }.inputs()) {
            let _ = pipeline.push(&input, &mut records);
        }
        pipeline.finish(&mut records);
        for record in &records {
            check(&validator, &serde_json::to_value(record).expect("JSON"));
        }
        prop_assert!(records.len() >= 20);
    }
}

fn states() -> impl Strategy<Value = TextState> {
    (0..TextState::ALL.len()).prop_map(|at| TextState::ALL[at])
}

#[test]
fn the_documents_name_the_schema_where_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for page in ["docs/events.md", "docs/export.md"] {
        assert!(fs::read_to_string(root.join(page)).expect("a page").contains("schema/record.json"), "{page}");
    }
}

#[test]
fn a_recording_of_the_numbers_that_no_integer_of_sqlite_holds_is_exported_without_losing_any() {
    let folder = folder();
    let (recording, database) = (folder.path().join("large.rec"), folder.path().join("large.db"));
    let (mut inputs, mut closed) = session();
    for input in &mut inputs {
        if let Input::Gap(gap) = input {
            gap.inputs = Some(u64::MAX);
        }
    }
    let mut writer = Writer::create(&recording, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.close(&mut closed).expect("a recording that can be closed");
    let validator = validator();
    exported(&recording).iter().for_each(|record| check(&validator, record));
    let words = ["export", "--format", "sqlite", "--output", database.to_str().expect("text")];
    let output = agentsnoop(&words, &recording);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let connection = rusqlite::Connection::open(&database).expect("a database");
    let inputs: String = connection.query_row("SELECT inputs FROM gap", [], |row| row.get(0)).expect("a gap");
    assert_eq!(inputs, u64::MAX.to_string());
}
