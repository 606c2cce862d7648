//! Writing and reading back.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    os::unix::fs::PermissionsExt as _,
    process::{Command, Stdio},
};

use agentsnoop_pipeline::{
    input::{Closed, Input},
    synthetic::{Actor, session::session},
};
use agentsnoop_store::{
    End, Item, Reader, Writer,
    format::{BLOCK_BYTES, FRAME_BYTES},
    writer::Options,
};
use bytes::Bytes;

use crate::tools::{agentsnoop, blocks, folder, read, recorder, small, stdout};

#[test]
fn a_recording_gives_back_every_variant_of_input_in_order() {
    let (bytes, inputs) = small();
    let read = read(&bytes);
    assert_eq!(read.inputs, inputs);
    assert_eq!((read.damage, read.end), (Vec::new(), End::Closed));
    let variants: std::collections::HashSet<_> = inputs.iter().map(std::mem::discriminant).collect();
    assert_eq!(variants.len(), 10, "the session lacks a variant");
}

#[test]
fn closing_tells_how_many_inputs_precede_the_end() {
    let (_, inputs) = small();
    let Some(Input::Closed(closed)) = inputs.last() else { panic!("the session ends with {:?}", inputs.last()) };
    assert_eq!(closed.inputs, inputs.len() as u64 - 1);
}

#[test]
fn positions_count_inputs_across_blocks() {
    let (bytes, inputs) = small();
    let blocks = blocks(&bytes);
    let positions: Vec<_> = Reader::new(bytes.as_slice())
        .expect("a recording")
        .map(|item| match item {
            Item::Input(at, _) => at,
            Item::Damage(damage) => panic!("{damage}"),
        })
        .collect();
    assert_eq!(positions.len(), inputs.len());
    for (index, at) in positions.iter().enumerate() {
        let block = blocks[at.block as usize];
        assert_eq!((at.input, at.offset), (index as u64, block.start as u64));
        assert!((block.first..block.first + block.inputs).contains(&index));
    }
}

#[test]
fn a_recording_is_for_its_owner_only() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    let _writer = Writer::create(&path, Options::default()).expect("a new recording");
    let mode = fs::metadata(&path).expect("the recording").permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

#[test]
fn an_existing_file_is_replaced_only_when_asked() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    fs::write(&path, "mine").expect("a file");
    let error = Writer::create(&path, Options::default()).err().expect("a refusal").to_string();
    assert!(error.contains("a.rec") && error.contains("exists"), "{error}");
    assert_eq!(fs::read(&path).expect("the file"), b"mine");
    drop(Writer::create(&path, Options { overwrite: true, owner: None }).expect("a new recording"));
    assert!(Reader::open(&path).is_ok());
}

#[test]
fn what_is_no_regular_file_is_never_replaced() {
    let folder = folder();
    let options = Options { overwrite: true, owner: None };
    let error = Writer::create(folder.path(), options).err().expect("a refusal").to_string();
    assert!(error.contains("no regular file"), "{error}");
    let (link, target) = (folder.path().join("link.rec"), folder.path().join("target"));
    fs::write(&target, "mine").expect("a file");
    std::os::unix::fs::symlink(&target, &link).expect("a link");
    assert!(Writer::create(&link, options).is_err());
    assert_eq!(fs::read(&target).expect("the file"), b"mine");
}

#[test]
fn what_was_flushed_is_readable_while_the_recording_is_still_written() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    let (inputs, _) = session();
    let (before, after) = inputs.split_at(7);
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    before.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.flush().expect("a writable recording");
    writer.drain().expect("a writable recording");

    let mut reader = Reader::open(&path).expect("a recording");
    let mut next = || -> Vec<Input> {
        let inputs = reader.by_ref().map(|item| match item {
            Item::Input(_, input) => input,
            Item::Damage(damage) => panic!("{damage}"),
        });
        inputs.collect()
    };
    assert_eq!(next(), before);
    after.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    writer.flush().expect("a writable recording");
    writer.drain().expect("a writable recording");
    assert_eq!(next(), after, "the reader goes on where it stopped");
}

#[test]
fn a_writer_that_goes_away_leaves_an_incomplete_recording_with_everything_in_it() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    let (inputs, _) = session();
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    drop(writer);
    let read = read(&fs::read(&path).expect("the recording"));
    assert_eq!(read.inputs, inputs);
    assert!(matches!(read.end, End::Open { number: 1, .. }), "{}", read.end);
    assert!(read.damage.is_empty());
}

