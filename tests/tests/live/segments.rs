//! Recordings of several files.

use std::path::{Path, PathBuf};
use std::process::Child;

use anyhow::{Context as _, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Killed, agentsnoop, expect, once, query, verify, wait_for, wait_until_closed};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        once("each segment of a recording can be read alone, and all together tell what one file would", alone),
        once("the oldest segments are removed beyond the bound, which the recording tells", bounded),
    ]
}

/// An agentsnoop that records a shell which reads a file again and again until it is gone, with rests that keep a busy
/// machine from losing events.
fn recording(file: &Path, opened: &Path, options: &[&str]) -> Result<Child> {
    let script = format!("while [ -e {0} ]; do cat {0}; sleep 0.02; done", opened.display());
    let mut run = agentsnoop();
    run.args(["run", "--quiet", "--record"]).arg(file).args(options).args(["--", "sh", "-c", &script]);
    run.spawn().context("cannot start agentsnoop")
}

fn segment(first: &Path, number: u32) -> PathBuf {
    first.with_file_name(format!("out.{number:04}.rec"))
}

fn ended(mut run: Killed, opened: &Path) -> Result<()> {
    std::fs::remove_file(opened)?;
    wait_for("the run to end", || Ok(run.0.try_wait()?.is_some()))?;
    // The last cat may have come too late.
    let code = run.0.wait()?.code();
    ensure!(code == Some(0) || code == Some(1), "the run ended with {code:?}");
    Ok(())
}

fn alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (first, opened) = (folder.path().join("out.rec"), folder.path().join("opened"));
    std::fs::write(&opened, "")?;
    let run = Killed(recording(&first, &opened, &["--segment-age", "1s"])?);
    wait_for("the third segment", || Ok(segment(&first, 2).exists()))?;
    ended(run, &opened)?;
    let mut files = vec![first.clone()];
    files.extend((1..).map(|number| segment(&first, number)).take_while(|file| file.exists()));
    let last = files.last().context("no file")?;
    wait_until_closed(last)?;
    let path = opened.display().to_string();
    let (mut ids, mut opens, mut session) = (Vec::new(), 0, None);
    for (number, file) in files.iter().enumerate() {
        let verdict = verify(file)?;
        ensure!(verdict["ok"] == true && verdict["lost"] == 0, "segment {number}: {verdict:#}");
        let records = query(file, &[])?;
        ids.extend(records.iter().filter_map(|record| record["id"].as_str().map(str::to_owned)));
        opens += records.iter().filter(|record| record["kind"] == "open").count() as u64;
        // The process began in the first segment, and each of them knows it.
        let of_file = |record: &&Value| record["open"]["path"] == path;
        let Some(open) = records.iter().find(of_file) else { continue };
        expect(open, "/process/comm", "cat")?;
        let own = session.get_or_insert_with(|| open["agent"].clone());
        ensure!(open["agent"] == *own && own["name"] == "command", "segment {number}: {open:#}");
    }
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == count, "{} of {count} records have an id of another one", count - ids.len());
    // The counts of the last segment are of the whole observation.
    expect(&verify(last)?, "/ledger/recorded_by_kind/open", opens)?;
    let of_folder = query(folder.path(), &["--kind", "open"])?.len() as u64;
    ensure!(of_folder == opens, "a query of the folder finds {of_folder} opens, those of the files {opens}");
    let all = agentsnoop().arg("verify").arg(folder.path()).output()?;
    let said = String::from_utf8_lossy(&all.stderr);
    ensure!(all.status.code() == Some(0), "verify of the folder ended with {}: {said}", all.status);
    let noted = said.matches("whose chain has the head that was noted").count();
    ensure!(noted + 1 == files.len(), "{} files: {said}", files.len());
    Ok(())
}

fn bounded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (first, opened) = (folder.path().join("out.rec"), folder.path().join("opened"));
    std::fs::write(&opened, "")?;
    // What is no recording of this observation is not ours to remove.
    let other = folder.path().join("other.rec");
    std::fs::copy(Path::new("/etc/hostname"), &other)?;
    let run = Killed(recording(&first, &opened, &["--segment-age", "1s", "--keep-size", "64Ki"])?);
    wait_for("the first segment to be removed", || Ok(segment(&first, 1).exists() && !first.exists()))?;
    ended(run, &opened)?;
    let left: Vec<PathBuf> = (1..64).map(|number| segment(&first, number)).filter(|file| file.exists()).collect();
    let last = left.last().context("nothing is left")?;
    wait_until_closed(last)?;
    let removed: Vec<Value> = left
        .iter()
        .map(|file| verify(file))
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flat_map(|verdict| verdict["segment"]["removed"].as_array().cloned().unwrap_or_default())
        .collect();
    ensure!(removed.contains(&Value::from("out.rec")), "removed are {removed:?}");
    ensure!(other.exists(), "a file that is no recording was removed");
    Ok(())
}
