//! A run from its inputs to records, lines and summary.

use crate::common::{judge, session};
use agentsnoop_pipeline::{Filter, Lines, Record, Summary, lines::Paint};

fn lines(paint: Paint) -> String {
    let lines = Lines { utc_offset: 3600, paint };
    let mut text = String::new();
    for record in judge(&session()) {
        lines.render(&record, &mut text);
    }
    text
}

#[test]
fn a_session_reads_well_as_lines() {
    let expected = "\
01:00:01.000    4711 bash            exec     bash -c 'cat notes.txt\\nls'                              /usr/bin/bash
01:00:01.000    4711 bash            session  command started                                          by run
01:00:01.000    4711 bash            fork     4712
01:00:01.000    4712 cat             exec     cat notes.txt                                            /usr/bin/cat
01:00:01.000    4712 cat             open     /usr/lib/x86_64-linux-gnu/libc.so.6                      read               noise
01:00:01.000    4712 cat             open     /home/u/.aws/credentials                                 read               credential
01:00:01.000    4712 cat             open     /home/ada/p/nope/../x                                    ENOENT             project_file
01:00:01.000    4712 cat             open     /etc/shadow                                              read_write EACCES  credential
01:00:01.000    4712 cat             open     /home/ada/p/out\\e[2J.txt                                 write+create       project_file
01:00:01.000    4712 cat             connect  127.0.0.1:8399                                           tcp                local_endpoint
01:00:01.000    4712 cat             connect  [2001:db8::1]:443                                        tcp ECONNREFUSED   other_endpoint
01:00:01.000    4712 cat             getenv   TZ                                                                          locale
01:00:01.000    4712 cat             exit     0                                                        10µs
01:00:01.000    4711 bash            exit     SIGKILL                                                  8µs
01:00:01.000    4711 bash            session  command ended                                            by run
";
    assert_eq!(lines(Paint::Plain), expected);
}

#[test]
fn colour_adds_nothing_but_escape_sequences() {
    let (plain, mut painted) = (lines(Paint::Plain), lines(Paint::Ansi));
    assert_ne!(plain, painted);
    while let Some(start) = painted.find('\u{1b}') {
        let end = start + painted[start..].find('m').unwrap();
        painted.replace_range(start..=end, "");
    }
    assert_eq!(plain, painted);
}

#[test]
fn json_reads_back_as_the_same_record() {
    for record in judge(&session()) {
        let json = serde_json::to_string(&record).unwrap();
        let back: Record = serde_json::from_str(&json).unwrap();
        assert_eq!(serde_json::to_string(&back).unwrap(), json);
    }
}

#[test]
fn a_record_is_one_json_object_as_the_contract_says() {
    let records = judge(&session());
    let json = |index: u64| {
        let record = records.iter().find(|record| record.id.index == index && record.id.part == 0).unwrap();
        serde_json::to_string(record).unwrap()
    };
    assert_eq!(
        json(7),
        r#"{"schema":1,"id":"0.7","time":"1970-01-01T00:00:01.000006000Z","boot_ns":1000006000,"kind":"open","#
            .to_owned()
            + r#""process":{"id":"4712-gjdi3g","pid":4712,"tid":4712,"start_ns":1000001500,"ppid":4711,"uid":1000,"#
            + r#""comm":"cat","exe":"/usr/bin/cat"},"#
            + r#""agent":{"name":"command","session":"command-4711-gjdkkn","root_pid":4711},"tool_call":null,"#
            + r#""open":{"path":"/home/ada/p/nope/../x","path_state":"unresolved","requested":"nope/../x","#
            + r#""access":"read","flags":[],"result":-2,"error":"ENOENT"},"classes":["project_file"]}"#
    );
}

#[test]
fn the_same_inputs_give_the_same_bytes() {
    let text = |records: Vec<Record>| serde_json::to_string(&records).unwrap();
    assert_eq!(text(judge(&session())), text(judge(&session())));
}

#[test]
fn a_filter_lets_kinds_and_paths_through() {
    let records = judge(&session());
    let count = |mut filter: Filter| records.iter().filter(|record| filter.matches(record)).count();
    assert_eq!(count(Filter::default()), records.len());
    assert_eq!(count(Filter::of("kind", ["open", "connect"]).unwrap()), 7);
    assert_eq!(count(Filter::of("path", ["*/.aws/*"]).unwrap()), 1);
    assert_eq!(count(Filter::of("path", ["*cat"]).unwrap()), 1, "the exec");
    assert_eq!(
        count(Filter::of("kind", ["getenv"]).unwrap().and(Filter::of("path", ["*"]).unwrap())),
        0,
        "a variable has no path"
    );
    let error = Filter::of("kind", ["opens"]).unwrap_err().to_string();
    assert!(error.starts_with("`kind`: `opens` is not known; did you mean `open`?"), "{error}");
    assert!(Filter::of("path", ["["]).unwrap_err().to_string().contains("cannot be read"));
}

#[test]
fn the_summary_fits_a_screen_and_names_what_matters() {
    let mut summary = Summary::default();
    for record in judge(&session()) {
        summary.add(&record);
    }
    let expected = "\
bash -c 'cat notes.txt\\nls'                                      ended by SIGKILL after 12µs
  ran          2 processes, 2 execs: bash, cat
  files        5 opens, 2 failed: EACCES, ENOENT
    credential       2 files, 2 opens
                     /etc/shadow  EACCES by cat
                     /home/u/.aws/credentials  read by cat
    project_file     2 files, 2 opens
    noise            1 file, 1 open
  written      out\\e[2J.txt
  endpoints    127.0.0.1:8399
  refused      [2001:db8::1]:443 ECONNREFUSED
  variables    1 look-up of 1 name
    locale           TZ
  not seen     look-ups of variables by programs without a libc: bash
  lost         nothing";
    assert_eq!(summary.lines(92).join("\n"), expected);
    for width in [0, 20, 48, 80, 200] {
        let lines = summary.lines(width);
        assert!(lines.len() <= 40 && lines.iter().all(|line| line.chars().count() <= width.max(48)), "{lines:#?}");
    }
}
