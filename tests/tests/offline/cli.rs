//! Errors of the command line: their exit codes, and that they say what failed, on what.

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::tools::{agentsnoop, blocks, command, folder, recorder, small, stderr, stdout};

const READERS: [&[&str]; 4] = [&["replay"], &["query"], &["verify"], &["export", "--format", "jsonl"]];

/// Writes bytes to a file in `folder`.
fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

#[test]
fn what_is_no_recording_is_refused_with_exit_code_4_and_the_reason() {
    let folder = folder();
    let (bytes, _) = small();
    let mut newer = bytes.clone();
    newer[8] = 2;
    let crc = crc32c::crc32c(&newer[..28]).to_le_bytes();
    newer[28..32].copy_from_slice(&crc);
    let table = [
        (folder.path().join("missing.rec"), "No such file"),
        (empty_folder(folder.path()), "folder"),
        (file(folder.path(), "empty.rec", b""), "is empty"),
        (file(folder.path(), "short.rec", b"\x89ASR"), "cut after 4 bytes"),
        (
            file(folder.path(), "text.rec", b"this is no recording, but a text which is longer than a header"),
            "no recording of agentsnoop",
        ),
        (file(folder.path(), "zeros.rec", &[0; 4096]), "no recording of agentsnoop"),
        (file(folder.path(), "newer.rec", &newer), "format 2"),
    ];
    for (path, why) in table {
        for reader in READERS {
            let output = agentsnoop(reader, &path);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(4), "{reader:?}: {said}");
            assert!(said.contains(why) && said.contains(&path.display().to_string()), "{reader:?}: {said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert!(output.stdout.is_empty(), "{reader:?}: {}", stdout(&output));
        }
    }
}

fn empty_folder(folder: &Path) -> PathBuf {
    let path = folder.join("nothing");
    fs::create_dir(&path).expect("a new folder");
    path
}

#[test]
fn a_fifo_is_refused_without_waiting_for_a_writer() {
    let folder = folder();
    let path = folder.path().join("fifo");
    nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).expect("a FIFO");
    let output = agentsnoop(&["verify"], &path);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("not a regular file"), "{}", stderr(&output));
}

#[test]
fn mistakes_on_the_command_line_are_exit_code_2() {
    let folder = folder();
    let path = file(folder.path(), "small.rec", &small().0);
    let table: [(&[&str], &str); 10] = [
        (&["replay", "--colour"], "--colour"),
        (&["replay", "--speed", "0"], "above 0"),
        (&["replay", "--speed", "fast"], "above 0"),
        (&["query", "--kind", "opne"], "did you mean `open`?"),
        (&["query", "--path", "[a"], "[a"),
        (&["verify", "--strict"], "--strict"),
        (&["export"], "--format"),
        (&["export", "--format", "xml"], "jsonl, sqlite"),
        (&["export", "--format", "jsonl", "--where", "pth:x"], "did you mean `path`?"),
        (&["listen"], "listen"),
    ];
    for (words, what) in table {
        let output = agentsnoop(words, &path);
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", stderr(&output));
        assert!(stderr(&output).contains(what), "{words:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{words:?}");
    }
}

#[test]
fn a_query_without_a_match_is_a_success() {
    let folder = folder();
    let path = file(folder.path(), "small.rec", &small().0);
    for words in [&["query", "--path", "/nowhere/*"][..], &["query", "--json", "--path", "/nowhere/*"]] {
        let output = agentsnoop(words, &path);
        assert_eq!((output.status.code(), stdout(&output)), (Some(0), String::new()), "{}", stderr(&output));
    }
}

#[test]
fn a_broken_pipe_is_a_success() {
    let folder = folder();
    let path = folder.path().join("long.rec");
    // The lines of so many opens do not fit the buffer of a pipe (64 KiB, pipe(7)), so the writer must see the end.
    recorder(&["long", "20000"], &path);
    for words in [
        &["replay"][..],
        &["replay", "--json"],
        &["query"],
        &["verify", "--dump-inputs"],
        &["export", "--format", "jsonl"],
    ] {
        let mut child =
            command(words).arg(&path).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("a child");
        let mut out = child.stdout.take().expect("standard output");
        out.read_exact(&mut [0; 100]).expect("a hundred bytes");
        drop(out);
        let output = child.wait_with_output().expect("the end of the child");
        // The session was made without masking, which a query says since it may not show the record of it.
        let name = path.display();
        let says = format!("agentsnoop: {name}: not scrubbed: secrets are in it as they were\n");
        let says = if words[0] == "query" { says } else { String::new() };
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), says), "{words:?}");
    }
}

