//! What the documents claim of the tests.

use std::fs;
use std::path::{Path, PathBuf};

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
