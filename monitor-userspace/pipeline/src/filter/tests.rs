//! Filters over records of several shapes.

use super::{Filter, FilterError, Span};
use crate::record::Record;

/// 2026-11-21T14:00:00Z, and ten minutes from then, seen an hour east of UTC.
const START: i64 = 1_795_269_600_000_000_000;
const SPAN: Span = Span { start: START, end: START + 600_000_000_000, utc_offset: 3600 };

const PROCESS: &str =
    r#""process":{"id":"42-a","pid":42,"tid":43,"start_ns":10,"ppid":7,"uid":1000,"comm":"cat","exe":"/usr/bin/cat"}"#;
const AGENT: &str = r#""agent":{"name":"claude","session":"claude-7-1","root_pid":7}"#;

fn record(rest: &str) -> Record {
    let text = format!(
        r#"{{"schema":1,"id":"0.5","time":"2026-11-21T14:02:30.5Z","boot_ns":1,"tool_call":null,{PROCESS},{AGENT},{rest}}}"#
    );
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn open() -> Record {
    record(
        r#""kind":"open","open":{"path":"/home/me/.aws/credentials","requested":".aws/credentials","access":"read",
        "flags":["O_CLOEXEC"],"result":-13,"error":"EACCES"},"classes":["credential"]"#,
    )
}

fn connect() -> Record {
    record(
        r#""kind":"connect","connect":{"family":"ipv4","address":"10.1.2.3","port":443,"name":"api.example.com",
        "name_source":"dns","took_ns":1500000,"result":0},"classes":["other_endpoint"]"#,
    )
}

fn exec() -> Record {
    record(
        r#""kind":"exec","exec":{"path":"/usr/bin/git","filename":"git","argv":["git","push","a b"],"env_names":["HOME","LANG"],
        "cwd":"/home/me/work","stdio":["/dev/null","pipe:[1]","pipe:[1]"],"gid":1000}"#,
    )
}

fn traffic() -> Record {
    record(
        r#""kind":"traffic","traffic":{"connection":9,"direction":"sent","bytes":2048,"calls":3,"started":5,"ended":25,
        "family":"ipv6","address":"fe80::1","port":8443}"#,
    )
}

/// Which of open, connect, exec and traffic pass, in this order.
fn passing(filter: &str) -> String {
    let mut filter = Filter::parse(filter, &SPAN).unwrap_or_else(|error| panic!("{error}"));
    let records = [('o', open()), ('c', connect()), ('e', exec()), ('t', traffic())];
    records.iter().filter(|(_, record)| filter.matches(record)).map(|(letter, _)| letter).collect()
}

