//! Secrets in everything that is observed stand in nothing that comes out.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use agentsnoop_tests::samples::{Sample, secrets};
use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use monitor_common::limits::{ARGV_BYTES, ARGV_PART_BYTES};

use crate::harness::{Observation, Seen, agentsnoop, once, text, trial, verify};

/// Bytes of an argv that is carried whole, in several chunks.
const WHOLE: usize = ARGV_BYTES - 4096;

/// Bytes of an argv of which the head and the tail are carried.
const CUT: usize = 2 * ARGV_BYTES - 4096;

/// Bytes of a secret on the one side of a border.
const HALF: usize = 20;

/// Made up, in the form of a token of GitHub's; each half is unlike any other.
const HALVES: [(&str, &str); 3] = [
    ("_AcrossTheChunk12345", "BorderOfALongArgv678"),
    ("_AtTheEndOfTheHead12", "WhichIsNotInTheTail9"),
    ("_BeforeTheTailIsCut1", "AtTheBeginOfTheTail2"),
];

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("secrets in argv, paths, names and hosts stand in no recording, line, JSON, query or summary", seeded),
        once("a run without scrubbing is marked, and every reader says so", unscrubbed),
        once("rules of users mask as well, and a mistake in them is told before anything starts", own_rules),
    ]
}

fn secret(half: usize) -> String {
    let (left, right) = HALVES[half];
    // Apart, so that nobody's scanner takes this file for a leak.
    format!("{}{}{left}{right}", "gh", "p")
}

/// An argument of so many bytes with a secret across each border.
fn across(length: usize, borders: &[(usize, usize)]) -> String {
    let mut line = "a ".repeat(length.div_ceil(2));
    line.truncate(length);
    for (half, border) in borders {
        // A blank, the three letters that the halves lack, and a half.
        let start = border - HALF - 4;
        let secret = format!(" {} ", secret(*half));
        line.replace_range(start..start + secret.len(), &secret);
    }
    line
}

/// Does everything with each secret that can be done with it; a server on `port` is told of hosts.
pub(crate) fn trigger(port: &str) -> Result<()> {
    for Sample { secret, argv, alone, host, .. } in secrets()? {
        let (name, arguments) = argv.split_first().context("a sample without argv")?;
        Command::new("/bin/true").arg0(name).args(arguments).status().context("cannot run true")?;
        if alone {
            // That there are no such files is as well.
            let _ = std::fs::File::open(format!("/tmp/{secret}/opened"));
            let _ = std::fs::symlink_metadata(format!("/tmp/{secret}/looked-at"));
            crate::trigger::getenv(&secret, false)?;
        }
        if alone && host {
            let mut stream = TcpStream::connect(format!("127.0.0.1:{port}"))?;
            let request = format!("GET / HTTP/1.1\r\nHost: {secret}.exfil.test\r\n\r\n");
            // The name is looked for in the bytes of one call.
            stream.write_all(request.as_bytes())?;
        }
    }
    // argv[0] and its NUL come before the argument.
    let name = "long";
    let before = name.len() + 1;
    let tail = CUT - ARGV_PART_BYTES;
    for (length, borders) in [(WHOLE, vec![(0, ARGV_PART_BYTES)]), (CUT, vec![(1, ARGV_PART_BYTES), (2, tail)])] {
        let borders: Vec<_> = borders.into_iter().map(|(half, border)| (half, border - before)).collect();
        // The NUL behind the argument counts as well.
        let argument = across(length - before - 1, &borders);
        Command::new("/bin/true").arg0(name).arg(argument).status().context("cannot run true")?;
    }
    Ok(())
}

/// How many values each rule masks.
fn expected() -> Result<BTreeMap<String, u64>> {
    let mut counts = BTreeMap::new();
    for Sample { rule, alone, host, .. } in secrets()? {
        // argv; an open, a look and a look-up; a name.
        *counts.entry(rule).or_default() += 1 + if alone { 3 + u64::from(host) } else { 0 };
    }
    // The one that came whole, and the two halves on either side of what was cut out.
    *counts.entry("vcs-token".to_owned()).or_default() += 1;
    *counts.entry("cut".to_owned()).or_default() += 2;
    Ok(counts)
}

/// What must stand nowhere: each secret, and each half of those that were cut.
fn forbidden() -> Result<Vec<String>> {
    let halves = HALVES.iter().flat_map(|(left, right)| [(*left).to_owned(), (*right).to_owned()]);
    Ok(secrets()?.into_iter().map(|sample| sample.secret).chain(halves).collect())
}

fn serve() -> Result<(String, std::thread::JoinHandle<Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let streams = secrets()?.iter().filter(|sample| sample.alone && sample.host).count();
    let server = std::thread::spawn(move || {
        for stream in listener.incoming().take(streams) {
            stream?.read_to_end(&mut Vec::new())?;
        }
        Ok(())
    });
    Ok((port, server))
}

fn output(arguments: &[&str], file: &Path) -> Result<Vec<u8>> {
    let [verb, options @ ..] = arguments else { anyhow::bail!("no command") };
    let output = agentsnoop().arg(verb).arg(file).args(options).output().context("cannot run agentsnoop")?;
    ensure!(output.status.success(), "{arguments:?} ended with {}: {}", output.status, text(&output.stderr));
    Ok([output.stdout, output.stderr].concat())
}

