//! Calls that look at a file without opening it. agentsnoop tells the first of its kind at once and counts what repeats
//! it, so they are compared by how often each was made in a process.

use serde_json::Value;

use super::paths::At;
use super::{Context, Event, event, field, result};
use crate::oracle::syntax::Call;

pub(super) fn stat(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let at = match call.name.as_str() {
        "stat" | "lstat" | "access" => At::path(0),
        "fstat" => At::descriptor(0),
        _ => At::below(0),
    };
    let place = at.of(call, context);
    let fields = vec![
        ("call", Some(call.name.clone())),
        ("result", call.result()),
        ("path", place.path),
        ("requested", place.requested),
    ];
    Some(event(kind, call, fields))
}

pub(super) fn stat_record(kind: &'static str, body: &Value) -> Option<Event> {
    let fields = vec![
        ("call", field(body, "call")),
        ("result", result(body)),
        ("path", field(body, "path")),
        ("requested", field(body, "requested")),
    ];
    Some(Event { count: body["count"].as_u64()?, ..Event::new(kind, fields) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_told_with_its_path_and_a_record_with_its_count() {
        let call = Call::parse(r#"newfstatat(AT_FDCWD<\x2f>, "\x61", {st_mode=S_IFREG|0644}, 0) = 0"#).unwrap();
        let seen = stat("stat", &call, &Context::default()).unwrap();
        assert_eq!(seen.to_string(), "stat call=newfstatat result=0 path=/a requested=a");
        let body =
            r#"{"call":"newfstatat","path":"/a","path_state":"unresolved","requested":"a","count":3,"result":0}"#;
        let recorded = stat_record("stat", &serde_json::from_str(body).unwrap()).unwrap();
        assert!(seen.agrees(&recorded), "{recorded}");
        assert_eq!(recorded.count, 3);
    }
}
