//! The index of a recording: a query that uses one finds what a query finds that reads everything.

use std::{fs, os::unix::fs::FileExt as _, path::Path, time::SystemTime};

use agentsnoop_tests::heavy::SECRET;

use crate::tools::{command, folder, recorder, stderr, stdout};

/// Events of the recording: enough for an index, and for what is known in its middle to be part of it.
const EVENTS: &str = "420000";

/// What a query prints.
fn query(file: &Path, cache: &Path, words: &[&str]) -> String {
    let mut command = command(&["query"]);
    command.arg(file).args(words).env("XDG_CACHE_HOME", cache);
    let output = command.output().expect("agentsnoop runs");
    assert_eq!(output.status.code(), Some(0), "{words:?}: {}", stderr(&output));
    stdout(&output)
}

fn indexes(cache: &Path) -> Vec<(std::path::PathBuf, SystemTime)> {
    let Ok(found) = fs::read_dir(cache.join("agentsnoop")) else { return Vec::new() };
    let paths = found.map(|entry| entry.expect("a readable folder").path());
    paths.map(|path| (path.clone(), fs::metadata(path).and_then(|about| about.modified()).expect("a file"))).collect()
}

#[test]
fn a_query_with_an_index_finds_what_one_without_finds() {
    let folder = folder();
    let (file, cache) = (folder.path().join("heavy.rec"), folder.path().join("cache"));
    recorder(&["heavy", EVENTS], &file);
    assert!(indexes(&cache).is_empty());
    query(&file, &cache, &["kind:loss"]);
    let made = indexes(&cache);
    assert_eq!(made.len(), 1, "{made:?}");
    let path = format!("path:{SECRET}");
    let filters: [&[&str]; 9] = [
        &[&path],
        &["path:*/.aws/*", "comm:node,rg"],
        &["address:10.0.0.7"],
        &["pid:<10020"],
        &["exe:/usr/bin/git", "kind:exit", "time:+2s..+3s"],
        &["class:credential", "or", "pid:59999"],
        &["not", "kind:open,exec,fork,exit,getenv"],
        &["kind:connect", "port:443", "--format", "csv"],
        &["no-such-word"],
    ];
    for filter in filters {
        let found = query(&file, &cache, filter);
        let all = query(&file, &cache, &[filter, &["--no-index"]].concat());
        assert_eq!(found, all, "{filter:?}");
    }
    assert!(query(&file, &cache, &[&path]).lines().count() > 0);
    assert_eq!(indexes(&cache), made, "the index was made again");
    // One that is damaged is of no use, and does no harm.
    let mut bytes = fs::read(&made[0].0).expect("a readable index");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&made[0].0, bytes).expect("a writable index");
    assert_eq!(query(&file, &cache, &[&path]), query(&file, &cache, &[&path, "--no-index"]));
    // One of a recording that was changed since is of no use either, although size and time are as they were.
    query(&file, &cache, &["kind:loss"]);
    let recording = fs::File::options().read(true).write(true).open(&file).expect("the recording");
    let about = recording.metadata().expect("its size and time");
    let (mut byte, middle) = ([0], about.len() / 2);
    recording.read_exact_at(&mut byte, middle).expect("a byte");
    recording.write_all_at(&[!byte[0]], middle).expect("another one");
    recording.set_modified(about.modified().expect("a time")).expect("the time of before");
    let output = command(&["query"]).arg(&file).arg(&path).env("XDG_CACHE_HOME", &cache).output().expect("it runs");
    assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
}