#[test]
fn each_field_takes_what_it_has_and_nothing_else() {
    for (filter, expected) in [
        ("", "ocet"),
        ("kind:open", "o"),
        ("kind:open,exec", "oe"),
        ("kind:==open", "o"),
        ("class:credential", "o"),
        ("agent:claude", "ocet"),
        ("agent:codex", ""),
        ("session:claude-*", "ocet"),
        ("path:credentials", "o"),
        ("path:*.aws*", ""),
        ("path:*/.aws/*", "o"),
        ("path:/home/me/.aws/credentials", "o"),
        ("path:=credentials", ""),
        ("path:git", "e"),
        ("path:{credentials,git}", "oe"),
        ("path:*/{.aws,.ssh}/*,git", "oe"),
        (r"path:~^/home/\w+/\.aws", "o"),
        ("exe:cat", "ocet"),
        ("exe:/usr/bin/cat", "ocet"),
        ("comm:ca?", "ocet"),
        ("argv:push", "e"),
        (r#"argv:"git push a b""#, "e"),
        ("argv:*push*", "e"),
        ("access:read", "o"),
        ("access:write", ""),
        ("result:failed", "o"),
        ("result:ok", "c"),
        ("result:=ok", "c"),
        ("result:EACCES", "o"),
        ("result:E*", "o"),
        ("result:-13", "o"),
        ("result:>=0", "c"),
        ("host:*.example.com", "c"),
        ("address:10.0.0.0/8", "c"),
        ("address:fe80::/10", "t"),
        ("address:10.1.2.3", "c"),
        ("address:::ffff:10.1.2.3", "c"),
        ("address:::ffff:10.0.0.0/104", "c"),
        ("address:0.0.0.0/0", "c"),
        ("port:443", "c"),
        ("port:>443", "t"),
        ("port:400..500", "c"),
        ("port:8000..", "t"),
        ("bytes:>2k", "t"),
        ("bytes:2Ki", "t"),
        ("bytes:<2kB", ""),
        ("var:HOME", "e"),
        ("count:3", "t"),
        ("duration:>1ms", "c"),
        ("duration:1.5ms", "c"),
        ("pid:42", "ocet"),
        ("pid:0x2a", "ocet"),
        ("ppid:7 tid:43 uid:1000", "ocet"),
        ("id:0.5", "ocet"),
        ("open.flags:O_CLOEXEC", "o"),
        ("exec.cwd:/home/*", "e"),
        ("exec.gid:>999", "e"),
        ("exec.stdio:/dev/null", "e"),
        ("traffic.direction:sent", "t"),
    ] {
        assert_eq!(passing(filter), expected, "{filter}");
    }
}

#[test]
fn words_are_looked_for_in_the_line_of_a_record() {
    assert_eq!(passing("CREDENTIALS"), "o");
    assert_eq!(passing(r#""git push""#), "e");
    assert_eq!(passing("example 443"), "c");
}

#[test]
fn and_binds_more_than_or_and_not_more_than_and() {
    for (filter, expected) in [
        ("kind:open or kind:exec and argv:pull", "o"),
        ("(kind:open or kind:exec) and argv:push", "e"),
        ("not kind:open", "cet"),
        ("!kind:open kind:connect", "c"),
        ("NOT (kind:open OR kind:exec)", "ct"),
        ("not not kind:open", "o"),
        ("kind:open && !path:x || kind:exec", "oe"),
    ] {
        assert_eq!(passing(filter), expected, "{filter}");
    }
}

#[test]
fn times_are_of_the_day_from_the_beginning_or_before_the_end() {
    // The records are two and a half minutes after the beginning, which is 15:00 in local time.
    for (filter, passes) in [
        ("time:15:02", true),
        ("time:15:01", false),
        ("time:15", true),
        ("time:14", false),
        ("time:15:02:30", true),
        ("time:15:02:30.5", true),
        ("time:15:02:30.4", false),
        ("time:>15:02:30", false),
        ("time:>=15:02", true),
        ("time:15:01..15:02", true),
        ("time:..15:01", false),
        ("time:+2m..+3m", true),
        ("time:>+3m", false),
        ("time:-8m..", true),
        ("time:>-1m30s", false),
        ("time:2026-11-21", true),
        ("time:2026-11-22", false),
        ("time:2026-11-21T15:02", true),
        ("time:>2026-11-21T14:02:00Z", true),
        ("time:<2026-11-21T14:02:00Z", false),
        ("time:2026-11-21T14:02:30Z", true),
        ("time:2026-11-21T14:02:29Z", false),
        ("time:2026-11-21T14:02Z", true),
        ("time:2026-11-21T15:02:30+01:00", true),
        ("time:2026-11-21T14:02:30.5Z", true),
        ("time:2026-11-21T14:02:30.500000000Z", true),
        ("time:2026-11-21T14:02:30.4Z", false),
        ("time:2026-11-21T14:02:30.500000001Z", false),
        ("time:..2026-11-21T14:02:30Z", true),
        ("time:>2026-11-21T14:02:30Z", false),
        ("time:20261121T140230Z", true),
        ("time:150230", true),
        ("time:150229", false),
    ] {
        assert_eq!(passing(filter), if passes { "ocet" } else { "" }, "{filter}");
    }
}

#[test]
fn a_time_of_day_after_midnight_is_of_the_next_day() -> Result<(), FilterError> {
    // From 23:30 to 00:30 in local time; the record is at 00:10.
    let midnight = START + 9 * 3_600_000_000_000;
    let span = Span { start: midnight - 1_800_000_000_000, end: midnight + 1_800_000_000_000, utc_offset: 3600 };
    let mut late = open();
    late.time.0 = midnight + 600_000_000_000;
    assert!(Filter::parse("time:00:10", &span)?.matches(&late));
    assert!(!Filter::parse("time:23:40", &span)?.matches(&late));
    assert!(Filter::parse("time:23:59..00:10", &span)?.matches(&late));
    // A time of day behind the end is of the next day too.
    assert!(Filter::parse("time:..01:00", &span)?.matches(&late));
    // Of a recording within one day it is of that day.
    let span = Span { end: midnight - 600_000_000_000, ..span };
    late.time.0 = midnight - 1_200_000_000_000;
    assert!(!Filter::parse("time:..01:00", &span)?.matches(&late));
    Ok(())
}

#[test]
fn a_range_of_which_it_is_not_known_yet_of_which_time_it_is_is_understood() {
    for filter in ["time:+1s..-1s", "time:01:50..-0.1s", "time:2026-11-22T01:50:28Z..01:51", "time:23:59..00:00"] {
        assert!(Filter::parse(filter, &Span::default()).is_ok(), "{filter}");
    }
    assert!(Filter::parse("time:+9m..-9m", &SPAN).is_err());
}

#[test]
fn a_subtree_has_children_made_under_it_and_those_that_were_there_before() -> Result<(), FilterError> {
    let of = |id: &str, ppid: &str, kind: &str| {
        let pid = id.split('-').next().unwrap_or_default();
        let text = format!(
            r#"{{"schema":1,"id":"0.1","time":"2026-11-21T14:00:00Z","boot_ns":1,"agent":null,"tool_call":null,
            "process":{{"id":"{id}","pid":{pid},"tid":{pid},"start_ns":{},"uid":0{ppid}}},{kind}}}"#,
            id.parse::<crate::record::ProcessId>().map_or(0, |id| id.start_ns)
        );
        serde_json::from_str::<Record>(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    };
    let exit = r#""kind":"exit","exit":{"code":0}"#;
    let mut filter = Filter::parse("under:10", &SPAN)?;
    for (record, passes) in [
        (of("9-a", "", exit), false),
        (of("10-a", "", r#""kind":"fork","fork":{"child":"11-b","child_pid":11}"#), true),
        (of("11-b", "", exit), true),
        // Another process with the pid of a member, and what it makes.
        (of("11-c", "", r#""kind":"fork","fork":{"child":"14-f","child_pid":14}"#), false),
        (of("14-f", r#","ppid":11"#, exit), false),
        (of("15-f", r#","ppid":11"#, exit), false),
        // A child of the member, of which more is told after the pid came again.
        (of("16-b", r#","ppid":11"#, exit), true),
        (of("12-d", r#","ppid":10"#, exit), true),
        (of("13-e", r#","ppid":12"#, exit), true),
    ] {
        assert_eq!(filter.matches(&record), passes, "{record:?}");
    }
    let mut both = Filter::parse("under:10-a", &SPAN)?.and(Filter::parse("under:9 kind:exit", &SPAN)?);
    assert!(!both.matches(&of("10-a", "", exit)));
    Ok(())
}

#[test]
fn a_mistake_is_shown_where_it_is() {
    let deep = format!("path:{}a{}", "{".repeat(250), "}".repeat(250));
    let long = format!("path:{}", "*?".repeat(50_000));
    for (filter, what, marked) in [
        ("pth:/etc", "there is no field `pth`; did you mean `path`?", "pth"),
        ("kind:opne", "`kind`: `opne` is not known; did you mean `open`?", "opne"),
        ("kind:>open", "`kind`: it takes a name, without a comparison", ">open"),
        ("open.flag:x", "a record of open has no field `flag`; did you mean `open.flags`?", "open.flag"),
        ("port:http", "`port`: it takes a number, such as 443, >1024 or 8000..8100", "http"),
        ("port:9..8", "`port`: the range ends before it begins", "9..8"),
        ("time:noon", "`time`: a time is 14:02", "noon"),
        ("path:", "a value is missing behind the colon", "path:"),
        (r#"path:"x"#, "this quote is not closed", r#""x"#),
        ("(kind:open", "this parenthesis is not closed", "("),
        ("kind:open)", "nothing is open that this could close", ")"),
        ("kind:open and", "something is missing at the end", ""),
        ("or kind:open", "something is missing before this", "or"),
        ("path:~[", "`path`: this expression cannot be read: unclosed character class", "~["),
        ("address:10.0.0.0/33", "`address`: `10.0.0.0/33` is no address", "10.0.0.0/33"),
        ("under:me", "`under`: it takes a pid, or a process id", "me"),
        ("path:>x", "`path`: text is not greater or less than other text", ">x"),
        ("result:fail", "`result`: `fail` is no result; it takes ok", "fail"),
        ("pid>5", "a field ends with a colon: `pid:>5`", "pid>5"),
        ("kind==open", "a field ends with a colon: `kind:==open`", "kind==open"),
        ("kind!=open", "`not` stands before a field: `not kind:open`", "kind!=open"),
        ("path!:*/.git/*", "`not` stands before a field: `not path:*/.git/*`", "path!:*/.git/*"),
        (r#"argv:"a b"*"#, "nothing may follow a closing quote", r#""a b""#),
        (&deep, "`path`: these wildcards cannot be read", &deep["path:".len()..]),
        (&long, "`path`: these wildcards cannot be read", &long["path:".len()..]),
    ] {
        let Err(error) = Filter::parse(filter, &SPAN) else { panic!("{filter} was understood") };
        assert!(error.what().starts_with(what), "{filter}: {error}");
        assert_eq!(&filter[error.place()], marked, "{filter}: {error}");
    }
}

#[test]
fn the_place_is_marked_below_the_filter() {
    let Err(error) = Filter::parse("kind:open é pth:x", &SPAN) else { panic!("it was understood") };
    let shown = "there is no field `pth`; did you mean `path`?\n  kind:open é pth:x\n              ^^^";
    assert_eq!(error.to_string(), shown);
}

#[test]
fn a_mistake_is_told_in_one_line_whatever_the_filter_holds() {
    for filter in ["access:\"a\nb\"", "a\nb:c", "port:\"4\n4\x1b[31m\"", "\"\n"] {
        let Err(error) = Filter::parse(filter, &SPAN) else { panic!("{filter:?} was understood") };
        assert!(!error.what().contains(char::is_control), "{:?}", error.what());
        assert_eq!(error.to_string().lines().count(), 3, "{error}");
    }
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let deep = "(".repeat(100_000);
    assert!(Filter::parse(&deep, &SPAN).is_err());
    assert!(Filter::parse(&"not ".repeat(100_000), &SPAN).is_err());
}
