//! `agentsnoop export`: nothing is added, nothing left out, and no file is half there.

use std::{
    fs,
    os::unix::{fs::PermissionsExt as _, process::ExitStatusExt as _},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use agentsnoop::sink::sqlite::{APPLICATION, VERSION};
use agentsnoop_pipeline::record::Kind;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use rusqlite::{Connection, OpenFlags, types::Value as Cell};
use serde_json::Value;
use tempfile::TempDir;

use crate::tools::{agentsnoop, blocks, close, command, folder, recorded, recorder, segment, small, stderr, stdout};

fn export(format: &str, recording: &Path, output: &Path, more: &[&str]) -> Output {
    let words = ["export", "--format", format, "--output", output.to_str().expect("text")];
    agentsnoop(&[&words[..], more].concat(), recording)
}

/// A database of a recording that can be read whole.
fn database(recording: &Path, folder: &Path, more: &[&str]) -> (PathBuf, Connection) {
    let path = folder.join("out.db");
    let output = export("sqlite", recording, &path, more);
    assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    let connection = open(&path);
    (path, connection)
}

fn open(path: &Path) -> Connection {
    Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("a database")
}

fn records(recording: &Path) -> Vec<Value> {
    let output = agentsnoop(&["replay", "--json"], recording);
    stdout(&output).lines().map(|line| serde_json::from_str(line).expect("one JSON object a line")).collect()
}

/// The first column of a query as text.
fn column(connection: &Connection, query: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap_or_else(|error| panic!("{query}: {error}"));
    let rows = statement.query_map([], |row| row.get::<_, Cell>(0)).expect("rows");
    rows.map(|cell| match cell.expect("a cell") {
        Cell::Null => "NULL".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text,
        Cell::Blob(bytes) => format!("{bytes:?}"),
    })
    .collect()
}

/// What a folder has in it.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<_> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn json_lines_are_those_of_replay_and_query() {
    let folder = folder();
    let expected = stdout(&agentsnoop(&["replay", "--json"], &recorded()));
    assert_eq!(stdout(&agentsnoop(&["export", "--format", "jsonl"], &recorded())), expected);
    assert_eq!(stdout(&agentsnoop(&["export", "--format", "jsonl", "--output", "-"], &recorded())), expected);
    let file = folder.path().join("out.jsonl");
    assert_eq!(export("jsonl", &recorded(), &file, &[]).status.code(), Some(0));
    assert_eq!(fs::read_to_string(&file).expect("a file"), expected);
    let file = recorded();
    let query = command(&["query", "--json", file.to_str().expect("text"), "kind:open", "result:failed"]).output();
    let some = agentsnoop(&["export", "--format", "jsonl", "--where", "kind:open result:failed"], &recorded());
    assert_eq!(stdout(&some), stdout(&query.expect("agentsnoop runs")));
    assert!(!some.stdout.is_empty());
}

/// A folder of an observation in two segments, and one whose end was cut off.
fn recordings() -> TempDir {
    let folder = folder();
    let first = segment(&folder.path().join("out.rec"), 0, None);
    let second = segment(&folder.path().join("out.0001.rec"), 1, Some(&first));
    close(first, Some(&second));
    close(second, None);
    let (bytes, _) = small();
    let last = *blocks(&bytes).last().expect("a block");
    fs::write(folder.path().join("the-other.rec"), &bytes[..last.start]).expect("a file");
    folder
}

