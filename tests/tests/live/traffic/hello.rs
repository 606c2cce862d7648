//! The first bytes of streams, as programs send them.

use std::io::{IoSlice, Read, Write};
use std::net::TcpStream;

use anyhow::{Result, bail, ensure};

/// What stands in everything that is sent beside the name, and must stay in the kernel half.
pub(crate) const PRIVATE: &str = "PRIVATE-CONTENT";

/// Connects, sends, and waits for the end of the stream where the other end answers.
pub(crate) fn send(port: u16, how: &str) -> Result<()> {
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let request = |first: &str, host: &str| {
        format!(
            "{first} HTTP/1.1\r\nX-Before: {PRIVATE}\r\n{host}X-After: {PRIVATE}\r\n\r\n{PRIVATE}\nHost: {PRIVATE}\r\n"
        )
    };
    match how {
        "sni" => stream.write_all(&hello("sni.example.test", &[]))?,
        // The server name comes last, behind the key of a post-quantum key agreement: a hello of 1,900 bytes.
        "sni-large" => stream.write_all(&hello("large.example.test", &[300, 1216, 24, 0, 150]))?,
        "sni-parts" => {
            let hello = hello("parts.example.test", &[40]);
            let (first, second) = hello.split_at(60);
            ensure!(stream.write_vectored(&[IoSlice::new(first), IoSlice::new(second)])? == hello.len(), "short write");
        }
        "no-sni" => {
            let mut hello = hello("never.example.test", &[]);
            // Another extension in the place of the server name.
            let at = hello.windows(4).position(|bytes| bytes == [0, 0, 0, 23]).unwrap_or(0);
            hello[at] = 0x7a;
            stream.write_all(&hello)?;
        }
        "not-a-hello" => stream.write_all(format!("\x16\x03\x01{PRIVATE}{PRIVATE}{PRIVATE}{PRIVATE}").as_bytes())?,
        "http" => stream.write_all(request("GET /PRIVATE-CONTENT", "hOsT: \thttp.example.test:8080\r\n").as_bytes())?,
        "http-none" => stream.write_all(request("POST /", "").as_bytes())?,
        "http-cut" => {
            stream.write_all(b"GET / HTTP/1.1\r\nHost: cut.exam")?;
            stream.write_all(b"ple.test\r\n\r\n")?;
        }
        "connect" => {
            stream.write_all(request("CONNECT proxied.example.test:443", "Host: other.test\r\n").as_bytes())?;
            // The test answers, and the hello goes through the tunnel.
            ensure!(stream.read(&mut [0; 16])? > 0, "the proxy did not answer");
            stream.write_all(&hello("inner.example.test", &[]))?;
        }
        "long" => {
            let host = format!("Host: {}\r\n", "a".repeat(300));
            stream.write_all(request("GET /", &host).as_bytes())?;
        }
        "other" => stream.write_all(PRIVATE.as_bytes())?,
        other => bail!("no such stream: {other}"),
    }
    Ok(())
}

/// A ClientHello (RFC 8446) with extensions of so many bytes before the server name.
fn hello(name: &str, before: &[usize]) -> Vec<u8> {
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
    let mut extensions = Vec::new();
    for (at, bytes) in before.iter().enumerate() {
        extensions.extend(length(0x0a0a + at));
        extensions.extend(length(*bytes));
        extensions.extend(PRIVATE.bytes().cycle().take(*bytes));
    }
    let list = [&[0][..], &length(name.len()), name.as_bytes()].concat();
    extensions.extend([&[0, 0][..], &length(list.len() + 2), &length(list.len()), &list].concat());
    extensions.extend([&[0, 16][..], &length(PRIVATE.len()), PRIVATE.as_bytes()].concat());
    let random: Vec<u8> = PRIVATE.bytes().cycle().take(32).collect();
    let body = [
        &[3, 3][..],
        &random,
        &[32],
        &random,
        &[0, 4, 0x13, 1, 0x13, 2],
        &[1, 0],
        &length(extensions.len()),
        &extensions,
    ]
    .concat();
    let handshake = [&[1, 0][..], &length(body.len()), &body].concat();
    [&[0x16, 3, 1][..], &length(handshake.len()), &handshake].concat()
}
