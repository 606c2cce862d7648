//! Names in the first bytes of streams.

use std::io::{Read, Write};
use std::net::TcpListener;

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use super::hello::PRIVATE;
use crate::harness::{Observation, Seen, expect, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("the server name of a ClientHello is seen, wherever its extension stands", server_names),
        trial("a hello without a server name and bytes that only begin like one name nothing", no_name),
        trial("the Host field of a request is seen, and nothing that a body says", hosts),
        trial("a name that is cut by the end of a call is not half told", cut),
        trial("the target of a CONNECT is seen, and the name inside the tunnel", connect),
        trial("a name that is too long says that it is cut", long),
    ]
    .into_iter()
    .chain([openssl_trial()])
    .collect()
}

/// Where there is no openssl, as in the small virtual machines, the test is skipped under a name that says so.
fn openssl_trial() -> Trial {
    if std::process::Command::new("openssl").arg("version").output().is_ok() {
        trial("the hello of openssl shows its server name", openssl)
    } else {
        trial("the hello of openssl shows its server name (skipped: there is no openssl)", openssl)
            .with_ignored_flag(true)
    }
}

/// Observes what the trigger sends to a server that answers the first bytes.
fn sent(how: &str) -> Result<Seen> {
    let (port, server) = serve()?;
    let seen = Observation::trigger(&["traffic", "name", &port, how])?.run()?;
    ensure!(seen.output.status.success(), "{}", seen.stderr());
    server.join().ok().context("the server failed")??;
    only_names(&seen)?;
    seen.is_whole()?;
    Ok(seen)
}

fn serve() -> Result<(String, std::thread::JoinHandle<Result<()>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port().to_string();
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept()?;
        let mut room = [0; 4096];
        if stream.read(&mut room)? > 0 {
            // Whoever asked for nothing may be gone.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        }
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut Vec::new());
        Ok(())
    });
    Ok((port, server))
}

/// No other byte of the stream is in any record.
fn only_names(seen: &Seen) -> Result<()> {
    let network = seen.records.iter().filter(|record| record["kind"] != "exec");
    for record in network {
        ensure!(!record.to_string().contains(PRIVATE), "content has left the kernel half: {record:#}");
    }
    Ok(())
}

/// Fails unless exactly these names, with their sources, were seen.
fn names(seen: &Seen, expected: &[(&str, &str)]) -> Result<()> {
    let found: Vec<_> = seen.kind("name").into_iter().map(|it| &it["name"]).collect();
    let pairs: Vec<_> = found.iter().map(|it| (it["name"].as_str(), it["name_source"].as_str())).collect();
    let expected: Vec<_> = expected.iter().map(|(name, source)| (Some(*name), Some(*source))).collect();
    ensure!(pairs == expected, "{pairs:?} and not {expected:?}");
    for name in found {
        ensure!(name["address"] == "127.0.0.1" && name["port"].is_u64() && name["connection"].is_u64(), "{name:#}");
    }
    Ok(())
}

fn server_names() -> Result<()> {
    for (how, name) in
        [("sni", "sni.example.test"), ("sni-large", "large.example.test"), ("sni-parts", "parts.example.test")]
    {
        let seen = sent(how)?;
        names(&seen, &[(name, "sni")]).context(how)?;
        // What follows on the connection carries the name.
        let last = seen.kind("traffic").into_iter().rfind(|it| it["traffic"]["direction"] == "sent");
        let last = last.context("nothing was sent")?;
        expect(last, "/traffic/name", name)?;
        expect(last, "/traffic/name_source", "sni")?;
    }
    Ok(())
}

fn no_name() -> Result<()> {
    for how in ["no-sni", "not-a-hello", "other"] {
        names(&sent(how)?, &[]).context(how)?;
    }
    Ok(())
}

fn hosts() -> Result<()> {
    names(&sent("http")?, &[("http.example.test:8080", "http_host")])?;
    names(&sent("http-none")?, &[])
}

fn cut() -> Result<()> {
    names(&sent("http-cut")?, &[])
}

fn connect() -> Result<()> {
    names(&sent("connect")?, &[("proxied.example.test:443", "connect_host"), ("inner.example.test", "sni")])
}

fn long() -> Result<()> {
    let seen = sent("long")?;
    let found = seen.kind("name");
    ensure!(found.len() == 1, "{found:#?}");
    expect(found[0], "/name/name", "a".repeat(256))?;
    expect(found[0], "/name/name_state", "cut")
}

fn openssl() -> Result<()> {
    let (port, server) = serve()?;
    let to = format!("127.0.0.1:{port}");
    let command = ["openssl", "s_client", "-connect", &to, "-servername", "openssl.example.test"];
    let seen = Observation::command(&command).run()?;
    server.join().ok().context("the server failed")??;
    names(&seen, &[("openssl.example.test", "sni")])
}
