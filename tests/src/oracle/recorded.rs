//! What agentsnoop recorded of the processes that strace traced.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::compare::Side;
use super::families;
use super::trace::Trace;

/// The events of a recording of `agentsnoop run -- strace … COMMAND`, but for those of strace itself: its own, those of
/// the children that it makes to find out what ptrace can do, and those of the child that becomes the command until it
/// has. What is left is what the traced processes did, and whatever else agentsnoop took for theirs.
///
/// # Errors
/// Where the recording shows no strace.
pub fn events(records: &[Value], trace: &Trace) -> Result<Side> {
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    let execs = records.iter().filter(|record| record["kind"] == "exec");
    let tracer = execs.map(|exec| &exec["process"]["pid"]).find_map(number).context("the recording shows no strace")?;
    let mut own = BTreeSet::from([tracer]);
    let mut becoming = BTreeSet::new();
    let mut side = Side::default();
    for record in records {
        let (Some(process), Some(thread)) = (number(&record["process"]["pid"]), number(&record["process"]["tid"]))
        else {
            continue;
        };
        let kind = record["kind"].as_str().unwrap_or_default();
        let body = &record[kind];
        if process == tracer
            && kind == "fork"
            && let Some(child) = number(&body["child_pid"])
        {
            if trace.threads.contains_key(&child) {
                becoming.insert(child)
            } else {
                own.insert(child)
            };
        }
        if kind == "exec" {
            becoming.remove(&process);
        }
        if own.contains(&process) || becoming.contains(&process) {
            continue;
        }
        if let Some(event) = families::of_record(record) {
            side.add(process, thread, event);
        }
    }
    Ok(side)
}
