//! What the kernel gives, as other tools get it.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use rusqlite::Connection;
use serde_json::Value;

use crate::harness::{Observation, agentsnoop, once, own_program, text};

pub(crate) fn trials() -> Vec<Trial> {
    vec![once("every kind of call is exported as the schema says, and all of it is in the database", every_kind)]
}

/// Kinds of records that every observation of [`every_kind`] has.
const KINDS: [&str; 25] = [
    "fork",
    "exec",
    "exit",
    "identity",
    "open",
    "readlink",
    "stat",
    "rename",
    "link",
    "symlink",
    "unlink",
    "mkdir",
    "chmod",
    "chown",
    "truncate",
    "connect",
    "bind",
    "listen",
    "accept",
    "traffic",
    "getenv",
    "metadata",
    "attention",
    "session",
    "coverage",
];

fn every_kind() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let own = own_program()?.display().to_string();
    let calls = folder.path().join("calls");
    std::fs::create_dir(&calls)?;
    let script = format!(
        "'{own}' trigger each-call '{}'; '{own}' trigger secure-getenv HOME; uname -a; setsid true",
        calls.display()
    );
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    let lines = agentsnoop().args(["export", "--format", "jsonl"]).arg(&seen.file).output()?;
    ensure!(lines.status.success(), "export ended with {}: {}", lines.status, text(&lines.stderr));
    let schema: Value = serde_json::from_str(include_str!("../../../docs/schema/record.json"))?;
    let validator = jsonschema::options().should_validate_formats(true).build(&schema)?;
    let mut kinds = BTreeMap::new();
    for line in text(&lines.stdout).lines() {
        let record: Value = serde_json::from_str(line)?;
        let wrong: Vec<String> = validator.iter_errors(&record).map(|error| error.to_string()).collect();
        ensure!(wrong.is_empty(), "{wrong:#?}\n{record:#}");
        *kinds.entry(record["kind"].as_str().context("a record without a kind")?.to_owned()).or_insert(0i64) += 1;
    }
    let missing: Vec<_> = KINDS.iter().filter(|kind| !kinds.contains_key(**kind)).collect();
    ensure!(missing.is_empty(), "no record of {missing:?}; there are {kinds:?}");
    let database = folder.path().join("out.db");
    let made =
        agentsnoop().args(["export", "--format", "sqlite", "--output"]).args([&database, &seen.file]).output()?;
    ensure!(made.status.success(), "export ended with {}: {}", made.status, text(&made.stderr));
    let connection = Connection::open(&database)?;
    for (kind, count) in kinds {
        let query = format!("SELECT count(*) FROM {kind} JOIN records USING (record) WHERE records.kind = '{kind}'");
        let found: i64 = connection.query_row(&query, [], |row| row.get(0))?;
        ensure!(found == count, "{found} records of {kind} in the database and {count} in JSON");
    }
    let sound: i64 = connection.query_row("SELECT complete AND balanced FROM recording", [], |row| row.get(0))?;
    ensure!(sound == 1, "the recording does not add up");
    Ok(())
}
