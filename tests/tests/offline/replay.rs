//! A recording through the whole pipeline.

use std::fs;

use agentsnoop_pipeline::input::{Input, Opened};
use agentsnoop_pipeline::synthetic::session::session;
use agentsnoop_store::{Writer, writer::Options};
use serde_json::Value;

use crate::tools::{agentsnoop, folder, recorder, stderr, stdout, stored};

/// The recording of format 1 that is checked in; data/README.md says how it was made.
const SESSION: &str = "format-1-session.rec";

fn expected(name: &str) -> String {
    fs::read_to_string(stored(name)).expect("the expected text")
}

#[test]
fn the_stored_recording_gives_the_lines_that_are_checked_in() {
    let output = agentsnoop(&["replay"], &stored(SESSION));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), expected("format-1-session.lines"));
}

#[test]
fn the_stored_recording_gives_the_json_that_is_checked_in() {
    let output = agentsnoop(&["replay", "--json"], &stored(SESSION));
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stdout(&output), expected("format-1-session.jsonl"));
}

#[test]
fn the_stored_recording_is_sound() {
    let output = agentsnoop(&["verify"], &stored(SESSION));
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
}

#[test]
fn a_fresh_recording_of_the_same_session_gives_the_same_lines() {
    let folder = folder();
    let path = folder.path().join("fresh.rec");
    recorder(&["session"], &path);
    for words in [&["replay"][..], &["replay", "--json"]] {
        assert_eq!(stdout(&agentsnoop(words, &path)), stdout(&agentsnoop(words, &stored(SESSION))));
    }
}

#[test]
fn replay_gives_the_same_bytes_each_time_whatever_the_time_zone_and_the_speed() {
    let once = agentsnoop(&["replay"], &stored(SESSION));
    let mut elsewhere = crate::tools::command(&["replay", "--speed", "1000"]);
    let again = elsewhere.env("TZ", "Asia/Tokyo").arg(stored(SESSION)).output().expect("agentsnoop runs");
    assert_eq!(stdout(&once), stdout(&again));
}

#[test]
fn each_line_of_json_is_a_record() {
    let output = agentsnoop(&["replay", "--json"], &stored(SESSION));
    let records: Vec<Value> =
        stdout(&output).lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect();
    assert!(!records.is_empty());
    for record in &records {
        assert_eq!(record["schema"], 1);
        assert!(record["id"].is_string() && record["time"].is_string(), "{record:#}");
        let kind = record["kind"].as_str().expect("a kind");
        assert!(record[kind].is_object(), "the body of {record:#}");
    }
    let paths: Vec<&str> = records.iter().filter_map(|record| record["open"]["path"].as_str()).collect();
    assert!(paths.contains(&"/home/dev/.aws/credentials"), "{paths:?}");
}

#[test]
fn a_query_gives_the_lines_of_replay_that_match() {
    let all = stdout(&agentsnoop(&["replay", "--json"], &stored(SESSION)));
    let matching = |wanted: &dyn Fn(&Value) -> bool| -> String {
        let lines = all.lines().filter(|line| wanted(&serde_json::from_str(line).expect("JSON")));
        lines.map(|line| format!("{line}\n")).collect()
    };
    let kinds = stdout(&agentsnoop(&["query", "--json", "--kind", "exec,getenv", "--kind", "exit"], &stored(SESSION)));
    let expected = matching(&|record| ["exec", "getenv", "exit"].contains(&record["kind"].as_str().expect("a kind")));
    assert!(!kinds.is_empty());
    assert_eq!(kinds, expected);
    let path = stdout(&agentsnoop(&["query", "--json", "--kind", "open", "--path", "*/.aws/*"], &stored(SESSION)));
    assert_eq!(path, matching(&|record| record["open"]["path"] == "/home/dev/.aws/credentials"));
    assert_eq!(path.lines().count(), 1);
}

#[test]
fn lines_have_no_control_characters_and_no_colour_when_piped() {
    let output = stdout(&agentsnoop(&["replay"], &stored(SESSION)));
    let control: Vec<char> = output.chars().filter(|c| c.is_control() && *c != '\n').collect();
    assert!(control.is_empty(), "{control:?}");
}