#[test]
fn all_recordings_of_a_folder_are_exported_in_their_order() {
    let of = recordings();
    let expected = stdout(&agentsnoop(&["query", "--json"], of.path()));
    let lines = agentsnoop(&["export", "--format", "jsonl"], of.path());
    assert_eq!((lines.status.code(), stdout(&lines)), (Some(0), expected.clone()));
    let out = folder();
    let path = out.path().join("out.db");
    let output = export("sqlite", of.path(), &path, &["--where", "kind:exec,exit,loss,gap,coverage time:+0s.."]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(stderr(&output).contains("the-other.rec: incomplete"), "{}", stderr(&output));
    let connection = open(&path);
    let files =
        column(&connection, "SELECT file || ' ' || segment || ' ' || complete FROM recording ORDER BY recording");
    let names = ["out.rec 0 1", "out.0001.rec 1 1", "the-other.rec 0 0"].map(|name| of.path().join(name));
    assert_eq!(files, names.map(|name| name.display().to_string()));
    let goes_on = "SELECT one.segment FROM recording one JOIN recording next ON one.next = next.id";
    assert_eq!(column(&connection, goes_on), ["0"]);
    for kind in ["exec", "exit", "coverage"] {
        let count = expected.lines().filter(|line| line.contains(&format!("\"kind\":\"{kind}\""))).count();
        assert!(count > 2);
        let of_kind = format!("SELECT count(*) FROM records JOIN recording USING (recording) WHERE kind = '{kind}'");
        assert_eq!(column(&connection, &of_kind), [count.to_string()]);
    }
    for table in ["ledger", "data_sets", "hooks"] {
        let numbers = column(&connection, &format!("SELECT DISTINCT recording FROM {table} ORDER BY recording"));
        assert_eq!(numbers, ["1", "2", "3"], "{table}");
    }
}

#[test]
fn a_folder_of_which_one_recording_is_damaged_is_exported_as_far_as_it_can_be_read() {
    let of = recordings();
    let path = of.path().join("out.0001.rec");
    let mut bytes = fs::read(&path).expect("a recording");
    let block = blocks(&bytes)[1];
    bytes[block.end - 1] ^= 1;
    fs::write(&path, bytes).expect("a file");
    let out = folder();
    for format in ["jsonl", "sqlite"] {
        let output = export(format, of.path(), &out.path().join(format), &[]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains("out.0001.rec is damaged in 1 place, the rest"), "{}", stderr(&output));
    }
    let expected = stdout(&agentsnoop(&["query", "--json"], of.path()));
    assert_eq!(fs::read_to_string(out.path().join("jsonl")).expect("a file"), expected);
    let connection = open(&out.path().join("sqlite"));
    assert_eq!(column(&connection, "SELECT recording FROM damage"), ["2"]);
    assert_eq!(column(&connection, "SELECT count(*) FROM records"), [expected.lines().count().to_string()]);
    // A recording of the folder is none of its exports either.
    let output = export("jsonl", of.path(), &of.path().join("out.rec"), &["--overwrite"]);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
}

/// A cell as the JSON that it was made of.
fn as_json(cell: Cell, original: &Value) -> Value {
    match (cell, original) {
        (Cell::Null, _) => Value::Null,
        (Cell::Integer(truth), Value::Bool(_)) => Value::Bool(truth == 1),
        (Cell::Integer(number), _) => number.into(),
        (Cell::Text(text), Value::Array(_) | Value::Object(_)) => serde_json::from_str(&text).expect("JSON"),
        (Cell::Text(text), _) => text.into(),
        (other, _) => panic!("{other:?} of {original}"),
    }
}

#[test]
fn every_field_of_every_record_is_in_the_database_as_it_is_in_the_json() {
    let folder = folder();
    let (_, connection) = database(&recorded(), folder.path(), &[]);
    let records = records(&recorded());
    let common = [
        ("id", "/id"),
        ("time", "/time"),
        ("boot_ns", "/boot_ns"),
        ("kind", "/kind"),
        ("agent", "/agent/name"),
        ("session", "/agent/session"),
        ("root_pid", "/agent/root_pid"),
        ("tool_call", "/tool_call"),
        ("process", "/process/id"),
        ("pid", "/process/pid"),
        ("tid", "/process/tid"),
        ("start_ns", "/process/start_ns"),
        ("ppid", "/process/ppid"),
        ("uid", "/process/uid"),
        ("comm", "/process/comm"),
        ("exe", "/process/exe"),
        ("exe_state", "/process/exe_state"),
    ];
    for (number, record) in (1i64..).zip(&records) {
        let cell = |table: &str, column: &str| -> Cell {
            let query = format!("SELECT \"{column}\" FROM \"{table}\" WHERE record = ?");
            connection.query_row(&query, [number], |row| row.get(0)).unwrap_or_else(|error| panic!("{query}: {error}"))
        };
        for (column, place) in common {
            let expected = record.pointer(place).unwrap_or(&Value::Null);
            assert_eq!(as_json(cell("records", column), expected), *expected, "{column} of {record:#}");
        }
        let kind: Kind = record["kind"].as_str().and_then(|kind| kind.parse().ok()).expect("a kind");
        for field in kind.fields() {
            let expected = &record[kind.key()][*field];
            assert_eq!(as_json(cell(kind.name(), field), expected), *expected, "{field} of {record:#}");
        }
        let classes = column(&connection, &format!("SELECT class FROM classes WHERE record = {number}"));
        let expected: Vec<String> = serde_json::from_value(record["classes"].clone()).unwrap_or_default();
        assert_eq!(classes, expected);
    }
    assert_eq!(column(&connection, "SELECT count(*) FROM records"), [records.len().to_string()]);
}

#[test]
fn every_table_and_view_can_be_asked_without_quotes() {
    let folder = folder();
    let (_, connection) = database(&recorded(), folder.path(), &[]);
    let all = column(
        &connection,
        "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'",
    );
    for name in &all {
        column(&connection, &format!("SELECT * FROM {name}"));
    }
    for kind in Kind::ALL {
        assert!(all.iter().any(|name| name == kind.name()), "{kind}");
        column(&connection, &format!("SELECT time, process FROM {kind} JOIN records USING (record)"));
    }
}

#[test]
fn views_tell_who_touched_what_and_what_can_be_believed() {
    let folder = folder();
    let (_, connection) = database(&recorded(), folder.path(), &[]);
    let ask = |query: &str| column(&connection, query);
    assert_eq!(ask("SELECT comm FROM processes ORDER BY pid"), ["agent", "bash"]);
    assert_eq!(
        ask("SELECT parent.comm FROM processes JOIN processes parent ON parent.process = processes.parent"),
        ["agent"]
    );
    assert_eq!(ask("SELECT code FROM processes WHERE comm = 'bash'"), ["1"]);
    assert_eq!(
        ask("SELECT path FROM files JOIN classes USING (record) WHERE class = 'credential' AND outcome = 'ok'"),
        ["/home/dev/.aws/credentials"]
    );
    assert_eq!(ask("SELECT port FROM network ORDER BY time"), ["8399", "443"]);
    // The one that is not stands for the masking of secrets, without which the session was made.
    assert_eq!(ask("SELECT state FROM hooks ORDER BY name"), ["attached", "unavailable", "attached"]);
    assert_eq!(ask("SELECT lost FROM ledger WHERE kind = 'open'"), ["3"]);
    assert_eq!(ask("SELECT cause || ' ' || count FROM ledger_lost"), ["ring_full 3"]);
    assert_eq!(ask("SELECT complete || balanced || lossless || damaged FROM recording"), ["1100"]);
    let head = stdout(&agentsnoop(&["verify", "--json"], &recorded()));
    let head: Value = serde_json::from_str(&head).expect("JSON");
    assert_eq!(ask("SELECT head FROM recording"), [head["head"].as_str().expect("a head")]);
    assert_eq!(ask("SELECT count(*) FROM data_sets WHERE recorded IS NOT judged"), ["0"]);
}

#[test]
fn what_was_not_observed_is_in_a_database_whatever_was_asked_for() {
    let folder = folder();
    let (_, connection) = database(&recorded(), folder.path(), &["--where", "kind:exec"]);
    let kinds = column(&connection, "SELECT DISTINCT kind FROM records ORDER BY kind");
    assert_eq!(kinds, ["coverage", "exec", "gap", "loss"]);
    assert_eq!(column(&connection, "SELECT filter FROM recording"), ["kind:exec"]);
    let lines = stdout(&agentsnoop(&["export", "--format", "jsonl", "--where", "kind:exec"], &recorded()));
    assert!(!lines.is_empty() && lines.lines().all(|line| line.contains(r#""kind":"exec""#)), "{lines}");
}

#[test]
fn every_statement_of_the_documentation_and_the_help_can_be_asked() {
    let folder = folder();
    let (_, connection) = database(&recorded(), folder.path(), &[]);
    let page = include_str!("../../../docs/export.md");
    let help = stdout(&command(&["export", "--help"]).output().expect("it runs"));
    let blocks = page.split("```sql").skip(1).map(|block| block.split("```").next().unwrap_or_default());
    let shown = help.split('"').filter(|text| text.starts_with("SELECT"));
    let statements: Vec<&str> = blocks.chain(shown).flat_map(|block| block.split(';')).collect();
    let mut asked = 0;
    for statement in statements.into_iter().map(str::trim).filter(|statement| !statement.is_empty()) {
        column(&connection, statement);
        asked += 1;
    }
    assert!(asked >= 7, "{asked} statements");
    assert_eq!(connection.pragma_query_value(None, "user_version", |row| row.get::<_, i32>(0)), Ok(VERSION));
    assert!(
        page.contains(&format!("`PRAGMA user_version` is {VERSION}")) && page.contains(&format!("{APPLICATION:#x}"))
    );
}

#[test]
fn sqlite3_finds_the_database_sound() {
    let folder = folder();
    let (path, _) = database(&recorded(), folder.path(), &[]);
    let script = "PRAGMA integrity_check; PRAGMA foreign_key_check; PRAGMA user_version; PRAGMA application_id; \
                  SELECT count(*) FROM records; SELECT count(*) FROM files;";
    let output = match Command::new("sqlite3").args(["-readonly", "-batch"]).arg(&path).arg(script).output() {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: the command sqlite3 cannot be started: {error}"),
    };
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("ok\n{VERSION}\n{APPLICATION}\n{}\n7\n", records(&recorded()).len()));
}

#[test]
fn a_file_is_its_owners_only_and_replaces_none_unless_it_is_asked_to() {
    let folder = folder();
    for format in ["jsonl", "sqlite"] {
        let path = folder.path().join(format);
        assert_eq!(export(format, &recorded(), &path, &[]).status.code(), Some(0));
        assert_eq!(fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
        fs::write(&path, "before").expect("a file");
        let output = export(format, &recorded(), &path, &[]);
        assert_eq!(output.status.code(), Some(125), "{}", stderr(&output));
        assert!(stderr(&output).contains("it exists already") && stderr(&output).contains("--overwrite"));
        assert_eq!(fs::read_to_string(&path).expect("a file"), "before");
        assert_eq!(export(format, &recorded(), &path, &["--overwrite"]).status.code(), Some(0));
        assert_ne!(fs::read(&path).expect("a file"), b"before");
    }
    assert_eq!(names(folder.path()), ["jsonl", "sqlite"]);
}

#[test]
fn what_cannot_be_written_is_said_and_leaves_nothing_behind() {
    let folder = folder();
    let recording = folder.path().join("in.rec");
    fs::copy(recorded(), &recording).expect("a copy");
    let missing = folder.path().join("no/such/folder/out");
    for format in ["jsonl", "sqlite"] {
        let table = [
            (recording.as_path(), 2, "is the recording itself"),
            (folder.path(), 125, "it exists and is no regular file"),
            (Path::new("/dev/null"), 125, "it exists and is no regular file"),
            (&missing, 125, "No such file or directory"),
        ];
        for (path, code, why) in table {
            let output = export(format, &recording, path, &["--overwrite"]);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.contains(why) && said.contains(&path.display().to_string()), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
        }
    }
    let output = agentsnoop(&["export", "--format", "sqlite"], &recording);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--output FILE"), "{}", stderr(&output));
    assert_eq!(names(folder.path()), ["in.rec"]);
    assert_eq!(fs::read(&recording).expect("a file"), fs::read(recorded()).expect("a file"));
}

#[test]
fn a_disk_that_is_full_is_said_and_leaves_nothing_behind() {
    let folder = folder();
    let recording = folder.path().join("long.rec");
    recorder(&["long", "2000"], &recording);
    for format in ["jsonl", "sqlite"] {
        let out = folder.path().join("out");
        // Beyond a limit of the file's size, in blocks of 512 bytes, writes fail as on a full disk where the signal is ignored.
        let mut shell = Command::new("sh");
        shell.args(["-c", "ulimit -f 16; trap '' XFSZ; exec \"$0\" \"$@\""]).arg(command(&[]).get_program());
        shell.args(["export", "--format", format, "--output"]).args([&out, &recording]);
        let output = shell.output().expect("a shell");
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(125), "{said}");
        assert!(said.starts_with(&format!("agentsnoop: cannot write {}: ", out.display())), "{said}");
        assert_eq!(names(folder.path()), ["long.rec"]);
    }
}

#[test]
fn what_is_damaged_is_exported_as_far_as_it_can_be_read_and_said() {
    let folder = folder();
    let (mut bytes, _) = small();
    let block = blocks(&bytes)[3];
    bytes[block.end - 1] ^= 1;
    let recording = folder.path().join("damaged.rec");
    fs::write(&recording, bytes).expect("a file");
    let expected = records(&recording);
    for format in ["jsonl", "sqlite"] {
        let path = folder.path().join(format);
        let output = export(format, &recording, &path, &[]);
        assert_eq!(output.status.code(), Some(4), "{}", stderr(&output));
        assert!(stderr(&output).contains("block 3"), "{}", stderr(&output));
    }
    let lines = fs::read_to_string(folder.path().join("jsonl")).expect("a file");
    assert_eq!(lines.lines().count(), expected.len());
    let connection = open(&folder.path().join("sqlite"));
    assert_eq!(column(&connection, "SELECT count(*) FROM records"), [expected.len().to_string()]);
    assert_eq!(column(&connection, "SELECT block FROM damage"), ["3"]);
    let of = "SELECT complete || ' ' || damaged || ' ' || coalesce(balanced, '?') || ' ' || lossless FROM recording";
    assert_eq!(column(&connection, of), ["1 1 ? 0"]);
}

#[test]
fn what_was_not_closed_is_exported_and_marked() {
    let folder = folder();
    let (bytes, _) = small();
    let last = *blocks(&bytes).last().expect("a block");
    let recording = folder.path().join("cut.rec");
    fs::write(&recording, &bytes[..last.start]).expect("a file");
    let path = folder.path().join("out.db");
    let output = export("sqlite", &recording, &path, &[]);
    assert_eq!(output.status.code(), Some(0));
    assert!(stderr(&output).contains("incomplete"), "{}", stderr(&output));
    let marked = column(&open(&path), "SELECT complete || ' ' || (ending LIKE 'incomplete%') FROM recording");
    assert_eq!(marked, ["0 1"]);
}

#[test]
fn a_signal_ends_an_export_and_leaves_nothing_behind() {
    let folder = folder();
    let recording = folder.path().join("long.rec");
    recorder(&["long", "300000"], &recording);
    for format in ["jsonl", "sqlite"] {
        let out = folder.path().join("out");
        let words = ["export", "--format", format, "--output", out.to_str().expect("text")];
        let mut child = command(&words).arg(&recording).spawn().expect("agentsnoop runs");
        let began = Instant::now();
        while names(folder.path()).len() == 1 {
            assert!(began.elapsed() < Duration::from_secs(60), "nothing is written");
            std::thread::yield_now();
        }
        kill(Pid::from_raw(child.id().cast_signed()), Signal::SIGTERM).expect("a child that writes");
        let status = child.wait().expect("the end");
        assert_eq!(status.signal(), Some(Signal::SIGTERM as i32), "{status}");
        assert_eq!(names(folder.path()), ["long.rec"]);
    }
}
