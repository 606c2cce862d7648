//! `agentsnoop query`: what it selects, in which order, how it shows it, and what it says of a mistake.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    path::Path,
    process::{Child, ChildStdout, Stdio},
};

use agentsnoop_pipeline::data;
use serde_json::Value;

use crate::tools::{agentsnoop, blocks, close, command, folder, segment, small, stderr, stdout, stored};

const SESSION: &str = "format-1-session.rec";

/// What a query of the stored session shows.
fn query(words: &[&str]) -> String {
    let file = stored(SESSION);
    let mut all = vec!["query", file.to_str().expect("a path that is text")];
    all.extend(words);
    let output = command(&all).output().expect("agentsnoop runs");
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
    stdout(&output)
}

fn records(words: &[&str]) -> Vec<Value> {
    let text = query(&[&["--json"], words].concat());
    text.lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

#[test]
fn words_of_a_filter_can_be_one_argument_or_several() {
    let one = query(&["kind:open result:failed"]);
    assert_eq!(one, query(&["kind:open", "result:failed"]));
    assert!(one.lines().count() > 1, "{one}");
    assert_eq!(one.lines().count(), records(&["kind:open", "result:failed"]).len());
}

#[test]
fn options_and_filter_must_both_hold() {
    assert_eq!(records(&["--kind", "open", "result:EACCES"]), records(&["kind:open result:EACCES"]));
    assert_eq!(records(&["--kind", "exec", "result:EACCES"]), Vec::<Value>::new());
}

#[test]
fn a_filter_holds_where_the_beginning_of_the_recording_is_damaged() {
    let (mut bytes, _) = small();
    let first = blocks(&bytes)[0];
    bytes[first.end - 1] ^= 1;
    let folder = folder();
    let path = folder.path().join("damaged.rec");
    fs::write(&path, &bytes).expect("a file");
    let output = agentsnoop(&["query", "--json", "--kind", "exit"], &path);
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
    let lines = stdout(&output);
    assert!(!lines.is_empty() && lines.lines().all(|line| line.contains(r#""kind":"exit""#)), "{lines}");
}

#[test]
fn the_fields_of_a_hook_can_be_asked_for_as_those_of_any_body() {
    assert_eq!(records(&["coverage.state:unavailable coverage.reason:*libc*"]).len(), 1);
}

#[test]
fn a_csv_has_a_head_and_what_process_chose_escaped_and_quoted() {
    let text = query(&["--format", "csv", "--columns", "kind,argv", "kind:exec"]);
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("kind,argv"));
    // The second argument of the agent has a colour in it.
    assert!(
        lines.next().is_some_and(|line| line.starts_with("exec,")
            && line.contains("agent --print ")
            && line.contains("\\e[31m")),
        "{text}"
    );
}

#[test]
fn a_table_keeps_its_columns_below_their_heads() {
    let text = query(&["--format", "table", "--columns", "id,kind,path", "kind:open"]);
    let mut lines = text.lines();
    let place = lines.next().and_then(|head| head.find("kind")).expect("a head");
    for line in lines {
        assert_eq!(line.get(place..place + 4), Some("open"), "{text}");
    }
}

#[test]
fn records_are_ordered_by_a_field_and_no_more_are_shown_than_asked_for() {
    let all = records(&["--sort", "-path", "kind:open"]);
    let paths: Vec<_> = all.iter().map(|record| record["open"]["path"].as_str().unwrap_or_default()).collect();
    let mut sorted = paths.clone();
    sorted.sort_unstable_by(|one, other| other.cmp(one));
    assert!(paths.len() > 2 && paths == sorted, "{paths:?}");
    assert_eq!(records(&["--sort", "-path", "--limit", "2", "kind:open"]), all[..2]);
    assert_eq!(records(&["--limit", "2", "kind:open"]), records(&["kind:open"])[..2]);
}

#[test]
fn a_mistake_in_a_filter_is_shown_where_it_is() {
    let output = agentsnoop(&["query", "--kind", "open"], &stored(SESSION));
    assert_eq!(output.status.code(), Some(0));
    let file = stored(SESSION);
    let output = command(&["query", file.to_str().expect("text"), "kind:open", "pth:x"]).output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
    let said = "agentsnoop: there is no field `pth`; did you mean `path`?\n  kind:open pth:x\n            ^^^\n";
    assert_eq!(stderr(&output), said);
    for words in [["--sort", "pth"], ["--columns", "pth"]] {
        let output =
            command(&[&["query", file.to_str().expect("text")], &words[..]].concat()).output().expect("it runs");
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(stderr(&output).contains("did you mean `path`?"), "{}", stderr(&output));
    }
}

#[test]
fn columns_of_what_has_none_are_a_mistake() {
    let file = stored(SESSION);
    for words in [&["--columns", "id,path"][..], &["--columns", "id,path", "--json"]] {
        let output = command(&[&["query", file.to_str().expect("text")], words].concat()).output().expect("it runs");
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(2), ""), "{words:?}");
        assert!(stderr(&output).contains("--format table"), "{}", stderr(&output));
    }
}

#[test]
fn every_example_of_the_help_and_of_the_documentation_is_understood() {
    let help = stdout(&command(&["query", "--help"]).output().expect("it runs"));
    let page = include_str!("../../../docs/query.md");
    let file = stored(SESSION);
    let mut tried = 0;
    for line in help.lines().chain(page.lines()) {
        let Some(example) = line.trim_start().strip_prefix("agentsnoop query out.rec ") else { continue };
        // Of what stands in quotes the filter, else the first word.
        let filter = example.split('\'').nth(1).or_else(|| example.split(' ').next()).expect("a filter");
        let output = command(&["query", file.to_str().expect("text"), filter]).output().expect("it runs");
        assert_eq!(output.status.code(), Some(0), "{line}: {}", stderr(&output));
        tried += 1;
    }
    assert!(tried >= 10, "{tried} examples");
}

#[test]
fn the_agents_of_the_examples_have_the_names_of_the_catalogue() {
    let help = stdout(&command(&["query", "--help"]).output().expect("it runs"));
    let mut named = 0;
    for text in [help.as_str(), include_str!("../../../docs/query.md")] {
        for rest in text.split("agent:").skip(1) {
            let name = rest.split([')', ' ', '\'', '`']).next().expect("a name");
            assert!(data::built_in(data::AGENTS).contains(&format!("\nname = \"{name}\"\n")), "agent:{name}");
            named += 1;
        }
    }
    assert!(named >= 4, "{named}");
}

#[test]
fn times_are_those_of_the_recording() {
    let all = records(&[]);
    assert_eq!(records(&["time:+0s.."]), all);
    assert_eq!(records(&["time:..-0s"]), all);
    assert_eq!(records(&["time:>+1h"]), Vec::<Value>::new());
}

#[test]
fn following_shows_what_is_written_meanwhile_and_ends_when_the_recording_is_closed() {
    let (bytes, _) = small();
    let cut = blocks(&bytes)[1].end;
    let folder = folder();
    let path = folder.path().join("growing.rec");
    fs::write(&path, &bytes[..cut]).expect("the first blocks");
    let text = path.to_str().expect("text");
    let mut file = fs::File::options().append(true).open(&path).expect("the recording");
    file.lock().expect("the lock of who writes");
    let follower = command(&["query", "--follow", "--json", text]).stdout(Stdio::piped()).spawn().expect("it runs");
    file.write_all(&bytes[cut..]).expect("the other blocks");
    let output = follower.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    let whole = agentsnoop(&["query", "--json"], &path);
    assert_eq!(stdout(&output), stdout(&whole));
}

#[test]
fn following_ends_behind_what_a_writer_left_that_was_killed() {
    let (bytes, _) = small();
    let folder = folder();
    let path = folder.path().join("killed.rec");
    fs::write(&path, &bytes[..blocks(&bytes)[2].end]).expect("a recording that was not closed");
    let followed = agentsnoop(&["query", "--follow", "--json"], &path);
    let whole = agentsnoop(&["query", "--json"], &path);
    assert_eq!(followed.status.code(), Some(0), "{}", stderr(&followed));
    assert!(stderr(&followed).contains("killed.rec: incomplete: it was not closed"), "{}", stderr(&followed));
    assert_eq!(stdout(&followed), stdout(&whole));
}

/// A query that follows and has shown its first record.
struct Follower {
    child: Child,
    out: BufReader<ChildStdout>,
    shown: String,
}

impl Follower {
    fn of(path: &Path) -> Self {
        let words = ["query", "--follow", "--json", path.to_str().expect("text")];
        let mut child = command(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        let (mut out, mut shown) = (BufReader::new(child.stdout.take().expect("a pipe")), String::new());
        out.read_line(&mut shown).expect("a first record");
        Self { child, out, shown }
    }

    /// All that it showed by its end.
    fn ended(mut self) -> String {
        self.out.read_to_string(&mut self.shown).expect("text");
        let output = self.child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
        self.shown
    }
}

#[test]
fn following_goes_on_in_the_segments_that_come_next() {
    for is_folder in [false, true] {
        let folder = folder();
        let paths = ["out.rec", "out.0001.rec", "out.0002.rec"].map(|name| folder.path().join(name));
        let first = segment(&paths[0], 0, None);
        let follower = Follower::of(if is_folder { folder.path() } else { &paths[0] });
        let second = segment(&paths[1], 1, Some(&first));
        close(first, Some(&second));
        let third = segment(&paths[2], 2, Some(&second));
        close(second, Some(&third));
        close(third, None);
        let all: String = paths.iter().map(|path| stdout(&agentsnoop(&["query", "--json"], path))).collect();
        assert_eq!(follower.ended(), all, "of a folder: {is_folder}");
    }
}

#[test]
fn following_a_folder_leaves_a_recording_whose_writer_is_gone_for_the_next_one() {
    let (bytes, _) = small();
    let cut = blocks(&bytes)[2].end;
    let folder = folder();
    fs::write(folder.path().join("one.rec"), &bytes[..cut]).expect("a recording that was not closed");
    let follower = Follower::of(folder.path());
    let whole = folder.path().join("whole");
    fs::write(&whole, &bytes).expect("a whole recording");
    fs::rename(whole, folder.path().join("two.rec")).expect("a new name");
    assert_eq!(follower.ended(), stdout(&agentsnoop(&["query", "--json"], folder.path())));
}

#[test]
fn a_segment_that_goes_on_elsewhere_ends_what_follows_it_and_says_so() {
    let folder = folder();
    let (one, other) = (folder.path().join("out.rec"), folder.path().join("other.rec"));
    let first = segment(&one, 0, None);
    let second = segment(&other, 1, Some(&first));
    close(first, Some(&second));
    let output = agentsnoop(&["query", "--follow", "--json"], &one);
    assert_eq!(output.status.code(), Some(0));
    assert!(
        stderr(&output).contains("out.rec: it goes on in another file, which is not beside it"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_segment_that_is_missing_from_a_folder_is_named_by_whatever_reads_it() {
    let folder = folder();
    let paths = ["out.rec", "out.0001.rec", "out.0002.rec"].map(|name| folder.path().join(name));
    let first = segment(&paths[0], 0, None);
    let second = segment(&paths[1], 1, Some(&first));
    let third = segment(&paths[2], 2, Some(&second));
    close(first, Some(&second));
    close(second, Some(&third));
    close(third, None);
    for (number, said) in
        [(1, "out.rec goes on in segment 1, which is missing"), (2, "goes on in segment 2, which is missing")]
    {
        let aside = folder.path().join("aside");
        fs::rename(&paths[number], &aside).expect("another name");
        let verified = agentsnoop(&["verify"], folder.path());
        assert_eq!(verified.status.code(), Some(1), "{}", stdout(&verified));
        assert!(stderr(&verified).contains(said), "{}", stderr(&verified));
        for words in [&["query", "--json"][..], &["replay", "--json"], &["export", "--format", "jsonl"]] {
            let output = agentsnoop(words, folder.path());
            assert_eq!(output.status.code(), Some(4), "{words:?}: {}", stderr(&output));
            assert!(stderr(&output).contains("which is missing"), "{words:?}: {}", stderr(&output));
        }
        fs::rename(&aside, &paths[number]).expect("the name of before");
    }
    assert_eq!(agentsnoop(&["query", "--json"], folder.path()).status.code(), Some(0));
}

#[test]
fn a_file_of_a_folder_that_is_no_recording_keeps_nobody_from_the_others() {
    let folder = folder();
    let one = folder.path().join("one.rec");
    close(segment(&one, 0, None), None);
    // A power cut right behind the beginning leaves such a file.
    fs::write(folder.path().join("empty.rec"), "").expect("a file");
    let expected = stdout(&agentsnoop(&["query", "--json"], &one));
    for words in [&["query", "--json"][..], &["replay", "--json"], &["export", "--format", "jsonl"]] {
        let output = agentsnoop(words, folder.path());
        assert_eq!((output.status.code(), stdout(&output)), (Some(4), expected.clone()), "{words:?}");
        assert!(stderr(&output).contains("empty.rec: it is empty, so it is no recording"), "{}", stderr(&output));
    }
    let output = agentsnoop(&["verify"], folder.path());
    assert_eq!(output.status.code(), Some(4));
    assert!(stdout(&output).contains("one.rec: sound") && stderr(&output).contains("empty.rec: it is empty"));
    fs::remove_file(one).expect("a file");
    let output = agentsnoop(&["query"], folder.path());
    assert_eq!(output.status.code(), Some(4));
    assert!(
        stderr(&output).contains("no recording in") && stderr(&output).contains("can be read"),
        "{}",
        stderr(&output)
    );
}
