//! connect.

use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixListener;

use anyhow::{Result, ensure};
use libtest_mimic::Trial;

use crate::harness::{expect, observe, trial};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a connection over IPv4 is seen with address, port and result", ipv4),
        trial("a refused connection says so", refused),
        trial("a connection over IPv6 is seen with its address", ipv6),
        trial("a unix socket is seen with its path, an abstract one with its name", unix),
        trial("a connection that is begun without blocking says so", nonblocking),
        trial("a datagram socket is told apart from a stream", udp),
    ]
}

fn ipv4() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let seen = observe(&["connect", "ipv4", &port.to_string()])?;
    let connect = seen.only("connect", "/connect/address", "127.0.0.1")?;
    expect(connect, "/connect/port", port)?;
    expect(connect, "/connect/family", "ipv4")?;
    expect(connect, "/connect/result", 0)?;
    expect(connect, "/connect/protocol", "tcp")?;
    seen.is_whole()
}

fn refused() -> Result<()> {
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let seen = observe(&["connect", "ipv4", &port.to_string()])?;
    let connect = seen.only("connect", "/connect/address", "127.0.0.1")?;
    expect(connect, "/connect/port", port)?;
    expect(connect, "/connect/error", "ECONNREFUSED")
}

fn ipv6() -> Result<()> {
    let listener = TcpListener::bind("[::1]:0")?;
    let port = listener.local_addr()?.port();
    let seen = observe(&["connect", "ipv6", &port.to_string()])?;
    let connect = seen.only("connect", "/connect/address", "::1")?;
    expect(connect, "/connect/port", port)?;
    expect(connect, "/connect/family", "ipv6")?;
    expect(connect, "/connect/result", 0)
}

fn unix() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("socket").display().to_string();
    let listener = UnixListener::bind(&path)?;
    let seen = observe(&["connect", "unix", &path])?;
    expect(seen.only("connect", "/connect/path", &path)?, "/connect/result", 0)?;
    drop(listener);
    let seen = observe(&["connect", "abstract", "agentsnoop-test"])?;
    let connect = seen.only("connect", "/connect/path", "@agentsnoop-test")?;
    expect(connect, "/connect/family", "unix")?;
    expect(connect, "/connect/error", "ECONNREFUSED")
}

fn nonblocking() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let seen = observe(&["connect", "nonblocking", &port.to_string()])?;
    let connect = seen.only("connect", "/connect/address", "127.0.0.1")?;
    let result = connect["connect"]["result"].as_i64();
    // On loopback the kernel may have finished before it answers.
    ensure!(result == Some(0) || connect["connect"]["error"] == "EINPROGRESS", "{connect:#}");
    expect(connect, "/connect/port", port)
}

fn udp() -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let port = socket.local_addr()?.port();
    let seen = observe(&["connect", "udp", &port.to_string()])?;
    let connect = seen.only("connect", "/connect/address", "127.0.0.1")?;
    expect(connect, "/connect/protocol", "udp")?;
    expect(connect, "/connect/port", port)
}
