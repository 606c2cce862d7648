//! Bursts of sending and receiving.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Observation, Seen, expect, judge, observe, trial};

pub(crate) mod calls;
pub(crate) mod hello;
pub(crate) mod names;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the bursts of each call that sends or receives sum up to what the calls returned", sums),
        trial("a call whose descriptor is closed meanwhile is counted, and said at the end", closed_meanwhile),
        trial("a call that sends as many messages as the kernel takes is counted to the byte", messages),
        trial("the bursts of several threads on one socket sum up to what they sent and received", threads),
        trial("more sockets than a thread has places for lose no byte", many),
        trial("a burst ends where the direction turns", turns),
        trial("datagrams to two peers from one socket are told apart", peers),
        trial("what is only looked at is not received", peek),
        trial("a burst ends at an exec, before it", exec),
        trial("a burst that is under way when the observation ends is told", left),
        trial("reads and writes of files and pipes are no traffic", no_socket),
        trial("a burst that rests is told while the process goes on", resting),
    ]
}

/// Bytes by connection and direction, of bursts that are over.
fn totals(seen: &Seen) -> Result<BTreeMap<(u64, String), u64>> {
    let mut totals = BTreeMap::new();
    for traffic in over(seen) {
        let connection = traffic["connection"].as_u64().context("no connection")?;
        let direction = traffic["direction"].as_str().context("no direction")?.to_owned();
        let bytes = traffic["bytes"].as_u64().context("no bytes")?;
        ensure!(traffic["calls"].as_u64() > Some(0) && bytes > 0, "{traffic:#}");
        ensure!(traffic["started"].as_u64() <= traffic["ended"].as_u64(), "{traffic:#}");
        *totals.entry((connection, direction)).or_default() += bytes;
    }
    Ok(totals)
}

/// The bodies of the bursts that are over.
fn over(seen: &Seen) -> Vec<&Value> {
    let bodies = seen.kind("traffic").into_iter().map(|record| &record["traffic"]);
    bodies.filter(|body| body["ended"].is_u64()).collect()
}

/// What the trigger says that it moved: lines of connection, direction, bytes and what it did.
fn said(seen: &Seen) -> Result<BTreeMap<(u64, String), (u64, String)>> {
    let mut said = BTreeMap::new();
    for line in seen.stdout().lines() {
        let words: Vec<_> = line.splitn(4, ' ').collect();
        let [connection, direction, bytes, how] = words[..] else { anyhow::bail!("the trigger said {line}") };
        said.insert((connection.parse()?, direction.to_owned()), (bytes.parse()?, how.to_owned()));
    }
    ensure!(!said.is_empty(), "the trigger said nothing: {}", seen.stderr());
    Ok(said)
}

/// Fails unless exactly what the trigger says was recorded.
fn agree(seen: &Seen) -> Result<()> {
    let (found, said) = (totals(seen)?, said(seen)?);
    for (key, (bytes, how)) in &said {
        ensure!(found.get(key) == Some(bytes), "{how}: {bytes} bytes, recorded are {:?}", found.get(key));
    }
    let more: Vec<_> = found.iter().filter(|(key, _)| !said.contains_key(key)).collect();
    ensure!(more.is_empty(), "recorded and not done: {more:?}");
    seen.is_whole()
}

fn sums() -> Result<()> {
    let seen = observe(&["traffic", "each-call"])?;
    ensure!(seen.stdout().lines().count() == 2 * (calls::SENDING.len() + calls::RECEIVING.len()), "{}", seen.stdout());
    agree(&seen)
}

fn closed_meanwhile() -> Result<()> {
    let seen = observe(&["traffic", "closed-meanwhile"])?;
    ensure!(seen.output.status.success(), "the trigger said: {}", seen.stderr());
    ensure!(seen.stderr().contains("1 calls that may have sent or received are not recorded"), "{}", seen.stderr());
    Ok(())
}

fn messages() -> Result<()> {
    judge(&["traffic", "messages"], agree)
}

fn threads() -> Result<()> {
    judge(&["traffic", "threads"], agree)
}

fn many() -> Result<()> {
    judge(&["traffic", "many"], agree)
}

