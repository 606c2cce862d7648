//! What each script does, whichever agent carries it out.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::session::{Session, argv};

/// Where the model server of the bench listens.
const PORT: u16 = 8399;

/// The two shell calls of `default.json`. Gives the exec of the `cat` that reads the credentials.
pub(super) fn default_script(session: &Session) -> Result<&Value> {
    let notes = session.exec(&["cat", "notes.txt"])?;
    session.open_by(notes, "/project/notes.txt", "read")?;
    session.exec(&["git", "status"])?;
    let cat = session.exec(&["cat", "/.aws/credentials"])?;
    session.open_by(cat, "/.aws/credentials", "read")?;
    let reads = session.opens("/.aws/credentials").filter(|open| open["open"]["access"] == "read").count();
    ensure!(reads == 1, "the credentials were read {reads} times");
    for words in [&["sort"][..], &["date"], &["env"]] {
        session.exec(words)?;
    }
    let env = session.exec(&["cat", ".env"])?;
    session.open_by(env, "/project/.env", "read")?;
    let list = session.opens("/project/env-of-tool.txt").find(|open| open["open"]["access"] == "write");
    ensure!(list.is_some(), "env-of-tool.txt was not written");
    let generated = session.opens("").find(|open| {
        let path = open["open"]["path"].as_str().unwrap_or_default();
        path.contains("/project/generated.txt") && open["open"]["access"] != "read" && open["open"]["access"] != "path"
    });
    ensure!(generated.is_some(), "generated.txt was not written");
    Ok(cat)
}

/// curl of the first call reached the model server.
pub(super) fn curl_connects(session: &Session) -> Result<()> {
    let curl = session.exec(&["curl", "-s"])?;
    let found = session
        .by(curl, "connect")
        .any(|connect| connect["connect"]["address"] == "127.0.0.1" && connect["connect"]["port"] == PORT);
    ensure!(found, "curl did not connect to the model server");
    let host = session.by(curl, "name").find(|name| name["name"]["name_source"] == "http_host");
    let host = host.context("the host that curl asked for was not seen")?;
    ensure!(host["name"]["name"].as_str().is_some_and(|name| name.starts_with("127.0.0.1")), "{host:#}");
    let sent = session
        .by(curl, "traffic")
        .any(|traffic| traffic["traffic"]["direction"] == "received" && traffic["traffic"]["bytes"].as_u64() > Some(0));
    ensure!(sent, "curl received nothing");
    Ok(())
}

/// The child that outlives the third call: it sleeps, and a second later it wrote late.txt; or it was killed at the end of
/// the call, when it need not have come to its sleep.
pub(super) fn late_child(session: &Session, writes: bool) -> Result<()> {
    if writes {
        session.exec(&["sleep", "1"])?;
    }
    let late = session.opens("/project/late.txt").find(|open| open["open"]["access"] == "write");
    ensure!(late.is_some() == writes, "late.txt: {late:#?}");
    Ok(())
}

/// `daemon.json`: a daemon of its own session, an orphan, and two calls at once.
pub(super) fn daemon_script(session: &Session, orphan_lives: bool) -> Result<()> {
    let daemon = session.opens("/project/daemon.txt").next().context("the daemon did not write daemon.txt")?;
    ensure!(daemon["open"]["access"] == "write", "{daemon:#}");
    let orphan = session.opens("/project/orphan.txt").next();
    ensure!(orphan.is_some() == orphan_lives, "orphan.txt: {orphan:#?}");
    let (first, second) = (session.exec(&["cat", "notes.txt"])?, session.exec(&["cat", "README.md"])?);
    session.open_by(first, "/project/notes.txt", "read")?;
    session.open_by(second, "/project/README.md", "read")?;
    let naps: Vec<&Value> = session.execs(&["sleep", "0.3"]).collect();
    ensure!(naps.len() == 2, "{} parallel calls sleep", naps.len());
    let end = session.by(naps[0], "exit").next().context("the first call's sleep has no end")?;
    let overlap = naps[1]["boot_ns"].as_u64() < end["boot_ns"].as_u64();
    ensure!(overlap, "the two calls did not run at the same time");
    Ok(())
}

/// `heavy.json`: each file that grep must open was opened, the five hundred programs were run, the interpreters too.
/// `loops` is how many of the five hundred an agent runs: one refuses the loop.
pub(super) fn heavy_script(session: &Session, grep: &[&str], find: &[&str], loops: usize) -> Result<()> {
    let grep = session.exec(grep)?;
    let mut opened = std::collections::BTreeSet::new();
    opened.extend(session.by(grep, "open").filter_map(|open| open["open"]["path"].as_str()));
    let mut expected = Vec::new();
    files_below(Path::new("/usr/include"), &mut expected)?;
    if argv(grep)[0].ends_with("grep") && !argv(grep).contains(&"--ignore-files") {
        let missing: Vec<_> = expected.iter().filter(|file| !opened.contains(file.as_str())).take(3).collect();
        ensure!(missing.is_empty(), "of {} files grep did not open {missing:?}", expected.len());
    } else {
        ensure!(opened.iter().any(|path| path.starts_with("/usr/include/")), "nothing below /usr/include was opened");
    }
    session.exec(find)?;
    let ran = session.execs(&["/bin/true"]).count();
    ensure!(ran == loops, "/bin/true ran {ran} times, and not {loops}");
    session.exec(&["python3", "-c", "import json,urllib.request,asyncio"])?;
    session.exec(&["node", "-e", "0"])?;
    session.exec(&["node", "/npm", "--version"])?;
    Ok(())
}

/// The regular files below a folder, without following links.
fn files_below(folder: &Path, files: &mut Vec<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files_below(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path().display().to_string());
        }
    }
    Ok(())
}