#[test]
fn a_recording_of_another_build_is_said_to_be_judged_again() {
    let folder = folder();
    let path = folder.path().join("other.rec");
    write_changed(&path, |opened| "0.0.9-older".clone_into(&mut opened.version));
    let output = agentsnoop(&["replay"], &path);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("re-judged with") && stderr(&output).contains("0.0.9-older"),
        "{}",
        stderr(&output)
    );
    let same = folder.path().join("same.rec");
    recorder(&["session"], &same);
    assert_eq!(stderr(&agentsnoop(&["replay"], &same)), "");
}

#[test]
fn records_of_another_wire_are_refused_with_exit_code_4() {
    let folder = folder();
    let path = folder.path().join("other.rec");
    write_changed(&path, |opened| opened.wire += 1);
    let output = agentsnoop(&["replay"], &path);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("wire version"), "{}", stderr(&output));
}

/// Writes the session with another `Opened`.
fn write_changed(path: &std::path::Path, change: impl FnOnce(&mut Opened)) {
    let (mut inputs, mut closed) = session();
    let Some(Input::Opened(opened)) = inputs.first_mut() else { panic!("the session does not begin with Opened") };
    change(opened);
    let mut writer = Writer::create(path, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.close(&mut closed).expect("a recording that can be closed");
}

/// What `replay --json` shows with these options.
fn records(words: &[&str]) -> Vec<Value> {
    let output = agentsnoop(&[&["replay", "--json"], words].concat(), &stored(SESSION));
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn a_range_leaves_records_out_and_changes_none_of_the_others() {
    let all = records(&[]);
    let time = |record: &Value| record["time"].as_str().expect("a time").to_owned();
    // The command's first record is a microsecond behind the beginning, and its last one 13.
    let (from, to) = ("2026-09-21T14:13:20.000004Z", "2026-09-21T14:13:20.000010Z");
    for words in [
        &["--from", from, "--to", to][..],
        &["--from", "+4us", "--to", "+10us"],
        &["--from", "+4us", "--to", "+10us", "--speed", "0.5"],
    ] {
        let expected: Vec<Value> =
            all.iter().filter(|record| (from..=to).contains(&&*time(record).replace("000Z", "Z"))).cloned().collect();
        // The loss is confirmed behind the range and belongs into it; who did what is known although the beginning is not shown.
        assert!(expected.iter().any(|record| record["kind"] == "loss"), "{expected:#?}");
        assert!(expected.iter().any(|record| record["agent"]["name"] == "command"), "{expected:#?}");
        assert!(expected.len() < all.len());
        assert_eq!(records(words), expected, "{words:?}");
    }
    // Of a minute that is written, all is shown, in the recorder's local time.
    assert_eq!(records(&["--from", "16:13", "--to", "16:13"]), all);
    assert_eq!(records(&["--from", "-1h", "--to", "-0s"]), all);
}

#[test]
fn a_range_without_a_record_says_of_which_time_the_recording_is() {
    for words in [["--from", "17:00"], ["--to", "16:12"]] {
        let output = agentsnoop(&[&["replay"], &words[..]].concat(), &stored(SESSION));
        assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()), "{words:?}");
        let said = stderr(&output);
        assert!(said.contains("nothing to show; it lasts from 2026-09-21 16:13:20 to "), "{said}");
    }
}

#[test]
fn mistakes_in_a_range_are_usage_and_say_where() {
    for (words, said) in [
        (&["--from", "noon"][..], "--from: a time is 14:02"),
        (&["--to", "25:00"], "--to: a time is 14:02"),
        (&["--from", "16:20", "--to", "16:10"], "--to lies before --from"),
        (&["--where", "pth:x"], "did you mean `path`?"),
        (&["--step", "--speed", "1"], "--speed"),
    ] {
        let output = agentsnoop(&[&["replay"], words].concat(), &stored(SESSION));
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(said) && output.stdout.is_empty(), "{words:?}: {}", stderr(&output));
    }
}

#[test]
fn a_filter_shows_what_query_shows_also_below_a_process() {
    for filter in ["kind:open result:failed", "under:101", "class:credential or kind:exit"] {
        let file = stored(SESSION);
        let words = ["query", "--json", file.to_str().expect("text"), filter];
        let query = crate::tools::command(&words).output().expect("agentsnoop runs");
        let replay = agentsnoop(&["replay", "--json", "--where", filter], &file);
        assert!(!replay.stdout.is_empty(), "{filter}");
        assert_eq!(stdout(&replay), stdout(&query), "{filter}");
    }
}
