//! What the documents claim of the tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools::{command, folder, stderr, stdout, stored};

/// Every file of a folder and of those below it.
fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the folder is there").flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn each_test_that_the_table_of_limits_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let limits = fs::read_to_string(root.join("docs/limits.md")).unwrap();
    let mut sources = Vec::new();
    for folder in ["tests/tests", "monitor-userspace/pipeline/tests"] {
        files(&root.join(folder), &mut sources);
    }
    let code: String = sources.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let section = limits.split("## ").find(|section| section.starts_with("What a naive monitor")).unwrap();
    let rows: Vec<Vec<&str>> = section
        .lines()
        .map(|line| line.split(" | ").collect::<Vec<_>>())
        .filter(|cells| cells[0].trim_start_matches("| ").parse::<u32>().is_ok())
        .collect();
    assert_eq!(rows.len(), 30);
    for row in rows {
        let [_, what, does, shown] = row[..] else { panic!("four cells: {row:?}") };
        let names: Vec<&str> = shown.split('`').skip(1).step_by(2).collect();
        // What no kernel shows has its reason in place of a test.
        assert!(!names.is_empty() || does.contains("no kernel") || does.contains("not yet"), "nothing shows: {what}");
        for name in names {
            // A test that is there for several programs has their name behind its own.
            let there = code.contains(&format!("\"{name}\""))
                || code.contains(&format!("\"{name} {{"))
                || code.contains(&format!("fn {name}("));
            assert!(there, "`{name}` is no test: {what}");
        }
    }
}

#[test]
fn every_example_of_query_replay_and_export_is_understood() {
    let folder = folder();
    fs::copy(stored("format-1-session.rec"), folder.path().join("out.rec")).expect("a copy");
    let agentsnoop = command(&[]).get_program().to_owned();
    let help = |verb: &str| stdout(&command(&[verb, "--help"]).output().expect("agentsnoop runs"));
    let pages = [
        include_str!("../../../docs/query.md"),
        include_str!("../../../docs/replay.md"),
        include_str!("../../../docs/export.md"),
    ]
    .map(str::to_owned);
    let mut tried = 0;
    for line in pages
        .into_iter()
        .chain([help("query"), help("replay"), help("export")])
        .flat_map(|page| page.lines().map(str::trim).map(str::to_owned).collect::<Vec<_>>())
    {
        let Some(rest) = line.strip_prefix("agentsnoop ") else { continue };
        // What stands behind is for the reader, or another program.
        let words = rest.split("  ").next().and_then(|words| words.split(" | ").next()).expect("words");
        // The folder of a service stands for one of recordings.
        let words = words.replace("/var/log/agentsnoop", ".");
        let mut shell = Command::new("sh");
        shell.current_dir(&folder).args(["-c", &format!("\"$0\" {words}")]).arg(&agentsnoop);
        let output = shell.output().expect("a shell");
        // Steps want a terminal, which is another test's.
        let is_step = line.contains("--step");
        assert_eq!(output.status.code(), Some(if is_step { 2 } else { 0 }), "{line}: {}", stderr(&output));
        for made in ["out.db", "out.jsonl", "all.db"] {
            let _ = fs::remove_file(folder.path().join(made));
        }
        tried += 1;
    }
    assert!(tried >= 24, "{tried} examples");
}