#[test]
fn a_long_recording_is_cut_into_blocks_and_read_back_whole() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    let mut actor = Actor::new(7);
    let path_of = |number: usize| format!("/srv/{number}/{}", "x".repeat(number % 2000));
    let inputs: Vec<Input> = (0..2000).map(|number| actor.open(&path_of(number))).collect();
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    inputs.iter().for_each(|input| writer.push(input).expect("a writable recording"));
    let status = writer.close(&mut Closed::default()).expect("a recording that can be closed");
    let bytes = fs::read(&path).expect("the recording");
    assert_eq!((status.bytes, status.inputs), (bytes.len() as u64, 2001));
    let blocks = blocks(&bytes);
    assert_eq!(status.blocks, blocks.len() as u64);
    assert!(blocks.len() > 1_000_000 / BLOCK_BYTES, "{} blocks", blocks.len());
    assert_eq!(read(&bytes).inputs[..2000], inputs);
}

#[test]
fn the_longest_input_is_taken_and_a_longer_one_refused_without_harm() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    let mut writer = Writer::create(&path, Options::default()).expect("a new recording");
    let longest = Input::Raw(Bytes::from(vec![b'x'; FRAME_BYTES]));
    writer.push(&longest).expect("an input of the greatest length");
    let longer = Input::Raw(Bytes::from(vec![b'x'; FRAME_BYTES + 1]));
    let error = writer.push(&longer).expect_err("an input that is too long").to_string();
    assert!(error.contains("longer"), "{error}");
    writer.close(&mut Closed::default()).expect("a recording that can be closed");
    let read = read(&fs::read(&path).expect("the recording"));
    assert_eq!(read.inputs.len(), 2);
    assert_eq!(read.inputs[0], longest);
    assert_eq!((read.damage, read.end), (Vec::new(), End::Closed));
}

#[test]
fn after_a_full_disk_the_recording_goes_on_and_holds_the_gap() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    recorder(&["full"], &path);
    let read = read(&fs::read(&path).expect("the recording"));
    assert_eq!((read.damage, read.end), (Vec::new(), End::Closed));
    let (inputs, _) = session();
    assert_eq!(read.inputs[..inputs.len()], inputs);
    let [Input::Raw(_), Input::Gap(gap), Input::Closed(closed)] = &read.inputs[inputs.len()..] else {
        panic!("behind the full disk there are {:?}", &read.inputs[inputs.len()..]);
    };
    assert_eq!(gap.inputs, Some(7));
    assert!(gap.from_ns > 0 && gap.from_ns < gap.to_ns, "{gap:?}");
    assert!(gap.cause.contains("File too large"), "{gap:?}");
    assert_eq!(closed.inputs, inputs.len() as u64 + 2);
}

#[test]
fn a_disk_that_stays_full_is_an_error_at_the_end_and_leaves_what_was_written() {
    let folder = folder();
    let path = folder.path().join("a.rec");
    recorder(&["full-at-end"], &path);
    let bytes = fs::read(&path).expect("the recording");
    let read = read(&bytes);
    let (inputs, _) = session();
    assert_eq!((read.inputs, read.damage), (inputs, Vec::new()));
    assert_eq!(read.end, End::Open { offset: bytes.len() as u64, number: 1 }, "a part of a block stayed behind");
    let output = agentsnoop(&["verify"], &path);
    let said = stdout(&output);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("a.rec: incomplete\n"), "{said}");
}

#[test]
fn everything_that_was_flushed_survives_kill_9() {
    let folder = folder();
    for flushes in [1, 2, 30] {
        let path = folder.path().join(format!("{flushes}.rec"));
        let mut writer = Command::new(env!("CARGO_BIN_EXE_recorder"))
            .arg("endless")
            .arg(&path)
            .stdout(Stdio::piped())
            .spawn()
            .expect("recorder runs");
        let lines = BufReader::new(writer.stdout.take().expect("standard output")).lines();
        let last = lines.take(flushes).last().expect("a flush").expect("a line");
        writer.kill().expect("SIGKILL");
        writer.wait().expect("the end of the writer");
        let flushed: usize = last.parse().expect("a count");
        let read = read(&fs::read(&path).expect("the recording"));
        assert_eq!(read.damage, []);
        assert_ne!(read.end, End::Closed);
        assert!(read.inputs.len() >= flushed, "{} inputs of {flushed} are left", read.inputs.len());
    }
}
