//! Calls that look at a file without opening it. agentsnoop tells the first of its kind at once and counts what repeats
//! it, so they are compared by how often each was made in a process.

use serde_json::Value;

use super::paths::{At, path_of_record};
use super::{Context, Event, Known, event, field, result};
use crate::oracle::syntax::Call;

/// What calls about an open descriptor are shown as, which are counted together, whatever it leads to.
const DESCRIPTOR: &str = "(descriptor)";

pub(super) fn stat(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let at = match call.name.as_str() {
        "stat" | "lstat" | "access" => At::path(0),
        "fstat" => At::descriptor(0),
        _ => At::below(0),
    };
    let place = at.of(call, context);
    let name = Some(call.name.clone());
    let permissions = match call.name.as_str() {
        "access" => permissions(call.argument(1)),
        "faccessat" | "faccessat2" => permissions(call.argument(2)),
        _ => "nothing".to_owned(),
    };
    Some(event(kind, call, fields(place.itself, [name, call.result(), place.path, place.requested, Some(permissions)])))
}

pub(super) fn stat_record(kind: &'static str, body: &Value) -> Option<Event> {
    let permissions = body["mode"].as_str().unwrap_or("nothing").to_owned();
    let known = [field(body, "call"), result(body), path_of_record(body), field(body, "requested"), Some(permissions)];
    let event = Event::new(kind, fields(body["descriptor"] == true, known));
    Some(Event { count: body["count"].as_u64()?, ..event })
}

fn fields(descriptor: bool, [call, result, path, requested, permissions]: [Known; 5]) -> Vec<(&'static str, Known)> {
    let what = |known: Known| if descriptor { Some(DESCRIPTOR.to_owned()) } else { known };
    vec![
        ("call", what(call)),
        ("result", result),
        ("path", what(path)),
        ("requested", what(requested)),
        ("permissions", what(permissions)),
    ]
}

/// What access asks for, as a record shows it: `R_OK|X_OK` is `rx`.
fn permissions(printed: &str) -> String {
    let letters = [("R_OK", 'r'), ("W_OK", 'w'), ("X_OK", 'x')];
    let has = |name: &str| printed.split('|').any(|word| word == name);
    let asked: String = letters.iter().filter(|(name, _)| has(name)).map(|(_, letter)| letter).collect();
    if asked.is_empty() { "exists".to_owned() } else { asked }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> Event {
        stat("stat", &Call::parse(line).unwrap(), &Context::default()).unwrap()
    }

    fn recorded(body: &str) -> Event {
        stat_record("stat", &serde_json::from_str(body).unwrap()).unwrap()
    }

    #[test]
    fn a_look_is_told_with_its_path_and_a_record_with_its_count() {
        let seen = seen(r#"newfstatat(AT_FDCWD<\x2f>, "\x61", {st_mode=S_IFREG|0644}, 0) = 0"#);
        assert_eq!(seen.to_string(), "stat call=newfstatat result=0 path=/a requested=a permissions=nothing");
        let body =
            r#"{"call":"newfstatat","path":"/a","path_state":"unresolved","requested":"a","count":3,"result":0}"#;
        assert!(seen.agrees(&recorded(body)), "{}", recorded(body));
        assert_eq!(recorded(body).count, 3);
    }

    #[test]
    fn looks_at_descriptors_are_counted_together() {
        let one = seen(r"fstat(3<\x2f>, {st_mode=S_IFREG|0644}) = 0");
        let other = seen(r#"newfstatat(4<\x61>, "", {st_mode=S_IFREG|0644}, AT_EMPTY_PATH) = 0"#);
        let body = r#"{"call":"fstat","path":"/x","descriptor":true,"count":2,"result":0}"#;
        assert_eq!(one, other);
        assert!(one.agrees(&recorded(body)), "{}", recorded(body));
        assert!(!seen(r"fstat(9, 0x7f00) = -1 EBADF (Bad file descriptor)").agrees(&one));
    }

    #[test]
    fn what_access_asks_for_is_told_by_letters() {
        assert_eq!(permissions("R_OK|X_OK"), "rx");
        assert_eq!(permissions("F_OK"), "exists");
    }
}
