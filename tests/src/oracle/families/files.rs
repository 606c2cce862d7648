//! The open family.

use serde_json::Value;

use super::paths::{At, is_anonymous, of_file, path_of_record};
use super::{Context, Event, event, field, flags, names, result, sorted};
use crate::oracle::syntax::{Call, Outcome, member, number};

pub(super) fn open(kind: &'static str, call: &Call, context: &Context) -> Option<Event> {
    let at = if matches!(call.name.as_str(), "open" | "creat") { At::path(0) } else { At::below(0) };
    let behind = |places: usize| call.argument(at.path.unwrap_or_default() + places);
    let how = |name| member(behind(1), name).unwrap_or_default();
    let (flags, mode, resolve) = match call.name.as_str() {
        "creat" => ("O_WRONLY|O_CREAT|O_TRUNC".to_owned(), behind(1).to_owned(), String::new()),
        "openat2" => (how("flags"), how("mode"), how("resolve")),
        _ => (behind(1).to_owned(), behind(2).to_owned(), String::new()),
    };
    let resolve = sorted(resolve.split('|').filter(|name| !["", "0"].contains(name)).collect());
    let (access, flags) = access(&flags);
    let asked = at.of(call, context);
    let opened = call.value().and_then(|value| value.file.as_ref());
    let path = match opened {
        Some(file) => Some(of_file(&file.path, context)),
        None => asked.path,
    };
    // The permissions mean something where a file may be made (open(2)).
    let creates = flags.contains("O_CREAT") || flags.contains("O_TMPFILE");
    let unlinked = match opened {
        Some(file) => Some(file.deleted).filter(|_| !is_anonymous(&file.path)),
        None => asked.gone.filter(|_| call.outcome != Outcome::Unseen),
    };
    let fields = vec![
        ("result", call.result()),
        ("path", path.filter(|_| call.outcome != Outcome::Unseen)),
        ("requested", asked.requested),
        ("access", Some(access.to_owned())),
        ("flags", Some(flags)),
        ("mode", Some(number(&mode).filter(|_| creates).map_or_else(|| "none".to_owned(), |mode| format!("{mode:o}")))),
        ("unlinked", unlinked.map(|unlinked| unlinked.to_string())),
        ("resolve", Some(resolve)),
    ];
    Some(event(kind, call, fields))
}

pub(super) fn open_record(kind: &'static str, body: &Value) -> Option<Event> {
    let fields = vec![
        ("result", result(body)),
        ("path", path_of_record(body)),
        ("requested", field(body, "requested")),
        ("access", body["access"].as_str().map(str::to_owned)),
        ("flags", flags(body)),
        ("mode", Some(body["mode"].as_u64().map_or_else(|| "none".to_owned(), |mode| format!("{mode:o}")))),
        ("unlinked", Some((body["unlinked"] == true).to_string())),
        ("resolve", Some(names(body, "resolve"))),
    ];
    Some(Event::new(kind, fields))
}

/// The access mode and the other flags of an open as records name them.
fn access(flags: &str) -> (&'static str, String) {
    let names: Vec<_> = flags.split('|').collect();
    let has = |name: &str| names.contains(&name);
    let access = match () {
        () if has("O_PATH") => "path",
        () if has("O_WRONLY") => "write",
        () if has("O_RDWR") || has("O_ACCMODE") => "read_write",
        () => "read",
    };
    let modes = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"];
    (access, sorted(names.into_iter().filter(|name| !modes.contains(name)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(line: &str) -> String {
        open("open", &Call::parse(line).unwrap(), &Context::default()).unwrap().to_string()
    }

    #[test]
    fn the_path_is_that_of_the_file_and_of_a_failed_call_that_which_was_asked_for() {
        assert_eq!(
            seen(r#"openat(AT_FDCWD<\x2f\x61>, "\x62", O_RDONLY|O_CLOEXEC) = 3<\x2f\x63>"#),
            "open result=3 path=/c requested=b access=read flags=O_CLOEXEC mode=none unlinked=false resolve="
        );
        assert_eq!(
            seen(r#"openat(5<\x2f\x61>, "\x62", O_WRONLY|O_CREAT, 0644) = -1 ENOENT (No such file)"#),
            "open result=ENOENT path=/a/b requested=b access=write flags=O_CREAT mode=644 unlinked=false resolve="
        );
        assert_eq!(
            seen(r#"open("\x2f\x62", O_RDONLY) = 3<\x70\x69\x70\x65\x3a\x5b\x31\x5d>"#),
            "open result=3 path=(anonymous) requested=/b access=read flags= mode=none unlinked=? resolve="
        );
        assert_eq!(
            seen(r#"creat("\x2f\x62", 0600) = 3<\x2f\x62>(deleted)"#),
            "open result=3 path=/b requested=/b access=write flags=O_CREAT|O_TRUNC mode=600 unlinked=true resolve="
        );
    }

    #[test]
    fn of_a_call_whose_end_was_not_seen_only_what_was_asked_for_is_known() {
        assert_eq!(
            seen(
                r#"openat2(5<\x2f>, "\x62", {flags=O_RDWR, resolve=RESOLVE_IN_ROOT|RESOLVE_BENEATH}, 24 <unfinished ...>) = ?"#
            ),
            "open result=? path=? requested=b access=read_write flags= mode=none unlinked=? resolve=RESOLVE_BENEATH|RESOLVE_IN_ROOT"
        );
    }
}
