//! The grammar of filters.

use std::{collections::BTreeSet, sync::LazyLock};

use agentsnoop_pipeline::{
    Filter, Pipeline, Record,
    filter::{FilterError, Span},
    synthetic::session::session,
};

/// A record of each kind that the session gives.
static RECORDS: LazyLock<Vec<Record>> = LazyLock::new(|| {
    let mut pipeline = Pipeline::new().expect("the built-in data");
    let mut records = Vec::new();
    session().0.iter().for_each(|input| drop(pipeline.push(input, &mut records)));
    let mut kinds = BTreeSet::new();
    records.retain(|record| kinds.insert(record.kind().name()));
    records
});

/// The span of the session, seen two hours east of UTC.
const SPAN: Span = Span { start: 1_790_000_000_000_000_000, end: 1_790_000_600_000_000_000, utc_offset: 7200 };

/// Takes bytes as a filter, and applies what is understood to records of many kinds.
///
/// # Panics
/// Where that panics, where an error's place is not in the filter or its text has not three lines, or where a filter and its
/// negation agree on a record.
pub fn filter(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut filter = match Filter::parse(&text, &SPAN) {
        Ok(filter) => filter,
        Err(error) => return is_placed(&text, &error),
    };
    let passing = passes(&mut filter);
    // One that cannot be negated nests too deep, or is empty.
    if let Ok(mut negated) = Filter::parse(&format!("not ({text} )"), &SPAN) {
        assert!(passes(&mut negated).iter().zip(&passing).all(|(not, is)| not != is), "{text:?}");
    }
}

fn passes(filter: &mut Filter) -> Vec<bool> {
    RECORDS.iter().map(|record| filter.matches(record)).collect()
}

fn is_placed(text: &str, error: &FilterError) {
    let place = error.place();
    assert!(place.start <= place.end && text.get(place.clone()).is_some(), "{place:?} of {text:?}");
    let shown = error.to_string();
    assert!(!error.what().is_empty() && !error.what().contains('\n'), "{:?}", error.what());
    assert_eq!(shown.lines().count(), 3, "{shown:?}");
    let marks = shown.lines().last().unwrap_or_default().chars().count();
    assert!(marks <= text.chars().count() + 3, "{shown}");
}
