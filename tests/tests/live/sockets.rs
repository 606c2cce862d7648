//! socket, bind, listen, accept.

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::Value;

use crate::harness::{Seen, expect, observe, trial};

pub(crate) mod calls;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a server is seen to bind, listen and accept, with its own port and that of the peer", server),
        trial("a unix server is seen with its path", unix),
        trial("a bind that fails says so", fails),
        trial("a socket that a seccomp filter denies is seen, one that it lets pass is not", denied),
        trial("a raw socket is seen", raw),
    ]
}

/// The only record of a kind.
fn one<'a>(seen: &'a Seen, kind: &str) -> Result<&'a Value> {
    let found = seen.kind(kind);
    ensure!(found.len() == 1, "{} records of kind {kind}: {found:#?}", found.len());
    Ok(found[0])
}

fn server() -> Result<()> {
    for (family, address) in [("ipv4", "127.0.0.1"), ("ipv6", "::1")] {
        let seen = observe(&["sockets", "serve", family])?;
        let said = seen.stdout();
        let mut ports = said.split_whitespace().map(str::parse::<u16>);
        let port = ports.next().context("no port of the server")??;
        let peer = ports.next().context("no port of the client")??;

        let bind = one(&seen, "bind")?;
        expect(bind, "/bind/family", family)?;
        expect(bind, "/bind/address", address)?;
        expect(bind, "/bind/port", 0)?;
        expect(bind, "/bind/local_port", port)?;
        expect(bind, "/bind/protocol", "tcp")?;
        expect(bind, "/bind/result", 0)?;
        let listen = one(&seen, "listen")?;
        expect(listen, "/listen/address", address)?;
        expect(listen, "/listen/port", port)?;
        let connection = bind.pointer("/bind/connection").context("the bound socket has no inode")?;
        expect(listen, "/listen/connection", connection.clone())?;
        // Both calls were given no room for the peer's address.
        let accepts = seen.kind("accept");
        ensure!(accepts.len() == 2, "{accepts:#?}");
        for accept in &accepts {
            expect(accept, "/accept/address", address)?;
            expect(accept, "/accept/local_address", address)?;
            expect(accept, "/accept/local_port", port)?;
            ensure!(accept.pointer("/accept/connection") != Some(connection), "{accept:#}");
        }
        expect(accepts[0], "/accept/port", peer)?;
        ensure!(accepts[0]["accept"]["connection"] != accepts[1]["accept"]["connection"], "{accepts:#?}");
        seen.is_whole()?;
    }
    Ok(())
}

fn unix() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("server").display().to_string();
    let seen = observe(&["sockets", "serve-unix", &path])?;
    for kind in ["bind", "listen", "accept"] {
        let record = one(&seen, kind)?;
        expect(record, &format!("/{kind}/path"), path.as_str())?;
        expect(record, &format!("/{kind}/family"), "unix")?;
        expect(record, &format!("/{kind}/protocol"), "stream")?;
    }
    seen.is_whole()
}

fn fails() -> Result<()> {
    let seen = observe(&["sockets", "bind-twice"])?;
    let binds = seen.kind("bind");
    ensure!(binds.len() == 2, "{binds:#?}");
    expect(binds[0], "/bind/result", 0)?;
    expect(binds[1], "/bind/error", "EADDRINUSE")?;
    expect(binds[1], "/bind/port", binds[0]["bind"]["local_port"].clone())
}

fn denied() -> Result<()> {
    let seen = observe(&["sockets", "denied"])?;
    let calls: Vec<_> = seen.kind("attention").into_iter().filter(|it| it["attention"]["call"] == "socket").collect();
    ensure!(calls.len() == 1, "{calls:#?}");
    expect(calls[0], "/seccomp", true)?;
    expect(calls[0], "/attention/error", "EPERM")?;
    expect(calls[0], "/attention/detail", "ipv4 stream")?;
    seen.is_whole()
}

fn raw() -> Result<()> {
    let seen = observe(&["sockets", "raw"])?;
    let calls: Vec<_> = seen.kind("attention").into_iter().filter(|it| it["attention"]["call"] == "socket").collect();
    ensure!(calls.len() == 2, "{calls:#?}");
    expect(calls[0], "/attention/detail", "ipv4 raw")?;
    expect(calls[1], "/attention/detail", "packet dgram")
}