fn seeded() -> Result<()> {
    let forbidden = forbidden()?;
    ensure!(secrets()?.len() >= 40, "{} samples", secrets()?.len());
    let folder = tempfile::tempdir()?;
    let json = folder.path().join("events.jsonl");
    let (port, server) = serve()?;
    let option = format!("--json={}", json.display());
    let seen = Observation::trigger(&["secrets", &port])?.options(&[&option]).run()?;
    ensure!(seen.output.status.success(), "{}", seen.stderr());
    server.join().ok().context("the server failed")??;
    let mut outputs = vec![
        ("the summary and standard error", seen.output.stderr.clone()),
        ("the JSON of the run", std::fs::read(&json)?),
    ];
    for (what, arguments) in [
        ("the inputs", &["verify", "--dump-inputs"][..]),
        ("the lines", &["replay"]),
        ("the JSON", &["replay", "--json"]),
        ("verify", &["verify"]),
        ("a query", &["query"]),
        ("a table", &["query", "--format", "csv", "--columns", "argv,path,var,about"]),
    ] {
        outputs.push((what, output(arguments, &seen.file)?));
    }
    for (what, bytes) in &outputs {
        let shown = text(bytes);
        for secret in &forbidden {
            let found = shown.find(secret.as_str());
            let before = found.map(|at| &shown[shown.floor_char_boundary(at.saturating_sub(80))..at]);
            ensure!(before.is_none(), "{secret} stands in {what} behind {before:?}");
        }
    }
    let counts: BTreeMap<String, u64> =
        serde_json::from_value(verify(&seen.file)?["ledger"]["masked_by_rule"].clone())?;
    ensure!(counts == expected()?, "{counts:#?}, not {:#?}", expected()?);
    let all: u64 = counts.values().sum();
    let told = seen.told("masked").context("the summary says nothing of it")?;
    ensure!(told.starts_with(&format!("{all} values (")), "{told}");
    seen.is_whole()
}

const PASSWORD: &str = "Hunter-2-and-3";

fn run_with_a_password(options: &[&str]) -> Result<Seen> {
    Observation::command(&["true", "--password", PASSWORD]).options(options).run()
}

fn holds(bytes: &[u8], what: &str) -> bool {
    text(bytes).contains(what)
}

fn unscrubbed() -> Result<()> {
    let seen = run_with_a_password(&["--no-scrub"])?;
    let inputs = output(&["verify", "--dump-inputs"], &seen.file)?;
    ensure!(holds(&inputs, PASSWORD), "it is scrubbed");
    let told = seen.told("secrets").context("the summary says nothing of it")?;
    ensure!(told.starts_with("not masked"), "{told}");
    ensure!(verify(&seen.file)?["ledger"]["unscrubbed"] == true, "verify says nothing of it");
    for (arguments, says) in [
        (&["verify"][..], "this recording is not scrubbed"),
        (&["replay"], "secrets are not masked here"),
        (&["query", "kind:exec"], "not scrubbed: secrets are in it as they were"),
        (&["replay", "--json"], r#""feature":"secrets","state":"unavailable""#),
    ] {
        let output = output(arguments, &seen.file)?;
        ensure!(holds(&output, says), "{arguments:?} does not say so: {}", text(&output));
    }
    let scrubbed = run_with_a_password(&[])?;
    ensure!(!holds(&output(&["verify", "--dump-inputs"], &scrubbed.file)?, PASSWORD), "it is not scrubbed");
    ensure!(verify(&scrubbed.file)?["ledger"]["unscrubbed"] == false, "verify says that it is not scrubbed");
    ensure!(scrubbed.told("masked").as_deref() == Some("1 value (1 option)"), "{}", scrubbed.stderr());
    Ok(())
}

fn own_rules() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (found, named) = (folder.path().join("agentsnoop/scrub.toml"), folder.path().join("named.toml"));
    std::fs::create_dir(folder.path().join("agentsnoop"))?;
    std::fs::write(&found, "[[rule]]\nid = \"badge\"\npattern = 'BADGE-[0-9]+'\n")?;
    std::fs::write(&named, "[[program]]\nid = \"own-tool\"\nnames = [\"true\"]\nusage = [\"-s <secret>\"]\n")?;
    let home = folder.path().to_str().context("an odd path")?;
    let option = named.to_str().context("an odd path")?;
    let seen = Observation::command(&["true", "BADGE-4711", "-s", "swordfish"])
        .options(&["--scrub-rules", option])
        .variable("XDG_CONFIG_HOME", home)
        .run()?;
    let exec = seen.kind("exec")[0]["exec"]["argv"].clone();
    ensure!(exec == serde_json::json!(["true", "[masked:badge]", "-s", "[masked:own-tool]"]), "{exec}");
    std::fs::write(&found, "[[rule]]\nid = \"badge\"\npattern = '('\n")?;
    let record = folder.path().join("none.rec");
    let refused = agentsnoop()
        .args(["run", "--record"])
        .arg(&record)
        .args(["--", "true"])
        .env("XDG_CONFIG_HOME", home)
        .output()?;
    let said = text(&refused.stderr);
    ensure!(refused.status.code() == Some(2) && !record.exists(), "it ended with {}: {said}", refused.status);
    let expected = format!("{}:3: rule `badge`: the pattern is no regular expression", found.display());
    ensure!(said.contains(&expected), "{said}");
    Ok(())
}