fn turns() -> Result<()> {
    let seen = observe(&["traffic", "turns"])?;
    // The answer is sent by a child.
    let root = seen.records.iter().find_map(|record| record["agent"]["root_pid"].as_u64()).context("no root")?;
    let own = |record: &&Value| record["process"]["pid"].as_u64() == Some(root);
    let own: Vec<_> = seen.kind("traffic").into_iter().filter(own).map(|record| &record["traffic"]).collect();
    let bursts = own.iter().filter(|it| it["ended"].is_u64());
    let shape: Vec<_> =
        bursts.map(|it| (it["direction"].as_str(), it["bytes"].as_u64(), it["calls"].as_u64())).collect();
    let (sent, received) = (Some("sent"), Some("received"));
    ensure!(shape == [(sent, Some(30), Some(2)), (received, Some(7), Some(1)), (sent, Some(5), Some(1))], "{shape:?}");
    // The first burst that is sent to an IP address is told when it begins.
    let begun: Vec<_> = own.iter().filter(|it| it["ended"].is_null()).collect();
    ensure!(begun.len() == 1, "{begun:#?}");
    expect(begun[0], "/bytes", 10)?;
    expect(begun[0], "/address", "127.0.0.1")?;
    expect(begun[0], "/protocol", "tcp")
}

fn peers() -> Result<()> {
    let seen = observe(&["traffic", "peers"])?;
    let ports: Vec<u64> = seen.stdout().split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [sender, one, other] = ports[..] else { anyhow::bail!("the trigger said {ports:?}") };
    let bursts: Vec<_> = over(&seen)
        .into_iter()
        .map(|it| (it["direction"].as_str(), it["port"].as_u64(), it["bytes"].as_u64()))
        .collect();
    for expected in [
        (Some("sent"), Some(one), Some(6)),
        (Some("sent"), Some(other), Some(4)),
        (Some("received"), Some(sender), Some(6)),
        (Some("received"), Some(sender), Some(4)),
    ] {
        ensure!(bursts.contains(&expected), "{expected:?} is not among {bursts:?}");
    }
    ensure!(bursts.len() == 4, "{bursts:?}");
    ensure!(over(&seen).iter().all(|it| it["protocol"] == "udp" && it["address"] == "127.0.0.1"), "{bursts:?}");
    Ok(())
}

fn peek() -> Result<()> {
    judge(&["traffic", "peek"], agree)
}

fn exec() -> Result<()> {
    let seen = observe(&["traffic", "exec"])?;
    let at = |kind: &str, which: usize| {
        let mut found = seen.records.iter().enumerate().filter(|(_, record)| record["kind"] == kind);
        found.nth(which).map(|(at, _)| at).with_context(|| format!("no record {which} of kind {kind}"))
    };
    let (sent, second) = (at("traffic", 0)?, at("exec", 1)?);
    ensure!(sent < second, "the burst was told behind the exec: {sent} and {second}");
    ensure!(over(&seen).len() == 1, "{:#?}", over(&seen));
    seen.is_whole()
}

fn left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let fifo = folder.path().join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).context("cannot make a FIFO")?;
    let held = std::fs::OpenOptions::new().read(true).write(true).open(&fifo)?;
    let path = fifo.display().to_string();
    let seen = Observation::trigger(&["traffic", "outlive", &path])?.options(&["--linger", "0"]).run()?;
    drop(held);
    agree(&seen)
}

fn no_socket() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("file").display().to_string();
    let script = format!("echo text > {path}; cat {path} | cat | wc -c");
    let seen = Observation::command(&["sh", "-c", &script]).run()?;
    ensure!(seen.kind("traffic").is_empty(), "{:#?}", seen.kind("traffic"));
    ensure!(seen.stdout().trim() == "5", "{}", seen.stdout());
    seen.is_whole()
}

/// The trigger sends, and waits until this test, which reads the lines that `run` writes meanwhile, has seen the burst.
fn resting() -> Result<()> {
    use crate::harness::{Killed, agentsnoop, own_program, wait_for};
    use std::process::Stdio;
    let folder = tempfile::tempdir()?;
    let (file, lines) = (folder.path().join("test.rec"), folder.path().join("lines"));
    let mut child = agentsnoop();
    child
        .arg("run")
        .arg("--record")
        .arg(&file)
        .arg(format!("--lines={}", lines.display()))
        .arg("--")
        .arg(own_program()?);
    child.args(["trigger", "traffic", "wait"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Killed(child.spawn()?);
    wait_for("the burst to be told while the process waits", || {
        let said = std::fs::read_to_string(&lines).unwrap_or_default();
        Ok(said.lines().any(|line| line.contains("traffic") && line.contains("sent 12 bytes")))
    })?;
    ensure!(child.0.try_wait()?.is_none(), "the process did not wait");
    drop(child.0.stdin.take());
    child.0.wait()?;
    Ok(())
}