#[test]
fn what_standard_output_does_not_take_is_an_error_and_no_verdict() {
    let folder = folder();
    let path = file(folder.path(), "small.rec", &small().0);
    let table = [
        (">/dev/full", "No space left on device"),
        (">&-", "Bad file descriptor"),
        ("1</dev/null", "Bad file descriptor"),
    ];
    for words in [
        &["replay"][..],
        &["query", "--json"],
        &["verify"],
        &["verify", "--json"],
        &["verify", "--dump-inputs"],
        &["export", "--format", "jsonl"],
    ] {
        for (redirection, why) in table {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("\"$0\" \"$@\" {redirection}")]).arg(command(&[]).get_program()).args(words);
            let output = shell.arg(&path).output().expect("a shell");
            let said = stderr(&output);
            // A query also says that the session was made without masking.
            let last = said.lines().last().unwrap_or_default();
            assert!(
                last.starts_with(&format!("agentsnoop: cannot write to standard output: {why}")),
                "{words:?}: {said}"
            );
            assert!(output.status.code().is_some_and(|code| code > 1), "{words:?} {redirection}: {}", output.status);
        }
    }
}

#[test]
fn verify_finds_a_whole_recording_sound() {
    let folder = folder();
    let (bytes, inputs) = small();
    let path = file(folder.path(), "small.rec", &bytes);
    let output = agentsnoop(&["verify"], &path);
    assert_eq!(output.status.code(), Some(0), "{}", stdout(&output));
    assert!(stdout(&output).starts_with(&format!("{}: sound\n", path.display())), "{}", stdout(&output));
    let output = agentsnoop(&["verify", "--json"], &path);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["ok"], true, "{report:#}");
    assert_eq!(report["complete"], true);
    assert_eq!(report["inputs"], inputs.len());
    assert_eq!(report["bytes"], bytes.len());
    assert_eq!(report["lost"], 3);
    assert_eq!(report["ledger"]["balanced"], true);
    assert_eq!(report["ledger"]["lost_by_kind"]["open"], 3);
}

#[test]
fn verify_says_that_a_cut_recording_is_incomplete_and_up_to_where_it_can_be_read() {
    let folder = folder();
    let (bytes, _) = small();
    let last = *blocks(&bytes).last().expect("a block");
    let path = file(folder.path(), "cut.rec", &bytes[..last.start + 10]);
    let output = agentsnoop(&["verify"], &path);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains(": incomplete\n"), "{said}");
    assert!(said.contains(&format!("readable up to byte {}", last.start)), "{said}");
    assert!(said.contains("cut after 10 bytes"), "{said}");
    let output = agentsnoop(&["verify", "--json"], &path);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["ok"], &report["complete"], &report["damaged"]), (&false.into(), &false.into(), &0.into()));
}

#[test]
fn verify_says_where_a_recording_is_damaged() {
    let folder = folder();
    let (mut bytes, _) = small();
    let block = blocks(&bytes)[2];
    bytes[block.end - 1] ^= 1;
    let path = file(folder.path(), "damaged.rec", &bytes);
    let output = agentsnoop(&["verify"], &path);
    assert_eq!(output.status.code(), Some(1));
    let said = stdout(&output);
    assert!(said.contains(": broken\n"), "{said}");
    assert!(said.contains(&format!("byte {}, block 2: the payload has a wrong checksum", block.start)), "{said}");
    let output = agentsnoop(&["verify", "--json"], &path);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["damage"][0]["offset"], block.start);
    assert_eq!(report["damage"][0]["block"], 2);
}

#[test]
fn a_damaged_recording_is_shown_as_far_as_it_can_be_read() {
    let folder = folder();
    let (mut bytes, _) = small();
    let whole = file(folder.path(), "whole.rec", &bytes);
    let whole = stdout(&agentsnoop(&["replay"], &whole));
    let block = blocks(&bytes)[3];
    bytes[block.end - 1] ^= 1;
    let path = file(folder.path(), "damaged.rec", &bytes);
    let output = agentsnoop(&["replay"], &path);
    assert_eq!(output.status.code(), Some(4));
    assert!(stderr(&output).contains("block 3"), "{}", stderr(&output));
    let lines = stdout(&output).lines().count();
    assert!(lines > 0 && lines < whole.lines().count(), "{lines} lines");
}

#[test]
fn an_incomplete_recording_is_replayed_and_said_to_be_incomplete() {
    let folder = folder();
    let (bytes, _) = small();
    let last = *blocks(&bytes).last().expect("a block");
    let path = file(folder.path(), "cut.rec", &bytes[..last.start]);
    let output = agentsnoop(&["replay"], &path);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("incomplete"), "{}", stderr(&output));
    assert!(!output.stdout.is_empty());
}

#[test]
fn the_dump_of_a_recording_holds_its_inputs_decompressed() {
    let folder = folder();
    let (bytes, inputs) = small();
    let path = file(folder.path(), "small.rec", &bytes);
    let output = agentsnoop(&["verify", "--dump-inputs"], &path);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    for input in &inputs {
        let mut frame = Vec::new();
        agentsnoop_store::frame::encode(input, &mut frame).expect("a frame");
        assert!(output.stdout.windows(frame.len()).any(|bytes| bytes == frame), "{input:?} is not in the dump");
    }
}
